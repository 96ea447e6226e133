//! Boosted trees beside LightGBM: `cargo bench --profile dev -p clew-learn --bench trees -- DIR CASE`; the data and the
//! settings are those that `deploy/peers/trees.py prepare DIR` wrote.
#![allow(clippy::unwrap_used, reason = "a benchmark ends on a fault")]

use clew_learn::metrics;
use clew_learn::trees::BoostedTrees;
use ndarray::{Array2, s};
use serde_json::json;

mod common;
use common::{arguments, json_file, raw, say, timed, with_run};

fn main() {
    let (folder, case, who) = arguments();
    let shape = json_file(&folder, "trees.json");
    let number = |name: &str| shape["settings"][name].as_f64().unwrap();
    let count = |name: &str| shape[name].as_u64().unwrap() as usize;
    let n_train = count("n_train");
    let values: Vec<f32> = raw(&folder, "x.f32");
    let x = Array2::from_shape_vec((n_train + count("n_test"), count("n_features")), values).unwrap();
    let y: Vec<f32> = raw(&folder, "y.f32");
    let weight = vec![1.0; y.len()];
    let trees = BoostedTrees {
        n_trees: number("n_trees") as usize,
        max_leaves: shape["leaves"][&case].as_u64().unwrap() as usize,
        learning_rate: number("learning_rate"),
        max_bins: number("max_bins") as usize,
        min_leaf_weight: number("min_leaf_weight"),
        l2: number("l2"),
        feature_fraction: 1.0,
        ..Default::default()
    };
    with_run(1, |run| {
        let train = x.slice(s![..n_train, ..]);
        let (fit, took) = timed(|| trees.fit(run, train, &y[..n_train], &weight[..n_train], None).unwrap());
        let p = fit.predict(run, x.slice(s![n_train.., ..])).unwrap();
        let auc = metrics::auc(&p, &y[n_train..], &weight[n_train..]).unwrap();
        say(&case, who.as_deref().unwrap_or("clew"), took, &json!({ "auc": auc }));
    });
}
