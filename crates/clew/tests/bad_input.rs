//! Bad input through the commands: every answer says what is wrong and what would do, and nothing is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use support::process::{clew, told};

/// A folder with 1,500 events of so many customers over 200 days from 2026-01-01, of this kind, and these lines besides.
fn folder(at: &Path, n_customers: u64, kind: &str, n_days: u64, more: &str) {
    let mut events = "kind,customer_id,product_id,occurred_at,quantity,revenue\n".to_owned();
    for n in 0..1_500_u64 {
        let mixed = n.wrapping_mul(6_364_136_223_846_793_005).rotate_left(29);
        let (day, hour) = (mixed % n_days, n % 24);
        let date = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(day);
        let (customer, product) = ((mixed >> 20) % n_customers, (mixed >> 40) % 12);
        writeln!(events, "{kind},c{customer},p{product},{date}T{hour:02}:{:02}:00Z,1,3.50", n % 60).unwrap();
    }
    events.push_str(more);
    let mut products = "product_id,category,price\n".to_owned();
    (0..12).for_each(|n| writeln!(products, "p{n},{},{n}.5", ["wine", "tea", "soap"][n % 3]).unwrap());
    fs::write(at.join("events.csv"), events).unwrap();
    fs::write(at.join("products.csv"), products).unwrap();
}

#[test]
fn every_bad_input_is_answered_with_what_would_do() {
    type Case = (&'static str, u64, &'static str, u64, &'static [&'static str], &'static str);
    let tea = "product.category == \"tea\"";
    let cases: [Case; 10] = [
        ("no purchases", 150, "view", 200, &[], "0 of 50 buyers"),
        ("one buyer", 1, "purchase", 200, &[], "1 of 50 buyers"),
        ("one day", 150, "purchase", 1, &[], "1 of 84 days of history"),
        (
            "horizon longer than the data",
            150,
            "purchase",
            200,
            &["--horizon-days", "300"],
            "of 900 days of history",
        ),
        (
            "date before the data",
            150,
            "purchase",
            200,
            &["--as-of", "2025-01-01"],
            "no event before 2025-01-01",
        ),
        (
            "date after the data",
            150,
            "purchase",
            200,
            &["--as-of", "2027-06-01"],
            "choose a date up to 2026-07-20",
        ),
        (
            "offer without products",
            150,
            "purchase",
            200,
            &["--offer", "product.price > 99.0"],
            "matches nothing",
        ),
        (
            "unknown value",
            150,
            "purchase",
            200,
            &["--offer", "product.category == \"teas\""],
            "did you mean 'tea'",
        ),
        ("unknown column", 150, "purchase", 200, &["--offer", "product.colour == \"red\""], "colour"),
        ("no expression", 150, "purchase", 200, &["--offer", "product.price >"], "column 16"),
    ];
    for (name, n_customers, kind, n_days, options, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        folder(dir.path(), n_customers, kind, n_days, "");
        let mut arguments = vec!["gain-curve", "--data", ".", "--out", "curve.csv"];
        if !options.contains(&"--offer") {
            arguments.extend(["--offer", tea]);
        }
        arguments.extend(options);
        let output = clew(dir.path(), &arguments).output().unwrap();
        let said = told(&output);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{name}: {said}");
        assert!(said.contains(expected), "{name} does not say '{expected}': {said}");
        assert!(!dir.path().join("curve.csv").exists(), "{name}");
    }
}

#[test]
fn clocks_that_run_ahead_are_told_and_a_curve_is_still_made() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), 150, "purchase", 200, "purchase,c1,p1,2099-01-01T00:00:00Z,1,2.0\n");
    let offer = "product.category == \"tea\"";
    let output = clew(dir.path(), &["gain-curve", "--data", ".", "--offer", offer, "--out", "curve.csv"])
        .output()
        .unwrap();
    let said = told(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("as of clocks that run ahead, are not read: 1"), "{said}");
    let curve = fs::read_to_string(dir.path().join("curve.csv")).unwrap();
    assert!(curve.lines().count() > 10, "{curve}");
    // expected_buyers, low, high at the last volume.
    let last: Vec<f64> =
        curve.lines().last().unwrap().split(',').skip(3).take(3).map(|n| n.parse().unwrap()).collect();
    assert!(last[1] < last[0] && last[0] < last[2], "{last:?}");
}
