//! What the tests share: a run on a pool of a given size, and small random data.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test uses its part of these helpers"
)]

use clew_learn::{Run, Silent, Stop};
use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Runs `work` on a pool of `n_threads` with `seed`.
pub fn with_run<T>(n_threads: usize, seed: u64, work: impl FnOnce(&Run<'_>) -> T) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
    work(&Run { pool: &pool, seed, progress: &Silent, stop: &Stop::new() })
}

/// Runs `work` on two threads with seed 7.
pub fn run<T>(work: impl FnOnce(&Run<'_>) -> T) -> T {
    with_run(2, 7, work)
}

/// A number from the normal distribution, by twelve uniform ones: good enough for tests.
pub fn normal(rng: &mut Xoshiro256PlusPlus) -> f32 {
    (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
}

/// n × p normal columns and outcomes of a logistic model on them (with an interaction, for the trees).
pub fn cases(n: usize, p: usize, seed: u64) -> (ndarray::Array2<f32>, Vec<f32>) {
    with_run(1, seed, |run| {
        let mut rng = run.rng(1);
        let x = ndarray::Array2::from_shape_simple_fn((n, p), || normal(&mut rng));
        let y = x
            .rows()
            .into_iter()
            .map(|row| {
                let z = -1.0 + row[0] - 0.5 * row[1] + 0.8 * row[0] * row[p - 1];
                f32::from(u8::from(rng.random::<f32>() < 1.0 / (1.0 + (-z).exp())))
            })
            .collect();
        (x, y)
    })
}
