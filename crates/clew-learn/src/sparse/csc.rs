//! The same sparse matrix, column by column.

use super::Csr;
use crate::error::Result;
use crate::run::Run;

/// A sparse matrix kept by columns, for work that goes through one column at a time. In each column the rows
/// rise strictly.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Csc {
    transposed: Csr,
}

impl Csc {
    /// The columns of `matrix`, gathered on the run's threads. Errors when stopped.
    pub fn from_csr(run: &Run<'_>, matrix: &Csr) -> Result<Csc> {
        Ok(Csc { transposed: matrix.transpose_with(run)? })
    }

    /// The matrix whose transpose is `transposed`, without moving anything.
    pub fn from_transposed(transposed: Csr) -> Csc {
        Csc { transposed }
    }

    /// From (row, column, value) as [`Csr::from_triplets_with`]; errors alike, but a place in one names (column,
    /// row).
    pub fn from_triplets_with(
        run: &Run<'_>,
        n_rows: usize,
        n_cols: usize,
        triplets: &[(u32, u32, f32)],
    ) -> Result<Csc> {
        Csc::from_csr(run, &Csr::from_triplets_with(run, n_rows, n_cols, triplets)?)
    }

    /// The same matrix by rows. Errors when stopped.
    pub fn to_csr(&self, run: &Run<'_>) -> Result<Csr> {
        self.transposed.transpose_with(run)
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.transposed.n_cols()
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        self.transposed.n_rows()
    }

    /// Number of places that hold a value.
    pub fn n_values(&self) -> usize {
        self.transposed.n_values()
    }

    /// The rows and values of one column; empty for a column that the matrix does not have.
    pub fn column(&self, column: usize) -> (&[u32], &[f32]) {
        self.transposed.row(column)
    }

    /// The transposed matrix by rows, in place: its row `c` is column `c` here.
    pub fn as_transposed(&self) -> &Csr {
        &self.transposed
    }
}
