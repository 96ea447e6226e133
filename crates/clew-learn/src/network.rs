//! A network of one hidden layer that starts as the linear model of its loss and leaves it only where rows that
//! it has not learned from say so.
//!
//! z = intercept + Σ coefficient × column + Σ output × tanh(offset + Σ weight × column) over standardised
//! columns. Coefficients and intercept start at the regression's optimum and the outputs at 0, so the first
//! prediction is the regression's (a connection past the hidden layer, as in He et al. 2016, "Deep Residual
//! Learning"). All rows are used in every step (L-BFGS; Nocedal & Wright 2006, algorithm 7.5), so that the order
//! of the rows does not matter.

use ndarray::ArrayView2;
use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::logistic::{data, newton};
use crate::loss::Loss;
use crate::run::{Part, Run};
use crate::scaling::StandardScaler;
use crate::trees::Validation;

use objective::{Cases, Shape};

mod batches;
mod file;
mod lbfgs;
mod objective;
mod scan;
mod split;

pub use batches::Batches;
pub use scan::NetworkScan;

/// How to fit a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// What is minimised.
    pub loss: Loss,
    /// Units of the hidden layer.
    pub n_hidden: usize,
    /// What a hidden unit makes of its sum.
    pub unit: Unit,
    /// Penalty of the linear part: Σ weight × loss + l2 / 2 × Σ coefficient².
    pub l2: f64,
    /// Penalty of the hidden layer: decay / 2 × Σ of the squares of its weights, offsets and outputs.
    pub decay: f64,
    /// Most steps.
    pub max_iterations: usize,
    /// Stop after so many steps in a row without a lower loss on the validation rows.
    pub patience: usize,
    /// Share of the rows kept for validation where none are given; by their content, so that copies of a row
    /// fall on the same side and the order of the rows does not matter.
    pub validation_share: f64,
    /// The network is kept only if it lowers the loss of the validation rows by more than this many standard
    /// errors of the mean difference to the regression, row by row.
    pub least_gain: f64,
}

/// What a hidden unit makes of its sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Hyperbolic tangent: smooth, as full steps need it.
    Tanh,
    /// The sum where it is positive, else 0 (Glorot, Bordes and Bengio 2011): for small batches.
    Rectified,
}

impl Unit {
    fn value(self, sum: f64) -> f64 {
        match self {
            Unit::Tanh => sum.tanh(),
            Unit::Rectified => sum.max(0.0),
        }
    }

    /// The slope where the value is this.
    fn slope(self, value: f64) -> f64 {
        match self {
            Unit::Tanh => 1.0 - value * value,
            Unit::Rectified => f64::from(u8::from(value > 0.0)),
        }
    }
}

impl Default for Network {
    fn default() -> Network {
        Network {
            loss: Loss::Logistic,
            n_hidden: 16,
            unit: Unit::Tanh,
            l2: 1.0,
            decay: 1.0,
            max_iterations: 300,
            patience: 20,
            validation_share: 0.2,
            least_gain: 1.0,
        }
    }
}

/// A fitted network.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedNetwork {
    /// What was minimised.
    pub loss: Loss,
    /// Mean loss of the validation rows under the regression.
    pub loss_before: f64,
    /// Mean loss of the validation rows under what is predicted with.
    pub loss_after: f64,
    /// Whether the network was kept; else the predictions are the regression's.
    pub left_the_start: bool,
    /// Steps behind what is predicted with.
    pub n_iterations: usize,
    scaler: StandardScaler,
    shape: Shape,
    parameters: Vec<f64>,
}

