//! Regression: ridge regressions of many outcomes on the same rows of cells, by one inverse; columns can be left out afterwards.
use clew_learn::Run;
use clew_learn::ease::inverse_gramian;
use clew_learn::sparse::Csr;

use crate::error::Result;
use crate::feature_company_cells::Cells;
use crate::feature_look_alike::{cholesky, solve};
use crate::ids::NONE;

/// Size of the column that stands for the mean, in units of the usual deviation: so large that the ridge hardly holds it.
const CONSTANT: f64 = 30.0;

/// Rows with the inverse of their Gramian.
pub(crate) struct Regression {
    cells: Cells,
    /// For each window, the row of each customer or [`NONE`].
    places: Vec<Vec<u32>>,
    /// What a value of each column is multiplied by.
    scale: Vec<f32>,
    /// Mean of each scaled column.
    mean: Vec<f64>,
    /// Of the scaled columns and the constant, row by row.
    inverse: Vec<f32>,
}

impl Regression {
    /// Inverts the Gramian of the rows. `shape` is the ridge, in units of the mean variance of a column times the rows, and the power
    /// of its mean by which each column is divided.
    pub(crate) fn fit(
        run: &Run<'_>,
        cells: Cells,
        n_columns: usize,
        shape: (f64, f64),
        places: Vec<Vec<u32>>,
    ) -> Result<Regression> {
        let n = cells.n_rows() as f64;
        let (mut sum, mut square) = (vec![0.0_f64; n_columns], vec![0.0_f64; n_columns]);
        for row in 0..cells.n_rows() {
            for &(column, stored) in cells.row(row) {
                let value = f64::from(Cells::value(stored));
                sum[usize::from(column)] += value;
                square[usize::from(column)] += value * value;
            }
        }
        let scale: Vec<f32> = sum.iter().map(|s| (s / n + 1e-3).powf(-shape.1) as f32).collect();
        let mean: Vec<f64> = sum.iter().zip(&scale).map(|(s, &scale)| s / n * f64::from(scale)).collect();
        let variance = square
            .iter()
            .zip(&scale)
            .zip(&mean)
            .map(|((q, &scale), m)| q / n * f64::from(scale).powi(2) - m * m)
            .sum::<f64>()
            / n_columns as f64;
        let constant = (CONSTANT * variance.max(1e-9).sqrt()) as f32;
        let (mut starts, mut indices, mut values) = (vec![0_usize], Vec::new(), Vec::new());
        for row in 0..cells.n_rows() {
            for &(column, stored) in cells.row(row) {
                indices.push(u32::from(column));
                values.push(Cells::value(stored) * scale[usize::from(column)]);
            }
            indices.push(n_columns as u32);
            values.push(constant);
            starts.push(indices.len());
        }
        let rows = Csr::from_parts(n_columns + 1, starts, indices, values)?;
        let ridge = (shape.0 * variance.max(1e-9) * n) as f32;
        let inverse = inverse_gramian(run, &rows, &vec![1.0; rows.n_rows()], ridge)?;
        Ok(Regression { cells, places, scale, mean, inverse })
    }

    /// The row of a customer in a window; none where they take no part.
    pub(crate) fn row(&self, window: usize, customer: usize) -> Option<usize> {
        let row = *self.places.get(window)?.get(customer)?;
        (row != NONE).then_some(row as usize)
    }

