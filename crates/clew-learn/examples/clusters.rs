//! How many clusters are there? Stability answers, and the clusters are printed:
//! `cargo run -p clew-learn --example clusters`.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use clew_learn::cluster::{ClusterNumber, KMeans, adjusted_rand};
use clew_learn::{Result, Run, Silent, Stop};
use ndarray::Array2;
use rand::Rng;
use rand_distr::StandardNormal;

fn main() -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .map_err(|error| clew_learn::Error::input(error.to_string(), "allow this program two threads"))?;
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };
    // Four groups of rows in three columns, one of them twice as large.
    let middles = [[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 6.0, 0.0], [0.0, 0.0, 6.0_f32]];
    let mut rng = run.rng(0);
    let truth: Vec<u32> = (0..3_000).map(|row| [0, 1, 2, 3, 3][row % 5]).collect();
    let x = Array2::from_shape_fn((truth.len(), 3), |(row, column)| {
        let group = truth[row] as usize;
        middles[group][column] + rng.sample::<f32, _>(StandardNormal)
    });
    let weight = vec![1.0; truth.len()];

    let number =
        ClusterNumber { candidates: (2..=8).collect(), ..Default::default() }.fit(&run, x.view(), &weight)?;
    println!("clusters  stability  ± standard error");
    for tried in &number.scores {
        println!("{:>8}  {:>9.3}  ± {:.3}", tried.n_clusters, tried.score, tried.error);
    }
    let fit = KMeans { n_clusters: number.n_clusters, ..Default::default() }.fit(&run, x.view(), &weight)?;
    println!("\n{} clusters, inertia {:.0}, centres:\n{:.1}", number.n_clusters, fit.inertia, fit.centres);
    println!("agreement with the planted groups: {:.3}", adjusted_rand(&truth, &fit.labels)?);
    Ok(())
}
