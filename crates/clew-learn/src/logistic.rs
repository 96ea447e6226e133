//! Logistic regression with weights, offset and L2 penalty: Newton's method, with exact steps up to 300
//! columns and steps by conjugate gradients (truncated Newton) beyond.

use ndarray::ArrayView2;

use crate::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::loss::{Loss, sigmoid};
use crate::run::Run;

pub(crate) mod data;
pub(crate) mod newton;

/// How to fit a logistic regression. Standardise the columns first (`scaling`): the penalty is the same for
/// all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticRegression {
    /// Penalty: the loss is Σ weight × −ln(probability of what happened) + l2 / 2 × Σ coefficient².
    /// The intercept is free.
    pub l2: f64,
    /// Most iterations.
    pub max_iterations: usize,
    /// Converged when the largest slope of the loss is below this share of the sum of weights.
    pub tolerance: f64,
}

impl Default for LogisticRegression {
    fn default() -> LogisticRegression {
        LogisticRegression { l2: 1.0, max_iterations: 100, tolerance: 1e-8 }
    }
}

/// A fitted logistic regression.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedLogistic {
    /// Log-odds where every column is 0.
    pub intercept: f64,
    /// Change of the log-odds for one unit of each column.
    pub coefficients: Vec<f64>,
}

impl LogisticRegression {
    /// Fits to `x` (rows × columns, finite), `y` in 0..=1, `weight` ≥ 0; `offset` is added to the log-odds.
    /// Errors on values that are not finite, on nothing, on one class.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
        offset: Option<&[f32]>,
    ) -> Result<FittedLogistic> {
        check::penalty("l2", self.l2)?;
        let data = data::Data::new(run, Loss::Logistic, x, y, weight, offset)?;
        let goal =
            newton::Goal { l2: self.l2, max_iterations: self.max_iterations, tolerance: self.tolerance };
        let solution = newton::minimise(run, &data, &goal)?;
        match solution.as_slice() {
            [coefficients @ .., intercept] => {
                Ok(FittedLogistic { intercept: *intercept, coefficients: coefficients.to_vec() })
            }
            [] => Err(Error::input("there are no columns", "give at least one")),
        }
    }
}

impl FittedLogistic {
    /// The log-odds of each row of `x`.
    pub fn decision(&self, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        Ok(self.decisions(x)?.map(|z| z as f32).collect())
    }

    /// The probability of each row of `x`.
    pub fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        Ok(self.decisions(x)?.map(|z| sigmoid(z) as f32).collect())
    }

    fn decisions<'a>(&'a self, x: ArrayView2<'a, f32>) -> Result<impl Iterator<Item = f64> + 'a> {
        check::same_columns(x.ncols(), self.coefficients.len())?;
        Ok((0..x.nrows()).map(move |row| {
            let products =
                x.row(row).into_iter().zip(&self.coefficients).map(|(&value, c)| f64::from(value) * c);
            self.intercept + products.sum::<f64>()
        }))
    }

    /// Adds the model to a file, under `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let mut numbers = vec![self.intercept];
        numbers.extend_from_slice(&self.coefficients);
        writer.section(name, &numbers)
    }

    /// Reads back what [`FittedLogistic::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedLogistic> {
        match file.view::<f64>(name)? {
            [intercept, coefficients @ ..]
                if intercept.is_finite() && coefficients.iter().all(|c| c.is_finite()) =>
            {
                Ok(FittedLogistic { intercept: *intercept, coefficients: coefficients.to_vec() })
            }
            _ => Err(Error::format(format!("section '{name}' is not a logistic"), "train again")),
        }
    }
}