impl Network {
    /// Fits to `x` (rows × columns, finite), outcomes `y` of the loss, `weight` ≥ 0. The rows of `validation`
    /// decide when to stop and whether the network is kept; without them, a share of the rows is set aside and
    /// not learned from. Errors on values that are not finite, on nothing, on one class.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
        validation: Option<Validation<'_>>,
    ) -> Result<FittedNetwork> {
        self.check()?;
        check::matrix(x, Missing::Refused, "row")?;
        check::outcomes(x.nrows(), y, weight, self.loss)?;
        check::mean_outcome(y, weight, self.loss)?;
        let (learning, judging) = split::split(self, run, x, y, weight, validation)?;
        let scaler = StandardScaler::fit(run, learning.x.view(), &learning.weight)?;
        let learning = Cases { x: scaler.transform(learning.x.view())?, ..learning };
        let judging = Cases { x: scaler.transform(judging.x.view())?, ..judging };
        let shape = Shape { d: x.ncols(), h: self.n_hidden, unit: self.unit };
        let start = self.start(run, &learning, shape)?;
        let total: f64 = learning.weight.iter().map(|&weight| f64::from(weight)).sum();
        let slopes = |at: &[f64]| objective::slopes(run, self, shape, &learning, total, at);
        let before = objective::losses(run, self.loss, shape, &judging, &start)?;
        let loss_before = judging.mean(&before);
        let mut best = (loss_before, start.clone(), 0);
        let mut descent = lbfgs::Descent::new(start.clone(), slopes)?;
        for iteration in 1..=self.max_iterations {
            run.check()?;
            run.report("fitting the network", 0.2 + 0.8 * iteration as f64 / self.max_iterations as f64);
            if !descent.step(slopes)? {
                break;
            }
            let loss = judging.mean(&objective::losses(run, self.loss, shape, &judging, &descent.at)?);
            if loss < best.0 {
                best = (loss, descent.at.clone(), iteration);
            } else if iteration - best.2 >= self.patience {
                break;
            }
        }
        run.report("fitting the network", 1.0);
        let (mut loss_after, mut parameters, mut n_iterations) = best;
        let after = objective::losses(run, self.loss, shape, &judging, &parameters)?;
        let left_the_start = n_iterations > 0 && judging.gains(&before, &after, self.least_gain);
        if !left_the_start {
            (loss_after, parameters, n_iterations) = (loss_before, start, 0);
        }
        let fitted = FittedNetwork {
            loss: self.loss,
            loss_before,
            loss_after,
            left_the_start,
            n_iterations,
            scaler,
            shape,
            parameters,
        };
        if loss_after.is_finite() { Ok(fitted) } else { Err(unbounded()) }
    }

    fn check(&self) -> Result<()> {
        check::penalty("l2", self.l2)?;
        check::penalty("decay", self.decay)?;
        check::penalty("least_gain", self.least_gain)?;
        let sound = (1..=4_096).contains(&self.n_hidden) && self.max_iterations > 0 && self.patience > 0;
        let share = self.validation_share > 0.0 && self.validation_share < 1.0;
        if !(sound && share) {
            return Err(Error::input(
                format!(
                    "{} hidden units, {} steps, a patience of {}, a validation share of {}",
                    self.n_hidden, self.max_iterations, self.patience, self.validation_share
                ),
                "use 1 to 4096 units, one step and a patience of one or more, a share between 0 and 1",
            ));
        }
        Ok(())
    }

    /// The regression, with a hidden layer of random weights that nothing listens to yet.
    fn start(&self, run: &Run<'_>, cases: &Cases, shape: Shape) -> Result<Vec<f64>> {
        let part = Part::new(run.progress, 0.0, 0.2);
        let run = run.with_progress(&part);
        let data = data::Data::new(&run, self.loss, cases.x.view(), &cases.y, &cases.weight, None)?;
        let goal = newton::Goal { l2: self.l2, max_iterations: 100, tolerance: 1e-10 };
        let mut start = newton::minimise(&run, &data, &goal)?;
        let mut rng = run.rng(0x6e65_7477);
        let scale = 1.0 / (shape.d as f64).sqrt();
        start.extend((0..shape.d * shape.h).map(|_| scale * rng.sample::<f64, _>(StandardNormal)));
        start.extend((0..shape.h).map(|_| 0.5 * rng.sample::<f64, _>(StandardNormal)));
        start.resize(shape.len(), 0.0);
        Ok(start)
    }
}

impl FittedNetwork {
    /// The prediction for each row of `x` (rows × the columns learned, finite): a probability or a mean.
    pub fn predict(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        Ok(self.decisions(run, x)?.into_iter().map(|z| check::narrow(self.loss.predict(z))).collect())
    }

    /// z of each row of `x`: what the link turns into the prediction.
    pub fn decision(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        Ok(self.decisions(run, x)?.into_iter().map(check::narrow).collect())
    }

    /// Columns learned.
    pub fn n_columns(&self) -> usize {
        self.shape.d
    }

    fn decisions(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f64>> {
        check::same_columns(x.ncols(), self.shape.d)?;
        if x.nrows() == 0 {
            return Ok(Vec::new());
        }
        check::matrix(x, Missing::Refused, "row")?;
        objective::decisions(run, self.shape, &self.scaler.transform(x)?, &self.parameters)
    }
}

fn unbounded() -> Error {
    Error::input("the loss has grown without bound", "raise l2 and decay, or tame the columns' outliers")
}
