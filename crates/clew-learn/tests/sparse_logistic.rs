//! Logistic regression over sparse rows: the dense one's answer, the optimum's conditions, paths, faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::logistic::LogisticRegression;
use clew_learn::loss::sigmoid;
use clew_learn::sparse::Csr;
use clew_learn::sparse_logistic::{FittedSparseLogistic, LogisticPath, SparseLogistic};
use ndarray::Array2;
use rand::Rng;

mod common;
use common::{run, with_run};

struct Cases {
    dense: Array2<f32>,
    sparse: Csr,
    y: Vec<f32>,
    weight: Vec<f32>,
    offset: Vec<f32>,
}

/// Rows of which each column has a value with a probability that falls from column to column.
fn cases(n: usize, p: usize) -> Cases {
    with_run(1, 3, |run| {
        let mut rng = run.rng(1);
        let mut dense = Array2::zeros((n, p));
        for ((_, column), value) in dense.indexed_iter_mut() {
            if rng.random::<f32>() < 0.6 / (1.0 + column as f32 * 0.2) {
                *value = 0.2 + rng.random::<f32>();
            }
        }
        let offset: Vec<f32> = (0..n).map(|_| rng.random::<f32>() - 0.5).collect();
        let outcome = |row: usize| {
            let z = f64::from(offset[row] - 0.7 + 2.0 * dense[[row, 1]] - 1.5 * dense[[row, p / 2]]);
            f32::from(u8::from(f64::from(run.rng(100 + row as u64).random::<f32>()) < sigmoid(z)))
        };
        let y = (0..n).map(outcome).collect();
        let weight = (0..n).map(|row| (row % 3) as f32).collect();
        Cases { sparse: sparse(&dense), dense, y, weight, offset }
    })
}

fn sparse(dense: &Array2<f32>) -> Csr {
    let cells = dense.indexed_iter().filter(|(_, value)| **value != 0.0);
    let triplets: Vec<_> = cells.map(|((row, column), &v)| (row as u32, column as u32, v)).collect();
    Csr::from_triplets(dense.nrows(), dense.ncols(), &triplets).unwrap()
}

fn fit(params: &SparseLogistic, cases: &Cases) -> FittedSparseLogistic {
    run(|run| params.fit(run, &cases.sparse, &cases.y, &cases.weight, Some(&cases.offset))).unwrap()
}

/// Slopes of the loss without penalties, the intercept's last.
fn slopes(cases: &Cases, model: &FittedSparseLogistic) -> Vec<f64> {
    let mut slopes = vec![0.0; cases.dense.ncols() + 1];
    for (row, values) in cases.dense.rows().into_iter().enumerate() {
        let products = values.iter().zip(&model.coefficients).map(|(&v, c)| f64::from(v) * c);
        let z = model.intercept + f64::from(cases.offset[row]) + products.sum::<f64>();
        let slope = f64::from(cases.weight[row]) * (sigmoid(z) - f64::from(cases.y[row]));
        for (sum, value) in slopes.iter_mut().zip(values.iter().copied().chain([1.0])) {
            *sum += slope * f64::from(value);
        }
    }
    slopes
}

fn assert_optimal(cases: &Cases, model: &FittedSparseLogistic, l1: f64, l2: f64, tolerance: f64) {
    let slopes = slopes(cases, model);
    let (own, slopes) = slopes.split_last().unwrap();
    assert!(own.abs() <= tolerance, "the intercept's slope is {own}");
    for (column, (&c, slope)) in model.coefficients.iter().zip(slopes).enumerate() {
        let gap = if c == 0.0 { slope.abs() - l1 } else { (slope + l2 * c + l1 * c.signum()).abs() };
        assert!(gap <= tolerance, "column {column}: {gap} at {c}");
    }
}

#[test]
fn on_the_same_data_it_is_the_dense_one() {
    let cases = cases(3_000, 40);
    let params = SparseLogistic { l2: 0.7, tolerance: 1e-11, ..Default::default() };
    let sparse = fit(&params, &cases);
    assert_optimal(&cases, &sparse, 0.0, 0.7, 1e-6);
    let dense = run(|run| {
        let params = LogisticRegression { l2: 0.7, tolerance: 1e-11, ..Default::default() };
        params.fit(run, cases.dense.view(), &cases.y, &cases.weight, Some(&cases.offset))
    })
    .unwrap();
    assert!((sparse.intercept - dense.intercept).abs() < 1e-7);
    for (a, b) in sparse.coefficients.iter().zip(&dense.coefficients) {
        assert!((a - b).abs() < 1e-7, "{a} {b}");
    }
    let (a, b) = (run(|run| sparse.predict(run, &cases.sparse)).unwrap(), dense.predict(cases.dense.view()));
    assert!(a.iter().zip(b.unwrap()).all(|(a, b)| (a - b).abs() < 1e-6));
}

