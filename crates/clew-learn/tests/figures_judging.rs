//! The same figures as scikit-learn and scipy give on the same data; `figures/judging.py` made them once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::Result;
use clew_learn::bootstrap::{Bootstrap, Method};
use clew_learn::calibration::{Beta, Isotonic};
use clew_learn::importance::PermutationImportance;
use clew_learn::loss::Loss;
use clew_learn::metrics;
use clew_learn::target_encoding::TargetEncoder;
use ndarray::Array2;
use serde_json::Value;

mod common;
use common::run;

fn figures() -> Value {
    serde_json::from_str(include_str!("figures/judging.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn column(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|value| value as f32).collect()
}

fn assert_near(what: &str, a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{what}: {a} against {b}");
}

type Metric = fn(&[f32], &[f32], &[f32]) -> Result<f64>;

#[test]
fn metrics_with_ties_with_and_without_weights() {
    let figures = figures();
    let [score, y, weight, counts, amounts] =
        ["score", "y", "weight", "counts", "amounts"].map(|name| column(&figures[name]));
    let means: Vec<f32> = score.iter().map(|score| 1.0 + 2.0 * score).collect();
    let all: [(&str, Metric, &[f32], &[f32]); 7] = [
        ("auc", metrics::auc, &score, &y),
        ("average_precision", metrics::average_precision, &score, &y),
        ("log_loss", metrics::log_loss, &score, &y),
        ("brier", metrics::brier, &score, &y),
        ("poisson_deviance", |m, y, w| metrics::deviance(Loss::Poisson, m, y, w), &means, &counts),
        ("gamma_deviance", |m, y, w| metrics::deviance(Loss::Gamma, m, y, w), &means, &amounts),
        ("squared_deviance", |m, y, w| metrics::deviance(Loss::Squared, m, y, w), &means, &counts),
    ];
    for (name, metric, predicted, outcome) in all {
        let expected = numbers(&figures[name]);
        let plain = metric(predicted, outcome, &vec![1.0; outcome.len()]).unwrap();
        assert_near(name, plain, expected[0], 1e-12);
        assert_near(name, metric(predicted, outcome, &weight).unwrap(), expected[1], 1e-12);
    }
    let twice = metrics::deviance(Loss::Logistic, &score, &y, &weight).unwrap();
    assert_near("logistic deviance", twice, 2.0 * numbers(&figures["log_loss"])[1], 1e-12);
    let relevance = column(&figures["relevance"]);
    for pair in figures["ndcg"].as_array().unwrap() {
        let (k, expected) = (pair[0].as_u64().unwrap() as usize, pair[1].as_f64().unwrap());
        assert_near("ndcg", metrics::ndcg_graded(&score, &relevance, k).unwrap(), expected, 1e-12);
    }
}

#[test]
fn calibration() {
    let figures = figures();
    let [score, y, weight, at] = ["score", "y", "weight", "at"].map(|name| column(&figures[name]));
    for (which, weight) in [vec![1.0; y.len()], weight].into_iter().enumerate() {
        let isotonic = Isotonic::fit(&score, &y, &weight).unwrap();
        for (&at, expected) in at.iter().zip(numbers(&figures["isotonic"][which])) {
            assert_near("isotonic", f64::from(isotonic.predict(at)), expected, 1e-6);
        }
        let beta = Beta::fit(&score, &y, &weight).unwrap();
        let expected = numbers(&figures["beta"][which]);
        for (found, expected) in [beta.a, beta.b, beta.c].into_iter().zip(expected) {
            assert_near("beta", found, expected, 1e-5);
        }
    }
}

#[test]
fn target_encoding() {
    let figures = figures();
    let y = column(&figures["y"]);
    let encoding = &figures["target_encoding"];
    let codes: Vec<u32> = numbers(&encoding["codes"]).into_iter().map(|code| code as u32).collect();
    let encoder = TargetEncoder { prior_weight: encoding["smooth"].as_f64().unwrap(), ..Default::default() };
    let groups: Vec<u64> = (0..y.len() as u64).collect();
    let (fitted, _) = run(|run| encoder.fit(run, &codes, 12, &y, &vec![1.0; y.len()], &groups)).unwrap();
    assert_near("mean", fitted.mean(), encoding["mean"].as_f64().unwrap(), 1e-12);
    let all: Vec<u32> = (0..12).collect();
    for (found, expected) in fitted.transform(&all).into_iter().zip(numbers(&encoding["encodings"])) {
        assert_near("encoding", f64::from(found), expected, 1e-7);
    }
}

/// Both shuffle by chance, so 300 repeats agree within some standard errors.
#[test]
fn permutation_importance() {
    let figures = figures();
    let own = &figures["importance"];
    let (target, coefficients) = (column(&own["target"]), numbers(&own["coefficients"]));
    let rows: Vec<f32> = own["x"].as_array().unwrap().iter().flat_map(column).collect();
    let x = Array2::from_shape_vec((target.len(), 3), rows).unwrap();
    let mean = target.iter().map(|&y| f64::from(y)).sum::<f64>() / target.len() as f64;
    let total: f64 = target.iter().map(|&y| (f64::from(y) - mean).powi(2)).sum();
    let groups: Vec<Vec<usize>> = (0..3).map(|column| vec![column]).collect();
    let found = run(|run| {
        PermutationImportance { n_repeats: 300 }.measure(run, x.view(), &groups, |x| {
            let intercept = own["intercept"].as_f64().unwrap();
            let residual = |(row, &y): (ndarray::ArrayView1<'_, f32>, &f32)| {
                let line = row.iter().zip(&coefficients).map(|(&x, b)| f64::from(x) * b).sum::<f64>();
                (f64::from(y) - intercept - line).powi(2)
            };
            Ok(1.0 - x.rows().into_iter().zip(&target).map(residual).sum::<f64>() / total)
        })
    })
    .unwrap();
    let (means, deviations) = (numbers(&own["mean"]), numbers(&own["deviation"]));
    for column in 0..3 {
        let error = deviations[column] * (2.0 / 300.0_f64).sqrt();
        assert_near("mean", found[column].mean, means[column], 4.0 * error);
        assert_near("deviation", found[column].deviation / deviations[column], 1.0, 0.2);
    }
}

#[test]
fn bootstrap_intervals() {
    let own = &figures()["bootstrap"];
    let values = numbers(&own["values"]);
    let groups: Vec<u64> = (0..values.len() as u64).collect();
    for (method, name) in [(Method::Percentile, "percentile"), (Method::Bca, "bca")] {
        let bootstrap = Bootstrap { n_resamples: 20_000, level: own["level"].as_f64().unwrap(), method };
        let found = run(|run| {
            bootstrap.interval(run, &groups, |weight| {
                let sum: f64 = values.iter().zip(weight).map(|(v, &w)| v * f64::from(w)).sum();
                Ok(sum / weight.iter().map(|&w| f64::from(w)).sum::<f64>())
            })
        })
        .unwrap();
        let expected = numbers(&own[name]);
        assert_near(name, found.low, expected[0], 0.006);
        assert_near(name, found.high, expected[1], 0.006);
    }
}
