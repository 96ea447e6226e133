//! Ridge regression of every column on all others (EASE; Steck 2019, "Embarrassingly shallow autoencoders for
//! sparse data"): closed form, for up to [`MAX_COLUMNS`] columns.
//!
//! With rows X, a weight a row W and λ: of all B with a diagonal of 0, the one with the least
//! |√W (X − X B)|² + λ |B|² is B_ij = −P_ij / P_jj off the diagonal, P = (Xᵀ W X + λ I)⁻¹ (equation 8).

use rayon::prelude::*;

use crate::als::check_values;
use crate::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::recommender::Recommender;
use crate::run::Run;
use crate::sparse::Csr;

mod inverse;

/// Most columns: their matrix then takes 1.6 GB.
pub const MAX_COLUMNS: usize = 20_000;
/// Up to so many columns the inverse is taken in f64, which then costs little.
const WIDE_COLUMNS: usize = 4_096;

/// How to regress.
#[derive(Debug, Clone, PartialEq)]
pub struct Ease {
    /// λ > 0, in units of X²: hundreds for events counted 0 or 1.
    pub regularisation: f32,
}

impl Default for Ease {
    fn default() -> Ease {
        Ease { regularisation: 250.0 }
    }
}

/// The fitted coefficients.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedEase {
    n_columns: usize,
    /// B row by row: entry (i, j) is what column i says of column j.
    coefficients: Vec<f32>,
}

impl Ease {
    /// Fits to the rows, each counting `weight` times. Errors on a matrix without values, on more than
    /// [`MAX_COLUMNS`] columns, on weights below 0 and where λ is too small for the numbers to be solved.
    pub fn fit(&self, run: &Run<'_>, rows_by_columns: &Csr, weight: &[f32]) -> Result<FittedEase> {
        check_ridge(rows_by_columns, weight, self.regularisation)?;
        let m = rows_by_columns.n_cols();
        let coefficients = if m <= WIDE_COLUMNS {
            self.solve::<f64>(run, rows_by_columns, weight)?
        } else {
            self.solve::<f32>(run, rows_by_columns, weight)?
        };
        Ok(FittedEase { n_columns: m, coefficients })
    }

    fn solve<T: inverse::Number>(&self, run: &Run<'_>, rows: &Csr, weight: &[f32]) -> Result<Vec<f32>> {
        let m = rows.n_cols();
        run.report("regressing columns on columns", 0.0);
        let mut gramian = inverse::gramian::<T>(run, rows, weight, self.regularisation)?;
        inverse::negative_inverse(run, &mut gramian, m)?;
        let mut coefficients = T::narrow(gramian);
        inverse::mirror(&mut coefficients, m);
        let diagonal: Vec<f32> = (0..m).map(|column| coefficients[column * m + column]).collect();
        run.pool.install(|| {
            coefficients.par_chunks_mut(m).enumerate().for_each(|(row, coefficients)| {
                // Both numbers are those of −P, so the sign comes out by itself.
                coefficients.iter_mut().zip(&diagonal).for_each(|(value, &own)| *value = -*value / own);
                coefficients[row] = 0.0;
            });
        });
        if coefficients.iter().any(|value| !value.is_finite()) {
            return Err(inverse::not_positive());
        }
        Ok(coefficients)
    }
}

/// P = (Xᵀ W X + λ I)⁻¹ of equation 8, n_columns × n_columns, in 32 bits: what regressions of outcomes that are no columns, or
/// without some of the columns, are computed from. Each row counts `weight` times. λ should not lie far below the mean square of a
/// column (summed over the rows), or 32 bits are too few. Errors as [`Ease::fit`].
pub fn inverse_gramian(run: &Run<'_>, rows: &Csr, weight: &[f32], regularisation: f32) -> Result<Vec<f32>> {
    check_ridge(rows, weight, regularisation)?;
    let m = rows.n_cols();
    let mut gramian = inverse::gramian::<f32>(run, rows, weight, regularisation)?;
    inverse::negative_inverse(run, &mut gramian, m)?;
    inverse::mirror(&mut gramian, m);
    gramian.iter_mut().for_each(|value| *value = -*value);
    if gramian.iter().any(|value| !value.is_finite()) {
        return Err(inverse::not_positive());
    }
    Ok(gramian)
}

