//! Gradient-boosted trees on histograms, logistic loss: missing values, sample weights, early stopping.

use ndarray::ArrayView2;

use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::run::Run;

/// How to boost.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostedTrees {
    /// Most trees.
    pub n_trees: usize,
    /// Share of each tree's advice that is taken.
    pub learning_rate: f64,
    /// Most leaves of a tree.
    pub max_leaves: usize,
    /// Least sum of row weights in a leaf.
    pub min_leaf_weight: f64,
    /// L2 penalty on leaf values.
    pub l2: f64,
    /// Most histogram bins a feature, 2..=255; missing values have one of their own besides.
    pub max_bins: usize,
    /// Share of the features that each tree may use, drawn by seed.
    pub feature_fraction: f64,
    /// With a validation part: stop when its loss has not improved for so many trees.
    pub patience: usize,
}

impl Default for BoostedTrees {
    fn default() -> BoostedTrees {
        BoostedTrees {
            n_trees: 200,
            learning_rate: 0.05,
            max_leaves: 31,
            min_leaf_weight: 100.0,
            l2: 10.0,
            max_bins: 255,
            feature_fraction: 0.8,
            patience: 20,
        }
    }
}

/// Rows that decide when to stop, never what to learn.
#[derive(Debug, Clone, Copy)]
pub struct Validation<'a> {
    /// Rows × features.
    pub x: ArrayView2<'a, f32>,
    /// Outcomes, 0..=1.
    pub y: &'a [f32],
    /// How often each row counts.
    pub weight: &'a [f32],
}

/// Trees, fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedTrees {
    n_features: usize,
}

impl BoostedTrees {
    /// Fits to `x` (rows × features; NaN = missing), `y` in 0..=1, `weight` ≥ 0. With a validation part the
    /// trees after its best loss are dropped. Errors on infinities, nothing, one class.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
        validation: Option<Validation<'_>>,
    ) -> Result<FittedTrees> {
        let _ = (run, x, y, weight, validation);
        Err(Error::input("boosted trees are not built yet", "use the logistic regression"))
    }
}

impl FittedTrees {
    /// Number of trees kept.
    pub fn n_trees(&self) -> usize {
        0
    }

    /// The log-odds of each row of `x`.
    pub fn decision(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        let _ = (run, x, self.n_features);
        Err(Error::input("boosted trees are not built yet", "use the logistic regression"))
    }

    /// The probability of each row of `x`.
    pub fn predict(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        self.decision(run, x)
    }

    /// How much each feature lowered the training loss, as shares that sum to 1.
    pub fn importance(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Adds the trees to a model file, under names that start with `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(&format!("{name}.trees"), &[self.n_features as u64])
    }

    /// Reads back what [`FittedTrees::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedTrees> {
        let shape = file.view::<u64>(&format!("{name}.trees"))?;
        Ok(FittedTrees { n_features: shape.len() })
    }
}
