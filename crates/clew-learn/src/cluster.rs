//! k-means with weights, started by k-means++ (Arthur & Vassilvitskii 2007), Lloyd's iterations.

use ndarray::{Array2, ArrayView2};

use crate::error::{Error, Result};
use crate::run::Run;

/// How to cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    /// Number of clusters wanted; fewer come out when there are fewer distinct rows.
    pub n_clusters: usize,
    /// Most rounds of assigning and averaging.
    pub max_iterations: usize,
    /// Stop when the inertia falls by less than this share.
    pub tolerance: f64,
}

impl Default for KMeans {
    fn default() -> KMeans {
        KMeans { n_clusters: 8, max_iterations: 100, tolerance: 1e-4 }
    }
}

/// Clusters found.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedKMeans {
    /// Clusters × columns.
    pub centres: Array2<f32>,
    /// The cluster of each row that was fitted.
    pub labels: Vec<u32>,
    /// Weighted sum of squared distances to the centres.
    pub inertia: f64,
}

impl KMeans {
    /// Clusters `x` (rows × columns), each row counted `weight` times.
    pub fn fit(&self, run: &Run<'_>, x: ArrayView2<'_, f32>, weight: &[f32]) -> Result<FittedKMeans> {
        let _ = (run, x, weight);
        Err(Error::input("k-means is not built yet", "wait for it"))
    }
}

impl FittedKMeans {
    /// The nearest centre of each row of `x`; ties go to the lower cluster.
    pub fn predict(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<u32>> {
        let _ = (run, x);
        Err(Error::input("k-means is not built yet", "wait for it"))
    }
}
