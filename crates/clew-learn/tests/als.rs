//! The factorisation: each row solves its system, the loss falls, and a withheld diagonal is filled.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use clew_learn::als::{Factors, FixedMeans, ImplicitAls, Method};
use clew_learn::format::{File, Writer};
use clew_learn::sparse::Csr;
use clew_learn::top_k::top_k;
use ndarray::{Array2, Axis};
use rand::Rng;
use std::sync::Arc;

mod common;
use common::run;

/// A matrix of blocks: row r likes the columns of its own parity, but never the one at its own place.
fn checkerboard(n: usize) -> Csr {
    let mut triplets = Vec::new();
    for row in 0..n as u32 {
        triplets.extend((0..n as u32).filter(|c| (c + row) % 2 == 0 && *c != row).map(|c| (row, c, 1.0)));
    }
    Csr::from_triplets(n, n, &triplets).unwrap()
}

fn random(n_rows: usize, n_cols: usize, n: usize) -> Csr {
    run(|run| {
        let mut rng = run.rng(9);
        let triplets: Vec<_> = (0..n)
            .map(|_| {
                // Low columns are popular: rows of all lengths, also longer than the factors are many.
                let column = (n_cols as f64 * rng.random::<f64>().powi(3)) as u32;
                let row = (n_rows as f64 * rng.random::<f64>().powi(2)) as u32;
                (row, column, 0.5 + rng.random::<f32>())
            })
            .collect();
        Csr::from_triplets(n_rows, n_cols, &triplets).unwrap()
    })
}

fn params() -> ImplicitAls {
    ImplicitAls {
        n_factors: 12,
        regularisation: 0.05,
        unobserved_weight: 0.1,
        n_sweeps: 6,
        ..Default::default()
    }
}

/// The loss as documented, place by place.
fn loss(als: &ImplicitAls, matrix: &Csr, rows: &Array2<f32>, columns: &Array2<f32>) -> f64 {
    let scores = rows.dot(&columns.t());
    let mut loss =
        f64::from(als.unobserved_weight) * scores.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
    let penalties = |matrix: &Csr, vectors: &Array2<f32>| -> f64 {
        let frequencies = matrix.row_sums();
        (0..matrix.n_rows())
            .map(|row| {
                let frequency = frequencies[row] + f64::from(als.unobserved_weight) * matrix.n_cols() as f64;
                let square: f64 = vectors.row(row).iter().map(|&v| f64::from(v).powi(2)).sum();
                f64::from(als.regularisation) * frequency.powf(f64::from(als.frequency_exponent)) * square
            })
            .sum()
    };
    for row in 0..matrix.n_rows() {
        let (places, values) = matrix.row(row);
        for (&column, &value) in places.iter().zip(values) {
            loss += f64::from(value) * (1.0 - f64::from(scores[[row, column as usize]])).powi(2);
        }
    }
    loss + penalties(matrix, rows) + penalties(&matrix.transpose(), columns)
}

#[test]
fn a_withheld_diagonal_is_filled() {
    let n = 50;
    let matrix = checkerboard(n);
    let als = ImplicitAls { n_factors: 4, ..params() };
    let factors = run(|run| als.fit(run, &matrix, None)).unwrap();
    let best = run(|run| top_k(run, factors.rows.view(), factors.columns.view(), 1, Some(&matrix))).unwrap();
    for (row, best) in best.iter().enumerate() {
        assert_eq!(best[0].0, row as u32, "the one column of its colour that row {row} was not shown");
    }
}

#[test]
fn short_and_long_rows_solve_their_system() {
    let matrix = random(300, 120, 5_000);
    let als = params();
    let factors = run(|run| als.fit(run, &matrix, None)).unwrap();
    let d = als.n_factors;
    let h = factors.columns.mapv(f64::from);
    let lengths: Vec<usize> = (0..300).map(|row| matrix.row(row).0.len()).collect();
    assert!(lengths.iter().any(|&n| n > 2 * d) && lengths.iter().any(|&n| n > 0 && n < d / 2));
    for row in 0..300 {
        let (places, values) = matrix.row(row);
        let x = factors.rows.row(row).mapv(f64::from);
        let sum: f64 = values.iter().map(|&v| f64::from(v)).sum();
        let mut slope = h.t().dot(&h.dot(&x)) * f64::from(als.unobserved_weight);
        slope += &(&x * (f64::from(als.regularisation) * (sum + f64::from(als.unobserved_weight) * 120.0)));
        for (&column, &value) in places.iter().zip(values) {
            let vector = h.index_axis(Axis(0), column as usize);
            slope += &(&vector * (f64::from(value) * (vector.dot(&x) - 1.0)));
        }
        let most = slope.iter().fold(0.0_f64, |most, s| most.max(s.abs()));
        assert!(most < 1e-3 * sum.max(1.0), "row {row} of {} places is off by {most}", places.len());
    }
}

