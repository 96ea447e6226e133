//! Scan: a propensity model laid out for blocks of customers, feature by feature.
use clew_learn::columns::{self, BLOCK, Bent, Column};
use clew_learn::trees::TreeScan;

use crate::error::Result;
use crate::propensity_network::PropensityNetworkScan;

/// What logistic model, trees and network count in their mean.
const SHARES: [f32; 3] = [0.3, 0.3, 0.4];

/// A model of one kind, ready for blocks of raw features.
pub(crate) struct PropensityScan {
    pub(crate) n_features: usize,
    pub(crate) intercept: f64,
    /// The feature and its effect on the log-odds, in the order of the sum.
    pub(crate) effects: Vec<(usize, Bent)>,
    /// Over the features, and the logistic log-odds in the column behind them.
    pub(crate) trees: Option<TreeScan>,
    /// Over the features.
    pub(crate) network: Option<PropensityNetworkScan>,
}

impl PropensityScan {
    /// Columns that a block must have: the features, and those to work in.
    pub(crate) fn n_columns(&self) -> usize {
        self.n_features + 1 + self.network.as_ref().map_or(0, PropensityNetworkScan::n_work)
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
        // The models err in different places: their mean is better than any of them.
        let Some(network) = &self.network else {
            return Ok(std::array::from_fn(|lane| 0.5 * (odds[lane] as f32 + linear[lane])));
        };
        let (features, work) = block.split_at_mut(self.n_features);
        let third = network.decision(features, &mut work[1..]);
        let [linear_counts, trees_count, network_counts] = SHARES;
        Ok(std::array::from_fn(|lane| {
            linear_counts * linear[lane] + trees_count * odds[lane] as f32 + network_counts * third[lane]
        }))
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
