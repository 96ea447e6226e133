//! A loss over dense rows: value, slopes and curvature, summed by chunks.

use ndarray::ArrayView2;

use crate::check::{self, Missing};
use crate::dense;
use crate::error::Result;
use crate::loss::Loss;
use crate::parallel::sum_chunks;
use crate::run::Run;

/// Rows that are widened to f64 and multiplied at once.
const BLOCK: usize = 256;
/// At most so many chunks, which bounds the memory of their curvatures.
const CHUNKS: usize = 64;

/// Checked data; coefficients are columns first, the intercept last.
pub(crate) struct Data<'a> {
    loss: Loss,
    x: ArrayView2<'a, f32>,
    y: &'a [f32],
    weight: &'a [f32],
    offset: Option<&'a [f32]>,
    chunk: usize,
    /// Sum of the weights, for counts times their mean: what slopes are compared with.
    pub(crate) scale: f64,
    /// The decision whose prediction is the mean outcome: where to start.
    pub(crate) base: f64,
}

impl<'a> Data<'a> {
    pub(crate) fn new(
        run: &Run<'_>,
        loss: Loss,
        x: ArrayView2<'a, f32>,
        y: &'a [f32],
        weight: &'a [f32],
        offset: Option<&'a [f32]>,
    ) -> Result<Data<'a>> {
        check::matrix(x, Missing::Refused, "row")?;
        check::outcomes(x.nrows(), y, weight, loss)?;
        check::offsets(x.nrows(), offset)?;
        let mean = check::mean_outcome(y, weight, loss)?;
        run.check()?;
        let total: f64 = weight.iter().map(|&w| f64::from(w)).sum();
        // The slopes of a Poisson loss are as large as its counts.
        let scale = total * if loss == Loss::Poisson { mean } else { 1.0 };
        let mut base = loss.link(mean);
        if let (Some(offset), Loss::Poisson | Loss::Gamma) = (offset, loss) {
            // Exposures far from 1 would else make the first steps over the exponential very long.
            let shift = offset.iter().zip(weight).map(|(&o, &w)| f64::from(o) * f64::from(w)).sum::<f64>();
            base -= shift / total;
        }
        let chunk = x.nrows().div_ceil(CHUNKS).max(4_096);
        Ok(Data { loss, x, y, weight, offset, chunk, scale, base })
    }

    /// Number of coefficients, the intercept included.
    pub(crate) fn n_coefficients(&self) -> usize {
        self.x.ncols() + 1
    }

    /// The loss without its penalty.
    pub(crate) fn loss(&self, run: &Run<'_>, at: &[f64]) -> Result<f64> {
        let sums = sum_chunks(run, self.x.nrows(), self.chunk, 1, |from, to, sum| {
            self.blocks(from, to, at, |_, rows, z| {
                for (row, &z) in rows.zip(z) {
                    sum[0] += f64::from(self.weight[row]) * self.loss.value(z, f64::from(self.y[row]));
                }
            });
        })?;
        Ok(sums[0])
    }

    /// The loss's slopes, and with `curvature` the lower triangle of its second derivatives (else empty).
    pub(crate) fn derivatives(
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
                    let w = f64::from(self.weight[row]);
                    let (slope, bend) = self.loss.slope_and_curvature(z, f64::from(self.y[row]));
                    let slope = w * slope;
                    for (sum, value) in slopes.iter_mut().zip(values.iter()) {
                        *sum += slope * value;
                    }
                    if curvature {
                        let scale = (w * bend).sqrt();
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
    pub(crate) fn curvature_along(&self, run: &Run<'_>, at: &[f64], direction: &[f64]) -> Result<Vec<f64>> {
        let p = self.n_coefficients();
        sum_chunks(run, self.x.nrows(), self.chunk, p, |from, to, sum| {
            self.blocks(from, to, at, |block, rows, z| {
                for ((row, &z), values) in rows.zip(z).zip(block.chunks_exact(p)) {
                    let bend = self.loss.curvature(z, f64::from(self.y[row]));
                    let along: f64 = values.iter().zip(direction).map(|(value, d)| value * d).sum();
                    let scale = f64::from(self.weight[row]) * bend * along;
                    for (sum, value) in sum.iter_mut().zip(values) {
                        *sum += scale * value;
                    }
                }
            });
        })
    }

    /// Walks rows from..to in blocks widened to f64 with a 1 for the intercept, with their decisions at `at`.
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
