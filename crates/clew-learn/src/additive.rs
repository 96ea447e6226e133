//! The additive binned model: the decision is a base plus, for each feature, a step function of its bins
//! (generalised additive models: Hastie & Tibshirani 1986; with neighbouring steps held together: Eilers & Marx
//! 1996). Predicting is looking up tables, explaining is reading them, and both are exact.

use ndarray::ArrayView2;

use crate::binning::Binning;
use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::run::Run;
use crate::trees::Validation;

pub use fitted::{FittedAdditive, Place, Step};

mod file;
mod fitted;
mod learn;
mod step;

/// How to learn an additive model: minimises Σ weight × loss + ½ Σ over features of
/// (smoothness × Σ (step − step before)² + shrinkage × Σ step²).
#[derive(Debug, Clone, PartialEq)]
pub struct AdditiveModel {
    /// What is minimised.
    pub loss: Loss,
    /// Most bins a feature, 2..=255; what is missing has one of its own besides.
    pub max_bins: usize,
    /// Columns whose values are names, not amounts: each has a step of its own, without neighbours.
    pub categories: Vec<usize>,
    /// Penalty on squared differences between neighbouring steps, in units of the loss's curvature (where
    /// buying is rare, about in buyers).
    pub smoothness: f64,
    /// Penalty on squared steps, in the same units: what was hardly seen stays near 0.
    pub shrinkage: f64,
    /// Most rounds over all features.
    pub max_sweeps: usize,
    /// Ends when a round lowers the objective by no more than this share of it.
    pub tolerance: f64,
}

impl Default for AdditiveModel {
    fn default() -> AdditiveModel {
        AdditiveModel {
            loss: Loss::Logistic,
            max_bins: 63,
            categories: Vec::new(),
            smoothness: 20.0,
            shrinkage: 1.0,
            max_sweeps: 50,
            tolerance: 1e-7,
        }
    }
}

impl AdditiveModel {
    /// Fits to `x` (rows × features; NaN = missing), outcomes `y` of the loss, `weight` ≥ 0. The objective is
    /// convex, so where it converges there is one answer. With a validation part (of later dates, where there
    /// are dates) it is fitted first with 64 times the smoothness, then with a quarter of it each time, down to
    /// the smoothness itself, as long as the validation loss falls; the model with the least is kept. Errors on
    /// infinities, nothing, one class.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
        validation: Option<Validation<'_>>,
    ) -> Result<FittedAdditive> {
        let binning = Binning { max_bins: self.max_bins, categories: self.categories.clone() };
        binning.check(x.ncols())?;
        check::penalty("smoothness", self.smoothness)?;
        check::penalty("shrinkage", self.shrinkage)?;
        check::penalty("tolerance", self.tolerance)?;
        if self.max_sweeps == 0 {
            return Err(Error::input("0 rounds over the features", "allow at least one"));
        }
        check::matrix(x, Missing::Allowed, "row")?;
        check::outcomes(x.nrows(), y, weight, self.loss)?;
        if let Some(part) = validation {
            check::matrix(part.x, Missing::Allowed, "validation row")?;
            check::outcomes(part.x.nrows(), part.y, part.weight, self.loss)?;
            check::same_columns(part.x.ncols(), x.ncols())?;
        }
        let base = self.loss.link(check::mean_outcome(y, weight, self.loss)?);
        let binning = binning.fit_checked(run, x, weight)?;
        learn::fit(run, self, (x, y, weight), binning, base, validation)
    }
}
