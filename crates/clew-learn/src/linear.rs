//! Linear regression: ridge in closed form, elastic net by coordinate descent, over dense rows; ridge over
//! sparse rows by conjugate gradients.

use ndarray::ArrayView2;

use crate::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::loss::Loss;
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::sparse::Csr;
use crate::sparse_logistic::newton::{self, Limits};
use crate::sparse_logistic::problem::Problem;

use moments::Moments;
pub use net::{ElasticNet, ElasticNetStep};

mod moments;
mod net;

/// Ridge regression (Hoerl & Kennard 1970).
#[derive(Debug, Clone, PartialEq)]
pub struct Ridge {
    /// Penalty: the loss is ½ Σ weight × (prediction − outcome)² + l2 / 2 × Σ coefficient². The intercept is
    /// free. Standardise the columns first (`scaling`): the penalty is the same for all of them.
    pub l2: f64,
}

impl Default for Ridge {
    fn default() -> Ridge {
        Ridge { l2: 1.0 }
    }
}

/// A fitted linear regression.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedLinear {
    /// Prediction where every column is 0.
    pub intercept: f64,
    /// Change of the prediction for one unit of each column.
    pub coefficients: Vec<f64>,
}

impl Ridge {
    /// Fits to `x` (rows × at most 5,000 columns, finite), finite `y` and `weight` ≥ 0. Errors on values that
    /// are not finite, on nothing, and with an `l2` of 0 on a column that is constant or depends on those
    /// before it: its coefficient could be anything.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
    ) -> Result<FittedLinear> {
        check::penalty("l2", self.l2)?;
        let moments = Moments::new(run, x, y, weight)?;
        let coefficients = moments.ridge(self.l2)?;
        Ok(moments.fitted(coefficients))
    }

    /// Fits to sparse rows: the same optimum, within 1e-10 of weight × the outcomes' spread in every slope. An
    /// `l2` of 0 is refused, since dependent columns could not be told.
    pub fn fit_sparse(&self, run: &Run<'_>, x: &Csr, y: &[f32], weight: &[f32]) -> Result<FittedLinear> {
        check::penalty("l2", self.l2)?;
        if self.l2 == 0.0 {
            return Err(Error::input("l2 is 0", "use a penalty above 0 for sparse rows"));
        }
        let problem = Problem::new(run, Loss::Squared, x, y, weight, None)?;
        let square = |(&y, &w): (&f32, &f32)| f64::from(w) * (f64::from(y) - problem.base).powi(2);
        let spread = (y.iter().zip(weight).map(square).sum::<f64>() / problem.total).sqrt();
        let limits = Limits { max_iterations: 1_000, tolerance: 1e-10 * spread };
        let found = newton::minimise(run, &problem, self.l2, limits)?;
        let intercept = found.at.last().copied().unwrap_or(problem.base);
        Ok(FittedLinear { intercept, coefficients: problem.original(&found.at) })
    }
}

impl FittedLinear {
    /// The prediction for each row of `x`.
    pub fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        check::same_columns(x.ncols(), self.coefficients.len())?;
        let of = |values: ndarray::ArrayView1<'_, f32>| {
            let products = values.into_iter().zip(&self.coefficients).map(|(&v, c)| f64::from(v) * c);
            check::narrow(self.intercept + products.sum::<f64>())
        };
        Ok(x.rows().into_iter().map(of).collect())
    }

    /// The prediction for each sparse row of `x`.
    pub fn predict_sparse(&self, run: &Run<'_>, x: &Csr) -> Result<Vec<f32>> {
        check::same_columns(x.n_cols(), self.coefficients.len())?;
        let parts = map_chunks(run, x.n_rows(), 8_192, |from, to| {
            let of = |row: usize| {
                let (columns, values) = x.row(row);
                let products =
                    columns.iter().zip(values).map(|(&c, &v)| self.coefficients[c as usize] * f64::from(v));
                check::narrow(self.intercept + products.sum::<f64>())
            };
            (from..to).map(of).collect::<Vec<_>>()
        })?;
        Ok(parts.concat())
    }

    /// Adds the model to a file, under `name`: the intercept, then the coefficients.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let mut numbers = vec![self.intercept];
        numbers.extend_from_slice(&self.coefficients);
        writer.section(name, &numbers)
    }

    /// Reads back what [`FittedLinear::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedLinear> {
        match file.view::<f64>(name)? {
            [intercept, coefficients @ ..]
                if intercept.is_finite() && coefficients.iter().all(|c| c.is_finite()) =>
            {
                Ok(FittedLinear { intercept: *intercept, coefficients: coefficients.to_vec() })
            }
            _ => Err(Error::format(format!("section '{name}' is not a linear model"), "train again")),
        }
    }
}
