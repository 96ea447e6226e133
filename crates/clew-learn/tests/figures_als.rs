//! The implicit factorisation beside `implicit` 0.7.3 on the same small data; `figures/als.json` was made with it
//! once by `figures/als.py`, which says how its model becomes this one.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use clew_learn::als::{ImplicitAls, Method};
use clew_learn::sparse::Csr;
use ndarray::Array2;
use serde_json::Value;

mod common;
use common::run;

struct Figures {
    json: Value,
    matrix: Csr,
    first: Array2<f32>,
    als: ImplicitAls,
}

impl Figures {
    fn read() -> Figures {
        let json: Value = serde_json::from_str(include_str!("figures/als.json")).unwrap();
        let number = |field: &str| json[field].as_f64().unwrap();
        let list = |value: &Value| -> Vec<f64> {
            value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
        };
        let confidence = number("confidence");
        let triplets: Vec<(u32, u32, f32)> = json["pairs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (list(pair)[0] as u32, list(pair)[1] as u32, (confidence - 1.0) as f32))
            .collect();
        let (n_columns, n_factors) = (number("n_columns") as usize, number("n_factors") as usize);
        let first = json["first"].as_array().unwrap().iter().flat_map(list).map(|v| v as f32).collect();
        Figures {
            matrix: Csr::from_triplets(number("n_rows") as usize, n_columns, &triplets).unwrap(),
            first: Array2::from_shape_vec((n_columns, n_factors), first).unwrap(),
            als: ImplicitAls {
                n_factors,
                regularisation: (number("regularisation") * (confidence - 1.0) / confidence) as f32,
                frequency_exponent: 0.0,
                unobserved_weight: 1.0,
                ..Default::default()
            },
            json,
        }
    }

    fn losses(&self, peer: &str, method: Method) -> Vec<(f64, f64)> {
        let als = ImplicitAls { method, ..self.als.clone() };
        let (mut rows, mut columns) =
            (Array2::zeros((self.matrix.n_rows(), als.n_factors)), self.first.clone());
        let transposed = self.matrix.transpose();
        let peer = self.json["losses"][peer].as_array().unwrap();
        run(|run| {
            peer.iter()
                .map(|peer| {
                    als.sweep(run, &self.matrix, &transposed, &mut rows, &mut columns).unwrap();
                    let ours = als.loss(run, &self.matrix, rows.view(), columns.view()).unwrap();
                    (ours, peer.as_f64().unwrap())
                })
                .collect()
        })
    }
}

#[test]
fn exact_sweeps_have_the_losses_of_its_cholesky() {
    for (sweep, (ours, peer)) in Figures::read().losses("cholesky", Method::Exact).into_iter().enumerate() {
        assert!((ours / peer - 1.0).abs() < 1e-5, "sweep {sweep}: {ours} against {peer}");
    }
}

#[test]
fn conjugate_gradients_are_not_worse_than_its_own() {
    let method = Method::ConjugateGradient { n_steps: 3 };
    for (sweep, (ours, peer)) in Figures::read().losses("conjugate_gradient", method).into_iter().enumerate()
    {
        assert!(ours < peer * 1.0001, "sweep {sweep}: {ours} against {peer}");
    }
}

#[test]
fn folding_in_scores_as_it_does() {
    let figures = Figures::read();
    let als = ImplicitAls { n_sweeps: 10, ..figures.als.clone() };
    let (mut rows, mut columns) =
        (Array2::zeros((figures.matrix.n_rows(), als.n_factors)), figures.first.clone());
    let transposed = figures.matrix.transpose();
    run(|run| {
        for _ in 0..als.n_sweeps {
            als.sweep(run, &figures.matrix, &transposed, &mut rows, &mut columns).unwrap();
        }
        let factors = clew_learn::als::Factors { rows, columns, params: als.clone() };
        let scores = factors.fold_in(run, &figures.matrix).unwrap().dot(&factors.columns.t());
        for (row, peer) in figures.json["fold_in_scores"].as_array().unwrap().iter().enumerate() {
            for (column, peer) in peer.as_array().unwrap().iter().enumerate() {
                let apart = f64::from(scores[[row, column]]) - peer.as_f64().unwrap();
                assert!(apart.abs() < 1e-3, "({row}, {column}): {apart}");
            }
        }
    });
}
