//! Ridge, elastic net, counts and amounts: optima, paths, the same for sparse rows, faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::glm::{Family, GeneralizedLinear};
use clew_learn::linear::{ElasticNet, FittedLinear, Ridge};
use clew_learn::online_logistic::OnlineLogistic;
use clew_learn::sparse::Csr;
use clew_learn::sparse_logistic::SparseLogistic;
use ndarray::{Array2, Axis, concatenate};

mod common;
use common::{normal, run, with_run};

const L2: Ridge = Ridge { l2: 0.5 };

/// Columns that share a part, outcomes of three of them, weights 0 to 2.
fn cases(n: usize, p: usize) -> (Array2<f32>, Vec<f32>, Vec<f32>) {
    with_run(1, 9, |run| {
        let mut rng = run.rng(1);
        let mut x = Array2::from_shape_simple_fn((n, p), || normal(&mut rng));
        for mut row in x.rows_mut() {
            let common = normal(&mut rng);
            row.iter_mut().for_each(|value| *value = 3.0 + *value + 0.7 * common);
        }
        let y = x
            .rows()
            .into_iter()
            .map(|row| 5.0 + row[0] - 2.0 * row[1] + 0.5 * row[p - 1] + normal(&mut rng))
            .collect();
        (x, y, (0..n).map(|row| (row % 3) as f32).collect())
    })
}

/// Slopes of ½ Σ weight × (prediction − outcome)², the intercept's last.
fn slopes(x: &Array2<f32>, y: &[f32], weight: &[f32], model: &FittedLinear) -> Vec<f64> {
    let mut slopes = vec![0.0; x.ncols() + 1];
    for (row, values) in x.rows().into_iter().enumerate() {
        let products = values.iter().zip(&model.coefficients).map(|(&v, c)| f64::from(v) * c);
        let slope = model.intercept + products.sum::<f64>() - f64::from(y[row]);
        for (sum, value) in slopes.iter_mut().zip(values.iter().copied().chain([1.0])) {
            *sum += slope * f64::from(weight[row]) * f64::from(value);
        }
    }
    slopes
}

fn assert_optimal(slopes: &[f64], model: &FittedLinear, l1: f64, l2: f64, tolerance: f64) {
    let (own, slopes) = slopes.split_last().unwrap();
    assert!(own.abs() <= tolerance, "the intercept's slope is {own}");
    for (column, (&c, slope)) in model.coefficients.iter().zip(slopes).enumerate() {
        let gap = if c == 0.0 { slope.abs() - l1 } else { (slope + l2 * c + l1 * c.signum()).abs() };
        assert!(gap <= tolerance, "column {column}: {gap} at {c}");
    }
}

#[test]
fn ridge_is_optimal_and_the_same_for_sparse_rows() {
    let (x, y, weight) = cases(900, 20);
    let fit = run(|run| L2.fit(run, x.view(), &y, &weight)).unwrap();
    assert_optimal(&slopes(&x, &y, &weight, &fit), &fit, 0.0, 0.5, 1e-7);
    let triplets: Vec<_> = x.indexed_iter().map(|((r, c), &v)| (r as u32, c as u32, v)).collect();
    let rows = Csr::from_triplets(900, 20, &triplets).unwrap();
    let sparse = run(|run| L2.fit_sparse(run, &rows, &y, &weight)).unwrap();
    for (a, b) in fit.coefficients.iter().zip(&sparse.coefficients) {
        assert!((a - b).abs() < 1e-7, "{a} {b}");
    }
    let (a, b) = (fit.predict(x.view()).unwrap(), run(|run| sparse.predict_sparse(run, &rows)).unwrap());
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4));
}

#[test]
fn without_a_penalty_a_dependent_or_constant_column_is_named() {
    let (x, y, weight) = cases(300, 6);
    let message = |x: &Array2<f32>| {
        run(|run| Ridge { l2: 0.0 }.fit(run, x.view(), &y, &weight)).unwrap_err().to_string()
    };
    run(|run| Ridge { l2: 0.0 }.fit(run, x.view(), &y, &weight)).unwrap();
    let sum = (&x.column(1) + &x.column(4)).insert_axis(Axis(1));
    let dependent = concatenate![Axis(1), x, sum, x];
    assert_eq!(
        message(&dependent),
        "column 6 is constant or depends on the columns before it; drop it or use an l2 above 0"
    );
    let constant = concatenate![Axis(1), x, Array2::from_elem((300, 1), 0.1)];
    assert!(message(&constant).starts_with("column 6 is constant"));
    for x in [&dependent, &constant] {
        let fit = run(|run| L2.fit(run, x.view(), &y, &weight)).unwrap();
        assert_optimal(&slopes(x, &y, &weight, &fit), &fit, 0.0, 0.5, 1e-6);
    }
}