#[test]
fn means_pull_exactly_as_documented() {
    let matrix = random(300, 120, 3_000);
    let als = params();
    run(|run| {
        let factors = als.fit(run, &matrix, None).unwrap();
        let mut rng = run.rng(3);
        let means = Array2::from_shape_simple_fn((300, als.n_factors), || rng.random::<f32>() - 0.5);
        let found = factors.fold_in_towards(run, &matrix, means.view()).unwrap();
        let h = factors.columns.mapv(f64::from);
        for row in 0..300 {
            let (places, values) = matrix.row(row);
            let (x, m) = (found.row(row).mapv(f64::from), means.row(row).mapv(f64::from));
            let sum: f64 = values.iter().map(|&v| f64::from(v)).sum();
            let mut slope = h.t().dot(&h.dot(&x)) * f64::from(als.unobserved_weight);
            let penalty = f64::from(als.regularisation) * (sum + f64::from(als.unobserved_weight) * 120.0);
            slope += &((&x - &m) * penalty);
            for (&column, &value) in places.iter().zip(values) {
                let vector = h.index_axis(Axis(0), column as usize);
                slope += &(&vector * (f64::from(value) * (vector.dot(&x) - 1.0)));
            }
            let most = slope.iter().fold(0.0_f64, |most, s| most.max(s.abs()));
            assert!(most < 1e-3 * sum.max(1.0), "row {row} of {} places is off by {most}", places.len());
        }
        let zero = Array2::zeros((300, als.n_factors));
        let apart = factors.fold_in_towards(run, &matrix, zero.view()).unwrap() - &factors.rows;
        assert!(apart.iter().all(|v| v.abs() < 1e-6));
        let mut fixed = FixedMeans { rows: Some(means), columns: None };
        let again = als.fit_towards(run, &matrix, None, &mut fixed).unwrap();
        assert_ne!(again.rows, factors.rows);
        fixed.rows = Some(Array2::zeros((299, als.n_factors)));
        let error = als.fit_towards(run, &matrix, None, &mut fixed).unwrap_err().to_string();
        assert!(error.starts_with("299 means of 12 factors where 300 of 12 are wanted"), "{error}");
    });
}

#[test]
fn every_sweep_lowers_the_loss() {
    let matrix = random(200, 150, 3_000);
    let mut before = f64::INFINITY;
    for n_sweeps in 1..6 {
        let als = ImplicitAls { n_sweeps, ..params() };
        let factors = run(|run| als.fit(run, &matrix, None)).unwrap();
        let after = loss(&als, &matrix, &factors.rows, &factors.columns);
        assert!(after < before, "{after} after {n_sweeps} sweeps, {before} before");
        before = after;
    }
}

#[test]
fn every_method_comes_down_to_the_same_loss() {
    let matrix = random(200, 150, 3_000);
    let transposed = matrix.transpose();
    let methods = [
        Method::Exact,
        Method::ConjugateGradient { n_steps: 1 },
        Method::ConjugateGradient { n_steps: 3 },
        Method::Blocks { block: 5 },
        Method::Blocks { block: 64 },
    ];
    run(|run| {
        let first = ImplicitAls { n_sweeps: 0, ..params() }.fit(run, &matrix, None).unwrap();
        let mut reached = Vec::new();
        for method in methods {
            let als = ImplicitAls { method, ..params() };
            let (mut rows, mut columns) = (Array2::zeros(first.rows.dim()), first.columns.clone());
            let mut before = f64::INFINITY;
            for sweep in 0..60 {
                als.sweep(run, &matrix, &transposed, &mut rows, &mut columns).unwrap();
                let after = als.loss(run, &matrix, rows.view(), columns.view()).unwrap();
                assert!(after < before * (1.0 + 1e-6), "{method:?}, sweep {sweep}: {after} after {before}");
                before = after;
            }
            let by_place = loss(&als, &matrix, &rows, &columns);
            assert!((before / by_place - 1.0).abs() < 1e-5, "{before} is not {by_place}");
            reached.push(before);
        }
        assert!(reached.iter().all(|loss| (loss / reached[0] - 1.0).abs() < 0.01), "{reached:?}");
    });
}

