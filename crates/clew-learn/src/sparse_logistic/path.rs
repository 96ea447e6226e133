//! Logistic regressions for falling penalties, each started from the one before.

use super::{Descent, FittedSparseLogistic, Limits, State};
use crate::check;
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::run::Run;
use crate::sparse::Csr;

/// A path of penalties: strength × (share × Σ |coefficient| + (1 − share) / 2 × Σ coefficient²), from the
/// smallest strength at which all coefficients are 0 downwards in equal ratios (Friedman, Hastie & Tibshirani
/// 2010, section 2.5).
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticPath {
    /// Share of the L1 penalty, above 0 and at most 1.
    pub share: f64,
    /// Number of strengths, 1 or more.
    pub n_steps: usize,
    /// The last strength over the first, above 0 and below 1.
    pub ratio: f64,
    /// Most steps of second order for each strength.
    pub max_iterations: usize,
    /// As [`super::SparseLogistic::tolerance`], for every strength.
    pub tolerance: f64,
}

impl Default for LogisticPath {
    fn default() -> LogisticPath {
        LogisticPath { share: 1.0, n_steps: 50, ratio: 1e-2, max_iterations: 100, tolerance: 1e-7 }
    }
}

/// One model of a path with its penalties.
#[derive(Debug, Clone, PartialEq)]
pub struct PathStep {
    /// Strength × share.
    pub l1: f64,
    /// Strength × (1 − share).
    pub l2: f64,
    /// The model.
    pub model: FittedSparseLogistic,
}

impl LogisticPath {
    /// Fits every model of the path; input as in [`super::SparseLogistic::fit`]. The first has no coefficient
    /// but 0. Memory: one number per column and step beside a copy of `x` by columns.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: &Csr,
        y: &[f32],
        weight: &[f32],
        offset: Option<&[f32]>,
    ) -> Result<Vec<PathStep>> {
        if !(self.share > 0.0 && self.share <= 1.0) {
            let place = format!("an L1 share of {}", self.share);
            return Err(Error::input(place, "use a share above 0 and at most 1; without L1 fit one model"));
        }
        if self.n_steps == 0 || !(self.ratio > 0.0 && self.ratio < 1.0) {
            let place = format!("{} steps down to a ratio of {}", self.n_steps, self.ratio);
            return Err(Error::input(place, "use at least one step and a ratio between 0 and 1"));
        }
        check::penalty("tolerance", self.tolerance)?;
        let limits = Limits { max_iterations: self.max_iterations, tolerance: self.tolerance };
        let descent = Descent::new(run, Loss::Logistic, x, y, weight, limits)?;
        let mut state = descent.without_columns(run, offset)?;
        let first = state.strongest_slope() / self.share;
        let mut steps = Vec::with_capacity(self.n_steps);
        for step in 0..self.n_steps {
            run.report("fitting the path", step as f64 / self.n_steps as f64);
            let strength = first * self.ratio.powf(step as f64 / (self.n_steps.max(2) - 1) as f64);
            let (l1, l2) = (strength * self.share, strength * (1.0 - self.share));
            if step > 0 {
                descent.advance(run, &mut state, l1, l2, self.tolerance)?;
            }
            steps.push(PathStep { l1, l2, model: model(&state) });
        }
        run.report("fitting the path", 1.0);
        Ok(steps)
    }
}

pub(super) fn model(state: &State) -> FittedSparseLogistic {
    FittedSparseLogistic {
        intercept: state.intercept,
        coefficients: state.coefficients.clone(),
        violation: state.violation,
    }
}
