//! k-means from given centres, beside `deploy/peers/kmeans.py`: DIR CASE.
#![allow(clippy::unwrap_used, reason = "a benchmark ends on a fault")]

use clew_learn::cluster::KMeans;
use ndarray::ArrayView2;
use serde_json::json;

mod common;

fn main() {
    let (folder, case, who) = common::arguments();
    let shape = common::json_file(&folder, "shape.json");
    let whole = |name: &str| shape[name].as_u64().unwrap() as usize;
    let (n, d, k) = (whole("n_rows"), whole("n_columns"), whole("n_clusters"));
    let rows = common::raw::<f32>(&folder, "rows.f32");
    let centres = common::raw::<f32>(&folder, "centres.f32");
    let x = ArrayView2::from_shape((n, d), &rows).unwrap();
    let weight = vec![1.0; n];
    let means = KMeans {
        n_clusters: k,
        max_iterations: whole("max_iterations"),
        tolerance: shape["tolerance"].as_f64().unwrap(),
        ..Default::default()
    };
    common::with_run(1, |run| {
        // `seeded` draws its own starting centres, which the time then holds too.
        let seeded = who.as_deref() == Some("seeded");
        let (fit, took) = common::timed(|| {
            if seeded {
                means.fit(run, x, &weight)
            } else {
                means.fit_from(run, x, &weight, ArrayView2::from_shape((k, d), &centres).unwrap())
            }
        });
        let fit = fit.unwrap();
        let quality = json!({ "inertia_per_row": fit.inertia / n as f64, "iterations": fit.n_iterations });
        common::say(&case, who.as_deref().unwrap_or("bounded"), took, &quality);
    });
}