#[test]
fn half_precision_recommends_and_folds_in_alike() {
    let matrix = random(200, 150, 3_000);
    run(|run| {
        let factors = params().fit(run, &matrix, None).unwrap();
        let half = factors.halved(run).unwrap();
        let apart = half.fold_in(run, &matrix).unwrap() - &factors.rows;
        let size = factors.rows.mapv(|v| v * v).sum();
        assert!(apart.mapv(|v| v * v).sum() < 1e-5 * size);
        let best = top_k(run, factors.rows.view(), factors.columns.view(), 5, None).unwrap();
        for (full, half) in best[20..60].iter().zip(half.top_k(run, 20..60, 5, None).unwrap()) {
            assert!(full.iter().zip(&half).all(|(a, b)| (a.1 - b.1).abs() < 2e-3), "{full:?} {half:?}");
        }
        let far = Factors { columns: factors.columns.mapv(|v| v + 1e5), ..factors };
        let error = far.halved(run).unwrap_err().to_string();
        assert!(error.starts_with("vector 0 does not fit half precision"), "{error}");
    });
}

#[test]
fn a_start_goes_on_where_it_ended() {
    let matrix = random(200, 150, 3_000);
    let short = ImplicitAls { n_sweeps: 3, ..params() };
    run(|run| {
        let half = short.fit(run, &matrix, None).unwrap();
        let whole = short.fit(run, &matrix, Some(&half)).unwrap();
        let at_once = params().fit(run, &matrix, None).unwrap();
        assert_eq!(whole.rows, at_once.rows);
    });
}

#[test]
fn folding_in_gives_the_vectors_of_training() {
    let matrix = random(200, 150, 3_000);
    run(|run| {
        let factors = params().fit(run, &matrix, None).unwrap();
        assert_eq!(factors.fold_in(run, &matrix).unwrap(), factors.rows);
        let columns = factors.fold_in_columns(run, &matrix.transpose()).unwrap();
        // The columns were solved against the rows of half a sweep before.
        let apart = (&columns - &factors.columns).mapv(|v| v * v).sum() / columns.mapv(|v| v * v).sum();
        assert!(apart < 0.01, "{apart}");
        let none = factors.fold_in(run, &Csr::from_triplets(1, 150, &[]).unwrap()).unwrap();
        assert!(none.iter().all(|&v| v == 0.0));
    });
}

#[test]
fn saved_and_loaded_they_are_equal() {
    let matrix = random(50, 40, 300);
    let factors = run(|run| params().fit(run, &matrix, None)).unwrap();
    let mut writer = Writer::new();
    factors.write(&mut writer, "factors").unwrap();
    let file = File::open(Arc::new(writer.finish())).unwrap();
    assert_eq!(Factors::read(&file, "factors").unwrap(), factors);
}

#[test]
fn values_far_apart_are_borne() {
    // A quantity typed wrong, without a penalty that grows with it: beyond what f32 can solve.
    let mut triplets: Vec<(u32, u32, f32)> = Vec::new();
    for row in 0..60_u32 {
        triplets.extend((0..40).filter(|c| (c * 7 + row * 3) % 5 < 3).map(|c| (row, c, 1.0)));
    }
    triplets.iter_mut().step_by(97).for_each(|triplet| triplet.2 = 1e6);
    let matrix = Csr::from_triplets(60, 40, &triplets).unwrap();
    let als =
        ImplicitAls { frequency_exponent: 0.0, regularisation: 0.003, unobserved_weight: 0.01, ..params() };
    let factors = run(|run| als.fit(run, &matrix, None)).unwrap();
    for &(row, column, _) in triplets.iter().step_by(97) {
        let score = factors.rows.row(row as usize).dot(&factors.columns.row(column as usize));
        assert!((score - 1.0).abs() < 0.01, "({row}, {column}) is predicted as {score}");
    }
}

#[test]
fn faults_are_named_with_their_place() {
    let fit = |als: ImplicitAls, matrix: &Csr| run(|run| als.fit(run, matrix, None)).unwrap_err().to_string();
    let empty = Csr::from_triplets(3, 3, &[]).unwrap();
    assert_eq!(fit(params(), &empty), "the matrix has no values; give at least one event");
    let negative = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (2, 1, -1.0)]).unwrap();
    assert_eq!(fit(params(), &negative), "row 2, column 1 has the value -1; use finite values of 0 or more");
    let none = ImplicitAls { method: Method::ConjugateGradient { n_steps: 0 }, ..params() };
    assert_eq!(fit(none, &negative), "0 steps; use 1 or more");
    let als = ImplicitAls { n_factors: 0, ..params() };
    assert_eq!(fit(als, &negative), "0 factors; use 1 to 1024");
}
