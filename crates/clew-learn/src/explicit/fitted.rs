//! What an explicit factorisation found: predictions, vectors of new rows, error on values kept back, a file.

use ndarray::Array2;

use super::{ExplicitAls, check_weights, solve};
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::parallel::sum_chunks;
use crate::run::Run;
use crate::sparse::Csr;

/// Rows judged by one task.
const ROWS: usize = 1_024;

/// Biases and vectors of one side.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// One per row (column), in units of the values.
    pub biases: Vec<f32>,
    /// n × n_factors.
    pub vectors: Array2<f32>,
}

impl Side {
    pub(super) fn zeros(n: usize, n_factors: usize) -> Side {
        Side { biases: vec![0.0; n], vectors: Array2::zeros((n, n_factors)) }
    }

    pub(super) fn first_not_finite(&self) -> Option<usize> {
        (0..self.biases.len()).find(|&row| {
            !(self.biases[row].is_finite() && self.vectors.row(row).iter().all(|value| value.is_finite()))
        })
    }
}

/// A fitted explicit factorisation.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedExplicit {
    /// μ, the weighted mean of the values.
    pub mean: f64,
    /// Of the rows.
    pub rows: Side,
    /// Of the columns.
    pub columns: Side,
    /// How they were found, which fold-in repeats.
    pub params: ExplicitAls,
}

impl FittedExplicit {
    /// μ + b_row + b_column + p_row·q_column, in units of the values. A row or column that was not learned adds
    /// nothing: its value is what is known of the other, or the mean.
    pub fn predict(&self, row: usize, column: usize) -> f32 {
        self.predict_for(&self.rows, row, column)
    }

    /// As [`FittedExplicit::predict`] for row `row` of what [`FittedExplicit::fold_in`] gave.
    pub fn predict_for(&self, rows: &Side, row: usize, column: usize) -> f32 {
        let bias = |side: &Side, place: usize| side.biases.get(place).map_or(0.0, |&bias| f64::from(bias));
        let mut sum = self.mean + bias(rows, row) + bias(&self.columns, column);
        if row < rows.vectors.nrows() && column < self.columns.vectors.nrows() {
            let (p, q) = (rows.vectors.row(row), self.columns.vectors.row(column));
            sum += p.iter().zip(q).map(|(&p, &q)| f64::from(p) * f64::from(q)).sum::<f64>();
        }
        sum as f32
    }

    /// Biases and vectors of new rows (new rows × the known columns), the columns held as they are. Errors on
    /// another number of columns and on weights as [`ExplicitAls::fit`].
    pub fn fold_in(&self, run: &Run<'_>, values: &Csr, weights: Option<&Csr>) -> Result<Side> {
        crate::check::same_columns(values.n_cols(), self.columns.biases.len())?;
        check_weights(values, weights)?;
        solve::side(run, &self.params, self.mean, &self.columns, values, weights)
    }

    /// Root of the weighted mean squared error of the learned rows on `values` (the same rows × columns) that
    /// were kept back, in units of the values. Errors on another shape, on no value with a weight and on
    /// weights as [`ExplicitAls::fit`].
    pub fn rmse(&self, run: &Run<'_>, values: &Csr, weights: Option<&Csr>) -> Result<f64> {
        crate::check::same_columns(values.n_cols(), self.columns.biases.len())?;
        check_weights(values, weights)?;
        if values.n_rows() != self.rows.biases.len() {
            return Err(Error::input(
                format!("{} rows where {} were learned", values.n_rows(), self.rows.biases.len()),
                "number the rows as in training; fold in new ones",
            ));
        }
        let sums = sum_chunks(run, values.n_rows(), ROWS, 2, |from, to, sum| {
            for row in from..to {
                let (columns, found) = values.row(row);
                let weights = weights.map(|weights| weights.row(row).1);
                for (place, (&column, &value)) in columns.iter().zip(found).enumerate() {
                    let weight = weights.map_or(1.0, |weights| f64::from(weights[place]));
                    let error = f64::from(value) - f64::from(self.predict(row, column as usize));
                    sum[0] += weight * error * error;
                    sum[1] += weight;
                }
            }
        })?;
        if sums[1] <= 0.0 {
            return Err(Error::input("no value has a weight", "judge on at least one observed value"));
        }
        Ok((sums[0] / sums[1]).sqrt())
    }

