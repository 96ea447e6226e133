//! The fitted additive model: tables, and what is read off them.

use ndarray::{Array2, ArrayView2};

use crate::binning::{Bins, FittedBinning};
use crate::check::{self, Missing};
use crate::contributions::Contributions;
use crate::error::Result;
use crate::loss::Loss;
use crate::parallel::map_chunks;
use crate::run::Run;

const CHUNK: usize = 4_096;

/// An additive model, fitted: a base and a table for each feature, whose mean over the training rows is 0.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedAdditive {
    pub(super) loss: Loss,
    pub(super) base: f64,
    pub(super) binning: FittedBinning,
    /// What each bin of each feature adds to the decision.
    pub(super) tables: Vec<Vec<f32>>,
    /// The share of the training weight in each bin.
    pub(super) shares: Vec<Vec<f32>>,
}

/// Which values a step of a table is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// What is missing; of categories also those that were not learned.
    Missing,
    /// Numbers above the first and up to the second.
    Between(f32, f32),
    /// One category.
    Category(f32),
}

/// A step of a feature's table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Where the step applies.
    pub place: Place,
    /// What it adds to the decision (log-odds for the logistic loss).
    pub value: f32,
    /// The share of the training weight there.
    pub share: f32,
}

impl FittedAdditive {
    /// Moves the mean of each table into the base: it is then the decision of an average row.
    pub(super) fn new(
        loss: Loss,
        mut base: f64,
        binning: FittedBinning,
        tables: &[Vec<f64>],
        shares: Vec<Vec<f64>>,
    ) -> FittedAdditive {
        let center = |(table, shares): (&Vec<f64>, &Vec<f64>)| -> Vec<f32> {
            let mean: f64 = table.iter().zip(shares).map(|(step, share)| step * share).sum();
            base += mean;
            table.iter().map(|step| (step - mean) as f32).collect()
        };
        let tables = tables.iter().zip(&shares).map(center).collect();
        let shares = shares.into_iter().map(|shares| shares.into_iter().map(|one| one as f32).collect());
        FittedAdditive { loss, base, binning, tables, shares: shares.collect() }
    }

    /// The decision of an average row, before the link.
    pub fn base(&self) -> f64 {
        self.base
    }

    /// Number of features that rows must have.
    pub fn n_features(&self) -> usize {
        self.tables.len()
    }

    /// The table of one feature, what is missing first, then by rising value; empty beyond the features. To
    /// the base one step of every table is added: that is the whole model.
    pub fn table(&self, feature: usize) -> Vec<Step> {
        let (Some(bins), Some(table), Some(shares)) =
            (self.binning.features().get(feature), self.tables.get(feature), self.shares.get(feature))
        else {
            return Vec::new();
        };
        let place = |bin: usize| match (bin, bins) {
            (0, _) => Place::Missing,
            (_, Bins::Numbers(cuts)) => {
                let cut = |at: Option<usize>| at.and_then(|at| cuts.get(at)).copied();
                Place::Between(
                    cut(bin.checked_sub(2)).unwrap_or(f32::NEG_INFINITY),
                    cut(bin.checked_sub(1)).unwrap_or(f32::INFINITY),
                )
            }
            (_, Bins::Categories(values)) => {
                values.get(bin - 1).map_or(Place::Missing, |&one| Place::Category(one))
            }
        };
        let steps = table.iter().zip(shares).enumerate();
        steps.map(|(bin, (&value, &share))| Step { place: place(bin), value, share }).collect()
    }

    /// How much each feature moves the decision: the mean size of its contribution over the training rows.
    pub fn importance(&self) -> Vec<f64> {
        let mean = |(table, shares): (&Vec<f32>, &Vec<f32>)| {
            table.iter().zip(shares).map(|(step, share)| f64::from(step.abs()) * f64::from(*share)).sum()
        };
        self.tables.iter().zip(&self.shares).map(mean).collect()
    }

    /// The decision for each row of `x` (rows × features; NaN = missing), before the link.
    pub fn decision(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        Ok(self.scores(run, x)?.into_iter().map(|z| z as f32).collect())
    }

    /// The prediction for each row of `x`: a probability or a mean, as the loss has it.
    pub fn predict(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        Ok(self.scores(run, x)?.into_iter().map(|z| self.loss.predict(z) as f32).collect())
    }

    fn scores(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f64>> {
        check::same_columns(x.ncols(), self.n_features())?;
        let parts = map_chunks(run, x.nrows(), CHUNK, |from, to| -> Vec<f64> {
            (from..to)
                .map(|row| (0..x.ncols()).fold(self.base, |z, at| z + self.at(at, x[[row, at]])))
                .collect()
        })?;
        Ok(parts.concat())
    }

    /// What each feature adds to each row's decision: the table's value, which says how far the row is from
    /// the average one. Exact, and with it the Shapley value. Errors on another number of columns and on
    /// infinities; NaN is missing.
    pub fn contributions(&self, x: ArrayView2<'_, f32>) -> Result<Contributions> {
        check::same_columns(x.ncols(), self.n_features())?;
        check::matrix(x, Missing::Allowed, "row")?;
        let values = Array2::from_shape_fn(x.dim(), |(row, at)| self.at(at, x[[row, at]]));
        Ok(Contributions { base: self.base, values })
    }

    fn at(&self, feature: usize, value: f32) -> f64 {
        f64::from(self.tables[feature][usize::from(self.binning.features()[feature].bin(value))])
    }
}
