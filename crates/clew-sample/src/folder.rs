//! A sample as a folder of CSV files, written chunk by chunk: memory does not grow with the number of customers.
//!
//! Chunks are made and compressed side by side and appended in order; a gzip file of several members and a zstd file
//! of several frames are ordinary files of their kind.

pub(crate) mod csv;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use crate::campaign::Outcome;
use crate::error::{Error, Result};
use crate::shop::Shop;
use crate::truth;
use csv::Csv;

/// How the files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// `.csv`
    None,
    /// `.csv.gz`
    #[default]
    Gzip,
    /// `.csv.zst`
    Zstd,
}

impl Compression {
    fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    fn pack(self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(bytes),
            Self::Gzip => {
                let room = Vec::with_capacity(bytes.len() / 3);
                let mut packer = flate2::write::GzEncoder::new(room, flate2::Compression::fast());
                packer.write_all(&bytes)?;
                packer.finish()
            }
            Self::Zstd => zstd::bulk::compress(&bytes, 3),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The files, in the order of their names.
    pub files: Vec<PathBuf>,
    /// Rows of customers, products, campaigns and events.
    pub n_customers: u64,
    /// See above.
    pub n_products: u64,
    /// See above.
    pub n_campaigns: u64,
    /// See above.
    pub n_events: u64,
    /// Bytes of all files.
    pub size_bytes: u64,
}

/// Writes the shop's customers, products, campaigns, events and truth into a folder, which is made if need be.
///
/// `progress` hears the share done and answers whether to go on; when it says no, the files are removed. Files are
/// written under another name and renamed when all of them are whole.
///
/// # Errors
/// When a file cannot be written, and when stopped.
pub fn write(
    pool: &rayon::ThreadPool,
    shop: &Shop,
    dir: &Path,
    compression: Compression,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<Summary> {
    fs::create_dir_all(dir).map_err(|source| Error::Write { path: dir.to_owned(), source })?;
    let names = ["customers.csv", "products.csv", "campaigns.csv", "events.csv", "truth.csv"];
    let [customers, products, campaigns, events, truth] =
        names.map(|name| Table::create(dir, &format!("{name}{}", compression.suffix())));
    let mut tables = [customers?, products?, campaigns?, events?, truth?];
    let report = Table::create(dir, "truth.json")?;
    write_all(pool, shop, &mut tables, report, compression, progress)
}

fn write_all(
    pool: &rayon::ThreadPool,
    shop: &Shop,
    tables: &mut [Table; 5],
    mut report: Table,
    compression: Compression,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<Summary> {
    let [customers, products, campaigns, events, truth] = tables;
    let pack =
        |csv: Csv, table: &Table| compression.pack(csv.into_bytes()).map_err(|source| table.error(source));

    for (table, header) in [
        (&mut *customers, &csv::CUSTOMER[..]),
        (&mut *events, &csv::EVENT[..]),
        (&mut *truth, &truth::header()),
    ] {
        let mut csv = Csv::default();
        csv.header(header);
        let bytes = pack(csv, table)?;
        table.append(&bytes)?;
    }
    let mut csv = Csv::default();
    csv.header(&csv::PRODUCT);
    shop.products().for_each(|row| csv::product(&row, &mut csv));
    let bytes = pack(csv, products)?;
    products.append(&bytes)?;
    let mut csv = Csv::default();
    csv.header(&csv::CAMPAIGN);
    shop.campaign_rows().for_each(|row| csv::campaign(&row, &mut csv));
    let bytes = pack(csv, campaigns)?;
    campaigns.append(&bytes)?;

    let mut outcomes = vec![Outcome::default(); shop.campaigns().len()];
    let mut n_events = 0;
    let (n_chunks, wave) = (shop.n_chunks(), pool.current_num_threads() as u32 * 2);
    let mut from = 0;
    while from < n_chunks {
        let to = (from + wave).min(n_chunks);
        let packed: Vec<Packed> =
            pool.install(|| (from..to).into_par_iter().map(|n| pack_chunk(shop, n, compression)).collect());
        for chunk in packed {
            customers.append(&chunk.customers.map_err(|source| customers.error(source))?)?;
            events.append(&chunk.events.map_err(|source| events.error(source))?)?;
            truth.append(&chunk.truth.map_err(|source| truth.error(source))?)?;
            n_events += chunk.n_events;
            outcomes.iter_mut().zip(&chunk.outcomes).for_each(|(sum, part)| sum.add(part));
        }
        from = to;
        if !progress(f64::from(from) / f64::from(n_chunks)) {
            return Err(Error::Stopped);
        }
    }
    let mut text = serde_json::to_vec_pretty(&truth::json(shop, &outcomes))
        .map_err(|source| report.error(io::Error::other(source)))?;
    text.push(b'\n');
    report.append(&text)?;

    let mut summary = Summary {
        files: Vec::new(),
        n_customers: shop.params().n_customers.into(),
        n_products: shop.params().n_products.into(),
        n_campaigns: shop.campaigns().len() as u64,
        n_events,
        size_bytes: 0,
    };
    for table in [customers, products, campaigns, events, truth, &mut report] {
        let (path, size_bytes) = table.finish()?;
        summary.files.push(path);
        summary.size_bytes += size_bytes;
    }
    summary.files.sort();
    Ok(summary)
}

struct Packed {
    customers: io::Result<Vec<u8>>,
    events: io::Result<Vec<u8>>,
    truth: io::Result<Vec<u8>>,
    n_events: u64,
    outcomes: Vec<Outcome>,
}

fn pack_chunk(shop: &Shop, number: u32, compression: Compression) -> Packed {
    let chunk = shop.chunk(number);
    let (mut customers, mut events, mut truth) = (Csv::default(), Csv::default(), Csv::default());
    chunk.customers.iter().for_each(|row| csv::customer(row, &mut customers));
    chunk.events.iter().for_each(|row| csv::event(row, &shop.calendar().day(row.at).text, &mut events));
    chunk.truths.iter().for_each(|customer| truth::line(customer, &mut truth));
    Packed {
        customers: compression.pack(customers.into_bytes()),
        events: compression.pack(events.into_bytes()),
        truth: compression.pack(truth.into_bytes()),
        n_events: chunk.events.len() as u64,
        outcomes: chunk.outcomes,
    }
}

/// A file on its way: removed unless finished.
struct Table {
    path: PathBuf,
    unfinished: PathBuf,
    file: Option<BufWriter<File>>,
    size_bytes: u64,
}

impl Table {
    fn create(dir: &Path, name: &str) -> Result<Self> {
        let (path, unfinished) = (dir.join(name), dir.join(format!(".{name}.part")));
        match File::create(&unfinished) {
            Ok(file) => Ok(Self { path, unfinished, file: Some(BufWriter::new(file)), size_bytes: 0 }),
            Err(source) => Err(Error::Write { path, source }),
        }
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Write { path: self.path.clone(), source }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(file) = self.file.as_mut() else { return Ok(()) };
        self.size_bytes += bytes.len() as u64;
        file.write_all(bytes).map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    fn finish(&mut self) -> Result<(PathBuf, u64)> {
        if let Some(mut file) = self.file.take() {
            let done = file.flush().and_then(|()| fs::rename(&self.unfinished, &self.path));
            done.map_err(|source| self.error(source))?;
        }
        Ok((self.path.clone(), self.size_bytes))
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Best effort: the error that brought us here is the one to tell.
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}
