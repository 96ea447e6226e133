//! The sample tenant: the same for the same seed, sound, shaped like a shop, and with its truth beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;

use clew_sample::{Compression, Kind, SampleParams, Shop, folder, memory};
use rayon::{ThreadPool, ThreadPoolBuilder};

fn pool(n_threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap()
}

fn params() -> SampleParams {
    SampleParams { n_customers: 9_000, n_products: 1_200, n_events: 270_000, ..SampleParams::default() }
}

fn written(params: SampleParams, n_threads: usize, compression: Compression) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::new(params).unwrap();
    folder::write(&pool(n_threads), &shop, dir.path(), compression, &mut |_| true).unwrap();
    dir
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn rows(dir: &Path, name: &str) -> Vec<HashMap<String, String>> {
    let mut reader = csv::Reader::from_path(dir.join(name)).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let small = SampleParams { n_customers: 5_000, n_events: 60_000, ..params() };
    let one = written(small.clone(), 1, Compression::Gzip);
    let two = written(small.clone(), 2, Compression::Gzip);
    assert_eq!(files(one.path()), files(two.path()));
    let other = written(SampleParams { seed: 2, ..small }, 2, Compression::Gzip);
    assert_ne!(files(one.path()), files(other.path()));
}

#[test]
fn compressed_files_hold_the_plain_bytes() {
    let small = SampleParams { n_customers: 5_000, n_events: 50_000, ..params() };
    let plain = files(written(small.clone(), 2, Compression::None).path());
    let gzip = files(written(small.clone(), 2, Compression::Gzip).path());
    let zstd = files(written(small, 2, Compression::Zstd).path());
    for (((name, bytes), (gz_name, gz)), (zst_name, zst)) in plain.iter().zip(&gzip).zip(&zstd) {
        if name == "truth.json" {
            assert_eq!((bytes, bytes), (gz, zst));
            continue;
        }
        assert_eq!((gz_name, zst_name), (&format!("{name}.gz"), &format!("{name}.zst")));
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(gz.as_slice()).read_to_end(&mut unpacked).unwrap();
        assert!(&unpacked == bytes, "{gz_name}");
        assert!(&zstd::decode_all(zst.as_slice()).unwrap() == bytes, "{zst_name}");
    }
}

#[test]
fn the_files_are_sound() {
    let params = params();
    let dir = written(params.clone(), 2, Compression::None);
    let (customers, products) = (rows(dir.path(), "customers.csv"), rows(dir.path(), "products.csv"));
    let (campaigns, events) = (rows(dir.path(), "campaigns.csv"), rows(dir.path(), "events.csv"));
    assert_eq!(customers.len(), 9_000);
    assert_eq!(products.len(), 1_200);
    assert_eq!(events.len(), 270_000);
    assert_eq!(rows(dir.path(), "truth.csv").len(), 9_000);
    assert!(!std::fs::read_to_string(dir.path().join("events.csv")).unwrap().contains('"'));

    let launched: HashMap<&str, &str> =
        products.iter().map(|p| (p["product_id"].as_str(), p["launched_on"].as_str())).collect();
    let sent: HashMap<&str, &str> =
        campaigns.iter().map(|c| (c["campaign_id"].as_str(), c["sent_at"].as_str())).collect();
    let mut last = ("", "");
    for event in &events {
        let (customer, at) = (event["customer_id"].as_str(), event["occurred_at"].as_str());
        assert!((customer, at) > last, "{event:?} is out of order or a duplicate");
        last = (customer, at);
        assert!(("2025-06-19".."2026-11-01").contains(&at), "{event:?}");
        if let Some(launched) = launched.get(event["product_id"].as_str()) {
            assert!(at >= *launched, "{event:?} came before the launch on {launched}");
        } else {
            assert_eq!(event["product_id"], "", "{event:?}");
        }
        if let Some(sent) = sent.get(event["campaign_id"].as_str()) {
            assert!(at >= *sent, "{event:?} came before the campaign on {sent}");
        } else {
            assert_eq!(event["campaign_id"], "", "{event:?}");
        }
        if event["kind"] == "purchase" {
            assert!(event["revenue"].parse::<f64>().unwrap() > 0.0, "{event:?}");
            assert!(event["quantity"].parse::<u32>().unwrap() > 0, "{event:?}");
            assert!(!event["basket_id"].is_empty(), "{event:?}");
        }
    }
}