#[test]
fn elastic_nets_and_their_paths_are_optimal() {
    let (x, y, weight) = cases(600, 80);
    for (l1, l2) in [(30.0, 0.0), (5.0, 5.0), (0.01, 0.0), (0.0, 1.0)] {
        let net = ElasticNet { l1, l2, ..Default::default() };
        let fit = run(|run| net.fit(run, x.view(), &y, &weight)).unwrap();
        assert_optimal(&slopes(&x, &y, &weight, &fit), &fit, l1, l2, 1e-5);
    }
    let net = ElasticNet { l1: 2.0, l2: 1.0, ..Default::default() };
    let steps = run(|run| net.fit_path(run, x.view(), &y, &weight, 15, 1e-3)).unwrap();
    assert!(steps[0].model.coefficients.iter().all(|&c| c == 0.0));
    assert!(steps[1].model.coefficients.iter().any(|&c| c != 0.0));
    for step in &steps {
        assert_eq!(step.l2, step.l1 / 2.0);
        assert_optimal(&slopes(&x, &y, &weight, &step.model), &step.model, step.l1, step.l2, 1e-5);
    }
    assert_eq!(steps, with_run(3, 1, |run| net.fit_path(run, x.view(), &y, &weight, 15, 1e-3)).unwrap());
}

#[test]
fn more_columns_than_rows_and_twins_do_no_harm() {
    let (x, y, weight) = cases(40, 90);
    let twins = concatenate![Axis(1), x, x];
    let net = ElasticNet { l1: 3.0, ..Default::default() };
    let fit = run(|run| net.fit(run, twins.view(), &y, &weight)).unwrap();
    assert_optimal(&slopes(&twins, &y, &weight, &fit), &fit, 3.0, 0.0, 1e-5);
    let fit = run(|run| L2.fit(run, twins.view(), &y, &weight)).unwrap();
    assert_optimal(&slopes(&twins, &y, &weight, &fit), &fit, 0.0, 0.5, 1e-6);
}

