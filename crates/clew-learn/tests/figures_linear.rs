//! The same linear models as scikit-learn finds on the same data; `figures/linear.py` made `figures/linear.json`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::glm::{Family, GeneralizedLinear};
use clew_learn::linear::{ElasticNet, Ridge};
use clew_learn::logistic::LogisticRegression;
use clew_learn::sparse::Csr;
use clew_learn::sparse_logistic::SparseLogistic;
use ndarray::Array2;
use serde_json::Value;

mod common;
use common::run;

struct Figures(Value);

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

impl Figures {
    fn read() -> Figures {
        Figures(serde_json::from_str(include_str!("figures/linear.json")).unwrap())
    }

    fn column(&self, name: &str) -> Vec<f32> {
        numbers(&self.0[name]).into_iter().map(|value| value as f32).collect()
    }

    fn x(&self) -> Array2<f32> {
        let rows = self.0["x"].as_array().unwrap();
        let cells: Vec<f32> = rows.iter().flat_map(numbers).map(|value| value as f32).collect();
        Array2::from_shape_vec((rows.len(), cells.len() / rows.len()), cells).unwrap()
    }

    fn sparse(&self) -> Csr {
        let x = self.x();
        let cells = x.indexed_iter().filter(|(_, value)| **value != 0.0);
        let triplets: Vec<_> = cells.map(|((row, column), &v)| (row as u32, column as u32, v)).collect();
        Csr::from_triplets(x.nrows(), x.ncols(), &triplets).unwrap()
    }

    fn models(&self, name: &str) -> Vec<Model> {
        let of = |value: &Value| Model {
            l1: value.get("l1").map_or(0.0, |l1| l1.as_f64().unwrap()),
            l2: value["l2"].as_f64().unwrap(),
            intercept: value["intercept"].as_f64().unwrap(),
            coefficients: numbers(&value["coefficients"]),
        };
        self.0[name].as_array().unwrap().iter().map(of).collect()
    }
}

struct Model {
    l1: f64,
    l2: f64,
    intercept: f64,
    coefficients: Vec<f64>,
}

impl Model {
    fn assert_near(&self, what: &str, intercept: f64, coefficients: &[f64]) {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{what}: {a} against {b}");
        near(intercept, self.intercept);
        assert_eq!(coefficients.len(), self.coefficients.len());
        coefficients.iter().zip(&self.coefficients).for_each(|(&a, &b)| near(a, b));
        let zeros = |c: &[f64]| c.iter().filter(|c| c.abs() < 1e-9).count();
        assert_eq!(zeros(coefficients), zeros(&self.coefficients), "{what}");
    }
}

#[test]
fn ridge_and_elastic_net() {
    let figures = Figures::read();
    let (x, y, weight) = (figures.x(), figures.column("amount"), figures.column("weight"));
    for model in figures.models("ridge") {
        let ridge = Ridge { l2: model.l2 };
        let fit = run(|run| ridge.fit(run, x.view(), &y, &weight)).unwrap();
        model.assert_near("ridge", fit.intercept, &fit.coefficients);
        let fit = run(|run| ridge.fit_sparse(run, &figures.sparse(), &y, &weight)).unwrap();
        model.assert_near("sparse ridge", fit.intercept, &fit.coefficients);
    }
    for model in figures.models("elastic_net") {
        let net = ElasticNet { l1: model.l1, l2: model.l2, ..Default::default() };
        let fit = run(|run| net.fit(run, x.view(), &y, &weight)).unwrap();
        model.assert_near("elastic net", fit.intercept, &fit.coefficients);
    }
}

#[test]
fn logistic_regression() {
    let figures = Figures::read();
    let (x, y, weight) = (figures.x(), figures.column("binary"), figures.column("weight"));
    for model in figures.models("logistic") {
        let params = SparseLogistic { l1: model.l1, l2: model.l2, tolerance: 1e-10, ..Default::default() };
        let fit = run(|run| params.fit(run, &figures.sparse(), &y, &weight, None)).unwrap();
        model.assert_near("sparse logistic", fit.intercept, &fit.coefficients);
        if model.l1 == 0.0 {
            let params = LogisticRegression { l2: model.l2, tolerance: 1e-10, ..Default::default() };
            let fit = run(|run| params.fit(run, x.view(), &y, &weight, None)).unwrap();
            model.assert_near("dense logistic", fit.intercept, &fit.coefficients);
        }
    }
}

#[test]
fn counts_and_amounts() {
    let figures = Figures::read();
    let (x, weight) = (figures.x(), figures.column("weight"));
    let exposure: Vec<f32> = figures.column("exposure").iter().map(|days| days.ln()).collect();
    let cases = [
        ("poisson", Family::Poisson, "count", None),
        ("poisson_exposure", Family::Poisson, "count", Some(exposure.as_slice())),
        ("gamma", Family::Gamma, "spend", None),
    ];
    for (name, family, y, offset) in cases {
        let y = figures.column(y);
        for model in figures.models(name) {
            let params = GeneralizedLinear { family, l2: model.l2, ..Default::default() };
            let fit = run(|run| params.fit(run, x.view(), &y, &weight, offset)).unwrap();
            model.assert_near(name, fit.intercept, &fit.coefficients);
        }
    }
}