#[test]
fn with_l1_the_conditions_of_the_optimum_hold_and_most_columns_are_out() {
    let cases = cases(3_000, 200);
    for (l1, l2) in [(20.0, 0.0), (5.0, 3.0), (0.5, 0.0)] {
        let params = SparseLogistic { l1, l2, tolerance: 1e-9, ..Default::default() };
        let model = fit(&params, &cases);
        assert!(model.violation <= 1e-9);
        assert_optimal(&cases, &model, l1, l2, 1e-5);
        let inside = model.coefficients.iter().filter(|&&c| c != 0.0).count();
        assert!(if l1 > 1.0 { inside < 100 } else { inside > 100 }, "{inside} with {l1}");
    }
}

#[test]
fn a_path_begins_where_all_are_zero_and_each_step_is_an_optimum() {
    let cases = cases(2_000, 150);
    for share in [1.0, 0.5] {
        let path = LogisticPath { share, n_steps: 12, tolerance: 1e-9, ..Default::default() };
        let fit = |n_threads| {
            with_run(n_threads, 1, |run| {
                path.fit(run, &cases.sparse, &cases.y, &cases.weight, Some(&cases.offset)).unwrap()
            })
        };
        let steps = fit(2);
        assert_eq!(steps.len(), 12);
        assert_eq!(steps, fit(1));
        assert!(steps[0].model.coefficients.iter().all(|&c| c == 0.0));
        let strongest = slopes(&cases, &steps[0].model)[..150].iter().fold(0.0_f64, |m, s| m.max(s.abs()));
        assert!((strongest / steps[0].l1 - 1.0).abs() < 1e-9);
        assert!(steps[1].model.coefficients.iter().any(|&c| c != 0.0));
        for step in &steps {
            assert_optimal(&cases, &step.model, step.l1, step.l2, 1e-5);
        }
        assert!((steps[11].l1 / steps[0].l1 - 1e-2).abs() < 1e-12);
        let single =
            SparseLogistic { l1: steps[7].l1, l2: steps[7].l2, tolerance: 1e-9, ..Default::default() };
        let single =
            run(|run| single.fit(run, &cases.sparse, &cases.y, &cases.weight, Some(&cases.offset)).unwrap());
        for (a, b) in single.coefficients.iter().zip(&steps[7].model.coefficients) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }
}

#[test]
fn empty_columns_and_classes_told_apart_without_fault_do_no_harm() {
    let x = Csr::from_triplets(4, 5, &[(0, 1, 1.0), (1, 1, 1.0), (3, 4, 0.0)]).unwrap();
    let y = [1.0, 1.0, 0.0, 0.0];
    for (l1, l2) in [(0.0, 0.0), (0.0, 0.1), (0.1, 0.0), (10.0, 0.0)] {
        let params = SparseLogistic { l1, l2, ..Default::default() };
        let model = run(|run| params.fit(run, &x, &y, &[1.0; 4], None)).unwrap();
        assert!(model.intercept.is_finite() && model.coefficients.iter().all(|c| c.is_finite()));
        assert_eq!([0, 2, 3, 4].map(|column| model.coefficients[column]), [0.0; 4]);
        let p = run(|run| model.predict(run, &x)).unwrap();
        assert!(l1 > 1.0 || p[0] > 0.7 && p[2] < 0.4, "{p:?} with {l1} {l2}");
    }
}

#[test]
fn faults_are_named_with_their_place() {
    let cases = cases(50, 3);
    let message = |params: SparseLogistic, x: &Csr, y: &[f32], w: &[f32]| {
        run(|run| params.fit(run, x, y, w, None)).unwrap_err().to_string()
    };
    let ones = vec![1.0; 50];
    for l1 in [0.0, 1.0] {
        let params = || SparseLogistic { l1, ..Default::default() };
        assert!(message(params(), &cases.sparse, &[1.0; 50], &ones).contains("one class"));
        assert!(message(params(), &cases.sparse, &cases.y[1..], &ones).contains("49 outcomes"));
        let empty = Csr::from_triplets(0, 3, &[]).unwrap();
        assert!(message(params(), &empty, &[], &[]).contains("0 rows of 3 columns"));
        let bad = SparseLogistic { l1, l2: -1.0, ..Default::default() };
        assert!(message(bad, &cases.sparse, &cases.y, &ones).contains("l2 is -1"));
    }
    let path = LogisticPath { share: 0.0, ..Default::default() };
    let error = run(|run| path.fit(run, &cases.sparse, &cases.y, &ones, None)).unwrap_err();
    assert!(error.to_string().contains("share"));
    let model = fit(&SparseLogistic::default(), &cases);
    let wider = Csr::from_triplets(1, 4, &[]).unwrap();
    assert!(run(|run| model.predict(run, &wider)).unwrap_err().to_string().contains("4 columns where 3"));
}
