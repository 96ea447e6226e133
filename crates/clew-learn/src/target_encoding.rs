//! Target encoding: a category becomes the mean outcome of its value, shrunk towards the mean of all.
//!
//! Micci-Barreca 2001, equation 3 with the weight n / (n + m): the value's own mean counts n rows, the mean of all
//! counts m rows. A row that helped to make its own code gives its outcome away, so training rows are encoded
//! **out of fold**: from rows of other folds only, where a fold holds whole groups (all rows of a customer).

use serde::{Deserialize, Serialize};

use crate::check;
use crate::design::MISSING;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::loss::Loss;
use crate::run::Run;
use crate::split::folds;

/// Encodes a category by its mean outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetEncoder {
    /// How many rows the mean of all counts for against a value's own, at least 0. With 0 a value seen once is
    /// encoded by that one outcome. Default 20.
    pub prior_weight: f64,
    /// In how many folds the training rows are encoded, at least 2. Default 5.
    pub n_folds: u32,
}

impl Default for TargetEncoder {
    fn default() -> TargetEncoder {
        TargetEncoder { prior_weight: 20.0, n_folds: 5 }
    }
}

/// The codes that were learned, for rows that were **not** learned from.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedTargetEncoder {
    /// The shrunken mean outcome of each value.
    means: Vec<f64>,
    /// The mean of all, for what was never seen.
    mean: f64,
}

impl TargetEncoder {
    /// Learns from the value of each row (a code below `n_values`, or [`MISSING`]), its outcome, weight and
    /// group. Gives the encoder for new rows, and the encoded training rows themselves, each from the rows of
    /// other folds: use those to train on, never [`FittedTargetEncoder::transform`] of the same rows. Folds come
    /// from the run's seed and the group alone ([`folds`]).
    ///
    /// Errors on bad parameters, lengths that differ, a code out of range, outcomes or weights that are not
    /// finite, no weight at all, more than 2²⁶ values, and when one fold holds all the weight (too few groups).
    pub fn fit(
        &self,
        run: &Run<'_>,
        values: &[u32],
        n_values: u32,
        y: &[f32],
        weight: &[f32],
        groups: &[u64],
    ) -> Result<(FittedTargetEncoder, Vec<f32>)> {
        if !(self.prior_weight.is_finite() && self.prior_weight >= 0.0) {
            return Err(Error::input(
                format!("prior_weight is {}", self.prior_weight),
                "use a finite number of rows, 0 or more",
            ));
        }
        if !(2..=1_000).contains(&self.n_folds) {
            return Err(Error::input(format!("n_folds is {}", self.n_folds), "use 2 to 1,000 folds"));
        }
        if groups.len() != values.len() {
            return Err(Error::input(
                format!("{} rows, {} groups", values.len(), groups.len()),
                "give one group per row; the row's number where rows have nothing in common",
            ));
        }
        check::outcomes(values.len(), y, weight, Loss::Squared)?;
        check::mean_outcome(y, weight, Loss::Squared)?;
        check_values(values, n_values)?;
        let folds = folds(run, groups, self.n_folds)?;
        run.check()?;

        let mut all = Sums::new(n_values);
        for row in 0..values.len() {
            all.add(values[row], y[row], weight[row]);
        }
        let fitted = FittedTargetEncoder {
            mean: all.whole.mean(0.0, 0.0),
            means: all.encode(self.prior_weight, all.whole.mean(0.0, 0.0)),
        };
        // Rows of each fold; their own sums are learned afresh, not subtracted, so that no digits are lost.
        let mut encoded = vec![0_f32; values.len()];
        for fold in 0..self.n_folds {
            run.check()?;
            run.report("encoding", f64::from(fold) / f64::from(self.n_folds));
            if !folds.contains(&fold) {
                continue;
            }
            let mut others = Sums::new(n_values);
            for row in (0..values.len()).filter(|&row| folds[row] != fold) {
                others.add(values[row], y[row], weight[row]);
            }
            if others.whole.weight <= 0.0 {
                return Err(Error::input(
                    format!("fold {fold} of {} holds all the weight", self.n_folds),
                    "give more groups, or encode with another seed",
                ));
            }
            let mean = others.whole.mean(0.0, 0.0);
            let means = others.encode(self.prior_weight, mean);
            for row in (0..values.len()).filter(|&row| folds[row] == fold) {
                encoded[row] = look_up(&means, mean, values[row]);
            }
        }
        Ok((fitted, encoded))
    }
}

impl FittedTargetEncoder {
    /// The encoded value of each row; the mean of all for [`MISSING`] and for a value without weight in
    /// training or beyond what was learned.
    pub fn transform(&self, values: &[u32]) -> Vec<f32> {
        values.iter().map(|&value| look_up(&self.means, self.mean, value)).collect()
    }

    /// The mean outcome of all training rows.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Adds the encoder to a model file: `<name>.means`, `<name>.mean`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(&format!("{name}.means"), &self.means)?;
        writer.section(&format!("{name}.mean"), &[self.mean])
    }

    /// Reads back what [`FittedTargetEncoder::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedTargetEncoder> {
        let means = file.view::<f64>(&format!("{name}.means"))?.to_vec();
        match *file.view::<f64>(&format!("{name}.mean"))? {
            [mean] if mean.is_finite() && means.iter().all(|mean| mean.is_finite()) => {
                Ok(FittedTargetEncoder { means, mean })
            }
            _ => Err(Error::format(format!("the encoder '{name}' does not fit together"), "train again")),
        }
    }
}

fn look_up(means: &[f64], mean: f64, value: u32) -> f32 {
    means.get(value as usize).copied().unwrap_or(mean) as f32
}

/// Most values: their sums are kept side by side (1 GB at this number).
const MOST_VALUES: u32 = 1 << 26;

fn check_values(values: &[u32], n_values: u32) -> Result<()> {
    if n_values > MOST_VALUES {
        return Err(Error::input(format!("{n_values} values"), "use at most 2^26; hash them first"));
    }
    match values.iter().position(|&value| value != MISSING && value >= n_values) {
        Some(row) => Err(Error::input(
            format!("row {row} has the value {} of {n_values}", values[row]),
            "use codes below the number of values, or MISSING",
        )),
        None => Ok(()),
    }
}

/// A weighted sum of outcomes.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    weight: f64,
    outcome: f64,
}

impl Sum {
    fn add(&mut self, y: f32, weight: f32) {
        self.weight += f64::from(weight);
        self.outcome += f64::from(weight) * f64::from(y);
    }

    /// The mean, together with `prior_weight` rows of the mean `prior`; `prior` where there is nothing.
    fn mean(&self, prior_weight: f64, prior: f64) -> f64 {
        let weight = self.weight + prior_weight;
        if self.weight > 0.0 { (self.outcome + prior_weight * prior) / weight } else { prior }
    }
}

struct Sums {
    values: Vec<Sum>,
    whole: Sum,
}

impl Sums {
    fn new(n_values: u32) -> Sums {
        Sums { values: vec![Sum::default(); n_values as usize], whole: Sum::default() }
    }

    fn add(&mut self, value: u32, y: f32, weight: f32) {
        self.whole.add(y, weight);
        if let Some(sum) = self.values.get_mut(value as usize) {
            sum.add(y, weight);
        }
    }

    fn encode(&self, prior_weight: f64, mean: f64) -> Vec<f64> {
        self.values.iter().map(|sum| sum.mean(prior_weight, mean)).collect()
    }
}
