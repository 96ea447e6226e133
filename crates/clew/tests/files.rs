//! The commands on files, end to end on a small sample: train, predict, gain curve, recommend, backtest; and what
//! they say of bad input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;
use support::process::{clew, done, told};

/// A sample and a model of it, made once for all tests of this file.
struct Sample {
    dir: tempfile::TempDir,
}

const AS_OF: &str = "2026-10-04";

fn sample() -> &'static Path {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    let sample = SAMPLE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        done(&mut clew(
            at,
            &["sample", "--customers", "3000", "--products", "300", "--events", "120000", "--out", "shop"],
        ));
        let offers = "offer_id,expression\nwine,\"product.category == \"\"red wine\"\"\"\ncheap,product.price < 10.0\n";
        fs::write(at.join("offers.csv"), offers).unwrap();
        done(&mut clew(at, &["train", "--data", "shop", "--as-of", AS_OF, "--model", "model.clew", "--threads", "2"]));
        Sample { dir }
    });
    sample.dir.path()
}

fn run(arguments: &[&str]) -> String {
    done(&mut clew(sample(), arguments))
}

fn rows(name: &str) -> Vec<HashMap<String, String>> {
    let mut reader = csv::Reader::from_path(sample().join(name)).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn one_thread_and_two_write_the_same_bytes() {
    run(&["train", "--data", "shop", "--as-of", AS_OF, "--model", "one.clew", "--threads", "1"]);
    assert!(fs::read(sample().join("one.clew")).unwrap() == fs::read(sample().join("model.clew")).unwrap());
    let predict = |threads: &str, out: &str| {
        let mut arguments = vec!["predict", "--data", "shop", "--as-of", AS_OF, "--model", "model.clew"];
        arguments.extend(["--offers", "offers.csv", "--out", out, "--threads", threads]);
        run(&arguments);
        fs::read(sample().join(out)).unwrap()
    };
    assert!(predict("1", "p1.csv") == predict("2", "p2.csv"));
}

#[test]
fn predictions_and_gain_curves_agree() {
    let arguments = ["--data", "shop", "--as-of", AS_OF, "--model", "model.clew", "--offers", "offers.csv"];
    run(&[&["predict", "--out", "agree.csv.gz"][..], &arguments].concat());
    let summary =
        run(&[&["--json", "gain-curve", "--out", "curves.csv", "--margin", "0.3"][..], &arguments].concat());
    let summary: Value = serde_json::from_str(&summary).unwrap();

    let file = fs::File::open(sample().join("agree.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let mut propensities: HashMap<String, Vec<f64>> = HashMap::new();
    for row in reader.records().map(Result::unwrap) {
        let propensity: f64 = row[2].parse().unwrap();
        assert!((0.0..=1.0).contains(&propensity), "{row:?}");
        propensities.entry(row[0].to_owned()).or_default().push(propensity);
    }
    let curves = rows("curves.csv");
    for (offer, propensities) in &mut propensities {
        propensities.sort_by(|a, b| b.total_cmp(a));
        let points: Vec<_> = curves.iter().filter(|point| &point["offer_id"] == offer).collect();
        assert!((2..=200).contains(&points.len()), "{offer}: {} points", points.len());
        let mut last = 0.0;
        for point in points {
            let volume: usize = point["volume"].parse().unwrap();
            let number = |name: &str| point[name].parse::<f64>().unwrap();
            let sum: f64 = propensities.iter().take(volume).sum();
            let expected = number("expected_buyers");
            assert!(
                (expected - sum).abs() < 1e-3 * sum.max(1.0),
                "{offer} at {volume}: {expected} and {sum}"
            );
            assert!(expected >= last && number("low") <= expected && expected <= number("high"), "{point:?}");
            assert!(!point["expected_profit"].is_empty());
            last = expected;
        }
    }
    assert_eq!(propensities.len(), 2);
    assert!(summary["offers"][0]["sentence"].as_str().unwrap().contains("% of the buyers"), "{summary}");
    assert!(summary["offers"][0]["named_volumes"]["buyers_70"].as_u64().unwrap() > 0);
}

#[test]
fn nothing_at_or_after_the_date_is_read() {
    // The same folder cut at the date gives the same predictions as the whole one.
    let cut = tempfile::tempdir().unwrap();
    for name in ["customers.csv.gz", "products.csv.gz", "campaigns.csv.gz"] {
        fs::copy(sample().join("shop").join(name), cut.path().join(name)).unwrap();
    }
    let file = fs::File::open(sample().join("shop/events.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(flate2::read::MultiGzDecoder::new(file));
    let mut writer = csv::Writer::from_path(cut.path().join("events.csv")).unwrap();
    writer.write_record(reader.headers().unwrap()).unwrap();
    let mut n_cut = 0;
    for row in reader.records().map(Result::unwrap) {
        if &row[2] < AS_OF {
            writer.write_record(&row).unwrap();
        } else {
            n_cut += 1;
        }
    }
    writer.flush().unwrap();
    assert!(n_cut > 1_000, "{n_cut}");
    let predict = |data: &str, out: &str| {
        run(&["predict", "--data", data, "--as-of", AS_OF, "--offers", "offers.csv", "--out", out]);
        fs::read(sample().join(out)).unwrap()
    };
    assert!(predict("shop", "whole.csv") == predict(cut.path().to_str().unwrap(), "cut.csv"));
}

#[test]
fn the_model_is_worth_its_while() {
    let report =
        run(&["--json", "backtest", "--data", "shop", "--cutoffs", "2", "--no-launches", "--out", "report"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let auc = |name: &str| {
        let methods = report["report"]["methods"].as_array().unwrap();
        methods.iter().find(|method| method["name"] == name).unwrap()["all"]["auc"].as_f64().unwrap()
    };
    assert!(auc("clew") > 0.72, "{}", auc("clew"));
    assert!(auc("clew") > auc("most_recent") && auc("clew") > auc("most_frequent"), "{report}");
    assert!(
        ["report.txt", "report.json", "report.html"]
            .iter()
            .all(|name| sample().join("report").join(name).is_file())
    );
}

#[test]
fn a_campaign_is_reported_beside_what_was_predicted_before_it() {
    // The first campaign with a holdout after the model's date.
    let file = fs::File::open(sample().join("shop/campaigns.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(flate2::read::MultiGzDecoder::new(file));
    let campaigns: Vec<HashMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let held_out = |row: &&HashMap<String, String>| {
        row["sent_at"].as_str() > AS_OF && row["holdout_share"].parse::<f64>().unwrap() > 0.0
    };
    let campaign = campaigns.iter().find(held_out).unwrap();
    let id = campaign["campaign_id"].as_str();
    let asked = ["campaign-report", "--data", "shop", "--campaign", id, "--model", "model.clew"];
    let told: Value = serde_json::from_str(&run(&[&["--json"][..], &asked].concat())).unwrap();
    assert_eq!(told["promoted"]["expression"], format!("product.category == \"{}\"", campaign["category"]));
    assert_eq!(told["model_as_of"], AS_OF);
    let report = &told["report"];
    let deciles = report["deciles"].as_array().unwrap();
    let n_buyers: u64 = deciles.iter().map(|tenth| tenth["n_buyers"].as_u64().unwrap()).sum();
    assert_eq!((deciles.len(), Some(n_buyers)), (10, report["treated"]["n_buyers"].as_u64()));
    assert!(
        report["effect"]["uplift"]["low"].is_number() && report["n_holdout"].as_u64() > Some(0),
        "{told}"
    );
    let text = run(&asked);
    assert!(text.contains("were sent it") && text.contains("of those held out"), "{text}");
    // Of a campaign before the model's date it says that it has seen the answer.
    let early = run(&["campaign-report", "--data", "shop", "--campaign", "M0100", "--model", "model.clew"]);
    assert!(early.contains("flatter"), "{early}");
}

#[test]
fn recommendations_are_ranked_and_leave_out_what_was_seen() {
    let arguments = ["recommend", "--data", "shop", "--as-of", AS_OF, "--limit", "5", "--exclude-seen"];
    run(&[&arguments[..], &["--out", "recommended.csv"]].concat());
    let recommended = rows("recommended.csv");
    assert!(recommended.len() > 5_000, "{}", recommended.len());
    let mut last: (String, u32, f64) = Default::default();
    for row in &recommended {
        let (rank, score): (u32, f64) = (row["rank"].parse().unwrap(), row["score"].parse().unwrap());
        if row["customer_id"] == last.0 {
            assert!(rank == last.1 + 1 && score <= last.2, "{row:?}");
        } else {
            assert_eq!(rank, 1, "{row:?}");
        }
        last = (row["customer_id"].clone(), rank, score);
    }
    let file = fs::File::open(sample().join("shop/events.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(flate2::read::MultiGzDecoder::new(file));
    let bought: std::collections::HashSet<(String, String)> = reader
        .records()
        .map(Result::unwrap)
        .filter(|row| &row[0] == "purchase" && &row[2] < AS_OF)
        .map(|row| (row[1].to_owned(), row[3].to_owned()))
        .collect();
    for row in recommended {
        assert!(!bought.contains(&(row["customer_id"].clone(), row["product_id"].clone())), "{row:?}");
    }
}

#[test]
fn bad_input_gets_place_and_remedy_and_leaves_no_file() {
    let at = sample();
    fs::write(at.join("typo.csv"), "offer_id,expression\na,\"product.category == \"\"red wines\"\"\"\n")
        .unwrap();
    fs::write(at.join("broken.csv"), "offer_id,expression\na,product.price <\n").unwrap();
    let predict = |offers: &'static str| {
        vec!["predict", "--data", "shop", "--model", "model.clew", "--offers", offers, "--out", "bad.csv"]
    };
    let cases: [(Vec<&str>, &[&str]); 9] = [
        (vec!["campaign-report", "--data", "shop", "--campaign", "nothing"], &["nothing", "import its row"]),
        (
            vec!["train", "--data", "shop", "--model", "m.clew", "--trust", "colour"],
            &["--trust colour", "no such column"],
        ),
        (predict("typo.csv"), &["typo.csv, line 2", "red wine"]),
        (predict("broken.csv"), &["broken.csv, line 2"]),
        (predict("nowhere.csv"), &["nowhere.csv"]),
        (vec!["train", "--data", "nowhere", "--model", "m.clew"], &["nowhere"]),
        (
            vec!["train", "--data", "shop", "--as-of", "2020-01-01", "--model", "m.clew"],
            &["no event before 2020-01-01"],
        ),
        (
            vec![
                "predict",
                "--data",
                "shop",
                "--as-of",
                "2026-09-01",
                "--model",
                "model.clew",
                "--offer",
                "product.price < 5.0",
                "--out",
                "bad.csv",
            ],
            &["trained on what happened before 2026-10-04"],
        ),
        (
            vec!["predict", "--data", "shop", "--offer", "product.price < 5.0", "--out", "bad.xlsx"],
            &[".parquet"],
        ),
    ];
    for (arguments, parts) in cases {
        let output = clew(at, &arguments).output().unwrap();
        let said = told(&output);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}: {said}");
        for part in parts {
            assert!(said.contains(part), "{arguments:?} does not say {part}: {said}");
        }
    }
    assert!(!at.join("bad.csv").exists() && !at.join("m.clew").exists());
    // Other tests write beside this one: only its own files are looked for.
    let left =
        fs::read_dir(at).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let left: Vec<_> = left.filter(|name| name.starts_with(".bad.") || name.starts_with(".m.clew")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn too_few_buyers_are_told_honestly() {
    let dir = tempfile::tempdir().unwrap();
    let mut events = "kind,customer_id,product_id,occurred_at,quantity,revenue\n".to_owned();
    for n in 0..12 {
        events.push_str(&format!("purchase,c{n},p{},2026-0{}-11T10:00:00Z,1,9.90\n", n % 3, n % 8 + 1));
    }
    fs::write(dir.path().join("events.csv"), events).unwrap();
    let output = clew(dir.path(), &["train", "--data", ".", "--model", "m.clew"]).output().unwrap();
    let said = told(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not enough data"), "{said}");
    assert!(!dir.path().join("m.clew").exists());
}

#[test]
fn an_estimate_tells_both_ways() {
    let estimate = |more: &[&str]| -> Value {
        let asked = ["--json", "train", "--data", "shop", "--as-of", "2026-10-06", "--dry-run"];
        serde_json::from_str(&run(&[&asked, more].concat())).unwrap()
    };
    let (full, warm) = (estimate(&[]), estimate(&["--from", "model.clew"]));
    assert_eq!((&full["way"], &warm["way"]), (&Value::from("full"), &Value::from("warm")));
    assert!(warm["seconds"].as_f64() < warm["full"]["seconds"].as_f64(), "{warm}");
    assert_eq!(full["full"]["disk_bytes"], warm["full"]["disk_bytes"]);
}
