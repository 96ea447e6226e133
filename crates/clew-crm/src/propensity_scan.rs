//! Scan: a propensity model laid out for blocks of customers, feature by feature.
use clew_learn::columns::{self, BLOCK, Bent, Column};
use clew_learn::trees::TreeScan;

use crate::error::Result;

/// A model of one kind, ready for blocks of raw features.
pub(crate) struct PropensityScan {
    pub(crate) n_features: usize,
    pub(crate) intercept: f64,
    /// The feature and its effect on the log-odds, in the order of the sum.
    pub(crate) effects: Vec<(usize, Bent)>,
    /// Over the features, and the logistic log-odds in the column behind them.
    pub(crate) trees: Option<TreeScan>,
}

impl PropensityScan {
    /// Columns that a block must have: the features, and one to work in.
    pub(crate) fn n_columns(&self) -> usize {
        self.n_features + 1
    }

    /// Log-odds of the linear part alone.
    pub(crate) fn linear(&self, block: &[Column]) -> Column {
        let mut sums = [0.0_f64; BLOCK];
        for (feature, effect) in &self.effects {
            effect.add(&block[*feature], &mut sums);
        }
        sums.map(|sum| (self.intercept + sum) as f32)
    }

    /// Log-odds before calibration, of a block of [`PropensityScan::n_columns`].
    pub(crate) fn decision(&self, block: &mut [Column]) -> Result<Column> {
        let linear = self.linear(block);
        let Some(trees) = &self.trees else { return Ok(linear) };
        block[self.n_features] = linear;
        let odds = trees.decision(block)?;
        // Half the logistic model's log-odds, which err elsewhere than those of the trees.
        Ok(std::array::from_fn(|lane| 0.5 * (odds[lane] as f32 + linear[lane])))
    }

    /// What `answer` says of each block of rows, `n_features` numbers each.
    pub(crate) fn each_row(
        &self,
        rows: &[f32],
        mut answer: impl FnMut(&mut [Column]) -> Result<Column>,
    ) -> Result<Vec<f32>> {
        let width = self.n_features.max(1);
        let mut block = vec![[0.0; BLOCK]; self.n_columns()];
        let mut all = Vec::with_capacity(rows.len() / width);
        for part in rows.chunks(BLOCK * width) {
            columns::gather(part.chunks_exact(width), &mut block);
            all.extend_from_slice(&answer(&mut block)?[..part.len() / width]);
        }
        Ok(all)
    }
}
