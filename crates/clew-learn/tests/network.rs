//! The network: it is the regression where that is right, and better where it is not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clew_learn::columns::{self, BLOCK};
use clew_learn::logistic::LogisticRegression;
use clew_learn::loss::Loss;
use clew_learn::metrics;
use clew_learn::network::{Batches, Network, Unit};
use clew_learn::scaling::StandardScaler;
use clew_learn::trees::Validation;
use ndarray::Array2;
use rand::Rng;

mod common;
use common::{cases, normal, run};

fn linear(n: usize, seed: u64) -> (Array2<f32>, Vec<f32>) {
    run(|run| {
        let mut rng = run.rng(seed);
        let x = Array2::from_shape_simple_fn((n, 3), || normal(&mut rng));
        let happens = |row: ndarray::ArrayView1<'_, f32>, chance: f32| {
            f32::from(u8::from(chance < 1.0 / (1.0 + (0.5 - row[0] + 0.7 * row[1]).exp())))
        };
        let y = x.rows().into_iter().map(|row| happens(row, rng.random())).collect();
        (x, y)
    })
}

#[test]
fn where_the_regression_is_right_it_stays_the_regression() {
    let ((x, y), (x_late, y_late)) = (linear(3_000, 1), linear(1_500, 2));
    let weight = vec![1.0; 3_000];
    let fit = run(|run| {
        let validation = Validation { x: x_late.view(), y: &y_late, weight: &[1.0; 1_500] };
        let network = Network { least_gain: 3.0, ..Default::default() };
        network.fit(run, x.view(), &y, &weight, Some(validation)).unwrap()
    });
    assert!(!fit.left_the_start && fit.loss_after == fit.loss_before && fit.n_iterations == 0);
    let (ours, theirs) = run(|run| {
        let scaler = StandardScaler::fit(run, x.view(), &weight).unwrap();
        let logistic = LogisticRegression::default();
        let logistic =
            logistic.fit(run, scaler.transform(x.view()).unwrap().view(), &y, &weight, None).unwrap();
        let theirs = logistic.predict(scaler.transform(x_late.view()).unwrap().view()).unwrap();
        (fit.predict(run, x_late.view()).unwrap(), theirs)
    });
    for (a, b) in ours.iter().zip(&theirs) {
        assert!((a - b).abs() < 1e-5, "{a} against {b}");
    }
}

#[test]
fn where_columns_act_together_it_is_better() {
    let ((x, y), (x_late, y_late)) = (cases(6_000, 6, 21), cases(4_000, 6, 22));
    let fit = run(|run| Network::default().fit(run, x.view(), &y, &vec![1.0; 6_000], None)).unwrap();
    assert!(fit.left_the_start && fit.loss_after < fit.loss_before - 0.01, "{fit:?}");
    let auc = |p: &[f32]| metrics::auc(p, &y_late, &vec![1.0; 4_000]).unwrap();
    let logistic = run(|run| {
        let fit = LogisticRegression::default().fit(run, x.view(), &y, &vec![1.0; 6_000], None).unwrap();
        fit.predict(x_late.view()).unwrap()
    });
    let (ours, theirs) = (auc(&run(|run| fit.predict(run, x_late.view())).unwrap()), auc(&logistic));
    assert!(ours > theirs + 0.02, "{ours} against {theirs}");
}

#[test]
fn counts_and_amounts_too() {
    let (x, y) = cases(2_000, 4, 5);
    for loss in [Loss::Squared, Loss::Poisson, Loss::Gamma] {
        let y: Vec<f32> = y.iter().zip(x.column(1)).map(|(y, x)| 1.0 + y + x * x).collect();
        let network = Network { loss, n_hidden: 8, ..Default::default() };
        let fit = run(|run| network.fit(run, x.view(), &y, &vec![1.0; 2_000], None)).unwrap();
        assert!(fit.left_the_start, "{loss:?}: {} {}", fit.loss_before, fit.loss_after);
        let predicted = run(|run| fit.predict(run, x.view())).unwrap();
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        assert!((mean(&predicted) / mean(&y) - 1.0).abs() < 0.05, "{loss:?}");
    }
}

#[test]
fn faults_are_named() {
    let (x, y) = cases(20, 4, 5);
    let told = |network: Network| {
        run(|run| network.fit(run, x.view(), &y, &[1.0; 20], None)).unwrap_err().to_string()
    };
    assert!(told(Network { n_hidden: 0, ..Default::default() }).contains("0 hidden units"));
    assert!(told(Network { validation_share: f64::NAN, ..Default::default() }).contains("NaN"));
    assert!(told(Network { decay: -1.0, ..Default::default() }).contains("decay"));
    assert!(told(Network { validation_share: 1e-12, ..Default::default() }).contains("validate"));
}

#[test]
fn by_small_batches_it_learns_the_same_and_blocks_are_scored_alike() {
    let ((x, y), (x_late, y_late)) = (cases(6_000, 6, 21), cases(4_000, 6, 22));
    let weight = vec![1.0; 6_000];
    let batches = Batches { n_epochs: 30, ..Default::default() };
    let network = Network { unit: Unit::Rectified, ..Default::default() };
    let fit = || run(|run| network.fit_by_batches(run, x.view(), &y, &weight, &batches)).unwrap();
    let (fit, again) = (fit(), fit());
    assert_eq!(fit, again);
    assert!(fit.loss_after < fit.loss_before - 0.05, "{fit:?}");
    let (full, decided) = run(|run| {
        let full = Network::default().fit(run, x.view(), &y, &weight, None).unwrap();
        (full.predict(run, x_late.view()).unwrap(), fit.decision(run, x_late.view()).unwrap())
    });
    let auc = |p: &[f32]| metrics::auc(p, &y_late, &vec![1.0; 4_000]).unwrap();
    assert!(auc(&decided) > auc(&full) - 0.01, "{} against {}", auc(&decided), auc(&full));

    let scan = fit.scan();
    let mut block = vec![[0.0; BLOCK]; 6];
    let mut work = vec![[f32::NAN; BLOCK]; scan.n_work()];
    let rows = x_late.as_slice().unwrap();
    for (rows, decided) in rows.chunks(6 * BLOCK).zip(decided.chunks(BLOCK)) {
        columns::gather(rows.chunks_exact(6), &mut block);
        for (found, &wanted) in scan.decision(&block, &mut work).iter().zip(decided) {
            assert!((found - wanted).abs() < 1e-3, "{found} for {wanted}");
        }
    }
}

#[test]
fn batches_that_cannot_be_are_refused() {
    let (x, y) = cases(100, 6, 23);
    for batches in [
        Batches { n_epochs: 0, ..Default::default() },
        Batches { n_rows: 0, ..Default::default() },
        Batches { rate: f32::NAN, ..Default::default() },
    ] {
        let refused = run(|run| Network::default().fit_by_batches(run, x.view(), &y, &[1.0; 100], &batches));
        assert!(refused.unwrap_err().to_string().contains("use one epoch"));
    }
    let one_class = run(|run| {
        let model = Network::default();
        model.fit_by_batches(run, x.view(), &vec![1.0; 100], &[1.0; 100], &Batches::default())
    });
    assert!(one_class.is_err(), "one class teaches nothing");
}
