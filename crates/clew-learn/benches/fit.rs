//! A whole implicit factorisation of Gowalla, judged by NDCG@20, beside `deploy/peers/fit.py`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark ends on a fault")]

use std::path::Path;

use clew_learn::als::{ImplicitAls, Method};
use clew_learn::metrics;
use clew_learn::sparse::Csr;
use clew_learn::top_k::top_k;
use serde_json::json;

mod common;

fn matrix(folder: &Path, name: &str) -> Csr {
    let shape = common::json_file(folder, "fit.json");
    let starts: Vec<u64> = common::raw(folder, &format!("{name}.starts"));
    let columns: Vec<u32> = common::raw(folder, &format!("{name}.columns"));
    let values = vec![1.0; columns.len()];
    let starts = starts.into_iter().map(|start| start as usize).collect();
    Csr::from_parts(shape["n_columns"].as_u64().unwrap() as usize, starts, columns, values).unwrap()
}

fn main() {
    let (folder, case, who) = common::arguments();
    let n_factors = case.split('_').nth(1).unwrap().parse().unwrap();
    // `gradient` or `gradient:<sweeps>`, `exact` or `exact:<sweeps>`.
    let who = who.unwrap_or("gradient".into());
    let (kind, sweeps) = who.split_once(':').unwrap_or((&who, "4"));
    let method = if kind == "exact" { Method::Exact } else { Method::ConjugateGradient { n_steps: 2 } };
    let als = ImplicitAls {
        n_factors,
        regularisation: 0.01,
        n_sweeps: sweeps.parse().unwrap(),
        method,
        ..Default::default()
    };
    let (train, test) = (matrix(&folder, "train"), matrix(&folder, "test"));
    common::with_run(1, |run| {
        let (factors, took) = common::timed(|| als.fit(run, &train, None).unwrap());
        let peak_mb = common::peak_mb();
        let best = top_k(run, factors.rows.view(), factors.columns.view(), 20, Some(&train)).unwrap();
        let figures: Vec<f64> = best
            .iter()
            .enumerate()
            .filter_map(|(row, best)| {
                let best: Vec<u32> = best.iter().map(|best| best.0).collect();
                metrics::ndcg(&best, test.row(row).0)
            })
            .collect();
        let ndcg = figures.iter().sum::<f64>() / figures.len() as f64;
        common::say(&case, &who, took, &json!({"ndcg@20": ndcg, "peak of the fit, MB": peak_mb}));
    });
}
