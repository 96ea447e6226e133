//! The explicit factorisation: planted values are found again, both ways of solving agree, weights count, what
//! comes later is folded in, faults are refused, a file keeps it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_learn::Error;
use clew_learn::explicit::{ExplicitAls, FittedExplicit};
use clew_learn::format::{File, Writer};
use clew_learn::sparse::Csr;
use ndarray::Array2;
use rand::Rng;

mod common;
use common::{normal, run, with_run};

type Triplets = Vec<(u32, u32, f32)>;

const NOISE: f32 = 0.3;

/// Values of mean 3, biases and three factors with noise of deviation 0.3; a share of them to learn from, as
/// many others to judge by.
fn planted(n_rows: u32, n_columns: u32, share: f32) -> (Triplets, Triplets) {
    with_run(1, 3, |run| {
        let mut rng = run.rng(1);
        let mut side = |n| Array2::from_shape_simple_fn((n as usize, 4), || normal(&mut rng));
        let (rows, columns) = (side(n_rows), side(n_columns));
        let (mut train, mut test) = (vec![], vec![]);
        for r in 0..n_rows {
            for c in 0..n_columns {
                let (p, q) = (rows.row(r as usize), columns.row(c as usize));
                let product: f32 = (0..3).map(|k| p[k] * q[k]).sum();
                let value = 3.0 + 0.5 * p[3] + 0.7 * q[3] + 0.6 * product + NOISE * normal(&mut rng);
                match rng.random::<f32>() {
                    part if part < share => train.push((r, c, value)),
                    part if part < 2.0 * share => test.push((r, c, value)),
                    _ => {}
                }
            }
        }
        (train, test)
    })
}

fn matrix(n_rows: usize, n_columns: usize, triplets: &Triplets) -> Csr {
    Csr::from_triplets(n_rows, n_columns, triplets).unwrap()
}

fn als() -> ExplicitAls {
    ExplicitAls { n_factors: 3, regularisation: 0.02, ..Default::default() }
}

fn fit(als: &ExplicitAls, values: &Csr) -> FittedExplicit {
    run(|run| als.fit(run, values, None, None)).unwrap()
}

#[test]
fn planted_factors_are_found_again() {
    let (train, test) = planted(300, 200, 0.2);
    let (train, test) = (matrix(300, 200, &train), matrix(300, 200, &test));
    let error = |als: &ExplicitAls| run(|run| fit(als, &train).rmse(run, &test, None)).unwrap();
    let (right, biases) = (error(&als()), error(&ExplicitAls { n_factors: 0, ..als() }));
    // 40 values a row for 4 unknowns leave some 10 % above the noise itself.
    assert!(right < 1.2 * f64::from(NOISE), "{right}");
    assert!(biases > 3.0 * right, "{biases} by biases alone, {right} with factors");
    let too_many = error(&ExplicitAls { n_factors: 24, ..als() });
    assert!(too_many > right && too_many < biases, "{too_many} with 24 factors");
}

#[test]
fn short_and_long_rows_stand_at_the_lowest_loss() {
    let (train, _) = planted(120, 60, 0.3);
    // Rows of 1, 2, … places beside full ones: both ways of solving.
    let train: Triplets = train.into_iter().filter(|&(r, c, _)| r >= 60 || c < r).collect();
    let values = matrix(120, 60, &train);
    let als = ExplicitAls { n_factors: 8, n_sweeps: 3, ..als() };
    let found = fit(&als, &values);
    let lengths: Vec<usize> = (0..120).map(|row| values.row(row).0.len()).collect();
    assert!(lengths.contains(&0) && lengths.iter().any(|&n| (1..5).contains(&n)));
    for row in 0..120 {
        let (columns, held) = values.row(row);
        let n = columns.len() as f64;
        let (mut bias_slope, mut slope) = (
            0.02 * n * f64::from(found.rows.biases[row]),
            found.rows.vectors.row(row).mapv(|x| 0.02 * n * f64::from(x)),
        );
        for (&column, &value) in columns.iter().zip(held) {
            let error = f64::from(found.predict(row, column as usize)) - f64::from(value);
            bias_slope += error;
            slope.scaled_add(error, &found.columns.vectors.row(column as usize).mapv(f64::from));
        }
        let most = slope.iter().fold(bias_slope.abs(), |most, s| most.max(s.abs()));
        assert!(most < 2e-4, "row {row} of {n} places is off by {most}");
    }
}

