//! k-means by small random batches (Sculley 2010, "Web-Scale K-Means Clustering"): each centre is the mean of
//! the rows of all batches so far that were nearest to it when they came.

use ndarray::ArrayView2;
use rand::Rng;

use super::rows::{self, Rows};
use super::{Distance, FittedKMeans, check_n_clusters, check_rows, lloyd, start, tile};
use crate::error::{Error, Result};
use crate::run::Run;

/// How to cluster by batches: a pass over a few hundred thousand rows instead of many over all.
#[derive(Debug, Clone, PartialEq)]
pub struct MiniBatchKMeans {
    /// Number of clusters wanted; fewer come out when there are fewer distinct rows.
    pub n_clusters: usize,
    /// Rows of a batch, drawn with replacement.
    pub batch_rows: usize,
    /// Number of batches.
    pub n_batches: usize,
    /// In the first half of the batches a centre that has gathered less than this share of the mean weight
    /// starts anew from a badly served row, every tenth batch; 0 never does.
    pub starved_share: f64,
    /// What "near" means.
    pub distance: Distance,
}

impl Default for MiniBatchKMeans {
    fn default() -> MiniBatchKMeans {
        MiniBatchKMeans {
            n_clusters: 8,
            batch_rows: 4_096,
            n_batches: 100,
            starved_share: 0.01,
            distance: Distance::Euclidean,
        }
    }
}

impl MiniBatchKMeans {
    /// Clusters `x` (rows × columns, finite), each row counted `weight` times (≥ 0); labels and inertia come
    /// from one pass over all rows at the end. Errors as [`super::KMeans::fit`].
    pub fn fit(&self, run: &Run<'_>, x: ArrayView2<'_, f32>, weight: &[f32]) -> Result<FittedKMeans> {
        check_n_clusters(self.n_clusters)?;
        let rows = 1..=1 << 24;
        if !rows.contains(&self.batch_rows)
            || self.n_batches == 0
            || !(0.0..=1.0).contains(&self.starved_share)
        {
            return Err(Error::input(
                format!("{} batches of {} rows", self.n_batches, self.batch_rows),
                "use at least one of each, at most 2^24 rows, and a starved_share in 0..=1",
            ));
        }
        check_rows(x, weight)?;
        let x = Rows::new(run, x, weight, self.distance)?;
        let centres = start::start(run, &x, self.n_clusters)?;
        let mut means = Means { counts: vec![0.0; centres.len() / x.d], centres };
        let mut rng = run.rng(0x6261_7463);
        for batch in 0..self.n_batches {
            run.check()?;
            run.report("clustering", batch as f64 / self.n_batches as f64);
            let drawn: Vec<usize> = (0..self.batch_rows).map(|_| rng.random_range(0..x.n())).collect();
            let (values, weight) = x.select(&drawn);
            // Rows under the cosine have their length already.
            let drawn = Rows { values: values.into(), weight: &weight, d: x.d, distance: self.distance };
            let labels = lloyd::nearest(run, &drawn, means.centres.clone())?;
            means.follow(&drawn, &labels);
            if batch % 10 == 9 && 2 * batch < self.n_batches {
                means.feed(&drawn, &labels, self.starved_share, &mut rng);
            }
        }
        let labels = lloyd::nearest(run, &x, means.centres.clone())?;
        run.report("clustering", 1.0);
        lloyd::finish(run, &x, labels, means.centres, self.n_clusters, self.n_batches)
    }
}

/// Centres and the weight of the rows that each is the mean of.
struct Means {
    centres: Vec<f32>,
    counts: Vec<f64>,
}

impl Means {
    /// Moves each centre to the mean of its earlier rows and those of the batch.
    fn follow(&mut self, batch: &Rows<'_>, labels: &[u32]) {
        let d = batch.d;
        let mut sums = vec![0.0_f64; self.centres.len()];
        let mut weights = vec![0.0_f64; self.counts.len()];
        for (row, &label) in labels.iter().enumerate() {
            let (cluster, weight) = (label as usize, f64::from(batch.weight[row]));
            for (sum, &value) in sums[cluster * d..].iter_mut().zip(batch.row(row)) {
                *sum += weight * f64::from(value);
            }
            weights[cluster] += weight;
        }
        for (cluster, centre) in self.centres.chunks_exact_mut(d).enumerate() {
            let (before, total) = (self.counts[cluster], self.counts[cluster] + weights[cluster]);
            if weights[cluster] <= 0.0 {
                continue;
            }
            let old = centre.to_vec();
            for (value, sum) in centre.iter_mut().zip(&sums[cluster * d..]) {
                *value = ((before * f64::from(*value) + sum) / total) as f32;
            }
            if batch.distance == Distance::Cosine && rows::normalise(centre, d).is_err() {
                centre.copy_from_slice(&old);
            }
            self.counts[cluster] = total;
        }
    }

    /// Gives starved centres a new start: a row of the batch, drawn by its weighted distance to its centre.
    fn feed(&mut self, batch: &Rows<'_>, labels: &[u32], share: f64, rng: &mut impl Rng) {
        let d = batch.d;
        let least = share * self.counts.iter().sum::<f64>() / self.counts.len() as f64;
        for cluster in 0..self.counts.len() {
            if self.counts[cluster] >= least {
                continue;
            }
            let mut sum = 0.0;
            let sums: Vec<f64> = (0..labels.len())
                .map(|row| {
                    let own = &self.centres[labels[row] as usize * d..][..d];
                    sum += f64::from(batch.weight[row]) * tile::exact(batch.row(row), own);
                    sum
                })
                .collect();
            let drawn = rng.random::<f64>() * sum;
            let row = sums.partition_point(|&sum| sum <= drawn);
            if row < labels.len() {
                self.centres[cluster * d..(cluster + 1) * d].copy_from_slice(batch.row(row));
                self.counts[cluster] = 0.0;
            }
        }
    }
}