/// What a regression can be made of.
fn check_ridge(rows: &Csr, weight: &[f32], regularisation: f32) -> Result<()> {
    let m = rows.n_cols();
    if !(regularisation > 0.0 && regularisation.is_finite()) {
        return Err(Error::input(
            format!("a regularisation of {regularisation}"),
            "use a finite one above 0; 100 to 1,000 suits counts of events",
        ));
    }
    if m > MAX_COLUMNS {
        return Err(Error::input(
            format!("{m} columns, of which a ridge regression takes {MAX_COLUMNS}"),
            "leave out the rarest columns, or use the graph filter",
        ));
    }
    if rows.n_values() == 0 {
        return Err(Error::input("the matrix has no values", "give at least one event"));
    }
    check_values(rows)?;
    check::weights(rows.n_rows(), weight)
}

impl FittedEase {
    /// What column `from` says of column `to`; 0 for a column of itself and for columns that there are not.
    pub fn coefficient(&self, from: usize, to: usize) -> f32 {
        if from.max(to) >= self.n_columns {
            return 0.0;
        }
        self.coefficients[from * self.n_columns + to]
    }

    /// Adds the coefficients to a model file, as `<name>.coefficients` (f32, row by row).
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(&format!("{name}.coefficients"), &self.coefficients)
    }

    /// Reads back what [`FittedEase::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedEase> {
        let coefficients = file.view::<f32>(&format!("{name}.coefficients"))?.to_vec();
        let n_columns = coefficients.len().isqrt();
        let square = n_columns > 0 && n_columns * n_columns == coefficients.len();
        if !square || coefficients.iter().any(|value| !value.is_finite()) {
            return Err(Error::format(
                format!("the coefficients '{name}' do not fit together"),
                "train again",
            ));
        }
        Ok(FittedEase { n_columns, coefficients })
    }
}

impl Recommender for FittedEase {
    fn n_columns(&self) -> usize {
        self.n_columns
    }

    fn scores(&self, _run: &Run<'_>, rows: &Csr, from: usize, to: usize) -> Result<Vec<f32>> {
        let m = self.n_columns;
        let mut scores = vec![0.0_f32; (to - from) * m];
        for (row, scores) in (from..to).zip(scores.chunks_exact_mut(m)) {
            let (columns, values) = rows.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                let said = &self.coefficients[column as usize * m..(column as usize + 1) * m];
                scores.iter_mut().zip(said).for_each(|(score, &b)| *score += value * b);
            }
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Silent, Stop};

    #[test]
    fn the_inverse_of_two_columns_is_that_by_hand() {
        // XᵀX + 1 = [[6, 2], [2, 3]], whose determinant is 14.
        let rows = Csr::from_parts(2, vec![0, 2, 3, 4], vec![0, 1, 0, 1], vec![2.0, 1.0, 1.0, 1.0])
            .unwrap_or_else(|error| panic!("{error}"));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap_or_else(|e| panic!("{e}"));
        let stop = Stop::new();
        let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &stop };
        let inverse = inverse_gramian(&run, &rows, &[1.0; 3], 1.0).unwrap_or_else(|error| panic!("{error}"));
        for (found, known) in inverse.iter().zip([3.0, -2.0, -2.0, 6.0].map(|v| v / 14.0)) {
            assert!((found - known).abs() < 1e-6, "{found} for {known}");
        }
        assert!(inverse_gramian(&run, &rows, &[1.0; 3], 0.0).is_err());
    }
}
