//! Compressed sparse rows: the matrix form that every estimator of this crate reads.
//!
//! **Limits.** A row or a column is named by 32 bits: at most 2³² − 1 of each, more are refused. The number of
//! values is bounded by memory alone (8 bytes each): where a row starts is kept in 64 bits, so 2³¹ values and
//! more are no special case.
//!
//! **Duplicates.** Values given twice for one place add up, in f64, in the order given, and are rounded once.
//!
//! **Parallel work** needs a [`Run`](crate::Run): [`Csr::from_triplets_with`], [`Csr::transpose_with`], the
//! products. Each gives the same bits as its counterpart without one, whatever the number of threads.

use crate::error::{Error, Result};

pub use csc::Csc;

mod build;
mod csc;
mod product;
mod select;

/// A sparse matrix, row by row. In each row the columns rise strictly.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Csr {
    n_rows: usize,
    n_cols: usize,
    starts: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl Csr {
    /// From (row, column, value) in any order; values of the same place are added up. Errors on a place
    /// outside the matrix, a value (or a sum) that is not finite, or more rows or columns than 32 bits can name.
    pub fn from_triplets(n_rows: usize, n_cols: usize, triplets: &[(u32, u32, f32)]) -> Result<Csr> {
        build::check_size(n_rows, n_cols)?;
        let mut starts = vec![0_usize; n_rows + 1];
        for (place, &triplet) in triplets.iter().enumerate() {
            build::check_triplet(n_rows, n_cols, place, triplet)?;
            starts[triplet.0 as usize + 1] += 1;
        }
        for row in 0..n_rows {
            starts[row + 1] += starts[row];
        }
        // A counting sort by row, stable, so that equal places are added in the order given.
        let mut at = starts.clone();
        let mut cells = vec![(0_u32, 0_f32); triplets.len()];
        for &(row, column, value) in triplets {
            let slot = &mut at[row as usize];
            cells[*slot] = (column, value);
            *slot += 1;
        }
        let mut indices = Vec::with_capacity(cells.len());
        let mut values: Vec<f32> = Vec::with_capacity(cells.len());
        let mut tight = Vec::with_capacity(n_rows + 1);
        tight.push(0);
        for row in 0..n_rows {
            build::add_row(row, &mut cells[starts[row]..starts[row + 1]], &mut indices, &mut values)?;
            tight.push(indices.len());
        }
        Ok(Csr { n_rows, n_cols, starts: tight, indices, values })
    }

    /// From its parts; errors unless `starts` rises from 0 to the number of values and every row's columns
    /// rise strictly within `n_cols`.
    pub fn from_parts(n_cols: usize, starts: Vec<usize>, indices: Vec<u32>, values: Vec<f32>) -> Result<Csr> {
        build::check_size(starts.len().saturating_sub(1), n_cols)?;
        let remedy = "build the matrix with from_triplets";
        let wrong = |place: String| Error::input(place, remedy);
        if starts.first() != Some(&0)
            || starts.last() != Some(&indices.len())
            || indices.len() != values.len()
        {
            return Err(wrong("the starts of a sparse matrix do not span its values".into()));
        }
        for (row, span) in starts.windows(2).enumerate() {
            let columns =
                indices.get(span[0]..span[1]).ok_or_else(|| wrong(format!("row {row} runs backwards")))?;
            if columns.windows(2).any(|pair| pair[0] >= pair[1])
                || columns.last().is_some_and(|&column| column as usize >= n_cols)
            {
                return Err(wrong(format!("row {row} has columns out of order or out of range")));
            }
        }
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(wrong(format!("value {place} is not finite")));
        }
        Ok(Csr { n_rows: starts.len() - 1, n_cols, starts, indices, values })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Number of places that hold a value.
    pub fn n_values(&self) -> usize {
        self.values.len()
    }

    /// Where each row starts among the values; `n_rows + 1` long.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// The columns of all values, row after row.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The columns and values of one row; empty for a row that the matrix does not have.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        match (self.starts.get(row), self.starts.get(row + 1)) {
            (Some(&from), Some(&to)) => (&self.indices[from..to], &self.values[from..to]),
            _ => (&[], &[]),
        }
    }

    /// The same matrix with each value replaced by `f(row, column, value)`, which the caller keeps finite.
    pub fn map(mut self, f: impl Fn(usize, u32, f32) -> f32) -> Csr {
        for row in 0..self.n_rows {
            for place in self.starts[row]..self.starts[row + 1] {
                self.values[place] = f(row, self.indices[place], self.values[place]);
            }
        }
        self
    }

    /// Rows become columns.
    pub fn transpose(&self) -> Csr {
        let mut starts = vec![0_usize; self.n_cols + 1];
        for &column in &self.indices {
            starts[column as usize + 1] += 1;
        }
        for column in 0..self.n_cols {
            starts[column + 1] += starts[column];
        }
        let mut at = starts.clone();
        let mut indices = vec![0_u32; self.indices.len()];
        let mut values = vec![0_f32; self.values.len()];
        for row in 0..self.n_rows {
            for place in self.starts[row]..self.starts[row + 1] {
                let slot = &mut at[self.indices[place] as usize];
                indices[*slot] = row as u32;
                values[*slot] = self.values[place];
                *slot += 1;
            }
        }
        Csr { n_rows: self.n_cols, n_cols: self.n_rows, starts, indices, values }
    }

    /// Sum of the values of each row, in f64.
    pub fn row_sums(&self) -> Vec<f64> {
        (0..self.n_rows).map(|row| self.row(row).1.iter().map(|&value| f64::from(value)).sum()).collect()
    }
}
