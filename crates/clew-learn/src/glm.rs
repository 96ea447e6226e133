//! Regression for counts and amounts: Poisson and gamma with the logarithm as link, by Newton's method, which
//! for these losses is iteratively reweighted least squares (McCullagh & Nelder 1989, section 2.5) with the
//! observed curvature.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::logistic::{data, newton};
use crate::loss::Loss;
use crate::run::Run;

/// What the outcomes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Counts of 0 or more, whose variance is about their mean; need not be whole.
    #[default]
    Poisson,
    /// Amounts above 0, whose spread is about proportional to their mean.
    Gamma,
}

impl Family {
    /// The loss that is minimised: half the family's deviance, but for what does not depend on the model.
    pub fn loss(self) -> Loss {
        match self {
            Family::Poisson => Loss::Poisson,
            Family::Gamma => Loss::Gamma,
        }
    }
}

/// How to fit a regression whose prediction is exp(offset + intercept + Σ coefficient × column). Standardise
/// the columns first (`scaling`): the penalty is the same for all of them.
///
/// Judge it with [`crate::metrics::deviance`] of `family.loss()`.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneralizedLinear {
    /// What the outcomes are.
    pub family: Family,
    /// Penalty: the loss is Σ weight × half the deviance + l2 / 2 × Σ coefficient². The intercept is free.
    /// With 0, columns that depend on each other share their effect in a way that rounding decides; the
    /// predictions are the same.
    pub l2: f64,
    /// Most iterations.
    pub max_iterations: usize,
    /// Converged when the largest slope of the loss is below this share of the sum of weights (for Poisson:
    /// of weight × outcome).
    pub tolerance: f64,
}

impl Default for GeneralizedLinear {
    fn default() -> GeneralizedLinear {
        GeneralizedLinear { family: Family::Poisson, l2: 1.0, max_iterations: 100, tolerance: 1e-9 }
    }
}

/// A fitted [`GeneralizedLinear`].
#[derive(Debug, Clone, PartialEq)]
pub struct FittedGeneralizedLinear {
    /// What the outcomes were.
    pub family: Family,
    /// Logarithm of the mean where every column is 0.
    pub intercept: f64,
    /// Change of the mean's logarithm for one unit of each column.
    pub coefficients: Vec<f64>,
}

impl GeneralizedLinear {
    /// Fits to `x` (rows × columns, finite), outcomes `y`, `weight` ≥ 0. `offset` is added to the logarithm of
    /// the mean: give ln(days observed) where some rows were observed for longer than others. Errors on what
    /// the family cannot have (a negative count, an amount of 0), on values that are not finite, on nothing,
    /// on counts that are all 0.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
        offset: Option<&[f32]>,
    ) -> Result<FittedGeneralizedLinear> {
        check::penalty("l2", self.l2)?;
        check::penalty("tolerance", self.tolerance)?;
        let data = data::Data::new(run, self.family.loss(), x, y, weight, offset)?;
        let goal =
            newton::Goal { l2: self.l2, max_iterations: self.max_iterations, tolerance: self.tolerance };
        let mut coefficients = newton::minimise(run, &data, &goal)?;
        let intercept = coefficients.pop().unwrap_or(data.base);
        Ok(FittedGeneralizedLinear { family: self.family, intercept, coefficients })
    }
}

impl FittedGeneralizedLinear {
    /// The mean of each row of `x`, with the rows' offsets if they have any.
    pub fn predict(&self, x: ArrayView2<'_, f32>, offset: Option<&[f32]>) -> Result<Vec<f32>> {
        check::same_columns(x.ncols(), self.coefficients.len())?;
        check::offsets(x.nrows(), offset)?;
        let loss = self.family.loss();
        let of = |(row, values): (usize, ndarray::ArrayView1<'_, f32>)| {
            let products = values.into_iter().zip(&self.coefficients).map(|(&v, c)| f64::from(v) * c);
            let offset = offset.map_or(0.0, |offset| f64::from(offset[row]));
            loss.predict(self.intercept + offset + products.sum::<f64>()) as f32
        };
        Ok(x.rows().into_iter().enumerate().map(of).collect())
    }

    /// Adds the model to a file: `<name>.family` and `<name>.coefficients`, the intercept first.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let mut numbers = vec![self.intercept];
        numbers.extend_from_slice(&self.coefficients);
        writer.json(&format!("{name}.family"), &self.family)?;
        writer.section(&format!("{name}.coefficients"), &numbers)
    }

    /// Reads back what [`FittedGeneralizedLinear::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedGeneralizedLinear> {
        let family = file.json(&format!("{name}.family"))?;
        match file.view::<f64>(&format!("{name}.coefficients"))? {
            [intercept, coefficients @ ..]
                if intercept.is_finite() && coefficients.iter().all(|c| c.is_finite()) =>
            {
                Ok(FittedGeneralizedLinear {
                    family,
                    intercept: *intercept,
                    coefficients: coefficients.to_vec(),
                })
            }
            _ => Err(Error::format(format!("section '{name}.coefficients' is not a model"), "train again")),
        }
    }
}
