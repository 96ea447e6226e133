//! The scan of one offer against a full sort, and what it refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::gain::Gain;
use clew_learn::scan::{Link, Rows, Scan};
use half::f16;
use ndarray::Array2;

mod common;
use common::{normal, run, with_run};

/// The curve at all volumes from a full sort, in double precision.
fn sorted(scores: &[f32], link: Link) -> Gain {
    let outcomes: Vec<f32> = scores.iter().map(|&score| link.outcome(score)).collect();
    Gain::new(scores, &outcomes, &vec![1.0; scores.len()]).unwrap()
}

fn near(got: f64, expected: f64) -> bool {
    (got - expected).abs() <= 1e-9 * expected.abs().max(1.0)
}

#[test]
fn each_point_is_what_a_full_sort_gives() {
    for (n, d, scale) in [(1, 3, 1.0), (40, 5, 0.0), (20_011, 16, 0.3), (300_000, 20, 2.0)] {
        let rows = run(|run| {
            let mut rng = run.rng(2);
            // Every seventh row is cold: all zeros, so all of these have one score.
            Array2::from_shape_fn((n, d), |(row, _)| {
                f16::from_f32(if row % 7 == 3 { 0.0 } else { normal(&mut rng) })
            })
        });
        let volumes = vec![0, 1.min(n), n / 100, n / 10, n / 3 + 1, n / 2, n];
        let vector: Vec<f32> = (0..d).map(|k| scale * (k as f32 - 1.5) / d as f32).collect();
        let scan =
            Scan { vector, bias: -2.0, link: Link::Logistic, volumes: volumes.clone(), max_points: 50 };
        let mut scores = Vec::new();
        let curve = run(|run| scan.run(run, Rows::Half(rows.view()), &mut scores)).unwrap();
        let full = sorted(&scores, Link::Logistic);
        assert!(curve.volume.len() <= 50 + volumes.len());
        for (&volume, &gain) in curve.volume.iter().zip(&curve.gain) {
            assert!(near(gain, full.at(volume)), "{n}: {gain} against {} at {volume}", full.at(volume));
        }
        for volume in volumes {
            assert!(curve.volume.contains(&(volume as f64)), "no point at {volume} of {n}");
        }
        let whole = full.gain.last().unwrap();
        for step in 0..200 {
            let volume = n as f64 * f64::from(step) / 200.0;
            assert!((curve.at(volume) - full.at(volume)).abs() <= 2e-3 * whole, "between the points");
        }
    }
}

#[test]
fn scores_are_the_products_and_bits_do_not_depend_on_threads() {
    let (n, d) = (140_000, 9);
    let rows = run(|run| {
        let mut rng = run.rng(4);
        Array2::from_shape_simple_fn((n, d), || normal(&mut rng))
    });
    let scan = Scan { vector: vec![0.5; d], volumes: vec![777], ..Scan::default() };
    let once = |threads| {
        let mut scores = Vec::new();
        let view = Rows::Single(rows.view());
        let curve = with_run(threads, 1, |run| scan.run(run, view, &mut scores)).unwrap();
        (curve, scores)
    };
    let (curve, scores) = once(1);
    for (row, &score) in rows.rows().into_iter().zip(&scores) {
        let exact: f64 = row.iter().map(|&x| 0.5 * f64::from(x)).sum();
        assert!((f64::from(score) - exact).abs() < 1e-4);
    }
    assert_eq!(once(2), (curve.clone(), scores.clone()));
    assert_eq!(once(3), (curve, scores));
}

#[test]
fn the_best_far_outside_the_sample_are_resolved() {
    // One row in 50,000 is a thousand times longer: all of these end in the last cell.
    let (n, d) = (200_000, 2);
    let rows = Array2::from_shape_fn((n, d), |(row, _)| {
        let far = if row % 50_000 == 777 { 1_000.0 } else { 1.0 };
        far * (1.0 + (row % 997) as f32 / 997.0)
    });
    let scan = Scan { vector: vec![1.0, 0.5], volumes: vec![1, 2, 3, 5], ..Scan::default() };
    let mut scores = Vec::new();
    let curve = run(|run| scan.run(run, Rows::Single(rows.view()), &mut scores)).unwrap();
    let full = sorted(&scores, Link::Identity);
    for volume in [1.0, 2.0, 3.0, 5.0] {
        assert!(near(curve.at(volume), full.at(volume)), "{volume}");
    }
}

#[test]
fn faults_are_refused_with_a_place_and_a_remedy() {
    let refused = |rows: &Array2<f32>, scan: &Scan| {
        run(|run| scan.run(run, Rows::Single(rows.view()), &mut Vec::new())).unwrap_err().to_string()
    };
    let mut rows = Array2::<f32>::ones((40, 3));
    let scan = Scan { vector: vec![1.0; 3], ..Scan::default() };
    for fault in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        rows[[17, 1]] = fault;
        for link in [Link::Identity, Link::Logistic] {
            let error = refused(&rows, &Scan { link, ..scan.clone() });
            assert_eq!(error, "the score of row 17 is not finite; drop or fill its vector");
        }
    }
    rows.fill(1.0);
    let volumes = Scan { volumes: vec![41], ..scan.clone() };
    assert_eq!(refused(&rows, &volumes), "a volume of 41 of 40 rows; ask for at most all rows");
    let short = Scan { vector: vec![1.0; 2], ..scan.clone() };
    assert!(refused(&rows, &short).starts_with("rows have 3 numbers, the offer 2"));
    let infinite = Scan { bias: f32::INFINITY, ..scan.clone() };
    assert!(refused(&rows, &infinite).contains("not finite"));
    assert!(refused(&Array2::zeros((0, 3)), &scan).starts_with("0 rows"));
}
