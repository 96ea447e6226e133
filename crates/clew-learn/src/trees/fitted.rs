//! Fitted trees: prediction, importance, and their place in a model file.

use std::borrow::Cow;

use bytemuck::{Pod, Zeroable};
use ndarray::ArrayView2;

use crate::binning::{Bins, FittedBinning};
use crate::check;
use crate::error::Result;
use crate::loss::Loss;
use crate::parallel::map_chunks;
use crate::run::Run;

/// Rows that go through one tree after the other together, so that both stay in cache.
const CHUNK: usize = 512;
/// Rows that go down a tree abreast: the processor waits for none of them, and no branch is guessed.
const ABREAST: usize = 8;
/// The feature of a leaf.
pub(super) const LEAF: u32 = u32::MAX;
/// Missing values go left.
const MISSING_LEFT: u32 = 1;
/// The cut is a group of categories.
const GROUP: u32 = 2;

/// A node; children are places within the tree, behind their parent.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Node {
    pub(super) feature: u32,
    /// Up to this, left; of a group its number.
    pub(super) cut: f32,
    pub(super) left: u32,
    pub(super) right: u32,
    pub(super) flags: u32,
    /// What a leaf adds to the decision; of a cut, how much it lowered twice the training loss.
    pub(crate) value: f32,
    /// The training weight that came through.
    pub(crate) cover: f32,
}

impl Node {
    pub(super) fn leaf(value: f32) -> Node {
        Node { feature: LEAF, cut: 0.0, left: 0, right: 0, flags: 0, value, cover: 0.0 }
    }

    pub(super) fn cut(feature: u32, cut: f32, missing_left: bool, (left, right): (u32, u32)) -> Node {
        let flags = if missing_left { MISSING_LEFT } else { 0 };
        Node { feature, cut, left, right, flags, value: 0.0, cover: 0.0 }
    }

    pub(super) fn group(feature: u32, group: u32, (left, right): (u32, u32)) -> Node {
        Node { feature, cut: f32::from_bits(group), left, right, flags: GROUP, value: 0.0, cover: 0.0 }
    }

    /// The children of a cut.
    pub(crate) fn children(&self) -> Option<(usize, usize)> {
        (self.feature != LEAF).then_some((self.left as usize, self.right as usize))
    }

    /// The feature of a cut.
    pub(crate) fn feature(&self) -> usize {
        self.feature as usize
    }

    /// Whether missing values go left, where the cut is between numbers.
    pub(super) fn missing_goes_left(&self) -> bool {
        self.flags & MISSING_LEFT != 0
    }

    /// Which group of categories goes left, if the cut is one.
    pub(super) fn group_number(&self) -> Option<u32> {
        (self.flags & GROUP != 0).then_some(self.cut.to_bits())
    }

    /// Whether a value goes left; a category comes as its bin, NaN where it is not known.
    #[inline(always)]
    pub(crate) fn goes_left(&self, value: f32, groups: &[[u64; 4]]) -> bool {
        if self.flags & GROUP == 0 {
            return (value <= self.cut) | (value.is_nan() & (self.flags != 0));
        }
        let bin = value as usize % 256;
        groups.get(self.cut.to_bits() as usize).is_some_and(|bins| bins[bin / 64] >> (bin % 64) & 1 == 1)
    }
}

/// Boosted trees, fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedTrees {
    pub(super) loss: Loss,
    pub(super) base: f64,
    /// Where each tree starts among the nodes, and the end.
    pub(super) starts: Vec<u64>,
    pub(super) nodes: Vec<Node>,
    /// Of each feature the categories, rising; none where it is a number.
    pub(super) categories: Vec<Option<Bins>>,
    /// Groups of categories, bit by bin, that go left somewhere.
    pub(super) groups: Vec<[u64; 4]>,
}

impl FittedTrees {
    pub(super) fn new(loss: Loss, base: f64, binning: &FittedBinning) -> FittedTrees {
        let of = |bins: &Bins| matches!(bins, Bins::Categories(_)).then(|| bins.clone());
        let categories = binning.features().iter().map(of).collect();
        FittedTrees { loss, base, starts: vec![0], nodes: Vec::new(), categories, groups: Vec::new() }
    }

    pub(super) fn add_group(&mut self, bins: [u64; 4]) -> u32 {
        self.groups.push(bins);
        self.groups.len() as u32 - 1
    }

    pub(super) fn push(&mut self, nodes: &[Node]) {
        self.nodes.extend_from_slice(nodes);
        self.starts.push(self.nodes.len() as u64);
    }

