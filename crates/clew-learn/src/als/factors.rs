//! Fitted vectors of rows and columns: fold-in, saving, loading.

use ndarray::{Array2, ArrayView2};

use super::{ImplicitAls, Method, Solver};
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::run::Run;
use crate::sparse::Csr;

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

impl Factors {
    /// Vectors of new rows (new rows × the known columns), the columns held as they are. To fold in again and
    /// again keep a [`Factors::row_solver`].
    pub fn fold_in(&self, run: &Run<'_>, rows: &Csr) -> Result<Array2<f32>> {
        self.row_solver(run)?.solve(run, rows)
    }

    /// As [`Factors::fold_in`], the vectors being pulled towards `means` (as many as rows) instead of 0.
    pub fn fold_in_towards(
        &self,
        run: &Run<'_>,
        rows: &Csr,
        means: ArrayView2<'_, f32>,
    ) -> Result<Array2<f32>> {
        self.row_solver(run)?.solve_towards(run, rows, means)
    }

    /// Vectors of new columns; `columns` is transposed: new columns × the known rows.
    pub fn fold_in_columns(&self, run: &Run<'_>, columns: &Csr) -> Result<Array2<f32>> {
        self.column_solver(run)?.solve(run, columns)
    }

    /// A solver for vectors of rows, prepared once.
    pub fn row_solver(&self, run: &Run<'_>) -> Result<Solver> {
        Solver::new(run, &self.params, self.columns.clone())
    }

    /// A solver for vectors of columns, prepared once.
    pub fn column_solver(&self, run: &Run<'_>) -> Result<Solver> {
        Solver::new(run, &self.params, self.rows.clone())
    }

    /// Adds the factors to a model file: `<name>.rows`, `<name>.columns` (f32, row by row), `<name>.shape`, and
    /// `<name>.numbers` and `<name>.params` for the parameters.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(&format!("{name}.shape"), &[self.rows.nrows() as u64, self.columns.nrows() as u64])?;
        self.params.write(writer, name)?;
        writer.section(&format!("{name}.rows"), self.rows.as_standard_layout().as_slice().unwrap_or(&[]))?;
        writer
            .section(&format!("{name}.columns"), self.columns.as_standard_layout().as_slice().unwrap_or(&[]))
    }

    /// Reads back what [`Factors::write`] wrote. Errors on a file whose parts do not fit together.
    pub fn read(file: &File, name: &str) -> Result<Factors> {
        let wrong = || Error::format(format!("the factors '{name}' do not fit together"), "train again");
        let &[n_rows, n_columns] = file.view::<u64>(&format!("{name}.shape"))? else {
            return Err(wrong());
        };
        let params = ImplicitAls::read(file, name)?;
        let matrix = |part: &str, n: u64| {
            let values = file.view::<f32>(&format!("{name}.{part}"))?;
            if usize::try_from(n).ok().and_then(|n| n.checked_mul(params.n_factors)) != Some(values.len())
                || values.iter().any(|value| !value.is_finite())
            {
                return Err(wrong());
            }
            Array2::from_shape_vec((n as usize, params.n_factors), values.to_vec()).map_err(|_| wrong())
        };
        Ok(Factors { rows: matrix("rows", n_rows)?, columns: matrix("columns", n_columns)?, params })
    }
}

impl ImplicitAls {
    /// `<name>.numbers` and `<name>.params` of a model file.
    pub(crate) fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let [kind, number] = self.method.to_numbers();
        let whole = [self.n_factors as u64, self.n_sweeps as u64, kind, number];
        writer.section(&format!("{name}.numbers"), &whole)?;
        let real =
            [self.regularisation, self.frequency_exponent, self.unobserved_weight, self.start_deviation];
        writer.section(&format!("{name}.params"), &real)
    }

    pub(crate) fn read(file: &File, name: &str) -> Result<ImplicitAls> {
        let wrong =
            || Error::format(format!("the parameters of '{name}' do not fit together"), "train again");
        let (
            &[n_factors, n_sweeps, kind, number],
            &[regularisation, frequency_exponent, unobserved_weight, start_deviation],
        ) = (file.view::<u64>(&format!("{name}.numbers"))?, file.view::<f32>(&format!("{name}.params"))?)
        else {
            return Err(wrong());
        };
        let params = ImplicitAls {
            n_factors: usize::try_from(n_factors).map_err(|_| wrong())?,
            regularisation,
            frequency_exponent,
            unobserved_weight,
            n_sweeps: usize::try_from(n_sweeps).map_err(|_| wrong())?,
            start_deviation,
            method: Method::from_numbers(kind, number).ok_or_else(wrong)?,
        };
        params.check().map_err(|_| wrong())?;
        Ok(params)
    }
}
