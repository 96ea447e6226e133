//! Fitting by small batches: many more rows than full steps could afford, each seen a few times.
//!
//! Kingma and Ba, "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 1.

use ndarray::ArrayView2;
use rand::Rng;
use rand::seq::SliceRandom;

use super::objective::{self, Cases, Shape};
use super::{FittedNetwork, Network, unbounded};
use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::run::Run;
use crate::scaling::StandardScaler;

/// How a network is fitted by small batches.
#[derive(Debug, Clone, PartialEq)]
pub struct Batches {
    /// Times that each row is seen.
    pub n_epochs: usize,
    /// Rows of a batch.
    pub n_rows: usize,
    /// Length of a step, at the start; it falls to nothing by the end.
    pub rate: f32,
}

impl Default for Batches {
    fn default() -> Batches {
        Batches { n_epochs: 6, n_rows: 512, rate: 2e-3 }
    }
}

/// Forgetting of the mean slope and of its square, and what keeps a step finite: the paper's.
const ADAM: (f32, f32, f32) = (0.9, 0.999, 1e-8);

impl Network {
    /// Fits to `x` (rows × columns, finite), outcomes `y` of the loss, `weight` ≥ 0, by small batches on one thread. No rows are set
    /// aside: the number of epochs is what holds the fit back, beside `decay`; `l2` and the limits of full steps are not used. The
    /// losses told are of the rows learned from, before of their mean. The order of the rows matters, as it decides the batches.
    /// Errors on values that are not finite, on nothing, on one class.
    pub fn fit_by_batches(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
        batches: &Batches,
    ) -> Result<FittedNetwork> {
        self.check()?;
        if batches.n_epochs == 0 || batches.n_rows == 0 || !(batches.rate > 0.0 && batches.rate <= 1.0) {
            return Err(Error::input(
                format!(
                    "{} epochs of batches of {} rows at {}",
                    batches.n_epochs, batches.n_rows, batches.rate
                ),
                "use one epoch and row or more, and a rate above 0 and at most 1",
            ));
        }
        check::matrix(x, Missing::Refused, "row")?;
        check::outcomes(x.nrows(), y, weight, self.loss)?;
        let mean = check::mean_outcome(y, weight, self.loss)?;
        let scaler = StandardScaler::fit(run, x, weight)?;
        let cases = Cases { x: scaler.transform(x)?, y: y.to_vec(), weight: weight.to_vec() };
        let shape = Shape { d: x.ncols(), h: self.n_hidden, unit: self.unit };
        let total: f64 = weight.iter().map(|&w| f64::from(w)).sum();
        let mut start = vec![0.0_f32; shape.len()];
        start[shape.d] = self.loss.link(mean) as f32;
        let at = Descent { loss: self.loss, shape, decay: (self.decay / total) as f32 }
            .run(run, &cases, batches, start)?;
        let parameters: Vec<f64> = at.into_iter().map(f64::from).collect();
        let loss_after = cases.mean(&objective::losses(run, self.loss, shape, &cases, &parameters)?);
        let z = self.loss.link(mean);
        let before: Vec<f64> = cases.y.iter().map(|&y| self.loss.value(z, f64::from(y))).collect();
        let fitted = FittedNetwork {
            loss: self.loss,
            loss_before: cases.mean(&before),
            loss_after,
            left_the_start: true,
            n_iterations: batches.n_epochs * cases.y.len().div_ceil(batches.n_rows),
            scaler,
            shape,
            parameters,
        };
        if loss_after.is_finite() { Ok(fitted) } else { Err(unbounded()) }
    }
}

struct Descent {
    loss: Loss,
    shape: Shape,
    decay: f32,
}