    /// Weights of the columns' unscaled values, and what they say of the mean row, from the outcomes (row, amount) that are not 0, rows
    /// each once. The columns `without` (rising) get no weight, as if they had never been there.
    pub(crate) fn weights(
        &self,
        outcomes: impl Iterator<Item = (usize, f32)>,
        without: &[usize],
    ) -> (Vec<f32>, f32) {
        let k = self.scale.len();
        let n = self.cells.n_rows() as f64;
        let (mut right, mut sum) = (vec![0.0_f64; k], 0.0_f64);
        for (row, amount) in outcomes {
            sum += f64::from(amount);
            for &(column, stored) in self.cells.row(row) {
                right[usize::from(column)] += f64::from(amount * Cells::value(stored));
            }
        }
        // Centred, and in units of a spread that makes offers large and small alike.
        let spread = (sum / n + 1e-3).sqrt();
        for ((right, &scale), mean) in right.iter_mut().zip(&self.scale).zip(&self.mean) {
            *right = (*right * f64::from(scale) - sum * mean) / spread;
        }
        let right: Vec<f32> = right.into_iter().map(|value| value as f32).collect();
        let row = |column: usize| &self.inverse[column * (k + 1)..column * (k + 1) + k];
        let mut weights: Vec<f64> =
            (0..k).map(|column| f64::from(crate::feature_taste::dot(row(column), &right))).collect();
        // Steck's diagonal of 0, for several columns at once: the multipliers that bring their weights to 0.
        if !without.is_empty() {
            let size = without.len();
            let block =
                without.iter().flat_map(|&i| without.iter().map(move |&j| f64::from(row(i)[j]))).collect();
            let mut multiplier: Vec<f64> = without.iter().map(|&column| weights[column]).collect();
            solve(&cholesky(block, size), size, &mut multiplier);
            for (&column, &times) in without.iter().zip(&multiplier) {
                for (weight, &value) in weights.iter_mut().zip(row(column)) {
                    *weight -= times * f64::from(value);
                }
            }
            without.iter().for_each(|&column| weights[column] = 0.0);
        }
        let mean = weights.iter().zip(&self.mean).map(|(w, m)| w * m).sum::<f64>() as f32;
        (weights.iter().zip(&self.scale).map(|(&w, &s)| w as f32 * s).collect(), mean)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use clew_learn::{Silent, Stop};

    const N_ROWS: usize = 200;
    const N_COLUMNS: usize = 6;

    /// Whether a customer has a column, by a fixed scramble.
    fn has(row: usize, column: usize) -> bool {
        (row * 2_654_435_761 + column * 40_503 * (row % 7 + 1)) % 11 < 4
    }

    fn regression() -> Regression {
        let mut cells = Cells::default();
        for row in 0..N_ROWS {
            let cell = |column| (column as u16, (3000 + 500 * (row % 5)) as u16);
            cells.push(&(0..N_COLUMNS).filter(|&c| has(row, c)).map(cell).collect::<Vec<_>>());
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let stop = Stop::new();
        let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &stop };
        let places = vec![(0..N_ROWS as u32).collect()];
        Regression::fit(&run, cells, N_COLUMNS, (0.5, 0.0), places).unwrap()
    }

    /// At the optimum of a ridge regression each column's slope is the ridge times its weight.
    #[test]
    fn weights_solve_the_ridge_regression_of_the_columns_that_are_left() {
        let regression = regression();
        let bought = |row: usize| row.is_multiple_of(3) || has(row, 2);
        let outcomes = || (0..N_ROWS).filter(|&row| bought(row)).map(|row| (row, 1.0));
        let share = outcomes().count() as f64 / N_ROWS as f64;
        let spread = (share + 1e-3).sqrt();
        for without in [vec![], vec![2], vec![1, 4]] {
            let (weights, mean) = regression.weights(outcomes(), &without);
            let value = |row: usize, column: usize| {
                let found = regression.cells.row(row).iter().find(|cell| usize::from(cell.0) == column);
                found.map_or(0.0, |cell| f64::from(Cells::value(cell.1)))
            };
            let rest: Vec<f64> = (0..N_ROWS)
                .map(|row| {
                    let said: f64 = (0..N_COLUMNS).map(|c| value(row, c) * f64::from(weights[c])).sum();
                    (f64::from(u8::from(bought(row))) - share) / spread - (said - f64::from(mean))
                })
                .collect();
            let left: Vec<(f64, f64)> = (0..N_COLUMNS)
                .filter(|column| !without.contains(column))
                .map(|column| {
                    let slope: f64 = (0..N_ROWS)
                        .map(|row| (value(row, column) - regression.mean[column]) * rest[row])
                        .sum();
                    (slope, f64::from(weights[column]))
                })
                .collect();
            // The ridge that the largest weight tells; what is left of a slope beyond it counts beside that weight's.
            let largest = left.iter().copied().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap();
            let ridge = largest.0 / largest.1;
            assert!(ridge > 1.0, "{ridge}");
            let off = |&(slope, weight): &(f64, f64)| (slope - ridge * weight).abs() / largest.0.abs();
            assert!(left.iter().all(|one| off(one) < 0.02), "{without:?}: {ridge} {left:?}");
            assert!(without.iter().all(|&column| weights[column] == 0.0));
        }
    }

    #[test]
    fn a_customer_without_a_row_has_none() {
        let regression = regression();
        assert_eq!(regression.row(0, 5), Some(5));
        assert_eq!(regression.row(0, N_ROWS), None);
        assert_eq!(regression.row(1, 5), None);
    }
}
