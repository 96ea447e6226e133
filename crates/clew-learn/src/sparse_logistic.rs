//! Logistic regression over sparse rows with L1 and L2 penalties: truncated Newton where the penalty is
//! smooth, coordinate descent with screened columns where it is not, and paths of penalties.

use crate::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::loss::{Loss, sigmoid};
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::sparse::Csr;

use descent::{Descent, State};
use newton::Limits;
pub use path::{LogisticPath, PathStep};
use problem::Problem;

mod descent;
pub(crate) mod newton;
mod path;
pub(crate) mod problem;

/// Rows predicted at once.
const ROWS: usize = 8_192;

/// How to fit a logistic regression to sparse rows. The penalties are the same for all columns, so bring these
/// to one scale first.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseLogistic {
    /// The loss is Σ weight × −ln(probability of what happened) + l1 × Σ |coefficient| + l2 / 2 × Σ
    /// coefficient². The intercept is free. With an `l1` above 0 coefficients become exactly 0.
    pub l1: f64,
    /// See `l1`. Where both are 0 and the classes can be told apart without fault, no loss is least: the fit
    /// ends after `max_iterations` or where the slopes have become small enough.
    pub l2: f64,
    /// Most steps of second order.
    pub max_iterations: usize,
    /// Converged when no slope of the loss is further from what the optimum asks (0; within ±l1 for a
    /// coefficient of 0) than this share of the sum of weights.
    pub tolerance: f64,
}

impl Default for SparseLogistic {
    fn default() -> SparseLogistic {
        SparseLogistic { l1: 0.0, l2: 1.0, max_iterations: 100, tolerance: 1e-7 }
    }
}

/// A fitted logistic regression over sparse rows.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedSparseLogistic {
    /// Log-odds where every column is 0.
    pub intercept: f64,
    /// Change of the log-odds for one unit of each column.
    pub coefficients: Vec<f64>,
    /// The largest violation of the optimum's conditions that was left; above the tolerance where the
    /// iterations did not suffice.
    pub violation: f64,
}

impl SparseLogistic {
    /// Fits to `x`, `y` in 0..=1 and `weight` ≥ 0, one of each per row; `offset` is added to the log-odds.
    /// Errors on values that are not finite, on nothing, on one class, on penalties below 0.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: &Csr,
        y: &[f32],
        weight: &[f32],
        offset: Option<&[f32]>,
    ) -> Result<FittedSparseLogistic> {
        check::penalty("l1", self.l1)?;
        check::penalty("l2", self.l2)?;
        check::penalty("tolerance", self.tolerance)?;
        let limits = Limits { max_iterations: self.max_iterations, tolerance: self.tolerance };
        if self.l1 > 0.0 {
            let descent = Descent::new(run, Loss::Logistic, x, y, weight, limits)?;
            return Ok(path::model(&self.descend(run, &descent, offset)?));
        }
        let problem = Problem::new(run, Loss::Logistic, x, y, weight, offset)?;
        let found = newton::minimise(run, &problem, self.l2, limits)?;
        let coefficients = problem.original(&found.at);
        let intercept = found.at.last().copied().unwrap_or(problem.base);
        Ok(FittedSparseLogistic { intercept, coefficients, violation: found.violation })
    }

    /// Goes down to the penalty in thirds from where all coefficients are 0: a rough optimum for each of them
    /// is cheap, and never lets more columns in than needed.
    fn descend(&self, run: &Run<'_>, descent: &Descent<'_>, offset: Option<&[f32]>) -> Result<State> {
        const ROUGH: f64 = 1e-4;
        // So far down nearly every column is in, and steps on the way there save nothing.
        const FAR: f64 = 1e-6;
        let mut state = descent.without_columns(run, offset)?;
        let first = state.strongest_slope();
        let mut l1 = first / 3.0;
        while l1 > self.l1.max(FAR * first) {
            run.report("fitting sparse rows", (first / l1).ln() / (first / self.l1).ln());
            descent.advance(run, &mut state, l1, self.l2, self.tolerance.max(ROUGH * l1 / first))?;
            l1 /= 3.0;
        }
        descent.advance(run, &mut state, self.l1, self.l2, self.tolerance)?;
        run.report("fitting sparse rows", 1.0);
        Ok(state)
    }
}

impl FittedSparseLogistic {
    /// The log-odds of each row of `x`, without an offset.
    pub fn decision(&self, run: &Run<'_>, x: &Csr) -> Result<Vec<f32>> {
        self.each(run, x, |z| z as f32)
    }

    /// The probability of each row of `x`, without an offset.
    pub fn predict(&self, run: &Run<'_>, x: &Csr) -> Result<Vec<f32>> {
        self.each(run, x, |z| sigmoid(z) as f32)
    }

    fn each(&self, run: &Run<'_>, x: &Csr, of: impl Fn(f64) -> f32 + Sync + Send) -> Result<Vec<f32>> {
        check::same_columns(x.n_cols(), self.coefficients.len())?;
        let parts = map_chunks(run, x.n_rows(), ROWS, |from, to| {
            let row = |row: usize| {
                let (columns, values) = x.row(row);
                let products = columns.iter().zip(values);
                of(products
                    .fold(self.intercept, |z, (&c, &v)| z + self.coefficients[c as usize] * f64::from(v)))
            };
            (from..to).map(row).collect::<Vec<_>>()
        })?;
        Ok(parts.concat())
    }

    /// Adds the model to a file, under `name`: intercept, violation, coefficients.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let mut numbers = vec![self.intercept, self.violation];
        numbers.extend_from_slice(&self.coefficients);
        writer.section(name, &numbers)
    }

    /// Reads back what [`FittedSparseLogistic::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedSparseLogistic> {
        match file.view::<f64>(name)? {
            &[intercept, violation, ref coefficients @ ..]
                if intercept.is_finite()
                    && violation >= 0.0
                    && coefficients.iter().all(|c| c.is_finite()) =>
            {
                Ok(FittedSparseLogistic { intercept, violation, coefficients: coefficients.to_vec() })
            }
            _ => Err(Error::format(format!("section '{name}' is not a sparse logistic"), "train again")),
        }
    }
}
