//! Products of a sparse with a dense matrix or vector. Sums are f64.

use ndarray::{Array2, ArrayView2};

use super::{Csc, Csr};
use crate::error::{Error, Result};
use crate::parallel::{map_chunks, sum_chunks};
use crate::run::Run;

/// Rows of the result that one piece of work fills.
const CHUNK: usize = 2_048;

/// Parts that a transposed product is summed over; each keeps sums of its own.
const PARTS: usize = 16;

impl Csr {
    /// The matrix times a vector of `n_cols` numbers: `n_rows` sums. Errors on another length.
    pub fn times_vector(&self, run: &Run<'_>, vector: &[f64]) -> Result<Vec<f64>> {
        fits(self.n_cols, vector.len(), "columns")?;
        let parts = map_chunks(run, self.n_rows, CHUNK, |from, to| -> Vec<f64> {
            (from..to)
                .map(|row| {
                    let (columns, values) = self.row(row);
                    columns.iter().zip(values).map(|(&c, &v)| f64::from(v) * vector[c as usize]).sum()
                })
                .collect()
        })?;
        Ok(parts.concat())
    }

    /// The transposed matrix times a vector of `n_rows` numbers: `n_cols` sums, without transposing. Errors on
    /// another length.
    pub fn transposed_times_vector(&self, run: &Run<'_>, vector: &[f64]) -> Result<Vec<f64>> {
        fits(self.n_rows, vector.len(), "rows")?;
        let chunk = self.n_rows.div_ceil(PARTS).max(CHUNK);
        sum_chunks(run, self.n_rows, chunk, self.n_cols, |from, to, sum| {
            for (row, &factor) in (from..to).zip(&vector[from..to]) {
                let (columns, values) = self.row(row);
                for (&column, &value) in columns.iter().zip(values) {
                    sum[column as usize] += f64::from(value) * factor;
                }
            }
        })
    }

    /// The matrix times a dense one of `n_cols` rows: `n_rows` × its columns. Errors on another number of rows.
    pub fn times(&self, run: &Run<'_>, dense: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        fits(self.n_cols, dense.nrows(), "columns")?;
        let width = dense.ncols();
        let dense = dense.as_standard_layout();
        let parts = map_chunks(run, self.n_rows, CHUNK, |from, to| {
            let mut part = vec![0_f32; (to - from) * width];
            let mut sum = vec![0_f64; width];
            for (row, out) in (from..to).zip(part.chunks_exact_mut(width.max(1))) {
                sum.fill(0.0);
                let (columns, values) = self.row(row);
                for (&column, &value) in columns.iter().zip(values) {
                    for (sum, &d) in sum.iter_mut().zip(dense.row(column as usize)) {
                        *sum += f64::from(value) * f64::from(d);
                    }
                }
                for (out, &sum) in out.iter_mut().zip(&sum) {
                    *out = sum as f32;
                }
            }
            part
        })?;
        Array2::from_shape_vec((self.n_rows, width), parts.concat())
            .map_err(|error| Error::input(format!("the product: {error}"), "use fewer columns"))
    }

    /// The transposed matrix times a dense one of `n_rows` rows: `n_cols` × its columns. It transposes first:
    /// who multiplies often keeps a [`Csc`]. Errors on another number of rows.
    pub fn transposed_times(&self, run: &Run<'_>, dense: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        fits(self.n_rows, dense.nrows(), "rows")?;
        self.transpose_with(run)?.times(run, dense)
    }
}

impl Csc {
    /// The transposed matrix times a dense one of `n_rows` rows: `n_cols` × its columns.
    pub fn transposed_times(&self, run: &Run<'_>, dense: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        fits(self.n_rows(), dense.nrows(), "rows")?;
        self.as_transposed().times(run, dense)
    }
}

fn fits(own: usize, given: usize, word: &str) -> Result<()> {
    if own == given {
        return Ok(());
    }
    Err(Error::input(
        format!("a matrix of {own} {word} times {given} rows"),
        format!("multiply by as many rows as the matrix has {word}"),
    ))
}
