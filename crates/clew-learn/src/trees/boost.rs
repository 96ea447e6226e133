//! The boosting itself: slopes, a tree, scores, and when to stop.

use ndarray::ArrayView2;

use super::fitted::{FittedTrees, Node};
use super::grow::{Ground, Grown, GrownNode, Room, grow};
use super::judge::Judge;
use super::slopes::Slopes;
use super::split::Rules;
use super::{BoostedTrees, Validation};
use crate::binning::{Binning, Bins, FittedBinning, Packed};
use crate::check;
use crate::error::Result;
use crate::loss::Loss;
use crate::run::Run;

pub(super) fn fit(
    run: &Run<'_>,
    params: &BoostedTrees,
    x: ArrayView2<'_, f32>,
    y: &[f32],
    weight: &[f32],
    validation: Option<Validation<'_>>,
) -> Result<FittedTrees> {
    let base = params.loss.link(check::mean_outcome(y, weight, params.loss)?);
    let binning = Binning { max_bins: params.max_bins, categories: params.categories.clone() };
    run.report("binning features", 0.0);
    let binning = binning.fit_checked(run, x, weight)?;
    let bins = Packed::new(run, &binning, x)?;
    let judge = validation
        .map(|part| Judge::new(run, params, Packed::new(run, &binning, part.x)?, part, base))
        .transpose()?;
    // Within the pool once, not anew for each of the thousands of small parallel parts.
    run.pool.install(|| boost(run, params, (&binning, bins), (y, weight), base, judge))
}

fn boost(
    run: &Run<'_>,
    params: &BoostedTrees,
    (binning, bins): (&FittedBinning, Packed),
    (y, weight): (&[f32], &[f32]),
    base: f64,
    mut judge: Option<Judge<'_>>,
) -> Result<FittedTrees> {
    let n_features = binning.features().len();
    let ground = Ground {
        columns: bins.columns(run, n_features),
        bins,
        n_bins: binning.features().iter().map(Bins::n_bins).collect(),
        is_category: binning.features().iter().map(|bins| matches!(bins, Bins::Categories(_))).collect(),
        directions: params.directions(n_features),
        rules: Rules {
            l2: params.l2,
            min_leaf_weight: params.min_leaf_weight,
            category_smoothing: params.category_smoothing,
        },
        max_leaves: params.max_leaves,
    };
    let mut model = FittedTrees::new(params.loss, base, binning);
    let mut slopes = Slopes::new(params.loss, y.len(), base);
    let mut room = Room::default();
    slopes.advance(run, &[0.0], y, weight)?;
    for tree in 0..params.n_trees {
        run.check()?;
        run.report("growing trees", tree as f64 / params.n_trees as f64);
        slopes.round();
        let grown = grow(run, &ground, &params.features(run, tree, n_features), &slopes, &mut room)?;
        let mut nodes = finish(&grown, binning, params, &mut model);
        let values: Vec<f64> = grown.leaves.iter().map(|&leaf| f64::from(nodes[leaf].value)).collect();
        let covers = slopes.advance(run, &values, y, weight)?;
        cover(&mut nodes, &grown.leaves, &covers);
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
        model.keep(judge.best_n_trees());
    }
    // Wild outcomes or weights: what reading back would refuse is not handed out either.
    check::finite("the leaves", model.nodes.iter().flat_map(|node| [&node.value, &node.cover]))?;
    check::finite("the outcomes", [model.base as f32].iter())?;
    run.report("growing trees", 1.0);
    Ok(model)
}

/// The grown tree with cuts in the features' own units.
fn finish(
    grown: &Grown,
    binning: &FittedBinning,
    params: &BoostedTrees,
    model: &mut FittedTrees,
) -> Vec<Node> {
    let node = |node: &GrownNode| match node {
        GrownNode::Leaf(value) => Node::leaf((params.learning_rate * settled(params.loss, *value)) as f32),
        GrownNode::Cut { split, left, right } => {
            let children = (*left, *right);
            let node = match binning.features().get(split.feature as usize) {
                // The last bin has no cut above it: everything that is not missing goes left.
                Some(Bins::Numbers(cuts)) => {
                    let cut = cuts.get(usize::from(split.bin) - 1).copied().unwrap_or(f32::INFINITY);
                    Node::cut(split.feature, cut, split.goes_left(0), children)
                }
                _ => Node::group(split.feature, model.add_group(split.left_bins), children),
            };
            Node { value: split.gain as f32, ..node }
        }
    };
    grown.nodes.iter().map(node).collect()
}

/// What a leaf adds. Where the curvature falls along the way, Newton's step overshoots; there the step that a
/// leaf alone would need (without penalty) is known: a ratio of means, of which the link takes the logarithm.
fn settled(loss: Loss, step: f64) -> f64 {
    match loss {
        Loss::Poisson if step > 0.0 => step.ln_1p(),
        Loss::Gamma if step < 0.0 => -(-step).ln_1p(),
        _ => step,
    }
}

/// Notes the training weight that came through each node.
fn cover(nodes: &mut [Node], leaves: &[usize], covers: &[f64]) {
    let mut sums = vec![0.0; nodes.len()];
    for (&leaf, &cover) in leaves.iter().zip(covers) {
        sums[leaf] = cover;
    }
    for place in (0..nodes.len()).rev() {
        if let Some((left, right)) = nodes[place].children() {
            sums[place] = sums[left] + sums[right];
        }
        nodes[place].cover = sums[place] as f32;
    }
}
