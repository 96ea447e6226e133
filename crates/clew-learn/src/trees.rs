//! Gradient-boosted trees on histograms (Friedman 2001; second order as Chen & Guestrin 2016; best leaf first
//! and sibling by subtraction as Ke et al. 2017; sums of whole numbers as Shi et al. 2022): every loss of
//! [`Loss`], missing values, categories, monotone features, sample weights, early stopping on a part that the
//! caller names (of later dates, where there are dates).

use ndarray::ArrayView2;
use rand::seq::index;

use crate::binning::Binning;
use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::run::Run;

pub use fitted::FittedTrees;
pub(crate) use fitted::{Node, depth};
pub use scan::TreeScan;

mod boost;
mod file;
mod fitted;
mod grow;
mod histogram;
mod judge;
mod scan;
mod slopes;
mod split;

/// How to boost.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostedTrees {
    /// What is minimised.
    pub loss: Loss,
    /// Most trees.
    pub n_trees: usize,
    /// Share of each tree's advice that is taken.
    pub learning_rate: f64,
    /// Most leaves of a tree, 2..=65,535.
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
    /// Columns whose values are names, not amounts (see [`Binning`]): a cut parts
    /// one group of them from the rest.
    pub categories: Vec<usize>,
    /// Curvature that every category is given when they are put in order, and L2 penalty that a cut of
    /// categories must overcome besides: rare categories do not lead.
    pub category_smoothing: f64,
    /// (column, is rising): the prediction must not fall, or not rise, as the column's known values grow.
    pub monotone: Vec<(usize, bool)>,
}

impl Default for BoostedTrees {
    fn default() -> BoostedTrees {
        BoostedTrees {
            loss: Loss::Logistic,
            n_trees: 200,
            learning_rate: 0.05,
            max_leaves: 31,
            min_leaf_weight: 5.0,
            l2: 5.0,
            max_bins: 255,
            feature_fraction: 0.8,
            patience: 20,
            categories: Vec::new(),
            category_smoothing: 10.0,
            monotone: Vec::new(),
        }
    }
}

/// Rows that decide when to stop, never what to learn.
#[derive(Debug, Clone, Copy)]
pub struct Validation<'a> {
    /// Rows × features.
    pub x: ArrayView2<'a, f32>,
    /// Outcomes, of the loss.
    pub y: &'a [f32],
    /// How often each row counts.
    pub weight: &'a [f32],
}

impl BoostedTrees {
    /// Fits to `x` (rows × features; NaN = missing), outcomes `y` of the loss, `weight` ≥ 0. With a validation
    /// part the trees after its least loss are dropped. Errors on infinities, nothing, one class.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
        validation: Option<Validation<'_>>,
    ) -> Result<FittedTrees> {
        self.check(x.ncols())?;
        check::matrix(x, Missing::Allowed, "row")?;
        check::outcomes(x.nrows(), y, weight, self.loss)?;
        if let Some(part) = validation {
            check::matrix(part.x, Missing::Allowed, "validation row")?;
            check::outcomes(part.x.nrows(), part.y, part.weight, self.loss)?;
            check::same_columns(part.x.ncols(), x.ncols())?;
        }
        boost::fit(run, self, x, y, weight, validation)
    }

    fn check(&self, n_features: usize) -> Result<()> {
        Binning { max_bins: self.max_bins, categories: self.categories.clone() }.check(n_features)?;
        check::penalty("l2", self.l2)?;
        check::penalty("min_leaf_weight", self.min_leaf_weight)?;
        check::penalty("category_smoothing", self.category_smoothing)?;
        let wrong = |column: &&(usize, bool)| column.0 >= n_features || self.categories.contains(&column.0);
        if let Some((column, _)) = self.monotone.iter().find(wrong) {
            return Err(Error::input(
                format!("column {column} is to be monotone, but is not a number among {n_features} columns"),
                "name columns of amounts, counted from 0",
            ));
        }
        let sound = (2..=usize::from(u16::MAX)).contains(&self.max_leaves)
            && self.learning_rate > 0.0
            && self.learning_rate <= 1.0
            && self.feature_fraction > 0.0
            && self.feature_fraction <= 1.0;
        if sound {
            return Ok(());
        }
        Err(Error::input(
            "the trees' parameters are out of range",
            "use 2 to 65,535 leaves, and a learning rate and feature fraction above 0, at most 1",
        ))
    }

    /// For each feature 1 where it must rise, −1 where it must fall, else 0.
    fn directions(&self, n_features: usize) -> Vec<i8> {
        let direction = |column| self.monotone.iter().find(|one| one.0 == column).map(|one| one.1);
        (0..n_features)
            .map(|column| direction(column).map_or(0, |rises| if rises { 1 } else { -1 }))
            .collect()
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
