//! Lloyd's rounds: assign every row to its nearest centre, move every centre to the mean of its rows.

use ndarray::Array2;
use rayon::prelude::*;

use super::bounds::{self, Known, Moved};
use super::rows::Rows;
use super::sums::Sums;
use super::tile::{self, Packed};
use super::{FittedKMeans, KMeans};
use crate::error::{Error, Result};
use crate::run::Run;

/// At most so many chunks, and so many numbers in all their sums together: both depend on the data alone, so
/// that the bits do not depend on the threads.
const CHUNKS: usize = 64;
const NUMBERS: usize = 1 << 25;
const ROWS: usize = 512;

pub(super) fn fit(run: &Run<'_>, means: &KMeans, x: &Rows<'_>, centres: Vec<f32>) -> Result<FittedKMeans> {
    let (n, d, k) = (x.n(), x.d, centres.len() / x.d);
    let enough = means.tolerance * x.mean_variance(run)?;
    let n_chunks = (NUMBERS / (k * (d + 2))).clamp(2, CHUNKS);
    let chunk = n.div_ceil(n_chunks).max(ROWS);
    let mut known = fresh(n, chunk);
    let mut packed = pack(centres, d);
    let mut moved = Moved::new(&vec![0.0; k], &packed);
    let mut sums = Sums::new(k, d);
    let mut n_iterations = 0;
    while n_iterations < means.max_iterations {
        run.report("clustering", n_iterations as f64 / means.max_iterations as f64);
        let parts = assign(run, x, chunk, &packed, &moved, &mut known, |from, known| {
            let mut part = Sums::new(k, d);
            part.follow(x, from, known);
            part
        })?;
        parts.iter().for_each(|part| sums.merge(part));
        let next = sums.means(run, x, || labels(&known), &packed.centres)?;
        let squares: Vec<f64> = next
            .chunks_exact(d)
            .zip(packed.centres.chunks_exact(d))
            .map(|(a, b)| tile::exact(a, b))
            .collect();
        moved = Moved::new(&squares, &packed);
        packed = Packed::new(next, d, packed.order);
        n_iterations += 1;
        if squares.iter().sum::<f64>() <= enough {
            break;
        }
    }
    // The labels and the inertia of the centres that are given back.
    assign(run, x, chunk, &packed, &moved, &mut known, |_, _| ())?;
    let labels = labels(&known);
    run.report("clustering", 1.0);
    finish(run, x, labels, packed.centres, means.n_clusters, n_iterations)
}

/// Leaves out centres that no row is nearest to, and weighs the rest.
pub(super) fn finish(
    run: &Run<'_>,
    x: &Rows<'_>,
    mut labels: Vec<u32>,
    centres: Vec<f32>,
    n_wanted: usize,
    n_iterations: usize,
) -> Result<FittedKMeans> {
    let d = x.d;
    let mut used = vec![false; centres.len() / d];
    labels.iter().for_each(|&label| used[label as usize] = true);
    let mut new = vec![0_u32; used.len()];
    let mut kept = Vec::with_capacity(centres.len());
    for (cluster, centre) in centres.chunks_exact(d).enumerate().filter(|(cluster, _)| used[*cluster]) {
        new[cluster] = (kept.len() / d) as u32;
        kept.extend_from_slice(centre);
    }
    labels.iter_mut().for_each(|label| *label = new[*label as usize]);
    let inertia = x.inertia(run, &labels, &kept)?;
    if !(inertia.is_finite() && kept.iter().all(|value| value.is_finite())) {
        return Err(Error::input("the squared distances overflow", "scale the columns down"));
    }
    let centres = Array2::from_shape_vec((kept.len() / d, d), kept)
        .map_err(|_| Error::input("the centres do not fit", "cluster fewer columns"))?;
    Ok(FittedKMeans { centres, labels, inertia, distance: x.distance, n_iterations, n_wanted })
}

/// The nearest centre of each row.
pub(super) fn nearest(run: &Run<'_>, x: &Rows<'_>, centres: Vec<f32>) -> Result<Vec<u32>> {
    let packed = pack(centres, x.d);
    let moved = Moved::new(&vec![0.0; packed.k()], &packed);
    let chunk = 8 * ROWS;
    let parts = crate::parallel::map_chunks(run, x.n(), chunk, |from, to| {
        let mut known = Known::new(to - from);
        bounds::assign(&x.values[from * x.d..to * x.d], &packed, &moved, &mut known);
        known.labels
    })?;
    Ok(parts.into_iter().flatten().collect())
}

fn pack(centres: Vec<f32>, d: usize) -> Packed {
    let order = tile::order(&centres, d);
    Packed::new(centres, d, order)
}

fn fresh(n: usize, chunk: usize) -> Vec<Known> {
    (0..n.div_ceil(chunk)).map(|c| Known::new(chunk.min(n - c * chunk))).collect()
}

fn labels(known: &[Known]) -> Vec<u32> {
    known.iter().flat_map(|known| known.labels.iter().copied()).collect()
}

/// Assigns the rows of every chunk, and gathers from each.
fn assign<T: Send>(
    run: &Run<'_>,
    x: &Rows<'_>,
    chunk: usize,
    packed: &Packed,
    moved: &Moved,
    known: &mut [Known],
    gather: impl Fn(usize, &Known) -> T + Sync + Send,
) -> Result<Vec<T>> {
    run.pool.install(|| {
        known
            .par_iter_mut()
            .enumerate()
            .map(|(c, known)| {
                run.check()?;
                let from = c * chunk;
                let values = &x.values[from * x.d..(from + known.labels.len()) * x.d];
                bounds::assign(values, packed, moved, known);
                Ok(gather(from, known))
            })
            .collect()
    })
}
