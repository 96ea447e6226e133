//! Implicit-feedback alternating least squares (Hu, Koren, Volinsky 2008) with frequency-scaled
//! regularisation (Rendle, Krichene, Zhang, Koren 2021, "Revisiting the Performance of iALS").

use ndarray::Array2;

use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::run::Run;
use crate::sparse::Csr;

/// How to factorise. The loss over rows w and columns h, with S the places that hold a value a > 0, is
/// Σ_S a (1 − w·h)² + unobserved_weight × Σ_all (w·h)² + Σ regularisation × (frequency)^frequency_exponent ×
/// |vector|², frequency being the row's (column's) sum of values plus unobserved_weight × number of columns
/// (rows).
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
            n_factors: 64,
            regularisation: 0.003,
            frequency_exponent: 1.0,
            unobserved_weight: 0.1,
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
    /// Factorises the matrix, from random vectors or from `start` (same shapes). Errors on an empty matrix,
    /// values below 0, or a start of another shape.
    pub fn fit(&self, run: &Run<'_>, rows_by_columns: &Csr, start: Option<&Factors>) -> Result<Factors> {
        let _ = (run, rows_by_columns, start);
        Err(Error::input("the factorisation is not built yet", "wait for it"))
    }
}

impl Factors {
    /// Vectors of new rows (new rows × the known columns), the columns held as they are.
    pub fn fold_in(&self, run: &Run<'_>, rows: &Csr) -> Result<Array2<f32>> {
        let _ = (run, rows);
        Err(Error::input("the factorisation is not built yet", "wait for it"))
    }

    /// Vectors of new columns; `columns` is transposed: new columns × the known rows.
    pub fn fold_in_columns(&self, run: &Run<'_>, columns: &Csr) -> Result<Array2<f32>> {
        let _ = (run, columns);
        Err(Error::input("the factorisation is not built yet", "wait for it"))
    }

    /// Adds the factors to a model file, under names that start with `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let _ = (writer, name);
        Err(Error::input("the factorisation is not built yet", "wait for it"))
    }

    /// Reads back what [`Factors::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<Factors> {
        let _ = (file, name);
        Err(Error::input("the factorisation is not built yet", "wait for it"))
    }
}
