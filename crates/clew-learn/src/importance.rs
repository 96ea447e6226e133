//! Permutation importance: how much worse a figure becomes when a column is shuffled among the rows.
//!
//! Breiman 2001, section 10; Fisher, Rudin, Dominici 2019. Columns that say the same must be shuffled together, or
//! each one seems to matter little while the other stands in for it: give them as one group. Measure on rows that
//! the model has not seen: on its training rows, what was learned by heart looks important.

use ndarray::ArrayView2;
use rand::seq::SliceRandom;

use crate::error::{Error, Result};
use crate::run::Run;

/// Measures importances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermutationImportance {
    /// How often each group of columns is shuffled, at least 1. Default 5.
    pub n_repeats: usize,
}

impl Default for PermutationImportance {
    fn default() -> PermutationImportance {
        PermutationImportance { n_repeats: 5 }
    }
}

/// The importance of one group of columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// Mean loss of the figure: figure of the rows as they are − figure of the shuffled ones.
    pub mean: f64,
    /// Standard deviation over the repeats (dividing by their number); 0 with one repeat.
    pub deviation: f64,
    /// The loss at each repeat.
    pub losses: Vec<f64>,
}

impl PermutationImportance {
    /// For each group of columns of `x` (rows × columns), shuffles them together among the rows, calls `figure` on
    /// the changed matrix and compares with `figure(x)`. `figure` predicts and judges; more is better (give a loss
    /// its minus sign). It may use the run's pool itself; one changed copy of `x` exists at a time.
    ///
    /// Errors on no rows, 0 repeats, a column that does not exist, a figure that is not finite, and on what
    /// `figure` refuses.
    pub fn measure(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        groups: &[Vec<usize>],
        mut figure: impl FnMut(ArrayView2<'_, f32>) -> Result<f64>,
    ) -> Result<Vec<Importance>> {
        if self.n_repeats == 0 {
            return Err(Error::input("n_repeats is 0", "shuffle at least once"));
        }
        if x.nrows() == 0 {
            return Err(Error::input("there are no rows", "give at least one"));
        }
        if let Some(column) = groups.iter().flatten().find(|&&column| column >= x.ncols()) {
            return Err(Error::input(
                format!("column {column} of {}", x.ncols()),
                "name columns that the rows have",
            ));
        }
        let mut judge = |x: ArrayView2<'_, f32>| {
            let value = figure(x)?;
            if value.is_finite() {
                return Ok(value);
            }
            Err(Error::input(format!("the figure is {value}"), "judge by a figure that is finite"))
        };
        let whole = judge(x)?;
        let mut changed = x.to_owned();
        let mut order: Vec<usize> = (0..x.nrows()).collect();
        let mut found = Vec::with_capacity(groups.len());
        for (group, columns) in groups.iter().enumerate() {
            let mut losses = Vec::with_capacity(self.n_repeats);
            for repeat in 0..self.n_repeats {
                run.check()?;
                order.shuffle(&mut run.rng((group * self.n_repeats + repeat) as u64 ^ 0x7065_726d << 32));
                for &column in columns {
                    for (row, &from) in order.iter().enumerate() {
                        changed[[row, column]] = x[[from, column]];
                    }
                }
                losses.push(whole - judge(changed.view())?);
            }
            for &column in columns {
                changed.column_mut(column).assign(&x.column(column));
            }
            let n = losses.len() as f64;
            let mean = losses.iter().sum::<f64>() / n;
            let deviation = (losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / n).sqrt();
            found.push(Importance { mean, deviation, losses });
            run.report("shuffling", (group + 1) as f64 / groups.len() as f64);
        }
        Ok(found)
    }
}
