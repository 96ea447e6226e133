//! `clew demo` end to end, small: one line of JSON, the same numbers as the command on files, and a second run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::fs;

use serde_json::Value;
use serde_json::value::RawValue;
use support::process::{clew, done};

/// The points in their own digits: serde_json reads numbers to within the last one.
#[derive(serde::Deserialize)]
struct Exact {
    gain_curve: Curve,
}

#[derive(serde::Deserialize)]
struct Curve {
    points: Vec<HashMap<String, Box<RawValue>>>,
}

#[test]
fn the_demo_tells_its_story_in_one_line_and_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let demo = ["demo", "--once", "--json", "--port", "0", "--customers", "3000"];
    let out = done(&mut clew(dir.path(), &demo));
    assert_eq!(out.lines().count(), 1, "{out}");
    let story: Value = serde_json::from_str(&out).unwrap();
    for name in ["url", "api_key", "tenant_id", "offer_id"] {
        assert!(story[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {story}");
    }
    let points = story["gain_curve"]["points"].as_array().unwrap();
    assert!((2..=200).contains(&points.len()));
    let named = &story["gain_curve"]["named_volumes"];
    let volume = |name: &str| named[name].as_u64().unwrap();
    assert!(
        volume("buyers_50") < volume("buyers_70") && volume("buyers_70") < volume("buyers_90"),
        "{named}"
    );
    assert!(story["rule"]["n_customers"].as_u64().unwrap() > 0, "{}", story["rule"]);
    let recommendations = story["recommendations"].as_array().unwrap();
    assert_eq!(recommendations.len(), 3);
    assert!(
        recommendations.iter().all(|one| !one["reasons"].as_array().unwrap().is_empty()),
        "{recommendations:?}"
    );
    let methods = story["backtest"]["methods"].as_array().unwrap();
    for name in ["clew", "most_recent", "most_frequent"] {
        assert!(methods.iter().any(|method| method["name"] == name), "{name}");
    }
    for step in ["postgres", "tenant", "sample", "import_events", "train", "total"] {
        assert!(story["seconds"][step].as_f64().is_some(), "{step}: {}", story["seconds"]);
    }

    // The command on files draws the same curve from the same files, to the last digit.
    let offer = story["offer"]["expression"].as_str().unwrap();
    let data = ".clew/sample-3000";
    done(&mut clew(
        dir.path(),
        &[
            "gain-curve",
            "--data",
            data,
            "--offer",
            offer,
            "--out",
            "curve.csv",
            "--margin",
            "0.3",
            "--cost-per-contact",
            "0.05",
        ],
    ));
    let mut reader = csv::Reader::from_path(dir.path().join("curve.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let exact: Exact = serde_json::from_str(&out).unwrap();
    assert_eq!(rows.len(), points.len());
    for (row, point) in rows.iter().zip(exact.gain_curve.points) {
        assert_eq!(&row[1], point["volume"].get());
        for (column, name) in [(3, "expected_buyers"), (4, "low"), (5, "high"), (9, "expected_profit")] {
            let told: f64 = point[name].get().parse().unwrap();
            assert_eq!(row[column].parse::<f64>().unwrap(), told, "{name} of {row:?}");
        }
    }

    // A second run keeps tenant, data, model and key.
    let again: Value = serde_json::from_str(&done(&mut clew(dir.path(), &demo))).unwrap();
    for name in ["api_key", "tenant_id", "offer_id"] {
        assert_eq!(again[name], story[name], "{name}");
    }
    assert_eq!(again["gain_curve"], story["gain_curve"]);
    assert!(again["seconds"].get("import_events").is_none(), "{}", again["seconds"]);
    assert!(fs::metadata(dir.path().join(".clew/demo.json")).is_ok());
}

#[test]
fn the_demo_says_at_once_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let output = clew(dir.path(), &["demo", "--once", "--data", "nowhere"]).output().unwrap();
    let said = support::process::told(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("nowhere"), "{said}");
}
