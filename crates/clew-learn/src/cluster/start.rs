//! First centres by k-means++ (Arthur & Vassilvitskii 2007) with the better of a few draws each time, on a
//! sub-sample where there are many rows: drawing k centres from n rows costs k passes over them, and a few
//! hundred rows a cluster place the centres as well.

use multiversion::multiversion;
use multiversion::target::target_cfg_f;
use rand::Rng;

use super::rows::Rows;
use super::tile;
use crate::error::{Error, Result};
use crate::parallel::map_chunks;
use crate::run::Run;

/// Rows of the sub-sample: so many in all, and so many a cluster.
const SAMPLE: usize = 16_384;
const PER_CLUSTER: usize = 64;
/// Rows measured at once.
const CHUNK: usize = 4_096;

/// Up to `k` rows of `x`, distinct: fewer where there are fewer distinct rows that have a weight.
pub(super) fn start(run: &Run<'_>, x: &Rows<'_>, k: usize) -> Result<Vec<f32>> {
    let mut rng = run.rng(0x6b6d_6561_6e73);
    let size = SAMPLE.max(PER_CLUSTER.saturating_mul(k));
    let mut centres = Vec::new();
    if x.n() > 2 * size {
        let mut rows = rand::seq::index::sample(&mut rng, x.n(), size).into_vec();
        rows.sort_unstable();
        let (values, weight) = x.select(&rows);
        grow(run, &values, &weight, x.d, k, &mut centres, &mut rng)?;
    }
    // Also where the sub-sample held fewer distinct rows than clusters are wanted.
    if centres.len() < k * x.d {
        grow(run, &x.values, x.weight, x.d, k, &mut centres, &mut rng)?;
    }
    Ok(centres)
}

/// Adds rows to the centres: each is drawn by weight × squared distance to the centres so far, a few times, and
/// the draw that lowers the sum of these the most is kept (as scikit-learn does).
fn grow(
    run: &Run<'_>,
    x: &[f32],
    weight: &[f32],
    d: usize,
    k: usize,
    centres: &mut Vec<f32>,
    rng: &mut impl Rng,
) -> Result<()> {
    let n_draws = 2 + (k as f64).ln() as usize;
    let mut least = vec![f32::INFINITY; weight.len()];
    for centre in centres.chunks_exact(d) {
        least = nearer(run, x, &least, centre)?;
    }
    while centres.len() < k * d {
        run.check()?;
        let first = centres.is_empty();
        let mut sums = Vec::with_capacity(weight.len());
        let mut whole = 0.0;
        for (&weight, &least) in weight.iter().zip(&least) {
            whole += f64::from(weight) * if first { 1.0 } else { f64::from(least) };
            sums.push(whole);
        }
        if !whole.is_finite() {
            return Err(Error::input("the squared distances overflow", "scale the columns down"));
        }
        if whole <= 0.0 {
            break;
        }
        let mut best: Option<(f64, usize, Vec<f32>)> = None;
        for _ in 0..if first { 1 } else { n_draws } {
            let drawn = rng.random::<f64>() * whole;
            // The first row whose sum is beyond the draw has itself a chance above 0.
            let row = sums.partition_point(|&sum| sum <= drawn).min(weight.len() - 1);
            let left = nearer(run, x, &least, &x[row * d..(row + 1) * d])?;
            let sum = weight.iter().zip(&left).map(|(&w, &left)| f64::from(w) * f64::from(left)).sum::<f64>();
            if best.as_ref().is_none_or(|best| sum < best.0) {
                best = Some((sum, row, left));
            }
        }
        let Some((_, row, left)) = best else { break };
        centres.extend_from_slice(&x[row * d..(row + 1) * d]);
        least = left;
    }
    Ok(())
}

/// The squared distance of each row to the nearest centre, with one more centre.
fn nearer(run: &Run<'_>, x: &[f32], least: &[f32], centre: &[f32]) -> Result<Vec<f32>> {
    let d = centre.len();
    let parts = map_chunks(run, least.len(), CHUNK, |from, to| {
        let mut part = least[from..to].to_vec();
        lower(&mut part, &x[from * d..to * d], centre);
        part
    })?;
    Ok(parts.into_iter().flatten().collect())
}

#[multiversion(targets("x86_64+avx+avx2+fma"))]
fn lower(least: &mut [f32], x: &[f32], centre: &[f32]) {
    // Taken plainly: by products, the distance to an equal row would not be exactly 0.
    for (least, row) in least.iter_mut().zip(x.chunks_exact(centre.len())) {
        let distance = if target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64")) {
            tile::distance::<true>(row, centre)
        } else {
            tile::distance::<false>(row, centre)
        };
        *least = least.min(distance);
    }
}
