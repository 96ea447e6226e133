//! What a computation in a test runs on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::{Run, Silent, Stop};

/// Works with so many threads and always the same seed.
pub(crate) fn with_run<T>(n_threads: usize, work: impl FnOnce(&Run<'_>) -> T) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
    let stop = Stop::new();
    work(&Run { pool: &pool, seed: 5, progress: &Silent, stop: &stop })
}