#[test]
fn weight_zero_is_no_value_and_weights_scale() {
    let (train, _) = planted(80, 50, 0.3);
    let kept: Triplets = train.iter().copied().filter(|t| !(t.0 + t.1).is_multiple_of(3)).collect();
    let weight = |t: &(u32, u32, f32)| (t.0, t.1, if (t.0 + t.1).is_multiple_of(3) { 0.0 } else { 2.0 });
    let weights = matrix(80, 50, &train.iter().map(weight).collect());
    // With the exponent 1 all terms grow alike, so a weight of 2 for all changes nothing.
    let a = run(|run| als().fit(run, &matrix(80, 50, &train), Some(&weights), None)).unwrap();
    let b = fit(&als(), &matrix(80, 50, &kept));
    assert!((a.mean - b.mean).abs() < 1e-9);
    for row in 0..80 {
        for column in 0..50 {
            let (a, b) = (a.predict(row, column), b.predict(row, column));
            assert!((a - b).abs() < 1e-3, "{a} against {b}");
        }
    }
}

#[test]
fn known_rows_fold_in_to_themselves_and_a_warm_start_goes_on() {
    let (train, test) = planted(150, 90, 0.25);
    let (values, test) = (matrix(150, 90, &train), matrix(150, 90, &test));
    let found = fit(&als(), &values);
    let folded = run(|run| found.fold_in(run, &values, None)).unwrap();
    assert_eq!(folded, found.rows);
    assert_eq!(found.predict_for(&folded, 3, 5), found.predict(3, 5));
    let cold = ExplicitAls { n_sweeps: 1, ..als() };
    let error = |found: FittedExplicit| run(|run| found.rmse(run, &test, None)).unwrap();
    let warm = run(|run| cold.fit(run, &values, None, Some(&found))).unwrap();
    assert!(error(warm) < 0.8 * error(fit(&cold, &values)));
}

#[test]
fn the_ranking_vectors_order_as_the_predictions_do() {
    let (train, _) = planted(40, 30, 0.5);
    let found = fit(&als(), &matrix(40, 30, &train));
    let (rows, columns) = found.ranking_vectors();
    let scores = rows.dot(&columns.t());
    for row in 0..40 {
        let base = scores[[row, 0]] - found.predict(row, 0);
        for column in 0..30 {
            assert!((scores[[row, column]] - found.predict(row, column) - base).abs() < 1e-4);
        }
    }
    // Nothing is known of row 40 and column 30: the mean.
    assert_eq!(found.predict(40, 30), found.mean as f32);
}

#[test]
fn the_bits_do_not_depend_on_the_threads_and_a_file_keeps_them() {
    let (train, _) = planted(200, 90, 0.3);
    let values = matrix(200, 90, &train);
    let fit = |n_threads| with_run(n_threads, 5, |run| als().fit(run, &values, None, None)).unwrap();
    let found = fit(1);
    assert_eq!(found, fit(2));
    assert_eq!(found, fit(3));
    let mut writer = Writer::new();
    found.write(&mut writer, "m").unwrap();
    let file = File::open(Arc::new(writer.finish())).unwrap();
    assert_eq!(found, FittedExplicit::read(&file, "m").unwrap());
    // A file whose parts do not fit: one bias short.
    let mut short = found;
    short.columns.biases.pop();
    let mut writer = Writer::new();
    short.write(&mut writer, "m").unwrap();
    let file = File::open(Arc::new(writer.finish())).unwrap();
    assert!(matches!(FittedExplicit::read(&file, "m"), Err(Error::Format { .. })));
    assert!(run(|run| short.fold_in(run, &values, None)).is_err());
}

#[test]
fn faults_are_refused_with_a_place() {
    let (train, _) = planted(20, 10, 0.5);
    let values = matrix(20, 10, &train);
    let ones: Triplets = train.iter().map(|t| (t.0, t.1, 1.0)).collect();
    let mut negative = ones.clone();
    negative[17].2 = -1.0;
    let place = format!("row {}, column {}", negative[17].0, negative[17].1);
    let zero = matrix(20, 10, &ones.iter().map(|t| (t.0, t.1, 0.0)).collect());
    let (negative, elsewhere) = (matrix(20, 10, &negative), matrix(20, 10, &ones[1..].to_vec()));
    let fails = |als: ExplicitAls, values: &Csr, weights, word: &str| match run(|run| {
        als.fit(run, values, weights, None)
    }) {
        Err(Error::Input { place, remedy }) => {
            assert!(place.contains(word) && remedy.len() > 10, "'{place}' for '{word}'");
        }
        other => panic!("{word}: {other:?}"),
    };
    fails(als(), &values, Some(&negative), &place);
    fails(als(), &values, Some(&elsewhere), "same places");
    fails(als(), &values, Some(&zero), "no value has a weight");
    fails(als(), &matrix(20, 10, &vec![]), None, "no value has a weight");
    fails(ExplicitAls { n_factors: 1_025, ..als() }, &values, None, "1025 factors");
    fails(ExplicitAls { regularisation: f32::NAN, ..als() }, &values, None, "penalties");
    let other = fit(&ExplicitAls { n_factors: 2, ..als() }, &values);
    assert!(run(|run| als().fit(run, &values, None, Some(&other))).is_err());
    assert!(run(|run| other.fold_in(run, &matrix(5, 9, &vec![]), None)).is_err());
}
