//! Sweeps of the implicit factorisation, beside `deploy/peers/als.py`. Case `scaling` prints the time of a sweep
//! for three sizes and three ranks.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark ends on a fault")]

use std::path::Path;

use clew_learn::Run;
use clew_learn::als::{ImplicitAls, Method};
use clew_learn::sparse::Csr;
use ndarray::{Array2, s};
use serde_json::json;

mod common;

struct Data {
    matrix: Csr,
    transposed: Csr,
    first: Array2<f32>,
    als: ImplicitAls,
}

impl Data {
    /// One of the peer's sets in clew's own terms (see the peer's header).
    fn read(folder: &Path, name: &str) -> Data {
        let shape = common::json_file(folder, &format!("{name}.json"));
        let number = |field: &str| shape[field].as_f64().unwrap();
        let confidence = number("confidence");
        let starts: Vec<u64> = common::raw(folder, &format!("{name}.starts"));
        let columns: Vec<u32> = common::raw(folder, &format!("{name}.columns"));
        let values = vec![(confidence - 1.0) as f32; columns.len()];
        let n_columns = number("n_columns") as usize;
        let starts = starts.into_iter().map(|start| start as usize).collect();
        let matrix = Csr::from_parts(n_columns, starts, columns, values).unwrap();
        let first: Vec<f32> = common::raw(folder, &format!("{name}.first"));
        Data {
            transposed: matrix.transpose(),
            first: Array2::from_shape_vec((n_columns, 128), first).unwrap(),
            als: ImplicitAls {
                regularisation: (number("regularisation") * (confidence - 1.0) / confidence) as f32,
                frequency_exponent: 0.0,
                unobserved_weight: 1.0,
                n_sweeps: number("n_sweeps") as usize,
                ..Default::default()
            },
            matrix,
        }
    }
}

fn method(who: &str) -> Method {
    let (kind, number) = who.split_once(':').unwrap_or((who, ""));
    match kind {
        "exact" => Method::Exact,
        "gradient" => Method::ConjugateGradient { n_steps: number.parse().unwrap_or(2) },
        _ => Method::Blocks { block: number.parse().unwrap_or(16) },
    }
}

/// The vectors after the sweeps, and what a sweep took on average.
fn sweeps(run: &Run<'_>, data: &Data, als: &ImplicitAls) -> (Array2<f32>, Array2<f32>, common::Took) {
    let mut columns = data.first.slice(s![.., ..als.n_factors]).to_owned();
    let mut rows = Array2::zeros((data.matrix.n_rows(), als.n_factors));
    let ((), took) = common::timed(|| {
        for _ in 0..als.n_sweeps {
            als.sweep(run, &data.matrix, &data.transposed, &mut rows, &mut columns).unwrap();
        }
    });
    let n = als.n_sweeps as f64;
    (rows, columns, common::Took { seconds: took.seconds / n, cpu_seconds: took.cpu_seconds / n })
}

fn main() {
    let (folder, case, who) = common::arguments();
    common::with_run(1, |run| {
        if case == "scaling" {
            return scaling(run, &folder);
        }
        let who = who.unwrap_or("exact".into());
        let mut parts = case.split('_');
        let mut data = Data::read(&folder, parts.next().unwrap());
        data.als.n_factors = parts.next().unwrap().parse().unwrap();
        data.als.method = method(&who);
        let (rows, columns, took) = sweeps(run, &data, &data.als);
        let peak_mb = common::peak_mb();
        let zero: f64 = data.matrix.values().iter().map(|&value| f64::from(value)).sum();
        let loss = data.als.loss(run, &data.matrix, rows.view(), columns.view()).unwrap() / zero;
        common::say(&case, &who, took, &json!({"loss": loss, "peak of the sweeps, MB": peak_mb}));
    });
}

/// One sweep for three shares of the large set's rows and for three ranks.
fn scaling(run: &Run<'_>, folder: &Path) {
    let whole = Data::read(folder, "large");
    for (share, n_factors) in [(4, 64), (2, 64), (1, 64), (1, 32), (1, 128)] {
        let rows = (0..whole.matrix.n_rows()).step_by(share);
        let triplets: Vec<_> = rows
            .enumerate()
            .flat_map(|(place, row)| whole.matrix.row(row).0.iter().map(move |&c| (place as u32, c, 10.0)))
            .collect();
        let n = whole.matrix.n_rows().div_ceil(share);
        let matrix = Csr::from_triplets(n, whole.matrix.n_cols(), &triplets).unwrap();
        let (transposed, first) = (matrix.transpose(), whole.first.clone());
        let data = Data { matrix, transposed, first, als: whole.als.clone() };
        for who in ["exact", "gradient"] {
            let als = ImplicitAls { n_factors, n_sweeps: 1, method: method(who), ..whole.als.clone() };
            let (_, _, took) = sweeps(run, &data, &als);
            println!(
                "{who}: {:.1} M events, {n_factors} factors: {:.2} s a sweep ({:.2} s of processor)",
                data.matrix.n_values() as f64 / 1e6,
                took.seconds,
                took.cpu_seconds
            );
        }
    }
}
