//! The training loss.

use ndarray::ArrayView2;

use super::{Factors, ImplicitAls};
use crate::error::Result;
use crate::gramian::gramian;
use crate::parallel::sum_chunks;
use crate::run::Run;
use crate::sparse::Csr;

const ROWS: usize = 1_024;

impl Factors {
    /// The loss that [`ImplicitAls`] documents, for the matrix that was learned from (or another of its shape),
    /// with means of 0. Errors on a matrix of another shape.
    pub fn loss(&self, run: &Run<'_>, rows_by_columns: &Csr) -> Result<f64> {
        self.params.loss(run, rows_by_columns, self.rows.view(), self.columns.view())
    }
}

impl ImplicitAls {
    /// As [`Factors::loss`] for any vectors: n_rows × n_factors and n_columns × n_factors.
    pub fn loss(
        &self,
        run: &Run<'_>,
        rows_by_columns: &Csr,
        rows: ArrayView2<'_, f32>,
        columns: ArrayView2<'_, f32>,
    ) -> Result<f64> {
        super::check_vectors(rows, (rows_by_columns.n_rows(), self.n_factors), "row")?;
        super::check_vectors(columns, (rows_by_columns.n_cols(), self.n_factors), "column")?;
        super::check_values(rows_by_columns)?;
        let (of_rows, of_columns) = (gramian(run, rows)?, gramian(run, columns)?);
        let all: f64 = of_rows.iter().zip(&of_columns).map(|(a, b)| a * b).sum();
        let n_columns = columns.nrows();
        // The places' loss, the rows' penalty, and each column's sum of values.
        let sums = sum_chunks(run, rows.nrows(), ROWS, 2, |from, to, sums| {
            for row in from..to {
                let x = rows.row(row);
                let (places, values) = rows_by_columns.row(row);
                for (&place, &value) in places.iter().zip(values) {
                    let miss = 1.0 - x.dot(&columns.row(place as usize));
                    sums[0] += f64::from(value) * f64::from(miss).powi(2);
                }
                let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
                sums[1] += self.penalty(sum, n_columns) * f64::from(x.dot(&x));
            }
        })?;
        let mut values_of = vec![0.0_f64; n_columns];
        for (&column, &value) in rows_by_columns.indices().iter().zip(rows_by_columns.values()) {
            values_of[column as usize] += f64::from(value);
        }
        let of_columns: f64 = columns
            .rows()
            .into_iter()
            .zip(&values_of)
            .map(|(x, &sum)| self.penalty(sum, rows.nrows()) * f64::from(x.dot(&x)))
            .sum();
        Ok(sums[0] + f64::from(self.unobserved_weight) * all + sums[1] + of_columns)
    }

    /// λ × frequency^ν of a vector whose values sum to `sum`, the other side having `n_other` vectors.
    pub(super) fn penalty(&self, sum: f64, n_other: usize) -> f64 {
        let frequency = sum + f64::from(self.unobserved_weight) * n_other as f64;
        f64::from(self.regularisation) * frequency.powf(f64::from(self.frequency_exponent))
    }
}
