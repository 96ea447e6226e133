//! Features cut into at most 255 bins each, packed four features to a word.

use ndarray::ArrayView2;
use rand::seq::index;
use rayon::prelude::*;

use crate::error::Result;
use crate::run::Run;

/// Features packed into one u32, a byte each.
pub(super) const PACK: usize = 4;
/// Rows that the cuts are found on.
const SAMPLE: usize = 200_000;
const CHUNK: usize = 16_384;

/// Where each feature is cut: bin 0 holds missing values, bin b ≥ 1 the values in (cut b−2, cut b−1].
#[derive(Debug, Clone)]
pub(super) struct Cuts {
    /// Per feature, rising; one fewer than its bins of values.
    pub(super) cuts: Vec<Vec<f32>>,
}

impl Cuts {
    /// Cuts with about equal weight between them; where a feature has few values, one bin each.
    pub(super) fn find(
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        weight: &[f32],
        max_bins: usize,
    ) -> Result<Cuts> {
        let n = x.nrows();
        let rows: Vec<usize> = if n <= SAMPLE {
            (0..n).collect()
        } else {
            let mut rows = index::sample(&mut run.rng(0x6269_6e73), n, SAMPLE).into_vec();
            rows.sort_unstable();
            rows
        };
        let cuts = run.pool.install(|| {
            (0..x.ncols())
                .into_par_iter()
                .map(|feature| {
                    run.check()?;
                    let column = x.column(feature);
                    let values = rows.iter().map(|&row| (column[row], weight[row]));
                    Ok(cut(
                        values.filter(|(value, weight)| !value.is_nan() && *weight > 0.0).collect(),
                        max_bins,
                    ))
                })
                .collect::<Result<_>>()
        })?;
        Ok(Cuts { cuts })
    }

    /// Number of bins of a feature, the one for missing values included.
    pub(super) fn n_bins(&self, feature: usize) -> usize {
        self.cuts[feature].len() + 2
    }

    fn bin(&self, feature: usize, value: f32) -> u32 {
        if value.is_nan() { 0 } else { self.cuts[feature].partition_point(|&cut| cut < value) as u32 + 1 }
    }

    /// All rows in bins: one vector for each pack of features, the first feature in the lowest byte.
    pub(super) fn pack(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<Vec<u32>>> {
        (0..x.ncols().div_ceil(PACK))
            .map(|pack| {
                let features = pack * PACK..((pack + 1) * PACK).min(x.ncols());
                let mut packed = vec![0_u32; x.nrows()];
                run.pool.install(|| {
                    packed.par_chunks_mut(CHUNK).enumerate().try_for_each(|(chunk, words)| {
                        run.check()?;
                        for (place, word) in words.iter_mut().enumerate() {
                            let row = x.row(chunk * CHUNK + place);
                            for feature in features.clone() {
                                *word |= self.bin(feature, row[feature]) << (8 * (feature % PACK));
                            }
                        }
                        Ok(())
                    })
                })?;
                Ok(packed)
            })
            .collect()
    }
}

/// Cuts between the values of one feature.
fn cut(mut values: Vec<(f32, f32)>, max_bins: usize) -> Vec<f32> {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut distinct: Vec<(f32, f64)> = Vec::new();
    for (value, weight) in values {
        match distinct.last_mut() {
            Some(last) if last.0 == value => last.1 += f64::from(weight),
            _ => distinct.push((value, f64::from(weight))),
        }
    }
    let mut cuts = Vec::new();
    if distinct.len() <= max_bins {
        cuts.extend(distinct.windows(2).map(|pair| between(pair[0].0, pair[1].0)));
        return cuts;
    }
    // Each bin takes its part of what is left, so that one heavy value does not starve the others.
    let mut left: f64 = distinct.iter().map(|value| value.1).sum();
    let mut inside = 0.0;
    for (place, pair) in distinct.windows(2).enumerate() {
        inside += pair[0].1;
        let bins_left = max_bins - cuts.len();
        let forced = distinct.len() - 1 - place < bins_left;
        let nearer = inside + 0.5 * pair[1].1 >= left / bins_left as f64;
        if bins_left > 1 && (nearer || forced) {
            cuts.push(between(pair[0].0, pair[1].0));
            left -= inside;
            inside = 0.0;
        }
    }
    cuts
}

/// A number from `low` up to below `high`.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    if middle.is_finite() && middle >= low && middle < high { middle } else { low }
}
