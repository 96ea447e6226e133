//! The boosting itself: slopes, a tree, scores, and when to stop.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::bins::{Cuts, PACK};
use super::fitted::{FittedTrees, Node};
use super::grow::{Ground, Grown, GrownNode, grow};
use super::histogram::{Rules, Sums};
use super::{BoostedTrees, Validation};
use crate::check;
use crate::error::Result;
use crate::loss::Loss;
use crate::parallel::sum_chunks;
use crate::run::Run;

const CHUNK: usize = 16_384;

pub(super) fn fit(
    run: &Run<'_>,
    params: &BoostedTrees,
    x: ArrayView2<'_, f32>,
    y: &[f32],
    weight: &[f32],
    validation: Option<Validation<'_>>,
) -> Result<FittedTrees> {
    let (n, n_features) = x.dim();
    let base = Loss::Logistic.link(check::mean_outcome(y, weight, Loss::Logistic)?);
    let cuts = Cuts::find(run, x, weight, params.max_bins)?;
    let packs = cuts.pack(run, x)?;
    let n_bins: Vec<usize> = (0..n_features).map(|feature| cuts.n_bins(feature)).collect();
    let mut judge = validation.map(|part| Judge::new(run, &cuts, part, base, params.patience)).transpose()?;
    let mut scores = vec![base; n];
    let mut slopes = vec![[0.0_f32; 2]; n];
    let mut model = FittedTrees::new(base, n_features);
    for tree in 0..params.n_trees {
        run.check()?;
        run.report("growing trees", tree as f64 / params.n_trees as f64);
        let whole = differentiate(run, &mut slopes, &scores, y, weight)?;
        let ground = Ground {
            packs: &packs,
            n_bins: &n_bins,
            usable: &params.features(run, tree, n_features),
            rules: Rules { l2: params.l2, min_leaf_weight: params.min_leaf_weight },
            max_leaves: params.max_leaves,
        };
        let grown = grow(run, &ground, &slopes, whole)?;
        let nodes = finish(&grown, &cuts, params);
        for (node, range) in &grown.leaves {
            let value = f64::from(nodes[*node].value);
            for &row in &grown.rows[range.clone()] {
                scores[row as usize] += value;
            }
        }
        model.push(&nodes);
        if let Some(judge) = &mut judge {
            judge.add(run, &grown, &nodes)?;
            if judge.is_over() {
                break;
            }
        }
        // The features left out of this tree may still help the next one, unless it had them all.
        if nodes.len() == 1 && params.feature_fraction >= 1.0 {
            break;
        }
    }
    if let Some(judge) = judge {
        model.keep(judge.best_n_trees);
    }
    run.report("growing trees", 1.0);
    Ok(model)
}

/// Slope and curvature of the loss at each row's score; their sums.
fn differentiate(
    run: &Run<'_>,
    slopes: &mut [[f32; 2]],
    scores: &[f64],
    y: &[f32],
    weight: &[f32],
) -> Result<Sums> {
    let parts: Vec<Sums> = run.pool.install(|| {
        slopes
            .par_chunks_mut(CHUNK)
            .enumerate()
            .map(|(chunk, slopes)| {
                let mut sums = Sums::default();
                for (row, slot) in (chunk * CHUNK..).zip(slopes) {
                    let (z, y, w) = (scores[row], f64::from(y[row]), f64::from(weight[row]));
                    let loss = Loss::Logistic;
                    *slot = [(w * loss.slope(z, y)) as f32, (w * loss.curvature(z, y)) as f32];
                    sums = sums.plus(Sums { slope: f64::from(slot[0]), curvature: f64::from(slot[1]) });
                }
                sums
            })
            .collect()
    });
    run.check()?;
    Ok(parts.into_iter().fold(Sums::default(), Sums::plus))
}

/// The grown tree with cuts in the features' own units.
fn finish(grown: &Grown, cuts: &Cuts, params: &BoostedTrees) -> Vec<Node> {
    grown
        .nodes
        .iter()
        .map(|node| match node {
            GrownNode::Leaf(sums) => Node::leaf((params.learning_rate * sums.value(params.l2)) as f32),
            GrownNode::Cut { split, left, right } => {
                let feature = split.feature as usize;
                // The last bin has no cut above it: everything that is not missing goes left.
                let cut = cuts.cuts[feature].get(split.bin as usize - 1).copied().unwrap_or(f32::INFINITY);
                Node::cut(split.feature, cut, split.missing_left, (*left, *right), split.gain as f32)
            }
        })
        .collect()
}

/// Follows the loss on the validation part.
struct Judge<'a> {
    part: Validation<'a>,
    packs: Vec<Vec<u32>>,
    scores: Vec<f64>,
    least: f64,
    best_n_trees: usize,
    n_trees: usize,
    patience: usize,
}

impl<'a> Judge<'a> {
    fn new(
        run: &Run<'_>,
        cuts: &Cuts,
        part: Validation<'a>,
        base: f64,
        patience: usize,
    ) -> Result<Judge<'a>> {
        let packs = cuts.pack(run, part.x)?;
        let scores = vec![base; part.y.len()];
        let mut judge = Judge { part, packs, scores, least: 0.0, best_n_trees: 0, n_trees: 0, patience };
        judge.least = judge.loss(run)?;
        Ok(judge)
    }

    fn loss(&self, run: &Run<'_>) -> Result<f64> {
        let sums = sum_chunks(run, self.scores.len(), CHUNK, 1, |from, to, sum| {
            for row in from..to {
                let z = self.scores[row];
                sum[0] +=
                    f64::from(self.part.weight[row]) * Loss::Logistic.value(z, f64::from(self.part.y[row]));
            }
        })?;
        Ok(sums[0])
    }

    fn add(&mut self, run: &Run<'_>, grown: &Grown, nodes: &[Node]) -> Result<()> {
        let packs = &self.packs;
        run.pool.install(|| {
            self.scores.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, scores)| {
                for (row, score) in (chunk * CHUNK..).zip(scores) {
                    let mut at = 0;
                    while let GrownNode::Cut { split, left, right } = &grown.nodes[at] {
                        let word = packs[split.feature as usize / PACK][row];
                        at = if split.goes_left(word) { *left } else { *right } as usize;
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

    fn is_over(&self) -> bool {
        self.n_trees - self.best_n_trees >= self.patience.max(1)
    }
}
