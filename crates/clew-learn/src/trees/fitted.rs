//! Fitted trees: prediction, importance, and their place in a model file.

use bytemuck::{Pod, Zeroable};
use ndarray::ArrayView2;

use crate::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::loss::Loss;
use crate::parallel::map_chunks;
use crate::run::Run;

/// Rows that go through one tree after the other together, so that both stay in cache.
const CHUNK: usize = 512;
/// Rows that go down a tree abreast: the processor waits for none of them, and no branch is guessed.
const ABREAST: usize = 8;
/// The feature of a leaf.
const LEAF: u32 = u32::MAX;

/// A node; children are places within the tree, behind their parent.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Node {
    feature: u32,
    /// Up to this, left.
    cut: f32,
    left: u32,
    right: u32,
    missing_left: u32,
    /// What a leaf adds to the log-odds; of a cut, how much it lowered twice the training loss.
    pub(super) value: f32,
}

impl Node {
    pub(super) fn leaf(value: f32) -> Node {
        Node { feature: LEAF, cut: 0.0, left: 0, right: 0, missing_left: 0, value }
    }

    pub(super) fn cut(feature: u32, cut: f32, missing_left: bool, children: (u32, u32), gain: f32) -> Node {
        let (left, right) = children;
        Node { feature, cut, left, right, missing_left: u32::from(missing_left), value: gain }
    }
}

/// Adds a tree's advice for up to [`ABREAST`] rows of `d` values to their scores. A row that is at a leaf stays
/// there while the others go on.
fn descend(nodes: &[Node], depth: usize, rows: &[f32], d: usize, scores: &mut [f64]) {
    let mut at = [0_u32; ABREAST];
    for _ in 0..depth {
        for (at, row) in at.iter_mut().zip(rows.chunks_exact(d)) {
            let node = &nodes[*at as usize];
            let leaf = node.feature == LEAF;
            let value = row[if leaf { 0 } else { node.feature as usize }];
            let left = (value <= node.cut) | (value.is_nan() & (node.missing_left != 0));
            let next = if left { node.left } else { node.right };
            *at = if leaf { *at } else { next };
        }
    }
    for (score, at) in scores.iter_mut().zip(at) {
        *score += f64::from(nodes[at as usize].value);
    }
}

/// Boosted trees, fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedTrees {
    base: f64,
    /// Where each tree starts among the nodes, and the end.
    starts: Vec<u64>,
    nodes: Vec<Node>,
    n_features: usize,
}

impl FittedTrees {
    pub(super) fn new(base: f64, n_features: usize) -> FittedTrees {
        FittedTrees { base, starts: vec![0], nodes: Vec::new(), n_features }
    }

    pub(super) fn push(&mut self, nodes: &[Node]) {
        self.nodes.extend_from_slice(nodes);
        self.starts.push(self.nodes.len() as u64);
    }

    pub(super) fn keep(&mut self, n_trees: usize) {
        self.starts.truncate(n_trees + 1);
        self.nodes.truncate(self.starts.last().map_or(0, |&end| end as usize));
    }

    /// Number of trees kept.
    pub fn n_trees(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of features that rows must have.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The log-odds of each row of `x` (rows × features; NaN = missing).
    pub fn decision(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        Ok(self.scores(run, x)?.into_iter().map(|z| z as f32).collect())
    }

    /// The probability of each row of `x`.
    pub fn predict(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        Ok(self.scores(run, x)?.into_iter().map(|z| Loss::Logistic.predict(z) as f32).collect())
    }

    fn scores(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f64>> {
        let d = self.n_features;
        check::same_columns(x.ncols(), d)?;
        let x = x.as_standard_layout();
        let values = x.as_slice().unwrap_or(&[]);
        let depths = self.depths();
        let parts = map_chunks(run, x.nrows(), CHUNK, |from, to| {
            let mut scores = vec![self.base; to - from];
            for (tree, &depth) in self.starts.windows(2).zip(&depths) {
                let nodes = &self.nodes[tree[0] as usize..tree[1] as usize];
                let rows = values[from * d..to * d].chunks(ABREAST * d);
                for (rows, scores) in rows.zip(scores.chunks_mut(ABREAST)) {
                    descend(nodes, depth, rows, d, scores);
                }
            }
            scores
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// The number of cuts on each tree's longest way down.
    fn depths(&self) -> Vec<usize> {
        let mut depths: Vec<usize> = Vec::new();
        self.starts
            .windows(2)
            .map(|tree| {
                let nodes = &self.nodes[tree[0] as usize..tree[1] as usize];
                depths.clear();
                depths.resize(nodes.len(), 0);
                for (place, node) in nodes.iter().enumerate().filter(|(_, node)| node.feature != LEAF) {
                    depths[node.left as usize] = depths[place] + 1;
                    depths[node.right as usize] = depths[place] + 1;
                }
                depths.iter().copied().max().unwrap_or(0)
            })
            .collect()
    }

    /// How much each feature lowered the training loss, as shares that sum to 1 (all 0 without a cut).
    pub fn importance(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.n_features];
        for node in self.nodes.iter().filter(|node| node.feature != LEAF) {
            gains[node.feature as usize] += f64::from(node.value);
        }
        let whole: f64 = gains.iter().sum();
        gains.iter().map(|gain| if whole > 0.0 { gain / whole } else { 0.0 }).collect()
    }

    /// Adds the trees to a model file: `<name>.nodes` (24 bytes each: feature u32, cut f32, left u32, right
    /// u32, missing goes left u32, value f32), `<name>.starts`, `<name>.n_features`, `<name>.base`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(&format!("{name}.nodes"), bytemuck::cast_slice::<Node, u32>(&self.nodes))?;
        writer.section(&format!("{name}.starts"), &self.starts)?;
        writer.section(&format!("{name}.n_features"), &[self.n_features as u64])?;
        writer.section(&format!("{name}.base"), &[self.base])
    }

    /// Reads back what [`FittedTrees::write`] wrote. Errors where a node leads outside its tree or back.
    pub fn read(file: &File, name: &str) -> Result<FittedTrees> {
        let wrong = || Error::format(format!("the trees '{name}' do not fit together"), "train again");
        let nodes = bytemuck::try_cast_slice::<u32, Node>(file.view(&format!("{name}.nodes"))?);
        let nodes = nodes.map_err(|_| wrong())?.to_vec();
        let starts = file.view::<u64>(&format!("{name}.starts"))?.to_vec();
        let (&[n_features], &[base]) =
            (file.view::<u64>(&format!("{name}.n_features"))?, file.view::<f64>(&format!("{name}.base"))?)
        else {
            return Err(wrong());
        };
        if n_features == 0 || starts.first() != Some(&0) || starts.last() != Some(&(nodes.len() as u64)) {
            return Err(wrong());
        }
        for tree in starts.windows(2) {
            let tree = nodes.get(tree[0] as usize..tree[1] as usize).filter(|tree| !tree.is_empty());
            let tree = tree.ok_or_else(wrong)?;
            for (place, node) in tree.iter().enumerate() {
                let inside = |child: u32| child as usize > place && (child as usize) < tree.len();
                let sound = node.feature == LEAF
                    || (u64::from(node.feature) < n_features && inside(node.left) && inside(node.right));
                if !sound {
                    return Err(wrong());
                }
            }
        }
        Ok(FittedTrees { base, starts, nodes, n_features: n_features as usize })
    }
}