    /// Vectors whose inner products order the columns of a row as the predictions do, for
    /// [`crate::top_k::top_k`]: rows are (p, 1), columns (q, b); mean and row bias are left away.
    pub fn ranking_vectors(&self) -> (Array2<f32>, Array2<f32>) {
        let widen = |vectors: &Array2<f32>, last: &dyn Fn(usize) -> f32| {
            let (n, d) = vectors.dim();
            Array2::from_shape_fn((n, d + 1), |(row, k)| if k < d { vectors[[row, k]] } else { last(row) })
        };
        let bias = |column: usize| self.columns.biases.get(column).copied().unwrap_or(0.0);
        (widen(&self.rows.vectors, &|_| 1.0), widen(&self.columns.vectors, &bias))
    }

    /// Adds the factorisation to a model file, under names that start with `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let p = &self.params;
        let shape = [
            self.rows.biases.len() as u64,
            self.columns.biases.len() as u64,
            p.n_factors as u64,
            p.n_sweeps as u64,
        ];
        let numbers = [p.regularisation, p.bias_regularisation, p.frequency_exponent, p.start_deviation];
        writer.section(&format!("{name}.shape"), &shape)?;
        writer.section(&format!("{name}.mean"), &[self.mean])?;
        writer.section(&format!("{name}.params"), &numbers)?;
        for (part, side) in [("rows", &self.rows), ("columns", &self.columns)] {
            let vectors = side.vectors.as_standard_layout();
            writer.section(&format!("{name}.{part}.biases"), &side.biases)?;
            writer.section(&format!("{name}.{part}.vectors"), vectors.as_slice().unwrap_or(&[]))?;
        }
        Ok(())
    }

    /// Reads back what [`FittedExplicit::write`] wrote. Errors where the parts do not fit together.
    pub fn read(file: &File, name: &str) -> Result<FittedExplicit> {
        let wrong =
            || Error::format(format!("the factorisation '{name}' does not fit together"), "train again");
        let (
            &[n_rows, n_columns, n_factors, n_sweeps],
            &[mean],
            &[regularisation, bias_regularisation, frequency_exponent, start_deviation],
        ) = (
            file.view::<u64>(&format!("{name}.shape"))?,
            file.view::<f64>(&format!("{name}.mean"))?,
            file.view::<f32>(&format!("{name}.params"))?,
        )
        else {
            return Err(wrong());
        };
        let params = ExplicitAls {
            n_factors: usize::try_from(n_factors).map_err(|_| wrong())?,
            regularisation,
            bias_regularisation,
            frequency_exponent,
            n_sweeps: usize::try_from(n_sweeps).map_err(|_| wrong())?,
            start_deviation,
        };
        params.check().map_err(|_| wrong())?;
        let side = |part: &str, n: u64| {
            let biases = file.view::<f32>(&format!("{name}.{part}.biases"))?.to_vec();
            let vectors = file.view::<f32>(&format!("{name}.{part}.vectors"))?.to_vec();
            let n = usize::try_from(n).ok().filter(|&n| n == biases.len()).ok_or_else(wrong)?;
            let vectors = Array2::from_shape_vec((n, params.n_factors), vectors).map_err(|_| wrong())?;
            let side = Side { biases, vectors };
            if side.first_not_finite().is_some() { Err(wrong()) } else { Ok(side) }
        };
        let (rows, columns) = (side("rows", n_rows)?, side("columns", n_columns)?);
        if !mean.is_finite() {
            return Err(wrong());
        }
        Ok(FittedExplicit { mean, rows, columns, params })
    }
}
