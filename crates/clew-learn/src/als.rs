//! Implicit-feedback alternating least squares (Hu, Koren, Volinsky 2008) with frequency-scaled
//! regularisation (Rendle, Krichene, Zhang, Koren 2021, "Revisiting the Performance of iALS").

use ndarray::Array2;
use rand::Rng;
use rand_distr::StandardNormal;

use crate::error::{Error, Result};
use crate::run::Run;
use crate::sparse::Csr;

use means::check_vectors;

pub use factors::Factors;
pub use means::{FixedMeans, Means};
pub use method::Method;
pub use solver::Solver;

mod blocks;
mod equations;
mod exact;
mod factors;
mod gradient;
mod loss;
mod means;
mod method;
mod solver;

/// How to factorise. The loss over rows w and columns h, with S the places that hold a value a > 0, is
/// Σ_S a (1 − w·h)² + unobserved_weight × Σ_all (w·h)² + Σ regularisation × frequency^frequency_exponent ×
/// |vector|², frequency being the row's (column's) sum of values plus unobserved_weight × the number of
/// columns (rows).
#[derive(Debug, Clone, PartialEq)]
pub struct ImplicitAls {
    /// Length of the vectors.
    pub n_factors: usize,
    /// λ.
    pub regularisation: f32,
    /// ν: 0 is one penalty for all, 1 a penalty in proportion to the frequency.
    pub frequency_exponent: f32,
    /// α₀: how much a place without a value counts as a 0.
    pub unobserved_weight: f32,
    /// How often rows and columns are solved in turn.
    pub n_sweeps: usize,
    /// Standard deviation of the first vectors is this over √n_factors.
    pub start_deviation: f32,
    /// How a half sweep finds the vectors.
    pub method: Method,
}

impl Default for ImplicitAls {
    fn default() -> ImplicitAls {
        ImplicitAls {
            n_factors: 128,
            regularisation: 0.005,
            frequency_exponent: 1.0,
            unobserved_weight: 0.01,
            n_sweeps: 16,
            start_deviation: 0.1,
            method: Method::Exact,
        }
    }
}

impl ImplicitAls {
    /// Factorises the matrix, from random vectors or from the columns of `start` (which must have the same
    /// shape). The rows are solved last, so that `fold_in` of the same rows gives the same vectors. Errors on
    /// a matrix without values, on values below 0, on a start of another shape.
    pub fn fit(&self, run: &Run<'_>, rows_by_columns: &Csr, start: Option<&Factors>) -> Result<Factors> {
        self.fit_towards(run, rows_by_columns, start, &mut FixedMeans::default())
    }

    /// As [`ImplicitAls::fit`], each vector x being pulled towards its mean m instead of 0: its penalty is
    /// that of x − m. The first random columns are drawn about their means. Errors also on means of another
    /// shape or that are not finite.
    pub fn fit_towards(
        &self,
        run: &Run<'_>,
        rows_by_columns: &Csr,
        start: Option<&Factors>,
        means: &mut dyn Means,
    ) -> Result<Factors> {
        self.check()?;
        check_values(rows_by_columns)?;
        if rows_by_columns.n_values() == 0 {
            return Err(Error::input("the matrix has no values", "give at least one event"));
        }
        let mut columns = match start {
            Some(start) => {
                let shape = (rows_by_columns.n_cols(), self.n_factors);
                check_vectors(start.columns.view(), shape, "column of the start")?;
                start.columns.clone()
            }
            None => self.draw(run, rows_by_columns.n_cols(), means.of_columns(run, None)?)?,
        };
        let columns_by_rows = rows_by_columns.transpose();
        let n_halves = (2 * self.n_sweeps + 1) as f64;
        let mut rows = match start {
            Some(start) => {
                let shape = (rows_by_columns.n_rows(), self.n_factors);
                // Other rows than those of the start are solved from 0.
                if start.rows.dim() == shape { start.rows.clone() } else { Array2::zeros(shape) }
            }
            None => Array2::zeros((rows_by_columns.n_rows(), self.n_factors)),
        };
        for sweep in 0..self.n_sweeps {
            run.report("factorising", (2 * sweep) as f64 / n_halves);
            let known = (sweep > 0 || start.is_some()).then(|| rows.view());
            let mean = means.of_rows(run, known)?;
            let solver = Solver::new(run, self, columns)?;
            solver.improve(run, rows_by_columns, mean.as_ref().map(|m| m.view()), self.method, &mut rows)?;
            columns = solver.into_other();
            run.report("factorising", (2 * sweep + 1) as f64 / n_halves);
            let mean = means.of_columns(run, Some(columns.view()))?;
            let solver = Solver::new(run, self, rows)?;
            solver.improve(
                run,
                &columns_by_rows,
                mean.as_ref().map(|m| m.view()),
                self.method,
                &mut columns,
            )?;
            rows = solver.into_other();
        }
        run.report("factorising", 1.0 - 1.0 / n_halves);
        let known = (self.n_sweeps > 0 || start.is_some()).then(|| rows.view());
        let mean = means.of_rows(run, known)?;
        let solver = Solver::new(run, self, columns)?;
        solver.improve(run, rows_by_columns, mean.as_ref().map(|m| m.view()), Method::Exact, &mut rows)?;
        run.report("factorising", 1.0);
        Ok(Factors { rows, columns: solver.into_other(), params: self.clone() })
    }

