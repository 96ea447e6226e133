//! The loss of a logistic regression over its data: value, slopes and curvature, summed by chunks.

use ndarray::ArrayView2;

use crate::calibration::{sigmoid, softplus};
use crate::dense;
use crate::error::{Error, Result};
use crate::parallel::{map_chunks, sum_chunks};
use crate::run::Run;

/// Rows that are widened to f64 and multiplied at once.
const BLOCK: usize = 256;
/// At most so many chunks, which bounds the memory of their curvatures.
const CHUNKS: usize = 64;

/// Checked data; coefficients are columns first, the intercept last.
pub(super) struct Data<'a> {
    x: ArrayView2<'a, f32>,
    y: &'a [f32],
    weight: &'a [f32],
    offset: Option<&'a [f32]>,
    chunk: usize,
    /// Sum of the weights.
    pub(super) total: f64,
    /// Log-odds of the mean outcome: where to start.
    pub(super) base: f64,
}

impl<'a> Data<'a> {
    pub(super) fn new(
        run: &Run<'_>,
        x: ArrayView2<'a, f32>,
        y: &'a [f32],
        weight: &'a [f32],
        offset: Option<&'a [f32]>,
    ) -> Result<Data<'a>> {
        let n = x.nrows();
        if n == 0 {
            return Err(Error::input("there are no rows", "give at least one of each class"));
        }
        if y.len() != n || weight.len() != n || offset.is_some_and(|offset| offset.len() != n) {
            return Err(Error::input(
                format!("{n} rows, {} outcomes, {} weights", y.len(), weight.len()),
                "give one of each per row",
            ));
        }
        let chunk = n.div_ceil(CHUNKS).max(4_096);
        check(run, x, y, weight, offset, chunk)?;
        let sums = sum_chunks(run, n, chunk, 2, |from, to, sum| {
            for row in from..to {
                sum[0] += f64::from(weight[row]) * f64::from(y[row]);
                sum[1] += f64::from(weight[row]) * (1.0 - f64::from(y[row]));
            }
        })?;
        let (buyers, others) = (sums[0], sums[1]);
        if buyers <= 0.0 || others <= 0.0 {
            return Err(Error::input(
                "the outcomes are all of one class",
                "train where some bought and some did not",
            ));
        }
        Ok(Data { x, y, weight, offset, chunk, total: buyers + others, base: (buyers / others).ln() })
    }

    /// Number of coefficients, the intercept included.
    pub(super) fn n_coefficients(&self) -> usize {
        self.x.ncols() + 1
    }

    /// The loss without its penalty.
    pub(super) fn loss(&self, run: &Run<'_>, at: &[f64]) -> Result<f64> {
        let sums = sum_chunks(run, self.x.nrows(), self.chunk, 1, |from, to, sum| {
            self.blocks(from, to, at, |_, rows, z| {
                for (row, &z) in rows.zip(z) {
                    sum[0] += f64::from(self.weight[row]) * (softplus(z) - f64::from(self.y[row]) * z);
                }
            });
        })?;
        Ok(sums[0])
    }

    /// The loss's slopes, and with `curvature` the lower triangle of its second derivatives (else empty).
    pub(super) fn derivatives(
        &self,
        run: &Run<'_>,
        at: &[f64],
        curvature: bool,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let p = self.n_coefficients();
        let width = if curvature { p + p * p } else { p };
        let mut sums = sum_chunks(run, self.x.nrows(), self.chunk, width, |from, to, sum| {
            let (slopes, curvatures) = sum.split_at_mut(p);
            let mut residual = Vec::with_capacity(BLOCK);
            self.blocks(from, to, at, |block, rows, z| {
                residual.clear();
                for ((row, &z), values) in rows.zip(z).zip(block.chunks_exact_mut(p)) {
                    let (probability, w) = (sigmoid(z), f64::from(self.weight[row]));
                    let slope = w * (probability - f64::from(self.y[row]));
                    for (sum, value) in slopes.iter_mut().zip(values.iter()) {
                        *sum += slope * value;
                    }
                    if curvature {
                        let scale = (w * probability * (1.0 - probability)).sqrt();
                        values.iter_mut().for_each(|value| *value *= scale);
                    }
                    residual.push(slope);
                }
                if curvature {
                    dense::gram(true, curvatures, block, residual.len(), p);
                }
            });
        })?;
        let curvatures = sums.split_off(p);
        Ok((sums, curvatures))
    }

    /// Second derivatives at `at` times `direction`, without forming them.
    pub(super) fn curvature_along(&self, run: &Run<'_>, at: &[f64], direction: &[f64]) -> Result<Vec<f64>> {
        let p = self.n_coefficients();
        sum_chunks(run, self.x.nrows(), self.chunk, p, |from, to, sum| {
            self.blocks(from, to, at, |block, rows, z| {
                for ((row, &z), values) in rows.zip(z).zip(block.chunks_exact(p)) {
                    let probability = sigmoid(z);
                    let along: f64 = values.iter().zip(direction).map(|(value, d)| value * d).sum();
                    let scale = f64::from(self.weight[row]) * probability * (1.0 - probability) * along;
                    for (sum, value) in sum.iter_mut().zip(values) {
                        *sum += scale * value;
                    }
                }
            });
        })
    }

    /// Walks rows from..to in blocks widened to f64 with a 1 for the intercept, with their log-odds at `at`.
    fn blocks(
        &self,
        from: usize,
        to: usize,
        at: &[f64],
        mut work: impl FnMut(&mut [f64], std::ops::Range<usize>, &[f64]),
    ) {
        let p = self.n_coefficients();
        let mut block = vec![1.0; BLOCK.min(to - from) * p];
        let mut z = vec![0.0; BLOCK.min(to - from)];
        let mut start = from;
        while start < to {
            let end = (start + BLOCK).min(to);
            let block = &mut block[..(end - start) * p];
            let z = &mut z[..end - start];
            for (row, (values, z)) in (start..end).zip(block.chunks_exact_mut(p).zip(z.iter_mut())) {
                *z = self.offset.map_or(0.0, |offset| f64::from(offset[row])) + at[p - 1];
                for ((slot, &value), c) in values.iter_mut().zip(self.x.row(row)).zip(at) {
                    *slot = f64::from(value);
                    *z += *slot * c;
                }
                values[p - 1] = 1.0;
            }
            work(block, start..end, z);
            start = end;
        }
    }
}

fn check(
    run: &Run<'_>,
    x: ArrayView2<'_, f32>,
    y: &[f32],
    weight: &[f32],
    offset: Option<&[f32]>,
    chunk: usize,
) -> Result<()> {
    let faults = map_chunks(run, x.nrows(), chunk, |from, to| {
        (from..to).find_map(|row| {
            if let Some(column) = x.row(row).iter().position(|value| !value.is_finite()) {
                return Some(Error::input(
                    format!("row {row} is not finite in column {column}"),
                    "drop or fill it",
                ));
            }
            if !(0.0..=1.0).contains(&y[row]) {
                return Some(Error::input(
                    format!("row {row} has the outcome {}", y[row]),
                    "use outcomes from 0 to 1",
                ));
            }
            if !(weight[row].is_finite() && weight[row] >= 0.0) {
                return Some(Error::input(
                    format!("row {row} has the weight {}", weight[row]),
                    "use finite weights of 0 or more",
                ));
            }
            let bad = offset.is_some_and(|offset| !offset[row].is_finite());
            bad.then(|| {
                Error::input(format!("row {row} has an offset that is not finite"), "drop or fill it")
            })
        })
    })?;
    faults.into_iter().flatten().next().map_or(Ok(()), Err)
}
