//! Standardisation: each column minus its weighted mean, over its weighted standard deviation.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::parallel::sum_chunks;
use crate::run::Run;

const CHUNK: usize = 8_192;

/// Means and deviations of columns; missing values (NaN) do not count and become 0, that is the mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandardScaler {
    /// Weighted mean of each column.
    pub means: Vec<f64>,
    /// Weighted standard deviation of each column; 1 for a constant column.
    pub deviations: Vec<f64>,
}

impl StandardScaler {
    /// Learns the means and deviations of `x` (rows × columns), each row counted `weight` times.
    pub fn fit(run: &Run<'_>, x: ArrayView2<'_, f32>, weight: &[f32]) -> Result<StandardScaler> {
        let width = x.ncols();
        check::matrix(x, Missing::Allowed, "row")?;
        check::weights(x.nrows(), weight)?;
        // Two passes: one for the means, one for the squares about them, which loses no digits.
        let sums = sum_chunks(run, x.nrows(), CHUNK, 2 * width, |from, to, sum| {
            for (row, &w) in (from..to).zip(&weight[from..to]) {
                let w = f64::from(w);
                for (column, &value) in x.row(row).iter().enumerate() {
                    if !value.is_nan() {
                        sum[column] += w * f64::from(value);
                        sum[width + column] += w;
                    }
                }
            }
        })?;
        let means: Vec<f64> =
            (0..width).map(|c| if sums[width + c] > 0.0 { sums[c] / sums[width + c] } else { 0.0 }).collect();
        let squares = sum_chunks(run, x.nrows(), CHUNK, width, |from, to, sum| {
            for (row, &w) in (from..to).zip(&weight[from..to]) {
                let w = f64::from(w);
                for (column, &value) in x.row(row).iter().enumerate() {
                    if !value.is_nan() {
                        sum[column] += w * (f64::from(value) - means[column]).powi(2);
                    }
                }
            }
        })?;
        let deviations = (0..width)
            .map(|c| {
                let variance = squares[c] / sums[width + c].max(f64::MIN_POSITIVE);
                // A constant column has rounding for a variance: leave it unscaled.
                if variance > 1e-14 * (means[c] * means[c]).max(1e-14) { variance.sqrt() } else { 1.0 }
            })
            .collect();
        Ok(StandardScaler { means, deviations })
    }

    /// `x` standardised; missing values become 0, and what would lie beyond f32 is held at its ends. Errors on
    /// another number of columns.
    pub fn transform(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        check::same_columns(x.ncols(), self.means.len())?;
        let mut out = x.to_owned();
        for mut row in out.rows_mut() {
            for (column, value) in row.iter_mut().enumerate() {
                *value = if value.is_nan() {
                    0.0
                } else {
                    ((f64::from(*value) - self.means[column]) / self.deviations[column])
                        .clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
                };
            }
        }
        Ok(out)
    }

    /// Adds the scaler to a model file: `<name>.means`, `<name>.deviations`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(&format!("{name}.means"), &self.means)?;
        writer.section(&format!("{name}.deviations"), &self.deviations)
    }

    /// Reads back what [`StandardScaler::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<StandardScaler> {
        let means = file.view::<f64>(&format!("{name}.means"))?.to_vec();
        let deviations = file.view::<f64>(&format!("{name}.deviations"))?.to_vec();
        let sound = means.iter().all(|mean| mean.is_finite())
            && deviations.iter().all(|deviation| deviation.is_finite() && *deviation > 0.0);
        if means.len() != deviations.len() || !sound {
            return Err(Error::format(format!("the scaler '{name}' does not fit together"), "train again"));
        }
        Ok(StandardScaler { means, deviations })
    }
}
