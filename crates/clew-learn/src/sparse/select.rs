//! Rows of a sparse matrix: some of them, or a stretch.

use std::ops::Range;

use super::Csr;
use crate::error::{Error, Result};

impl Csr {
    /// The given rows in the order given, each as often as it is given. Errors on a row that does not exist.
    pub fn select_rows(&self, rows: &[usize]) -> Result<Csr> {
        super::build::check_size(rows.len(), self.n_cols)?;
        let mut starts = Vec::with_capacity(rows.len() + 1);
        starts.push(0);
        let mut end = 0;
        for &row in rows {
            if row >= self.n_rows {
                return Err(Error::input(
                    format!("row {row} of a matrix of {} rows", self.n_rows),
                    "select rows that exist",
                ));
            }
            end += self.row(row).0.len();
            starts.push(end);
        }
        let (mut indices, mut values) = (Vec::with_capacity(end), Vec::with_capacity(end));
        for &row in rows {
            let (columns, row_values) = self.row(row);
            indices.extend_from_slice(columns);
            values.extend_from_slice(row_values);
        }
        Ok(Csr { n_rows: rows.len(), n_cols: self.n_cols, starts, indices, values })
    }

    /// A stretch of rows. Errors when it reaches beyond the matrix or runs backwards.
    pub fn slice_rows(&self, rows: Range<usize>) -> Result<Csr> {
        if rows.start > rows.end || rows.end > self.n_rows {
            return Err(Error::input(
                format!("rows {}..{} of a matrix of {} rows", rows.start, rows.end, self.n_rows),
                "slice rows that exist",
            ));
        }
        let (from, to) = (self.starts[rows.start], self.starts[rows.end]);
        Ok(Csr {
            n_rows: rows.len(),
            n_cols: self.n_cols,
            starts: self.starts[rows.start..=rows.end].iter().map(|start| start - from).collect(),
            indices: self.indices[from..to].to_vec(),
            values: self.values[from..to].to_vec(),
        })
    }
}