    /// The first columns, at random about their means.
    fn draw(&self, run: &Run<'_>, n: usize, means: Option<Array2<f32>>) -> Result<Array2<f32>> {
        let mut rng = run.rng(0x616c_7373);
        let deviation = self.start_deviation / (self.n_factors as f32).sqrt();
        let drawn = Array2::from_shape_simple_fn((n, self.n_factors), || {
            deviation * rng.sample::<f32, _>(StandardNormal)
        });
        match means {
            Some(means) => {
                check_vectors(means.view(), drawn.dim(), "mean")?;
                Ok(drawn + means)
            }
            None => Ok(drawn),
        }
    }

    /// One sweep in place, for who wants to look between them: the rows, then the columns. `rows` and `columns`
    /// (n × n_factors) are what the sweep goes on from, `columns_by_rows` the transposed matrix. Errors as
    /// [`ImplicitAls::fit`], and on vectors of another shape or that are not finite; after an error they are
    /// of no use.
    pub fn sweep(
        &self,
        run: &Run<'_>,
        rows_by_columns: &Csr,
        columns_by_rows: &Csr,
        rows: &mut Array2<f32>,
        columns: &mut Array2<f32>,
    ) -> Result<()> {
        self.check()?;
        check_vectors(rows.view(), (rows_by_columns.n_rows(), self.n_factors), "row")?;
        check_vectors(columns.view(), (rows_by_columns.n_cols(), self.n_factors), "column")?;
        let solver = Solver::new(run, self, std::mem::take(columns))?;
        solver.improve(run, rows_by_columns, None, self.method, rows)?;
        *columns = solver.into_other();
        let solver = Solver::new(run, self, std::mem::take(rows))?;
        solver.improve(run, columns_by_rows, None, self.method, columns)?;
        *rows = solver.into_other();
        Ok(())
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.method.check()?;
        if self.n_factors == 0 || self.n_factors > 1_024 {
            return Err(Error::input(format!("{} factors", self.n_factors), "use 1 to 1024"));
        }
        // Written so that NaN is refused too.
        let positive =
            self.regularisation > 0.0 && self.unobserved_weight > 0.0 && self.start_deviation > 0.0;
        let finite = self.regularisation + self.unobserved_weight + self.start_deviation;
        if !(positive && finite.is_finite() && (0.0..=2.0).contains(&self.frequency_exponent)) {
            return Err(Error::input(
                "the factorisation's penalties are out of range",
                "use a regularisation, unobserved weight and start deviation above 0, an exponent in 0..=2",
            ));
        }
        Ok(())
    }
}

pub(crate) fn check_values(matrix: &Csr) -> Result<()> {
    match matrix.values().iter().position(|value| !(value.is_finite() && *value >= 0.0)) {
        Some(place) => {
            let row = matrix.starts().partition_point(|&start| start <= place).saturating_sub(1);
            Err(Error::input(
                format!(
                    "row {row}, column {} has the value {}",
                    matrix.indices()[place],
                    matrix.values()[place]
                ),
                "use finite values of 0 or more",
            ))
        }
        None => Ok(()),
    }
}