#[test]
fn counts_and_amounts_reach_the_optimum_with_exposure() {
    let (x, _, weight) = cases(800, 6);
    let x = x.mapv(|value| (value - 3.0) * 0.3);
    let offset: Vec<f32> = (0..800).map(|row| ((1 + row % 5) as f32).ln()).collect();
    for family in [Family::Poisson, Family::Gamma] {
        let loss = family.loss();
        let y: Vec<f32> = with_run(1, 4, |run| {
            let mut rng = run.rng(2);
            let mean = |row: usize| (offset[row] + 0.4 + x[[row, 0]] - x[[row, 3]]).exp();
            let drawn = |row: usize, noise: f32| match family {
                Family::Poisson => (mean(row) + mean(row).sqrt() * noise).max(0.0).round(),
                Family::Gamma => mean(row) * (0.5 * noise).exp(),
            };
            (0..800).map(|row| drawn(row, normal(&mut rng))).collect()
        });
        let params = GeneralizedLinear { family, l2: 0.3, tolerance: 1e-11, ..Default::default() };
        let fit = run(|run| params.fit(run, x.view(), &y, &weight, Some(&offset))).unwrap();
        let mut slopes = [0.0; 7];
        for (row, values) in x.rows().into_iter().enumerate() {
            let products = values.iter().zip(&fit.coefficients).map(|(&v, c)| f64::from(v) * c);
            let z = fit.intercept + f64::from(offset[row]) + products.sum::<f64>();
            let slope = f64::from(weight[row]) * loss.slope(z, f64::from(y[row]));
            for (sum, value) in slopes.iter_mut().zip(values.iter().copied().chain([1.0])) {
                *sum += slope * f64::from(value);
            }
        }
        for (slope, c) in slopes.iter().zip(fit.coefficients.iter().chain([&0.0])) {
            assert!((slope + 0.3 * c).abs() < 1e-6, "{family:?}: {slope} at {c}");
        }
        assert!((fit.coefficients[0] - 1.0).abs() < 0.15 && (fit.coefficients[3] + 1.0).abs() < 0.15);
        let twice: Vec<f32> = offset.iter().map(|offset| offset + 2_f32.ln()).collect();
        let (a, b) = (fit.predict(x.view(), Some(&offset)), fit.predict(x.view(), Some(&twice)));
        assert!(a.unwrap().iter().zip(b.unwrap()).all(|(a, b)| (b / a - 2.0).abs() < 1e-5));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let (x, _, weight) = cases(30, 2);
    let message = |family, y: &[f32], offset: Option<&[f32]>| {
        let params = GeneralizedLinear { family, ..Default::default() };
        run(|run| params.fit(run, x.view(), y, &weight, offset)).unwrap_err().to_string()
    };
    let mut y = vec![1.0; 30];
    y[4] = -2.0;
    let counts = "row 4 has the outcome -2; use finite counts of 0 or more";
    assert_eq!(message(Family::Poisson, &y, None), counts);
    y[4] = 0.0;
    let amounts = "row 4 has the outcome 0; use finite amounts above 0, without the rows of 0";
    assert_eq!(message(Family::Gamma, &y, None), amounts);
    let zero = "all counts are 0; train where something happened";
    assert_eq!(message(Family::Poisson, &[0.0; 30], None), zero);
    let offset = [f32::NEG_INFINITY; 30];
    let missing = "row 0 has an offset that is not finite; drop or fill it";
    assert_eq!(message(Family::Poisson, &y, Some(&offset)), missing);
    let wide = Array2::zeros((2, 5_001));
    let error = run(|run| L2.fit(run, wide.view(), &[1.0; 2], &[1.0; 2])).unwrap_err().to_string();
    assert_eq!(error, "5001 columns; use at most 5000, or ridge over sparse rows");
    let net = ElasticNet { l1: f64::NAN, ..Default::default() };
    let error = run(|run| net.fit(run, x.view(), &y, &weight)).unwrap_err().to_string();
    assert_eq!(error, "l1 is NaN; use a finite number of 0 or more");
}

#[test]
fn outcomes_that_are_all_the_same_need_no_column() {
    let (x, _, weight) = cases(60, 4);
    let twins = concatenate![Axis(1), x, x];
    let y = vec![2.5; 60];
    let net = ElasticNet::default();
    let steps = run(|run| net.fit_path(run, twins.view(), &y, &weight, 4, 0.1)).unwrap();
    for model in steps.iter().map(|step| &step.model) {
        assert!((model.intercept - 2.5).abs() < 1e-9);
        assert!(model.coefficients.iter().all(|c| c.abs() < 1e-9));
    }
}

#[test]
fn wild_numbers_end_in_a_model_or_an_error() {
    for size in [3e38_f32, 1e20, 1e-38] {
        let x = Array2::from_shape_fn((40, 4), |(r, c)| if (r + c) % 3 == 0 { size } else { r as f32 });
        let binary: Vec<f32> = (0..40).map(|row| f32::from(u8::from(row % 3 == 0))).collect();
        let large: Vec<f32> = (0..40).map(|row| if row % 5 == 0 { size } else { 1.0 }).collect();
        let triplets: Vec<_> = x.indexed_iter().map(|((r, c), &v)| (r as u32, c as u32, v)).collect();
        let rows = Csr::from_triplets(40, 4, &triplets).unwrap();
        let ones = [1.0; 40];
        run(|run| {
            for (penalty, weight) in [(0.0, &ones[..]), (1.0, &large[..])] {
                let _ = Ridge { l2: penalty }.fit(run, x.view(), &large, weight);
                let _ = Ridge { l2: 1.0 }.fit_sparse(run, &rows, &large, weight);
                let net = ElasticNet { l1: 1.0, l2: penalty, max_iterations: 100, ..Default::default() };
                let _ = net.fit(run, x.view(), &large, weight);
                for (l1, l2) in [(penalty, 0.0), (0.0, penalty), (1e-30, 1e-30)] {
                    let params = SparseLogistic { l1, l2, max_iterations: 20, ..Default::default() };
                    let _ = params.fit(run, &rows, &binary, weight, Some(&large));
                }
                for family in [Family::Poisson, Family::Gamma] {
                    let params = GeneralizedLinear { family, l2: penalty, ..Default::default() };
                    let _ = params.fit(run, x.view(), &large, weight, None);
                    let _ = params.fit(run, x.view(), &large, weight, Some(&large));
                }
                let mut online = OnlineLogistic::default().start(4).unwrap();
                let _ = online.learn(run, &rows, &binary, weight);
            }
        });
    }
}
