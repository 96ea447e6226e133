//! Logistic regression against answers known by hand and against its own conditions of optimality.

use clew_learn::Error;
use clew_learn::logistic::{FittedLogistic, LogisticRegression};
use ndarray::{Array2, array};

mod common;
use common::{cases, run};

/// The slopes of the penalised loss at a solution, which must all be 0.
fn slopes(
    fit: &FittedLogistic,
    x: &Array2<f32>,
    y: &[f32],
    weight: &[f32],
    offset: &[f32],
    l2: f64,
) -> Vec<f64> {
    let p = x.ncols();
    let mut slopes = vec![0.0; p + 1];
    for (row, values) in x.rows().into_iter().enumerate() {
        let z = fit.intercept
            + f64::from(offset[row])
            + values.iter().zip(&fit.coefficients).map(|(&v, c)| f64::from(v) * c).sum::<f64>();
        let slope = f64::from(weight[row]) * (1.0 / (1.0 + (-z).exp()) - f64::from(y[row]));
        for (sum, &value) in slopes.iter_mut().zip(values) {
            *sum += slope * f64::from(value);
        }
        slopes[p] += slope;
    }
    for (slope, c) in slopes.iter_mut().zip(&fit.coefficients) {
        *slope += l2 * c;
    }
    slopes
}

#[test]
fn two_groups_have_the_log_odds_of_their_shares() {
    // 1 of 4 against 3 of 4: intercept ln(1/3), coefficient ln(3) - ln(1/3) = 2 ln 3.
    let x = array![[0.0_f32], [0.0], [0.0], [0.0], [1.0], [1.0], [1.0], [1.0]];
    let y = [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    let fit = run(|run| {
        LogisticRegression { l2: 0.0, tolerance: 1e-12, ..Default::default() }.fit(
            run,
            x.view(),
            &y,
            &[1.0; 8],
            None,
        )
    })
    .unwrap();
    assert!((fit.intercept - (1.0_f64 / 3.0).ln()).abs() < 1e-8, "{fit:?}");
    assert!((fit.coefficients[0] - 2.0 * 3.0_f64.ln()).abs() < 1e-8, "{fit:?}");
    let p = fit.predict(x.view()).unwrap();
    assert!((p[0] - 0.25).abs() < 1e-6 && (p[7] - 0.75).abs() < 1e-6);
}

#[test]
fn the_slopes_vanish_with_weights_offset_and_penalty() {
    let (x, y) = cases(5_000, 12, 3);
    let weight: Vec<f32> = (0..5_000).map(|row| 0.5 + (row % 5) as f32).collect();
    let offset: Vec<f32> = (0..5_000).map(|row| (row % 3) as f32 - 1.0).collect();
    let l2 = 3.0;
    let fit = run(|run| {
        LogisticRegression { l2, ..Default::default() }.fit(run, x.view(), &y, &weight, Some(&offset))
    })
    .unwrap();
    for slope in slopes(&fit, &x, &y, &weight, &offset, l2) {
        assert!(slope.abs() < 1e-8 * 12_500.0, "{slope}");
    }
}

#[test]
fn many_columns_take_the_other_way_to_the_same_goal() {
    let (x, y) = cases(1_500, 320, 4);
    let (weight, offset) = (vec![1.0; 1_500], vec![0.0; 1_500]);
    let fit =
        run(|run| LogisticRegression { l2: 5.0, ..Default::default() }.fit(run, x.view(), &y, &weight, None))
            .unwrap();
    for slope in slopes(&fit, &x, &y, &weight, &offset, 5.0) {
        assert!(slope.abs() < 1e-7 * 1_500.0, "{slope}");
    }
}

#[test]
fn columns_that_repeat_each_other_and_constant_columns_are_borne() {
    let (x, y) = cases(500, 3, 5);
    let twice = ndarray::concatenate![ndarray::Axis(1), x, x, Array2::ones((500, 1))];
    let fit = run(|run| {
        LogisticRegression { l2: 0.0, ..Default::default() }.fit(run, twice.view(), &y, &[1.0; 500], None)
    })
    .unwrap();
    let once = run(|run| {
        LogisticRegression { l2: 0.0, ..Default::default() }.fit(run, x.view(), &y, &[1.0; 500], None)
    })
    .unwrap();
    for (a, b) in fit.predict(twice.view()).unwrap().iter().zip(once.predict(x.view()).unwrap()) {
        assert!((a - b).abs() < 1e-5);
    }
}

#[test]
fn faults_are_named_with_their_place() {
    let (mut x, y) = cases(50, 3, 6);
    let fit = |x: &Array2<f32>, y: &[f32], w: &[f32]| {
        run(|run| LogisticRegression::default().fit(run, x.view(), y, w, None)).unwrap_err().to_string()
    };
    let message = fit(&x, &[0.0; 50], &[1.0; 50]);
    assert_eq!(message, "the outcomes are all of one class; train where some bought and some did not");
    assert_eq!(fit(&x, &y[..49], &[1.0; 50]), "50 rows, 49 outcomes, 50 weights; give one of each per row");
    x[[12, 2]] = f32::NAN;
    assert_eq!(fit(&x, &y, &[1.0; 50]), "row 12 is not finite in column 2; drop or fill it");
    let empty = Array2::zeros((0, 3));
    assert_eq!(fit(&empty, &[], &[]), "0 rows of 3 columns; give at least one of each");
}

#[test]
fn a_raised_flag_stops_it() {
    let (x, y) = cases(50, 3, 6);
    let error = run(|run| {
        run.stop.stop();
        LogisticRegression::default().fit(run, x.view(), &y, &[1.0; 50], None)
    });
    assert_eq!(error, Err(Error::Stopped));
}
