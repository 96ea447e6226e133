//! A network beside the regression it starts from, where columns act alone and where they act together:
//! `cargo run -p clew-learn --example network`.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use clew_learn::loss::sigmoid;
use clew_learn::network::Network;
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
    let mut rng = run.rng(0);
    let n = 5_000;
    let x = Array2::from_shape_simple_fn((n, 4), || rng.sample::<f32, _>(StandardNormal));
    let weight = vec![1.0; n];
    for (what, together) in [("columns that act alone", 0.0), ("columns that act together", 1.0)] {
        let happens = |row: ndarray::ArrayView1<'_, f32>, chance: f64| {
            let z = -1.0 + row[0] - 0.5 * row[1] + together * row[2] * row[3];
            f32::from(u8::from(chance < sigmoid(f64::from(z))))
        };
        let y: Vec<f32> = x.rows().into_iter().map(|row| happens(row, rng.random())).collect();
        let fit = Network::default().fit(&run, x.view(), &y, &weight, None)?;
        println!(
            "{what}: log loss on rows set aside {:.4} by the regression, {:.4} as kept ({})",
            fit.loss_before,
            fit.loss_after,
            if fit.left_the_start { "the network" } else { "the regression" },
        );
    }
    Ok(())
}
