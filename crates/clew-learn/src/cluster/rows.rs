//! The rows to cluster, as one slice; under the cosine as a copy of length 1 each.

use std::borrow::Cow;

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::{Distance, no_direction};
use crate::error::Result;
use crate::parallel::{map_chunks, sum_chunks};
use crate::run::Run;

/// Rows that one task works on where nothing is summed.
const CHUNK: usize = 4_096;

/// Rows × d numbers, with weights.
pub(super) struct Rows<'a> {
    pub(super) values: Cow<'a, [f32]>,
    pub(super) weight: &'a [f32],
    pub(super) d: usize,
    pub(super) distance: Distance,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        run: &Run<'_>,
        x: ArrayView2<'a, f32>,
        weight: &'a [f32],
        distance: Distance,
    ) -> Result<Rows<'a>> {
        let d = x.ncols();
        let mut values = match x.to_slice() {
            Some(values) => Cow::Borrowed(values),
            None => Cow::Owned(x.iter().copied().collect()),
        };
        if distance == Distance::Cosine {
            let faults: Vec<Option<usize>> = run.pool.install(|| {
                let chunks = values.to_mut().par_chunks_mut(CHUNK * d).enumerate();
                chunks.map(|(c, part)| normalise(part, d).err().map(|row| c * CHUNK + row)).collect()
            });
            if let Some(row) = faults.into_iter().flatten().next() {
                return Err(no_direction("row", row));
            }
        }
        Ok(Rows { values, weight, d, distance })
    }

    pub(super) fn n(&self) -> usize {
        self.weight.len()
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.d..][..self.d]
    }

    /// Some of the rows.
    pub(super) fn select(&self, rows: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let mut values = Vec::with_capacity(rows.len() * self.d);
        rows.iter().for_each(|&row| values.extend_from_slice(self.row(row)));
        (values, rows.iter().map(|&row| self.weight[row]).collect())
    }

    /// Mean of the columns' weighted variances.
    pub(super) fn mean_variance(&self, run: &Run<'_>) -> Result<f64> {
        let d = self.d;
        // From the first row, so that data far from 0 lose no digits.
        let origin = self.row(0);
        let sums =
            sum_chunks(run, self.n(), self.n().div_ceil(64).max(CHUNK), 2 * d + 1, |from, to, sums| {
                let (first, rest) = sums.split_at_mut(d);
                let (second, total) = rest.split_at_mut(d);
                for row in from..to {
                    let w = f64::from(self.weight[row]);
                    let values = self.row(row).iter().zip(origin);
                    for (((&value, &origin), first), second) in
                        values.zip(first.iter_mut()).zip(second.iter_mut())
                    {
                        let apart = f64::from(value) - f64::from(origin);
                        *first += w * apart;
                        *second += w * apart * apart;
                    }
                    total[0] += w;
                }
            })?;
        let total = sums[2 * d];
        let variance = |column: usize| (sums[d + column] / total - (sums[column] / total).powi(2)).max(0.0);
        Ok((0..d).map(variance).sum::<f64>() / d as f64)
    }

    /// Squared distance of each row to the centre of its label, in f64.
    pub(super) fn to_own(&self, run: &Run<'_>, labels: &[u32], centres: &[f32]) -> Result<Vec<f64>> {
        let parts = map_chunks(run, self.n(), CHUNK, |from, to| {
            let of = |row: usize| {
                let at = labels[row] as usize * self.d;
                super::tile::exact(self.row(row), &centres[at..at + self.d])
            };
            (from..to).map(of).collect::<Vec<f64>>()
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Weighted sum of squared distances; of 1 − cosine where that is the distance.
    pub(super) fn inertia(&self, run: &Run<'_>, labels: &[u32], centres: &[f32]) -> Result<f64> {
        let own = self.to_own(run, labels, centres)?;
        let sum: f64 = own.iter().zip(self.weight).map(|(own, &weight)| own * f64::from(weight)).sum();
        // |a − b|² = 2 − 2 cos for vectors of length 1.
        Ok(if self.distance == Distance::Cosine { sum / 2.0 } else { sum })
    }
}

/// Gives each row (d numbers) the length 1; the first row that has none is the error.
pub(super) fn normalise(values: &mut [f32], d: usize) -> std::result::Result<(), usize> {
    for (row, values) in values.chunks_exact_mut(d).enumerate() {
        let square: f64 = values.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
        if square <= 0.0 {
            return Err(row);
        }
        let scale = 1.0 / square.sqrt();
        values.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
    }
    Ok(())
}