impl Descent {
    fn run(&self, run: &Run<'_>, cases: &Cases, batches: &Batches, mut at: Vec<f32>) -> Result<Vec<f32>> {
        let Shape { d, h, .. } = self.shape;
        let mut rng = run.rng(0x6261_7463);
        // Glorot and Bengio (2010), equation 16.
        let bound = (6.0 / (d + h) as f32).sqrt();
        at[d + 1..d + 1 + d * h].iter_mut().for_each(|w| *w = rng.random_range(-bound..bound));
        let bound = (6.0 / (h + 1) as f32).sqrt();
        at[d + 1 + d * h + h..].iter_mut().for_each(|w| *w = rng.random_range(-bound..bound));
        let x = cases.x.as_standard_layout();
        let values = x.as_slice().unwrap_or(&[]);
        let mut order: Vec<usize> = (0..cases.y.len()).collect();
        let (mut first, mut second) = (vec![0.0_f32; at.len()], vec![0.0_f32; at.len()]);
        let mut slopes = vec![0.0_f32; at.len()];
        let n_steps = batches.n_epochs * order.len().div_ceil(batches.n_rows);
        let mut step = 0_i32;
        for _ in 0..batches.n_epochs {
            order.shuffle(&mut rng);
            for batch in order.chunks(batches.n_rows) {
                run.check()?;
                slopes.fill(0.0);
                for &row in batch {
                    let (y, weight) = (cases.y[row], cases.weight[row]);
                    self.add(&at, &values[row * d..(row + 1) * d], y, weight, &mut slopes);
                }
                step += 1;
                let (b1, b2, least) = ADAM;
                let left = 1.0 - (step - 1) as f32 / n_steps as f32;
                let rate = batches.rate * left * (1.0 - b2.powi(step)).sqrt() / (1.0 - b1.powi(step));
                let scale = 1.0 / batch.len() as f32;
                let moments = first.iter_mut().zip(&mut second);
                for (((value, &slope), (m, v)), place) in at.iter_mut().zip(&slopes).zip(moments).zip(0..) {
                    let decay = if place > d { self.decay * *value } else { 0.0 };
                    let slope = slope * scale + decay;
                    *m = b1 * *m + (1.0 - b1) * slope;
                    *v = b2 * *v + (1.0 - b2) * slope * slope;
                    *value -= rate * *m / (v.sqrt() + least);
                }
                run.report("fitting the network", f64::from(step) / n_steps as f64);
            }
        }
        Ok(at)
    }

    /// Adds one row's slopes.
    fn add(&self, at: &[f32], x: &[f32], y: f32, weight: f32, slopes: &mut [f32]) {
        let Shape { d, h, unit } = self.shape;
        let (coefficients, rest) = at.split_at(d + 1);
        let (weights, rest) = rest.split_at(d * h);
        let (offsets, outputs) = rest.split_at(h);
        let mut hidden = offsets.to_vec();
        let mut z = coefficients[d];
        for ((&x, &coefficient), weights) in x.iter().zip(coefficients).zip(weights.chunks_exact(h)) {
            z += x * coefficient;
            hidden.iter_mut().zip(weights).for_each(|(sum, &weight)| *sum += x * weight);
        }
        for (value, &output) in hidden.iter_mut().zip(outputs) {
            *value = unit.value(f64::from(*value)) as f32;
            z += *value * output;
        }
        let slope = weight * self.loss.slope(f64::from(z), f64::from(y)) as f32;
        let (to_linear, rest) = slopes.split_at_mut(d + 1);
        let (to_weights, rest) = rest.split_at_mut(d * h);
        let (to_offsets, to_outputs) = rest.split_at_mut(h);
        to_linear[d] += slope;
        for (k, value) in hidden.iter_mut().enumerate() {
            to_outputs[k] += slope * *value;
            *value = slope * outputs[k] * unit.slope(f64::from(*value)) as f32;
            to_offsets[k] += *value;
        }
        for ((&x, to), weights) in x.iter().zip(to_linear).zip(to_weights.chunks_exact_mut(h)) {
            *to += slope * x;
            weights.iter_mut().zip(&hidden).for_each(|(to, &delta)| *to += x * delta);
        }
    }
}