#[test]
fn it_is_shaped_like_a_french_shop() {
    let dir = written(params(), 2, Compression::None);
    let customers = rows(dir.path(), "customers.csv");
    let truth = rows(dir.path(), "truth.csv");
    let n = customers.len() as f64;
    let share =
        |column: &str, value: &str| customers.iter().filter(|c| c[column] == value).count() as f64 / n;
    // The Nord has 3.8 % of the country's people, Lozère 0.1 %.
    assert!((0.03..0.047).contains(&share("department", "59")), "{}", share("department", "59"));
    assert!(share("department", "48") < 0.004);
    assert!(customers.iter().all(|c| c["postcode"].len() == 5));
    let told = 1.0 - share("age", "");
    assert!((0.35..0.45).contains(&told), "{told}");

    // A first name tells the age, and mostly the sex.
    let age = |name: &str| {
        let ages: Vec<f64> = customers
            .iter()
            .zip(&truth)
            .filter(|(customer, _)| customer["first_name"] == name)
            .map(|(_, truth)| truth["age"].parse().unwrap())
            .collect();
        assert!(ages.len() > 20, "{name}: {}", ages.len());
        ages.iter().sum::<f64>() / ages.len() as f64
    };
    assert!(age("Philippe") > age("Nicolas") + 12.0);
    assert!(age("Nicolas") > age("Hugo") + 8.0);

    let products = rows(dir.path(), "products.csv");
    let mut categories: Vec<_> = products.iter().map(|p| p["category"].as_str()).collect();
    categories.sort_unstable();
    categories.dedup();
    assert!(categories.len() > 50, "{}", categories.len());

    let events = rows(dir.path(), "events.csv");
    let share = |kind: &str| events.iter().filter(|e| e["kind"] == kind).count() as f64 / events.len() as f64;
    assert!((0.12..0.35).contains(&share("purchase")), "{}", share("purchase"));
    assert!((0.1..0.25).contains(&share("message_sent")), "{}", share("message_sent"));
    assert!(share("view") > share("add_to_cart") && share("message_sent") > share("message_opened"));
    for kind in ["search", "message_clicked", "unsubscribe", "return", "held_out"] {
        assert!(share(kind) > 0.0, "{kind}");
    }
}

#[test]
fn tastes_follow_the_traits_and_the_season() {
    let params = params();
    let shop = Shop::new(params).unwrap();
    let category: Vec<&str> = shop.products().map(|product| product.category).collect();
    let dir = written(shop.params().clone(), 2, Compression::None);
    let truth = rows(dir.path(), "truth.csv");
    let (mut pets, mut n) = ([0.0_f64; 2], [0_u32; 2]);
    let mut plants = [0_u32; 2];
    for event in (0..shop.n_chunks()).flat_map(|chunk| shop.chunk(chunk).events) {
        let Some(product) = event.product.filter(|_| event.kind == Kind::Purchase) else { continue };
        let own = truth[event.customer as usize]["pets"].parse::<f64>().unwrap();
        let group = usize::from(category[product as usize] == "cat food");
        pets[group] += own;
        n[group] += 1;
        if category[product as usize] == "plants and seeds" {
            // Days since 1970 into the year, near enough: spring against autumn.
            let day = event.at / 86_400 % 365;
            plants[usize::from((60..150).contains(&day))] += 1;
        }
    }
    let mean = |group: usize| pets[group] / f64::from(n[group]);
    assert!(mean(1) > mean(0) + 0.5, "{} against {}", mean(1), mean(0));
    // One spring of 90 days against 410 other days.
    assert!(f64::from(plants[1]) / 90.0 > 1.3 * f64::from(plants[0]) / 410.0, "{plants:?}");
}

#[test]
fn the_truth_tells_what_campaigns_cause() {
    let dir = written(params(), 2, Compression::None);
    let truth: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("truth.json")).unwrap()).unwrap();
    let campaigns = truth["campaigns"].as_array().unwrap();
    let sum = |field: &str| campaigns.iter().map(|c| c[field].as_f64().unwrap()).sum::<f64>();
    let events = rows(dir.path(), "events.csv");
    let count = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count() as f64;
    assert_eq!(sum("n_sent"), count("message_sent"));
    assert_eq!(sum("n_held_out"), count("held_out"));
    // What was planted is what came of it, within chance.
    let expected: f64 = campaigns
        .iter()
        .map(|c| c["expected_uplift"].as_f64().unwrap() * c["n_sent"].as_f64().unwrap())
        .sum();
    let caused = sum("n_purchases_caused");
    assert!(expected > 100.0, "{expected}");
    assert!((caused - expected).abs() < 5.0 * expected.sqrt() + 0.1 * expected, "{caused} for {expected}");
    assert!(campaigns.iter().any(|c| c["effect_on_the_most_interested"] == 0.0));
    assert_eq!(truth["effects"]["traits"].as_array().unwrap().len(), 12);
    assert!(truth["effects"]["first_name"]["Kévin"].is_array());
}

#[test]
fn records_hold_what_the_files_hold() {
    let params = SampleParams { n_customers: 500, n_events: 9_000, ..params() };
    let shop = Shop::new(params.clone()).unwrap();
    let records = memory::records(&pool(2), &shop).unwrap();
    assert_eq!((records.n_customers(), records.n_products(), records.n_events()), (500, 1_200, 9_000));
    let kinds: HashMap<String, usize> =
        records.n_events_by_kind().into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
    let events = rows(written(params, 1, Compression::None).path(), "events.csv");
    for kind in ["purchase", "view", "message_sent", "held_out"] {
        assert_eq!(kinds[kind], events.iter().filter(|event| event["kind"] == kind).count(), "{kind}");
    }
}

#[test]
fn what_makes_no_shop_is_refused_with_its_remedy() {
    for (params, place) in [
        (SampleParams { n_customers: 3, ..params() }, "3 customers"),
        (SampleParams { n_products: 12, ..params() }, "12 products"),
        (SampleParams { n_events: 100, ..params() }, "100 events"),
        (SampleParams { n_days: 10, ..params() }, "10 days"),
    ] {
        let message = Shop::new(params).err().unwrap().to_string();
        assert!(message.contains(place) && message.contains("ask for"), "{message}");
    }
}

#[test]
fn a_stopped_writing_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::new(params()).unwrap();
    let stopped = folder::write(&pool(1), &shop, dir.path(), Compression::None, &mut |_| false);
    assert!(matches!(stopped, Err(clew_sample::Error::Stopped)));
    assert_eq!(files(dir.path()).len(), 0);
}
