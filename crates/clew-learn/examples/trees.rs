//! Times boosted trees on made-up data: `cargo run -p clew-learn --example trees -- [rows] [features] [trees]`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal")]

use std::time::Instant;

use clew_learn::trees::BoostedTrees;
use clew_learn::{Run, Silent, Stop, metrics};
use ndarray::Array2;
use rand::Rng;

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).map(|word| word.parse().unwrap()).collect();
    let (n, d) = (arguments.first().copied().unwrap_or(1_000_000), arguments.get(1).copied().unwrap_or(40));
    let n_trees = arguments.get(2).copied().unwrap_or(200);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };
    let mut rng = run.rng(0);
    let x = Array2::from_shape_simple_fn((n, d), || rng.random::<f32>() - 0.5);
    let y: Vec<f32> = x
        .rows()
        .into_iter()
        .map(|row| {
            let z = -3.5 + 4.0 * row[0] + 3.0 * row[1] * row[2].signum() + 2.0 * row[3] * row[4];
            f32::from(u8::from(rng.random::<f32>() < 1.0 / (1.0 + (-z).exp())))
        })
        .collect();
    let weight = vec![1.0; n];
    let start = Instant::now();
    let trees = BoostedTrees { n_trees, ..Default::default() };
    let fit = trees.fit(&run, x.view(), &y, &weight, None).unwrap();
    let trained = start.elapsed();
    let start = Instant::now();
    let p = fit.predict(&run, x.view()).unwrap();
    println!(
        "{n} rows × {d} features × {} trees: trained {trained:.1?}, predicted {:.1?}, AUC {:.4}",
        fit.n_trees(),
        start.elapsed(),
        metrics::auc(&p, &y, &weight).unwrap()
    );
}
