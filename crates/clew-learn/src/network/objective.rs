//! The network's loss and its slopes, written out by hand, over chunks of rows.

use ndarray::Array2;

use super::{Network, Unit};
use crate::error::Result;
use crate::loss::Loss;
use crate::parallel::{map_chunks, sum_chunks};
use crate::run::Run;

/// Rows of a chunk: fixed, so that sums have the same bits with any number of threads.
const CHUNK: usize = 2_048;

/// Sizes, and where each part of the parameters lies: coefficients (d), intercept, hidden weights (d × h),
/// hidden offsets (h), outputs (h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) d: usize,
    pub(super) h: usize,
    pub(super) unit: Unit,
}

/// The parts of the parameters.
pub(super) struct Parts<'a> {
    pub(super) coefficients: &'a [f64],
    pub(super) intercept: f64,
    pub(super) weights: &'a [f64],
    pub(super) offsets: &'a [f64],
    pub(super) outputs: &'a [f64],
    unit: Unit,
}

impl Shape {
    pub(super) fn len(self) -> usize {
        self.d + 1 + self.d * self.h + 2 * self.h
    }

    pub(super) fn parts(self, at: &[f64]) -> Parts<'_> {
        let (coefficients, rest) = at.split_at(self.d);
        let (intercept, rest) = rest.split_at(1);
        let (weights, rest) = rest.split_at(self.d * self.h);
        let (offsets, outputs) = rest.split_at(self.h);
        Parts { coefficients, intercept: intercept[0], weights, offsets, outputs, unit: self.unit }
    }
}

impl Parts<'_> {
    /// z of one row; leaves the hidden units' values in `hidden`.
    fn decision(&self, x: &[f32], hidden: &mut [f64]) -> f64 {
        hidden.copy_from_slice(self.offsets);
        let mut z = self.intercept;
        let by_column = x.iter().zip(self.coefficients).zip(self.weights.chunks_exact(hidden.len()));
        for ((&x, coefficient), weights) in by_column {
            let x = f64::from(x);
            z += x * coefficient;
            hidden.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
        }
        for (value, output) in hidden.iter_mut().zip(self.outputs) {
            *value = self.unit.value(*value);
            z += *value * output;
        }
        z
    }
}

/// Standardised rows, outcomes, weights.
pub(super) struct Cases {
    pub(super) x: Array2<f32>,
    pub(super) y: Vec<f32>,
    pub(super) weight: Vec<f32>,
}

impl Cases {
    /// Weighted mean.
    pub(super) fn mean(&self, losses: &[f64]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (loss, &weight) in losses.iter().zip(&self.weight) {
            sum += f64::from(weight) * loss;
            total += f64::from(weight);
        }
        sum / total
    }

    /// Whether losses fell by more than `least` standard errors of the mean difference, weights being counts.
    pub(super) fn gains(&self, before: &[f64], after: &[f64], least: f64) -> bool {
        let gains: Vec<f64> = before.iter().zip(after).map(|(before, after)| before - after).collect();
        let mean = self.mean(&gains);
        let squares: Vec<f64> = gains.iter().map(|gain| (gain - mean).powi(2)).collect();
        let total: f64 = self.weight.iter().map(|&weight| f64::from(weight)).sum();
        mean > least * (self.mean(&squares) / total).sqrt()
    }
}

/// z of each row.
pub(super) fn decisions(run: &Run<'_>, shape: Shape, x: &Array2<f32>, at: &[f64]) -> Result<Vec<f64>> {
    let x = x.as_standard_layout();
    let values = x.as_slice().unwrap_or(&[]);
    let parts = map_chunks(run, x.nrows(), CHUNK, |from, to| {
        let parts = shape.parts(at);
        let mut hidden = vec![0.0; shape.h];
        let rows = values[from * shape.d..to * shape.d].chunks_exact(shape.d);
        rows.map(|row| parts.decision(row, &mut hidden)).collect::<Vec<f64>>()
    })?;
    Ok(parts.concat())
}

