//! Clusters as scikit-learn finds them from the same centres; `figures/cluster.py` made the figures.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clew_learn::cluster::{KMeans, adjusted_rand};
use ndarray::Array2;
use serde_json::Value;

mod common;
use common::{run, with_run};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn matrix(value: &Value) -> Array2<f32> {
    let rows: Vec<f32> = value.as_array().unwrap().iter().flat_map(numbers).map(|v| v as f32).collect();
    let n = value.as_array().unwrap().len();
    Array2::from_shape_vec((n, rows.len() / n), rows).unwrap()
}

fn whole(value: &Value) -> Vec<u32> {
    numbers(value).into_iter().map(|value| value as u32).collect()
}

#[test]
fn inertia_and_clusters_are_those_of_the_peer() {
    let figures: Value = serde_json::from_str(include_str!("figures/cluster.json")).unwrap();
    let x = matrix(&figures["rows"]);
    let weight: Vec<f32> = numbers(&figures["weight"]).into_iter().map(|value| value as f32).collect();
    let group = whole(&figures["group"]);
    for case in figures["cases"].as_array().unwrap() {
        let starts = matrix(&case["starts"]);
        let means = KMeans { n_clusters: starts.nrows(), tolerance: 0.0, ..Default::default() };
        let fit = run(|run| means.fit_from(run, x.view(), &weight, starts.view())).unwrap();
        let inertia = case["inertia"].as_f64().unwrap();
        assert!(fit.inertia <= inertia * (1.0 + 1e-6), "{} against {inertia}", fit.inertia);
        assert_eq!(fit.labels, whole(&case["labels"]));
        let agreement = adjusted_rand(&group, &fit.labels).unwrap();
        assert!((agreement - case["adjusted_rand"].as_f64().unwrap()).abs() < 1e-12, "{agreement}");
    }
    let best = (0..50)
        .map(|seed| {
            let means = KMeans { n_clusters: 6, tolerance: 0.0, ..Default::default() };
            with_run(2, seed, |run| means.fit(run, x.view(), &weight)).unwrap().inertia
        })
        .fold(f64::INFINITY, f64::min);
    let theirs = figures["best_of_50"].as_f64().unwrap();
    assert!(best <= theirs * (1.0 + 1e-6), "{best} against {theirs}");
}
