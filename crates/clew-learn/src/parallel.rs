//! Chunks of fixed size, worked in parallel and gathered in order: the same bits with any number of threads.

use rayon::prelude::*;

use crate::error::Result;
use crate::run::Run;

/// Maps each chunk `(from, to)` of `0..n` and returns the results in chunk order.
pub(crate) fn map_chunks<T: Send>(
    run: &Run<'_>,
    n: usize,
    chunk: usize,
    work: impl Fn(usize, usize) -> T + Sync + Send,
) -> Result<Vec<T>> {
    let n_chunks = n.div_ceil(chunk.max(1));
    run.pool.install(|| {
        (0..n_chunks)
            .into_par_iter()
            .map(|c| {
                run.check()?;
                Ok(work(c * chunk, ((c + 1) * chunk).min(n)))
            })
            .collect()
    })
}

/// Adds up what `work` gives for each chunk, in chunk order, in f64.
pub(crate) fn sum_chunks(
    run: &Run<'_>,
    n: usize,
    chunk: usize,
    width: usize,
    work: impl Fn(usize, usize, &mut [f64]) + Sync + Send,
) -> Result<Vec<f64>> {
    let parts = map_chunks(run, n, chunk, |from, to| {
        let mut part = vec![0.0; width];
        work(from, to, &mut part);
        part
    })?;
    let mut sum = vec![0.0; width];
    for part in parts {
        for (total, value) in sum.iter_mut().zip(part) {
            *total += value;
        }
    }
    Ok(sum)
}
