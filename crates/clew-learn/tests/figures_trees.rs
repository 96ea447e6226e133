//! Boosted trees beside LightGBM on the same small data (tests/figures/trees.py): where bins, penalties and
//! stopping are the same, so are the trees, and with them decisions, AUC and contributions.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clew_learn::loss::Loss;
use clew_learn::trees::BoostedTrees;
use clew_learn::{contributions, metrics};
use ndarray::{Array2, s};
use serde_json::Value;

mod common;
use common::run;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

#[test]
fn the_trees_are_those_of_lightgbm() {
    let figures: Value = serde_json::from_str(include_str!("figures/trees.json")).unwrap();
    for (name, loss) in
        [("logistic", Loss::Logistic), ("squared", Loss::Squared), ("two_levels", Loss::Squared)]
    {
        let theirs = &figures[name];
        let rows: Vec<Vec<f64>> = theirs["x"].as_array().unwrap().iter().map(numbers).collect();
        let x = Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| rows[row][column] as f32);
        let y: Vec<f32> = numbers(&theirs["y"]).into_iter().map(|y| y as f32).collect();
        let weight = vec![1.0; y.len()];
        let trees = BoostedTrees {
            loss,
            n_trees: theirs["n_trees"].as_u64().unwrap() as usize,
            learning_rate: 0.3,
            max_leaves: 8,
            min_leaf_weight: 3.5,
            l2: 1.0,
            feature_fraction: 1.0,
            ..Default::default()
        };
        run(|run| {
            let fit = trees.fit(run, x.view(), &y, &weight, None).unwrap();
            let decisions = fit.decision(run, x.view()).unwrap();
            for (row, (z, their)) in decisions.iter().zip(numbers(&theirs["decision"])).enumerate() {
                assert!((f64::from(*z) - their).abs() < 1e-4, "{name}, row {row}: {z} against {their}");
            }
            if loss == Loss::Logistic {
                let auc = metrics::auc(&decisions, &y, &weight).unwrap();
                let their = theirs["auc"].as_f64().unwrap();
                assert!((auc - their).abs() < 1e-9, "{auc} against {their}");
            }
            let found = contributions::trees(run, x.slice(s![..40, ..]), &fit).unwrap();
            let d = x.ncols();
            for (row, their) in theirs["contributions"].as_array().unwrap().iter().enumerate() {
                let their = numbers(their);
                assert!((found.base - their[d]).abs() < 1e-4, "{name}: {} against {}", found.base, their[d]);
                let sum: f64 = their.iter().sum();
                assert!((found.decisions()[row] - sum).abs() < 1e-4, "{name}, row {row}");
                // Where a leaf holds no values next to a cut, or none that are missing, implementations choose
                // where such values would go; only off a row's own way, but contributions look there too.
                if name == "two_levels" {
                    for (value, their) in found.values.row(row).iter().zip(&their) {
                        assert!((value - their).abs() < 1e-4, "row {row}: {value} against {their}");
                    }
                }
            }
        });
    }
}
