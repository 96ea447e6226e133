//! The same figures as scikit-learn gives on the same data; `figures/scikit_learn.json` was made with it once.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use clew_learn::calibration::{Isotonic, Platt};
use clew_learn::cluster::KMeans;
use clew_learn::logistic::LogisticRegression;
use clew_learn::metrics;
use clew_learn::scaling::StandardScaler;
use ndarray::Array2;
use serde_json::Value;

mod common;
use common::run;

struct Figures(Value);

impl Figures {
    fn read() -> Figures {
        Figures(serde_json::from_str(include_str!("figures/scikit_learn.json")).unwrap())
    }

    fn number(&self, path: &str) -> f64 {
        self.0.pointer(path).unwrap().as_f64().unwrap()
    }

    fn numbers(&self, path: &str) -> Vec<f64> {
        self.0
            .pointer(path)
            .unwrap()
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_f64().unwrap())
            .collect()
    }

    fn column(&self, path: &str) -> Vec<f32> {
        self.numbers(path).into_iter().map(|value| value as f32).collect()
    }

    fn x(&self) -> Array2<f32> {
        let n = self.0["x"].as_array().unwrap().len();
        let rows: Vec<f32> = (0..n).flat_map(|row| self.column(&format!("/x/{row}"))).collect();
        Array2::from_shape_vec((n, 3), rows).unwrap()
    }
}

fn assert_near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} against {b}");
}

#[test]
fn logistic_regression() {
    let figures = Figures::read();
    let (y, weight) = (figures.column("/y"), figures.column("/weight"));
    let l2 = figures.number("/logistic/l2");
    let fit = run(|run| {
        let logistic = LogisticRegression { l2, tolerance: 1e-10, ..Default::default() };
        logistic.fit(run, figures.x().view(), &y, &weight, None)
    })
    .unwrap();
    // The data have two digits, which f32 holds to 1e-7 only.
    assert_near(fit.intercept, figures.number("/logistic/intercept"), 1e-6);
    for (a, b) in fit.coefficients.iter().zip(figures.numbers("/logistic/coefficients")) {
        assert_near(*a, b, 1e-6);
    }
}

#[test]
fn calibration() {
    let figures = Figures::read();
    let (score, y, weight) = (figures.column("/score"), figures.column("/y"), figures.column("/weight"));
    let isotonic = Isotonic::fit(&score, &y, &weight).unwrap();
    for (at, value) in figures.column("/isotonic/at").into_iter().zip(figures.numbers("/isotonic/values")) {
        assert_near(f64::from(isotonic.predict(at)), value, 1e-6);
    }
    let sigmoid = Platt::fit(&score, &y, &weight).unwrap();
    assert_near(sigmoid.slope, figures.number("/sigmoid/slope"), 1e-4);
    assert_near(sigmoid.intercept, figures.number("/sigmoid/intercept"), 1e-4);
}

#[test]
fn judging() {
    let figures = Figures::read();
    let (score, y, weight) = (figures.column("/score"), figures.column("/y"), figures.column("/weight"));
    let probability = figures.column("/probability");
    assert_near(metrics::auc(&score, &y, &weight).unwrap(), figures.number("/auc"), 1e-12);
    assert_near(metrics::log_loss(&probability, &y, &weight).unwrap(), figures.number("/log_loss"), 1e-6);
    assert_near(metrics::brier(&probability, &y, &weight).unwrap(), figures.number("/brier"), 1e-6);
    let whole = |path: &str| figures.numbers(path).into_iter().map(|value| value as u32).collect::<Vec<_>>();
    let ndcg = metrics::ndcg(&whole("/ndcg/ranked"), &whole("/ndcg/relevant")).unwrap();
    assert_near(ndcg, figures.number("/ndcg/value"), 1e-12);
}

#[test]
fn clusters_and_scaling() {
    let figures = Figures::read();
    let weight = figures.column("/weight");
    let x = figures.x();
    let best = (0..200)
        .map(|seed| {
            common::with_run(2, seed, |run| {
                let means = KMeans { n_clusters: 3, tolerance: 0.0, ..Default::default() };
                means.fit(run, x.view(), &weight).unwrap().inertia
            })
        })
        .fold(f64::INFINITY, f64::min);
    assert_near(best, figures.number("/kmeans/inertia"), 1e-3);
    let scaler = run(|run| StandardScaler::fit(run, x.view(), &weight)).unwrap();
    for (a, b) in scaler.means.iter().zip(figures.numbers("/scaler/means")) {
        assert_near(*a, b, 1e-7);
    }
    for (a, b) in scaler.deviations.iter().zip(figures.numbers("/scaler/deviations")) {
        assert_near(*a, b, 1e-7);
    }
}
