//! Whatever bytes come from outside, the parsers refuse them or read them, and never panic. `PROPTEST_CASES` says how
//! many of each are tried.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use clew_store::mapping::Mapping;
use clew_store::{Entity, folder};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

const EVENTS: &str = "kind,customer_id,product_id,occurred_at\nview,c1,p1,2026-01-01\n";

/// Reads a folder with this file in it.
fn read(name: &str, content: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    if !name.starts_with("events") {
        std::fs::write(dir.path().join("events.csv"), EVENTS).unwrap();
    }
    std::fs::write(dir.path().join(name), content).unwrap();
    // Either way is fine; that it comes back is what is tried.
    let _ = folder::read(Path::new(dir.path()), None);
}

/// Text of what is special to CSV, JSON, dates and numbers, and of anything.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(","),
        Just(";"),
        Just("\t"),
        Just("|"),
        Just("\""),
        Just("\n"),
        Just("\r\n"),
        Just("'"),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(":"),
        Just("\\"),
        Just("\\u0000"),
        Just("\\ud800"),
        Just("customer_id"),
        Just("product_id"),
        Just("kind"),
        Just("occurred_at"),
        Just("quantity"),
        Just("revenue"),
        Just("price"),
        Just("purchase"),
        Just("c1"),
        Just("\u{feff}"),
        Just("\u{0}"),
        Just("1e999"),
        Just("-0"),
        Just("NaN"),
        Just("inf"),
        Just("99999999999999999999"),
        Just("0,5"),
        Just("2026-02-30"),
        Just("0000-00-00"),
        Just("9999-12-31T23:59:60Z"),
        Just("31/12/2025"),
        Just("true"),
        Just("null"),
        Just(" "),
        Just("é"),
        Just("👩‍👩‍👧"),
    ]
    .prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![6 => piece, 1 => any::<String>()], 0..60).prop_map(|all| all.concat())
}

/// A small Parquet file of customers.
fn parquet() -> Vec<u8> {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["c1", "c2", "c3"]));
    let ages: ArrayRef = Arc::new(Float64Array::from(vec![Some(31.0), None, Some(-1.5)]));
    let batch = RecordBatch::try_from_iter([("customer_id", ids), ("age", ages)]).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

proptest! {
    #[test]
    fn csv(content in text(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read("customers.csv", content.as_bytes());
        read("customers.csv", &[b"customer_id,age\n", bytes.as_slice()].concat());
        read("products.csv", format!("product_id,price\n{content}").as_bytes());
        read("events.csv", format!("{EVENTS}{content}").as_bytes());
    }

    #[test]
    fn ndjson(content in text(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read("customers.ndjson", content.as_bytes());
        read("customers.ndjson", &bytes);
        read("events.ndjson", format!("{{\"kind\":\"view\",\"customer_id\":\"c\",\"occurred_at\":{content}}}").as_bytes());
    }

    #[test]
    fn parquet_with_bytes_changed(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
                                  length in any::<prop::sample::Index>()) {
        let whole = parquet();
        let mut file = whole.clone();
        for (place, byte) in &changes {
            let place = place.index(file.len());
            file[place] = *byte;
        }
        read("customers.parquet", &file);
        file.truncate(length.index(file.len()).max(4));
        read("customers.parquet", &file);
    }

    #[test]
    fn compressed_with_bytes_changed(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut file = zstd::stream::encode_all(EVENTS.as_bytes(), 3).unwrap();
        for (place, byte) in &changes {
            let place = place.index(file.len());
            file[place] = *byte;
        }
        read("events.csv.zst", &file);
    }

    #[test]
    fn mappings(content in text(), keys in prop::collection::vec(("[a-z_]{1,12}", text()), 0..5)) {
        let _ = Mapping::from_toml(&content);
        let toml: String = keys.iter().map(|(key, value)| format!("{key} = {value:?}\n")).collect();
        let _ = Mapping::from_toml(&format!("[events]\n{toml}"));
        let json = serde_json::Value::Object(
            keys.into_iter().map(|(key, value)| (key, value.into())).collect(),
        );
        for entity in [Entity::Customers, Entity::Products, Entity::Events, Entity::Campaigns] {
            let _ = Mapping::from_json(&json, entity);
            let nested = serde_json::json!({"dates": json, "types": json, "kinds": json, "options": json});
            let _ = Mapping::from_json(&nested, entity);
        }
    }
}
