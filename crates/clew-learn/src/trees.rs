//! Gradient-boosted trees on histograms with logistic loss (Friedman 2001; second order as Chen & Guestrin
//! 2016; best leaf first and sibling by subtraction as Ke et al. 2017): missing values, sample weights, early
//! stopping on a part that the caller names.

use ndarray::ArrayView2;
use rand::seq::index;

use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::run::Run;

pub use fitted::FittedTrees;

mod bins;
mod boost;
mod fitted;
mod grow;
mod histogram;

/// How to boost.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostedTrees {
    /// Most trees.
    pub n_trees: usize,
    /// Share of each tree's advice that is taken.
    pub learning_rate: f64,
    /// Most leaves of a tree.
    pub max_leaves: usize,
    /// Least sum of curvatures weight × p × (1 − p) in a leaf: where buying is rare, about the number of
    /// buyers that were expected in it.
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
            min_leaf_weight: 5.0,
            l2: 5.0,
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

impl BoostedTrees {
    /// Fits to `x` (rows × features; NaN = missing), `y` in 0..=1, `weight` ≥ 0. With a validation part the
    /// trees after its least loss are dropped. Errors on infinities, nothing, one class.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
        validation: Option<Validation<'_>>,
    ) -> Result<FittedTrees> {
        self.check()?;
        check::matrix(x, Missing::Allowed, "row")?;
        check::outcomes(x.nrows(), y, weight, Loss::Logistic)?;
        if let Some(part) = validation {
            check::matrix(part.x, Missing::Allowed, "validation row")?;
            check::outcomes(part.x.nrows(), part.y, part.weight, Loss::Logistic)?;
            check::same_columns(part.x.ncols(), x.ncols())?;
        }
        boost::fit(run, self, x, y, weight, validation)
    }

    fn check(&self) -> Result<()> {
        let sound = (2..=255).contains(&self.max_bins)
            && self.max_leaves >= 2
            && self.learning_rate > 0.0
            && self.learning_rate <= 1.0
            && self.feature_fraction > 0.0
            && self.feature_fraction <= 1.0
            && self.l2 >= 0.0
            && self.min_leaf_weight >= 0.0;
        if sound {
            return Ok(());
        }
        Err(Error::input(
            "the trees' parameters are out of range",
            "use 2..=255 bins, 2 leaves or more, a learning rate and feature fraction in 0..=1, l2 and leaf weight ≥ 0",
        ))
    }

    /// The features that tree `tree` may use.
    fn features(&self, run: &Run<'_>, tree: usize, n_features: usize) -> Vec<bool> {
        let wanted = ((self.feature_fraction * n_features as f64).ceil() as usize).clamp(1, n_features);
        if wanted == n_features {
            return vec![true; n_features];
        }
        let mut usable = vec![false; n_features];
        for feature in index::sample(&mut run.rng(0x7472_6565 + tree as u64), n_features, wanted) {
            usable[feature] = true;
        }
        usable
    }
}
