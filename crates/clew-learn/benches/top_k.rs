//! Top 20 of 500,000 columns for 10,000 rows of 64 factors, against the peer of `deploy/peers/top_k.py`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark ends on a fault")]

use clew_learn::top_k::top_k;
use ndarray::ArrayView2;
use serde_json::json;

#[path = "common/mod.rs"]
mod common;

fn main() {
    let (folder, case, who) = common::arguments();
    let shape = common::json_file(&folder, "shape.json");
    let size = |name: &str| shape[name].as_u64().unwrap() as usize;
    let (n, m, d, k) = (size("rows"), size("columns"), size("factors"), size("k"));
    let rows: Vec<f32> = common::raw(&folder, &format!("{case}_rows.f32"));
    let columns: Vec<f32> = common::raw(&folder, &format!("{case}_columns.f32"));
    let rows = ArrayView2::from_shape((n, d), &rows).unwrap();
    let columns = ArrayView2::from_shape((m, d), &columns).unwrap();
    let (found, took) =
        common::timed(|| common::with_run(0, |run| top_k(run, rows, columns, k, None)).unwrap());
    // Held against plain products in double precision, for some rows: the k-th best, and how many of the k
    // are among the best by a margin that rounding cannot make.
    let checked = (0..n).step_by(n / 50);
    let right = checked.clone().filter(|&row| is_best(rows, columns, row, &found[row])).count();
    let quality = json!({
        "exact": right as f64 / checked.count() as f64,
        "gflops": 2e-9 * (n * m * d) as f64 / took.seconds,
    });
    common::say(&case, who.as_deref().unwrap_or("clew"), took, &quality);
}

/// No column left out is better than the worst found, but for the rounding of f32.
fn is_best(
    rows: ArrayView2<'_, f32>,
    columns: ArrayView2<'_, f32>,
    row: usize,
    found: &[(u32, f32)],
) -> bool {
    let vector: Vec<f64> = rows.row(row).iter().map(|&x| f64::from(x)).collect();
    let dot = |column: usize| -> f64 {
        columns.row(column).iter().zip(&vector).map(|(&y, &x)| f64::from(y) * x).sum()
    };
    let worst = found.iter().map(|&(column, _)| dot(column as usize)).fold(f64::INFINITY, f64::min);
    let slack = 1e-5 * worst.abs();
    let better = (0..columns.nrows()).filter(|&column| dot(column) > worst + slack).count();
    better < found.len()
}
