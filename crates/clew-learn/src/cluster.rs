//! k-means with weights, Euclidean or by angle: started by k-means++ (Arthur & Vassilvitskii 2007), improved by
//! Lloyd's rounds (Lloyd 1982) with most distances ruled out by bounds; small random batches for data too large
//! for rounds; the number of clusters by how stable they are.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::run::Run;

pub use mini_batch::MiniBatchKMeans;
pub use stability::{ClusterNumber, FittedClusterNumber, Stability, adjusted_rand};

mod bounds;
mod file;
mod lloyd;
mod mini_batch;
mod rows;
mod stability;
mod start;
mod sums;
mod tile;

/// What "near" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Distance {
    /// The straight line; a cluster's centre is the mean of its rows.
    #[default]
    Euclidean,
    /// The angle (spherical k-means, Dhillon & Modha 2001): rows count by their direction alone, centres have
    /// length 1. Rows of length 0 have no direction and are refused.
    Cosine,
}

/// How to cluster by Lloyd's rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    /// Number of clusters wanted; fewer come out when there are fewer distinct rows.
    pub n_clusters: usize,
    /// Most rounds of assigning and averaging.
    pub max_iterations: usize,
    /// Stop when the squares of the centres' moves in a round add up to at most this share of the columns'
    /// mean variance; 0 goes on until nothing moves.
    pub tolerance: f64,
    /// What "near" means.
    pub distance: Distance,
}

impl Default for KMeans {
    fn default() -> KMeans {
        KMeans { n_clusters: 8, max_iterations: 300, tolerance: 1e-4, distance: Distance::Euclidean }
    }
}

/// Clusters found.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedKMeans {
    /// Clusters × columns; of length 1 each under [`Distance::Cosine`].
    pub centres: Array2<f32>,
    /// The cluster of each row that was fitted.
    pub labels: Vec<u32>,
    /// Weighted sum of squared distances to the centres; under [`Distance::Cosine`] of 1 − cosine.
    pub inertia: f64,
    /// What "near" means.
    pub distance: Distance,
    /// Rounds (or batches) made.
    pub n_iterations: usize,
    /// How many clusters were asked for. There are fewer `centres` when there were fewer distinct rows.
    pub n_wanted: usize,
}

impl KMeans {
    /// Clusters `x` (rows × columns, finite), each row counted `weight` times (≥ 0). Errors on values that are
    /// not finite, on nothing, on weights that are all 0, and under [`Distance::Cosine`] on a row of length 0.
    pub fn fit(&self, run: &Run<'_>, x: ArrayView2<'_, f32>, weight: &[f32]) -> Result<FittedKMeans> {
        self.check(x, weight)?;
        let x = rows::Rows::new(run, x, weight, self.distance)?;
        let centres = start::start(run, &x, self.n_clusters)?;
        lloyd::fit(run, self, &x, centres)
    }

    /// As [`KMeans::fit`], from the given `centres` (n_clusters × columns) instead of drawn ones: the result
    /// then does not depend on the seed or, but for rounding, on the order of the rows.
    pub fn fit_from(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        weight: &[f32],
        centres: ArrayView2<'_, f32>,
    ) -> Result<FittedKMeans> {
        self.check(x, weight)?;
        check::matrix(centres, Missing::Refused, "centre")?;
        check::same_columns(centres.ncols(), x.ncols())?;
        if centres.nrows() != self.n_clusters {
            return Err(Error::input(
                format!("{} starting centres for {} clusters", centres.nrows(), self.n_clusters),
                "give as many as clusters are wanted",
            ));
        }
        let x = rows::Rows::new(run, x, weight, self.distance)?;
        let mut centres: Vec<f32> = centres.iter().copied().collect();
        if self.distance == Distance::Cosine {
            rows::normalise(&mut centres, x.d).map_err(|centre| no_direction("centre", centre))?;
        }
        lloyd::fit(run, self, &x, centres)
    }

    fn check(&self, x: ArrayView2<'_, f32>, weight: &[f32]) -> Result<()> {
        check_n_clusters(self.n_clusters)?;
        if self.max_iterations == 0 || !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return Err(Error::input(
                format!("{} rounds at most, a tolerance of {}", self.max_iterations, self.tolerance),
                "use at least one round and a finite tolerance of 0 or more",
            ));
        }
        check_rows(x, weight)
    }
}

impl FittedKMeans {
    /// The nearest centre of each row of `x` (any rows × the columns clustered, finite); ties go to the lower
    /// cluster.
    pub fn predict(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<u32>> {
        check::same_columns(x.ncols(), self.centres.ncols())?;
        if x.nrows() == 0 {
            return Ok(Vec::new());
        }
        check::matrix(x, Missing::Refused, "row")?;
        let weight = vec![1.0; x.nrows()];
        let x = rows::Rows::new(run, x, &weight, self.distance)?;
        lloyd::nearest(run, &x, self.centres.iter().copied().collect())
    }
}

fn check_n_clusters(n_clusters: usize) -> Result<()> {
    if (1..=1 << 24).contains(&n_clusters) {
        return Ok(());
    }
    Err(Error::input(format!("{n_clusters} clusters"), "ask for 1 to 2^24"))
}

fn check_rows(x: ArrayView2<'_, f32>, weight: &[f32]) -> Result<()> {
    check::matrix(x, Missing::Refused, "row")?;
    check::weights(x.nrows(), weight)?;
    if weight.iter().all(|&weight| weight == 0.0) {
        return Err(Error::input("all weights are 0", "give at least one row a weight"));
    }
    Ok(())
}

fn no_direction(word: &str, row: usize) -> Error {
    Error::input(format!("{word} {row} has length 0 and so no direction"), "drop it, or cluster by distance")
}
