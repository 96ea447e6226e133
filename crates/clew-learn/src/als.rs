//! Implicit-feedback alternating least squares (Hu, Koren, Volinsky 2008) with frequency-scaled
//! regularisation (Rendle, Krichene, Zhang, Koren 2021, "Revisiting the Performance of iALS").

use ndarray::Array2;
use rand::Rng;
use rand_distr::StandardNormal;

use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::run::Run;
use crate::sparse::Csr;

pub use solver::Solver;

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
        }
    }
}

/// What a factorisation found; enough to give vectors to rows and columns that come later.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// n_rows × n_factors.
    pub rows: Array2<f32>,
    /// n_columns × n_factors.
    pub columns: Array2<f32>,
    /// How they were found, which fold-in repeats.
    pub params: ImplicitAls,
}

impl ImplicitAls {
    /// Factorises the matrix, from random vectors or from the columns of `start` (which must have the same
    /// shape). The rows are solved last, so that `fold_in` of the same rows gives the same vectors. Errors on
    /// a matrix without values, on values below 0, on a start of another shape.
    pub fn fit(&self, run: &Run<'_>, rows_by_columns: &Csr, start: Option<&Factors>) -> Result<Factors> {
        self.check()?;
        check_values(rows_by_columns)?;
        if rows_by_columns.n_values() == 0 {
            return Err(Error::input("the matrix has no values", "give at least one event"));
        }
        let mut columns = match start {
            Some(start) => self.warm(rows_by_columns, start)?,
            None => {
                let mut rng = run.rng(0x616c_7373);
                let deviation = self.start_deviation / (self.n_factors as f32).sqrt();
                Array2::from_shape_simple_fn((rows_by_columns.n_cols(), self.n_factors), || {
                    deviation * rng.sample::<f32, _>(StandardNormal)
                })
            }
        };
        let columns_by_rows = rows_by_columns.transpose();
        let n_halves = (2 * self.n_sweeps + 1) as f64;
        for sweep in 0..self.n_sweeps {
            run.report("factorising", (2 * sweep) as f64 / n_halves);
            let rows = Solver::new(run, self, columns)?.solve(run, rows_by_columns)?;
            run.report("factorising", (2 * sweep + 1) as f64 / n_halves);
            columns = Solver::new(run, self, rows)?.solve(run, &columns_by_rows)?;
        }
        run.report("factorising", 1.0 - 1.0 / n_halves);
        let solver = Solver::new(run, self, columns)?;
        let rows = solver.solve(run, rows_by_columns)?;
        run.report("factorising", 1.0);
        Ok(Factors { rows, columns: solver.into_other(), params: self.clone() })
    }

    fn check(&self) -> Result<()> {
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

    fn warm(&self, matrix: &Csr, start: &Factors) -> Result<Array2<f32>> {
        if start.columns.dim() != (matrix.n_cols(), self.n_factors) {
            return Err(Error::input(
                format!(
                    "the start has {} columns of {} factors where {} of {} are wanted",
                    start.columns.nrows(),
                    start.columns.ncols(),
                    matrix.n_cols(),
                    self.n_factors
                ),
                "start from factors of the same shape, or from none",
            ));
        }
        check_finite(&start.columns)?;
        Ok(start.columns.clone())
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

fn check_finite(vectors: &Array2<f32>) -> Result<()> {
    match vectors.rows().into_iter().position(|row| row.iter().any(|value| !value.is_finite())) {
        Some(row) => Err(Error::input(format!("vector {row} is not finite"), "train again from none")),
        None => Ok(()),
    }
}

impl Factors {
    /// Vectors of new rows (new rows × the known columns), the columns held as they are. To fold in again and
    /// again keep a [`Factors::row_solver`].
    pub fn fold_in(&self, run: &Run<'_>, rows: &Csr) -> Result<Array2<f32>> {
        self.row_solver(run)?.solve(run, rows)
    }

    /// Vectors of new columns; `columns` is transposed: new columns × the known rows.
    pub fn fold_in_columns(&self, run: &Run<'_>, columns: &Csr) -> Result<Array2<f32>> {
        Solver::new(run, &self.params, self.rows.clone())?.solve(run, columns)
    }

    /// A solver for vectors of rows, prepared once.
    pub fn row_solver(&self, run: &Run<'_>) -> Result<Solver> {
        Solver::new(run, &self.params, self.columns.clone())
    }

    /// Adds the factors to a model file: `<name>.rows`, `<name>.columns` (f32, row by row) and `<name>.shape`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let p = &self.params;
        let shape =
            [self.rows.nrows() as u64, self.columns.nrows() as u64, p.n_factors as u64, p.n_sweeps as u64];
        let numbers = [p.regularisation, p.frequency_exponent, p.unobserved_weight, p.start_deviation];
        writer.section(&format!("{name}.shape"), &shape)?;
        writer.section(&format!("{name}.params"), &numbers)?;
        writer.section(&format!("{name}.rows"), self.rows.as_standard_layout().as_slice().unwrap_or(&[]))?;
        writer
            .section(&format!("{name}.columns"), self.columns.as_standard_layout().as_slice().unwrap_or(&[]))
    }

    /// Reads back what [`Factors::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<Factors> {
        let wrong = || Error::format(format!("the factors '{name}' do not fit together"), "train again");
        let (&[n_rows, n_columns, n_factors, n_sweeps], &[regularisation, exponent, unobserved, start]) =
            (file.view::<u64>(&format!("{name}.shape"))?, file.view::<f32>(&format!("{name}.params"))?)
        else {
            return Err(wrong());
        };
        let matrix = |part: &str, n: u64| {
            let values = file.view::<f32>(&format!("{name}.{part}"))?;
            Array2::from_shape_vec((n as usize, n_factors as usize), values.to_vec()).map_err(|_| wrong())
        };
        Ok(Factors {
            rows: matrix("rows", n_rows)?,
            columns: matrix("columns", n_columns)?,
            params: ImplicitAls {
                n_factors: n_factors as usize,
                regularisation,
                frequency_exponent: exponent,
                unobserved_weight: unobserved,
                n_sweeps: n_sweeps as usize,
                start_deviation: start,
            },
        })
    }
}