/// The loss of each row, without the penalty.
pub(super) fn losses(run: &Run<'_>, loss: Loss, shape: Shape, cases: &Cases, at: &[f64]) -> Result<Vec<f64>> {
    let z = decisions(run, shape, &cases.x, at)?;
    Ok(z.into_iter().zip(&cases.y).map(|(z, &y)| loss.value(z, f64::from(y))).collect())
}

/// (Σ weight × loss + penalties) / `total`, and its slope in every parameter.
pub(super) fn slopes(
    run: &Run<'_>,
    network: &Network,
    shape: Shape,
    cases: &Cases,
    total: f64,
    at: &[f64],
) -> Result<(f64, Vec<f64>)> {
    let Shape { d, h, .. } = shape;
    let x = cases.x.as_standard_layout();
    let values = x.as_slice().unwrap_or(&[]);
    let n = shape.len();
    let mut sums = sum_chunks(run, cases.y.len(), CHUNK, n + 1, |from, to, sums| {
        let parts = shape.parts(at);
        let (slopes, value) = sums.split_at_mut(n);
        let (coefficients, rest) = slopes.split_at_mut(d);
        let (intercept, rest) = rest.split_at_mut(1);
        let (weights, rest) = rest.split_at_mut(d * h);
        let (offsets, outputs) = rest.split_at_mut(h);
        let mut hidden = vec![0.0; h];
        for row in from..to {
            let weight = f64::from(cases.weight[row]);
            if weight == 0.0 {
                continue;
            }
            let (x, y) = (&values[row * d..(row + 1) * d], f64::from(cases.y[row]));
            let z = parts.decision(x, &mut hidden);
            value[0] += weight * network.loss.value(z, y);
            let slope = weight * network.loss.slope(z, y);
            intercept[0] += slope;
            for (unit, value) in hidden.iter_mut().enumerate() {
                outputs[unit] += slope * *value;
                // From here on `hidden` holds the slope in what the unit sums up.
                *value = slope * parts.outputs[unit] * shape.unit.slope(*value);
                offsets[unit] += *value;
            }
            for ((&x, coefficient), weights) in
                x.iter().zip(coefficients.iter_mut()).zip(weights.chunks_exact_mut(h))
            {
                let x = f64::from(x);
                *coefficient += x * slope;
                weights.iter_mut().zip(&hidden).for_each(|(sum, hidden)| *sum += x * hidden);
            }
        }
    })?;
    let mut value = sums.pop().unwrap_or(0.0);
    for (place, (slope, &at)) in sums.iter_mut().zip(at).enumerate() {
        let penalty = match place {
            place if place < d => network.l2,
            place if place == d => 0.0,
            _ => network.decay,
        };
        value += penalty / 2.0 * at * at;
        *slope = (*slope + penalty * at) / total;
    }
    Ok((value / total, sums))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Silent, Stop};
    use rand::Rng;

    #[test]
    fn slopes_are_those_of_differences() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let run = Run { pool: &pool, seed: 3, progress: &Silent, stop: &Stop::new() };
        let mut rng = run.rng(0);
        let shape = Shape { d: 3, h: 4, unit: Unit::Tanh };
        let cases = Cases {
            x: Array2::from_shape_simple_fn((40, 3), || rng.random::<f32>() - 0.5),
            y: (0..40).map(|row| 1.0 + (row % 3) as f32).collect(),
            weight: (0..40).map(|row| (row % 4) as f32).collect(),
        };
        let at: Vec<f64> = (0..shape.len()).map(|_| rng.random::<f64>() - 0.5).collect();
        for loss in [Loss::Squared, Loss::Logistic, Loss::Poisson, Loss::Gamma] {
            let network = Network { loss, l2: 0.7, decay: 0.3, ..Default::default() };
            let value = |at: &[f64]| slopes(&run, &network, shape, &cases, 60.0, at).unwrap();
            for (place, slope) in value(&at).1.into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut at = at.clone();
                    at[place] += by;
                    value(&at).0
                };
                let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((slope - difference).abs() < 1e-8, "{loss:?} {place}: {slope} {difference}");
            }
        }
    }
}
