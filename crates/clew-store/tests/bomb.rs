//! Files that were made to fill the machine: refused in bounded memory. In a test binary of its own, since it
//! watches the whole process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures are the result")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use clew_store::folder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const MIB: usize = 1 << 20;
/// The most that reading any of them may take.
const MOST_BYTES: usize = 64 * MIB;
const EVENTS: &str = "kind,customer_id,product_id,occurred_at\nview,c1,p1,2026-01-01\n";

/// A line of `/proc/self/status`, in bytes.
fn memory(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Reads a folder with this file of customers in it. Gives what was said, and by how much memory grew at the most.
fn read(name: &str, make: impl FnOnce(&Path)) -> (String, usize) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("events.csv"), EVENTS).unwrap();
    make(&dir.path().join(name));
    // Sets the peak to the present.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS");
    let said = match folder::read(dir.path(), None) {
        Ok((_, report)) => format!("{report:?}"),
        Err(error) => error.to_string(),
    };
    let grown = memory("VmHWM").saturating_sub(before);
    println!("{name}: {} MiB; {}", grown / MIB, said.chars().take(160).collect::<String>());
    (said, grown)
}

#[track_caller]
fn refused(name: &str, reason: &str, make: impl FnOnce(&Path)) {
    let (said, grown) = read(name, make);
    assert!(said.contains(reason), "{name}: {said}");
    assert!(grown <= MOST_BYTES, "{name}: {} MiB", grown / MIB);
}

/// A mebibyte of lines.
fn lines() -> Vec<u8> {
    b"c1,aaaaaaaaaaaaa\n".repeat(MIB / 17)
}

/// A Parquet file of these columns, each with one value in so many rows.
fn parquet(path: &Path, n_rows: usize, value: &str) {
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let batch = |n: usize| {
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["c1"; n]));
        let notes: ArrayRef = Arc::new(StringArray::from(vec![value; n]));
        RecordBatch::try_from_iter([("customer_id", ids), ("note", notes)]).unwrap()
    };
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch(0).schema(), Some(properties)).unwrap();
    for _ in 0..n_rows / 16 {
        writer.write(&batch(16)).unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn what_was_made_to_fill_the_machine_is_read_in_bounded_memory() {
    refused("customers.csv.gz", "unpacks to more than 200 times", |path| {
        let mut packer =
            flate2::write::GzEncoder::new(std::fs::File::create(path).unwrap(), flate2::Compression::best());
        packer.write_all(b"customer_id,note\n").unwrap();
        (0..512).for_each(|_| packer.write_all(&lines()).unwrap());
        packer.finish().unwrap();
    });
    refused("customers.csv.zst", "unpacks to more than 200 times", |path| {
        let mut packer = zstd::stream::write::Encoder::new(std::fs::File::create(path).unwrap(), 3).unwrap();
        packer.write_all(b"customer_id,note\n").unwrap();
        (0..1024).for_each(|_| packer.write_all(&lines()).unwrap());
        packer.finish().unwrap();
    });
    refused("customers.parquet.gz", "unpacks to more than 200 times", |path| {
        let mut packer =
            flate2::write::GzEncoder::new(std::fs::File::create(path).unwrap(), flate2::Compression::best());
        packer.write_all(b"PAR1").unwrap();
        (0..512).for_each(|_| packer.write_all(&vec![0; MIB]).unwrap());
        packer.finish().unwrap();
    });
    refused("customers.csv", "names 1000001 columns", |path| {
        std::fs::write(path, ",".repeat(1_000_000) + "\n").unwrap();
    });
    refused("customers.csv", "no header ends in it", |path| {
        std::fs::write(path, "a,".repeat(1_000_000) + "\n").unwrap();
    });
    refused("customers.ndjson", "a list within a list", |path| {
        let brackets = "[".repeat(1_000_000);
        std::fs::write(path, format!("{{\"customer_id\":\"c1\",\"x\":{brackets}\n")).unwrap();
    });
    refused("customers.parquet", "unpacks to more than 200 times", |path| {
        parquet(path, 256, &"a".repeat(MIB));
    });
}
