//! Logistic regression on sparse rows, as `deploy/peers/sparse_logistic.py` has it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark ends on a fault")]

use clew_learn::loss::softplus;
use clew_learn::sparse::Csr;
use clew_learn::sparse_logistic::{FittedSparseLogistic, SparseLogistic};
use serde_json::json;

mod common;

fn main() {
    let (folder, case, who) = common::arguments();
    let shape = common::json_file(&folder, "shape.json");
    let whole = |name: &str| shape[name].as_u64().unwrap() as usize;
    let number = |name: &str| shape[name].as_f64().unwrap();
    let starts = (0..=whole("rows")).map(|row| row * whole("per_row")).collect();
    let indices = common::raw::<u32>(&folder, "columns.u32");
    let x = Csr::from_parts(whole("columns"), starts, indices, common::raw(&folder, "values.f32")).unwrap();
    let y = common::raw::<f32>(&folder, "y.f32");
    let weight = vec![1.0; y.len()];
    let (l1, l2) = if case.starts_with("l1") { (number("l1"), 0.0) } else { (0.0, number("l2")) };
    let mut params = SparseLogistic { l1, l2, ..Default::default() };
    if let Some(tolerance) = who.as_deref().and_then(|who| who.parse().ok()) {
        params.tolerance = tolerance;
    }
    common::with_run(1, |run| {
        let (fit, took) = common::timed(|| params.fit(run, &x, &y, &weight, None).unwrap());
        let quality = json!({
            "objective": objective(&params, &fit, &x, &y), "violation": fit.violation,
            "non_zero": fit.coefficients.iter().filter(|&&c| c != 0.0).count(),
        });
        common::say(&case, who.as_deref().unwrap_or("clew"), took, &quality);
    });
}

/// Over that of the intercept alone, as the peer's program has it.
fn objective(params: &SparseLogistic, fit: &FittedSparseLogistic, x: &Csr, y: &[f32]) -> f64 {
    let loss: f64 = (0..x.n_rows())
        .map(|row| {
            let (columns, values) = x.row(row);
            let products =
                columns.iter().zip(values).map(|(&c, &v)| fit.coefficients[c as usize] * f64::from(v));
            let z = fit.intercept + products.sum::<f64>();
            softplus(z) - f64::from(y[row]) * z
        })
        .sum();
    let l1: f64 = fit.coefficients.iter().map(|c| c.abs()).sum();
    let l2: f64 = fit.coefficients.iter().map(|c| c * c).sum();
    let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / y.len() as f64;
    let nothing = -(y.len() as f64) * (mean * mean.ln() + (1.0 - mean) * (1.0 - mean).ln());
    (loss + params.l1 * l1 + params.l2 / 2.0 * l2) / nothing
}
