//! Follows the loss on the validation part.

use rayon::prelude::*;

use super::fitted::Node;
use super::grow::{Grown, GrownNode};
use super::{BoostedTrees, Validation};
use crate::binning::Packed;
use crate::error::Result;
use crate::loss::Loss;
use crate::parallel::sum_chunks;
use crate::run::Run;

const CHUNK: usize = 8_192;

/// The validation part, and how the trees have done on it so far.
pub(super) struct Judge<'a> {
    loss: Loss,
    part: Validation<'a>,
    bins: Packed,
    scores: Vec<f64>,
    least: f64,
    best_n_trees: usize,
    n_trees: usize,
    patience: usize,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        run: &Run<'_>,
        params: &BoostedTrees,
        bins: Packed,
        part: Validation<'a>,
        base: f64,
    ) -> Result<Judge<'a>> {
        let scores = vec![base; part.y.len()];
        let (loss, patience) = (params.loss, params.patience);
        let mut judge = Judge { loss, part, bins, scores, least: 0.0, best_n_trees: 0, n_trees: 0, patience };
        judge.least = judge.loss(run)?;
        Ok(judge)
    }

    fn loss(&self, run: &Run<'_>) -> Result<f64> {
        let sums = sum_chunks(run, self.scores.len(), CHUNK, 1, |from, to, sum| {
            for row in from..to {
                let loss = self.loss.value(self.scores[row], f64::from(self.part.y[row]));
                sum[0] += f64::from(self.part.weight[row]) * loss;
            }
        })?;
        Ok(sums[0])
    }

    pub(super) fn add(&mut self, run: &Run<'_>, grown: &Grown, nodes: &[Node]) -> Result<()> {
        let bins = &self.bins;
        run.pool.install(|| {
            self.scores.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, scores)| {
                for (row, score) in (chunk * CHUNK..).zip(scores) {
                    let mut at = 0;
                    while let GrownNode::Cut { split, left, right } = &grown.nodes[at] {
                        let bin = bins.row(row)[split.feature as usize];
                        at = if split.goes_left(bin) { *left } else { *right } as usize;
                    }
                    *score += f64::from(nodes[at].value);
                }
            });
        });
        self.n_trees += 1;
        let loss = self.loss(run)?;
        if loss < self.least {
            (self.least, self.best_n_trees) = (loss, self.n_trees);
        }
        Ok(())
    }

    pub(super) fn best_n_trees(&self) -> usize {
        self.best_n_trees
    }

    pub(super) fn is_over(&self) -> bool {
        self.n_trees - self.best_n_trees >= self.patience.max(1)
    }
}
