//! The online logistic: it learns, a stream may be cut anywhere, it goes on from a fitted or saved model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_learn::format::{File, Writer};
use clew_learn::loss::sigmoid;
use clew_learn::metrics;
use clew_learn::online_logistic::{FittedOnlineLogistic, OnlineLogistic};
use clew_learn::sparse::Csr;
use clew_learn::sparse_logistic::SparseLogistic;
use rand::Rng;

mod common;
use common::{run, with_run};

const COLUMNS: usize = 300;

/// Rows of five columns each, outcomes by planted effects (`turn` −1 turns them round), weights 0 to 2.
fn stream(n: usize, seed: u64, turn: f64) -> (Csr, Vec<f32>, Vec<f32>) {
    with_run(1, seed, |run| {
        let mut rng = run.rng(1);
        let triplets: Vec<_> = (0..5 * n)
            .map(|k| ((k / 5) as u32, (rng.random::<f32>().powi(2) * COLUMNS as f32) as u32, 1.0))
            .collect();
        let x = Csr::from_triplets(n, COLUMNS, &triplets).unwrap();
        let effect = |column: u32| turn * f64::from((column * 7919 % 13) as f32 / 6.0 - 1.0);
        let outcome = |row: usize| {
            let z: f64 = x.row(row).0.iter().map(|&column| effect(column)).sum();
            f32::from(u8::from(f64::from(run.rng(9 + row as u64).random::<f32>()) < sigmoid(z - 0.5)))
        };
        let y = (0..n).map(outcome).collect();
        (x, y, (0..n).map(|row| (row % 3) as f32).collect())
    })
}

fn auc(model: &FittedOnlineLogistic, (x, y, weight): &(Csr, Vec<f32>, Vec<f32>)) -> f64 {
    metrics::auc(&run(|run| model.predict(run, x)).unwrap(), y, weight).unwrap()
}

#[test]
fn one_pass_comes_near_to_the_batch_and_the_cut_does_not_matter() {
    let (train, judged) = (stream(30_000, 1, 1.0), stream(5_000, 2, 1.0));
    let mut whole = OnlineLogistic::default().start(COLUMNS).unwrap();
    run(|run| whole.learn(run, &train.0, &train.1, &train.2)).unwrap();
    let batch = run(|run| SparseLogistic::default().fit(run, &train.0, &train.1, &train.2, None)).unwrap();
    let best = metrics::auc(&run(|run| batch.predict(run, &judged.0)).unwrap(), &judged.1, &judged.2);
    let (best, own) = (best.unwrap(), auc(&whole, &judged));
    assert!(own > best - 0.005 && own > 0.75, "{own} against {best}");
    let mut parts = OnlineLogistic::default().start(COLUMNS).unwrap();
    let mut loss = 0.0;
    for (from, to) in [(0, 1), (1, 20_000), (20_000, 30_000)] {
        let x = train.0.slice_rows(from..to).unwrap();
        let learn = |run: &clew_learn::Run<'_>| parts.learn(run, &x, &train.1[from..to], &train.2[from..to]);
        loss = with_run(3, 8, learn).unwrap();
    }
    let after = run(|run| whole.predict(run, &judged.0)).unwrap();
    let after = metrics::log_loss(&after, &judged.1, &judged.2).unwrap();
    assert!((loss - after).abs() < 0.02, "before learning {loss}, on new rows {after}");
    assert_eq!(whole, parts);
    assert_eq!(whole.weight_seen(), 30_000.0);
}

#[test]
fn it_goes_on_from_a_batch_and_follows_a_change() {
    let (train, later) = (stream(10_000, 3, 1.0), stream(20_000, 4, -1.0));
    let batch = run(|run| SparseLogistic::default().fit(run, &train.0, &train.1, &train.2, None)).unwrap();
    let followed = [0.0, 1_000.0].map(|squares| {
        let params = OnlineLogistic { rate: 0.3, ..Default::default() };
        let mut model = params.start_from(batch.intercept, &batch.coefficients, squares).unwrap();
        assert!((model.intercept() - batch.intercept).abs() < 1e-12);
        for (a, b) in model.coefficients().iter().zip(&batch.coefficients) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
        assert!(auc(&model, &later) < 0.4);
        run(|run| model.learn(run, &later.0, &later.1, &later.2)).unwrap();
        auc(&model, &later)
    });
    // What counts as much seen is slower to change.
    assert!(followed[0] > 0.6 && followed[1] < followed[0] && followed[1] > 0.45, "{followed:?}");
}

#[test]
fn read_back_it_goes_on_as_if_nothing_had_been() {
    let (first, second) = (stream(2_000, 5, 1.0), stream(2_000, 6, 1.0));
    let params = OnlineLogistic { l1: 2.0, l2: 0.5, ..Default::default() };
    let mut model = params.start(COLUMNS).unwrap();
    run(|run| model.learn(run, &first.0, &first.1, &first.2)).unwrap();
    assert!(model.coefficients().iter().filter(|&&c| c == 0.0).count() > 10);
    let mut writer = Writer::new();
    model.write(&mut writer, "m").unwrap();
    let mut again = FittedOnlineLogistic::read(&File::open(Arc::new(writer.finish())).unwrap(), "m").unwrap();
    assert_eq!(model, again);
    run(|run| model.learn(run, &second.0, &second.1, &second.2)).unwrap();
    run(|run| again.learn(run, &second.0, &second.1, &second.2)).unwrap();
    assert_eq!(model, again);
}

#[test]
fn faults_are_refused_and_nothing_is_learned_of_them() {
    let (x, mut y, mut weight) = stream(100, 7, 1.0);
    let mut model = OnlineLogistic::default().start(COLUMNS).unwrap();
    let before = model.clone();
    let mut message =
        |y: &[f32], weight: &[f32]| run(|run| model.learn(run, &x, y, weight)).unwrap_err().to_string();
    assert_eq!(message(&y[1..], &weight), "100 rows, 99 outcomes, 100 weights; give one of each per row");
    y[70] = 2.0;
    assert_eq!(message(&y, &weight), "row 70 has the outcome 2; use outcomes from 0 to 1");
    y[70] = 1.0;
    weight[80] = f32::NAN;
    assert_eq!(message(&y, &weight), "row 80 has the weight NaN; use finite weights of 0 or more");
    assert_eq!(model, before);
    for params in [
        OnlineLogistic { rate: 0.0, ..Default::default() },
        OnlineLogistic { smoothing: f64::NAN, ..Default::default() },
        OnlineLogistic { l1: -1.0, ..Default::default() },
    ] {
        assert!(params.start(3).is_err(), "{params:?}");
    }
    assert!(OnlineLogistic::default().start(0).is_err());
    assert!(OnlineLogistic::default().start_from(0.0, &[f64::INFINITY], 0.0).is_err());
}