    pub(super) fn keep(&mut self, n_trees: usize) {
        self.starts.truncate(n_trees + 1);
        self.nodes.truncate(self.starts.last().map_or(0, |&end| end as usize));
        let n_groups = self.nodes.iter().filter(|node| node.group_number().is_some()).count();
        self.groups.truncate(n_groups);
    }

    /// Number of trees kept.
    pub fn n_trees(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of features that rows must have.
    pub fn n_features(&self) -> usize {
        self.categories.len()
    }

    /// The loss that was minimised.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The decision for each row of `x` (rows × features; NaN = missing) before the link: log-odds for the
    /// logistic loss. A category that was not learned goes with the missing ones.
    pub fn decision(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        Ok(self.scores(run, x)?.into_iter().map(|z| z as f32).collect())
    }

    /// The prediction for each row of `x`: a probability or a mean, as the loss has it.
    pub fn predict(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        Ok(self.scores(run, x)?.into_iter().map(|z| self.loss.predict(z) as f32).collect())
    }

    fn scores(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f64>> {
        let d = self.n_features();
        check::same_columns(x.ncols(), d)?;
        let x = x.as_standard_layout();
        let values = x.as_slice().unwrap_or(&[]);
        let depths = self.depths();
        let parts = map_chunks(run, x.nrows(), CHUNK, |from, to| {
            let mut scores = vec![self.base; to - from];
            let values = self.coded(&values[from * d..to * d]);
            for (tree, &depth) in self.starts.windows(2).zip(&depths) {
                let nodes = &self.nodes[tree[0] as usize..tree[1] as usize];
                for (rows, scores) in values.chunks(ABREAST * d).zip(scores.chunks_mut(ABREAST)) {
                    self.descend(nodes, depth, rows, scores);
                }
            }
            scores
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Rows with each category replaced by its bin.
    pub(crate) fn coded<'a>(&self, values: &'a [f32]) -> Cow<'a, [f32]> {
        if self.groups.is_empty() {
            return Cow::Borrowed(values);
        }
        let mut coded = values.to_vec();
        for row in coded.chunks_exact_mut(self.n_features()) {
            for (value, bins) in row.iter_mut().zip(&self.categories) {
                if let Some(bins) = bins {
                    *value = f32::from(bins.bin(*value));
                }
            }
        }
        Cow::Owned(coded)
    }

    /// Adds a tree's advice for up to [`ABREAST`] rows to their scores. A row that is at a leaf stays there
    /// while the others go on.
    fn descend(&self, nodes: &[Node], depth: usize, rows: &[f32], scores: &mut [f64]) {
        let mut at = [0_u32; ABREAST];
        for _ in 0..depth {
            for (at, row) in at.iter_mut().zip(rows.chunks_exact(self.n_features())) {
                let node = &nodes[*at as usize];
                let leaf = node.feature == LEAF;
                let value = row[if leaf { 0 } else { node.feature as usize }];
                let next = if node.goes_left(value, &self.groups) { node.left } else { node.right };
                *at = if leaf { *at } else { next };
            }
        }
        for (score, at) in scores.iter_mut().zip(at) {
            *score += f64::from(nodes[at as usize].value);
        }
    }

    /// The number of cuts on each tree's longest way down.
    fn depths(&self) -> Vec<usize> {
        self.trees().map(depth).collect()
    }

    /// The nodes of each tree.
    pub(crate) fn trees(&self) -> impl Iterator<Item = &[Node]> {
        self.starts.windows(2).map(|tree| &self.nodes[tree[0] as usize..tree[1] as usize])
    }

    /// The decision before any tree.
    pub(crate) fn base(&self) -> f64 {
        self.base
    }

    /// The groups of categories that nodes name.
    pub(crate) fn groups(&self) -> &[[u64; 4]] {
        &self.groups
    }

    /// How much each feature lowered the training loss, as shares that sum to 1 (all 0 without a cut).
    pub fn importance(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.n_features()];
        for node in self.nodes.iter().filter(|node| node.feature != LEAF) {
            gains[node.feature as usize] += f64::from(node.value);
        }
        let whole: f64 = gains.iter().sum();
        gains.iter().map(|gain| if whole > 0.0 { gain / whole } else { 0.0 }).collect()
    }
}

/// The number of cuts on a tree's longest way down.
pub(crate) fn depth(nodes: &[Node]) -> usize {
    let mut depths = vec![0_usize; nodes.len()];
    for (place, node) in nodes.iter().enumerate() {
        if let Some((left, right)) = node.children() {
            depths[left] = depths[place] + 1;
            depths[right] = depths[place] + 1;
        }
    }
    depths.into_iter().max().unwrap_or(0)
}
