//! k-means with weights: started by k-means++ (Arthur & Vassilvitskii 2007), improved by Lloyd's rounds.

use ndarray::{Array2, ArrayView2};
use rand::Rng;

use crate::dense;
use crate::error::{Error, Result};
use crate::parallel::map_chunks;
use crate::run::Run;

/// Rows compared with all centres at once.
const BLOCK: usize = 256;
/// At most so many chunks, which bounds the memory of their sums.
const CHUNKS: usize = 64;

/// How to cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    /// Number of clusters wanted; fewer come out when there are fewer distinct rows.
    pub n_clusters: usize,
    /// Most rounds of assigning and averaging.
    pub max_iterations: usize,
    /// Stop when a round lowers the inertia by less than this share.
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
    /// Clusters `x` (rows × columns, finite), each row counted `weight` times.
    pub fn fit(&self, run: &Run<'_>, x: ArrayView2<'_, f32>, weight: &[f32]) -> Result<FittedKMeans> {
        let (n, d) = x.dim();
        if n == 0 || d == 0 || self.n_clusters == 0 || weight.len() != n {
            return Err(Error::input(
                format!("{n} rows of {d} columns, {} weights, {} clusters", weight.len(), self.n_clusters),
                "give at least one of each, and one weight a row",
            ));
        }
        if let Some(row) = x.rows().into_iter().position(|row| row.iter().any(|value| !value.is_finite())) {
            return Err(Error::input(format!("row {row} is not finite"), "drop or fill it"));
        }
        if let Some(row) = weight.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            return Err(Error::input(
                format!("row {row} has the weight {}", weight[row]),
                "use finite weights of 0 or more",
            ));
        }
        let x = x.as_standard_layout();
        let values = x.as_slice().unwrap_or(&[]);
        let mut centres = self.start(run, values, d, weight)?;
        let mut found = nearest(run, values, d, &centres)?;
        let mut inertia = weigh(&found, weight);
        for round in 0..self.max_iterations {
            run.report("clustering", round as f64 / self.max_iterations as f64);
            centres = average(run, values, d, weight, &found, &centres)?;
            found = nearest(run, values, d, &centres)?;
            let next = weigh(&found, weight);
            let still = inertia - next <= self.tolerance * inertia;
            inertia = next;
            if still {
                break;
            }
        }
        run.report("clustering", 1.0);
        let centres = Array2::from_shape_vec((centres.len() / d, d), centres)
            .map_err(|_| Error::input("the centres do not fit", "cluster fewer columns"))?;
        Ok(FittedKMeans { centres, labels: found.into_iter().map(|(label, _)| label).collect(), inertia })
    }

    /// First centres: each next one is a row drawn by weight × squared distance to the centres so far.
    fn start(&self, run: &Run<'_>, x: &[f32], d: usize, weight: &[f32]) -> Result<Vec<f32>> {
        let n = weight.len();
        let mut rng = run.rng(0x6b6d_6561_6e73);
        let mut chances: Vec<f64> = weight.iter().map(|&weight| f64::from(weight)).collect();
        let mut least = vec![f32::INFINITY; n];
        let mut centres = Vec::new();
        while centres.len() < self.n_clusters * d {
            let whole: f64 = chances.iter().sum();
            if whole <= 0.0 {
                break;
            }
            let mut left = rng.random::<f64>() * whole;
            let last = chances.iter().rposition(|&chance| chance > 0.0).unwrap_or(0);
            let drawn = chances.iter().position(|&chance| {
                left -= chance;
                left < 0.0 && chance > 0.0
            });
            let drawn = drawn.unwrap_or(last);
            let centre = &x[drawn * d..(drawn + 1) * d];
            centres.extend_from_slice(centre);
            // Distances are taken plainly here: the expanded form never is exactly 0 for a repeated row.
            let parts = map_chunks(run, n, BLOCK, |from, to| {
                x[from * d..to * d].chunks_exact(d).map(|row| distance(row, centre)).collect::<Vec<f32>>()
            })?;
            for (row, distance) in parts.into_iter().flatten().enumerate() {
                least[row] = least[row].min(distance);
                chances[row] = f64::from(weight[row]) * f64::from(least[row]);
            }
        }
        if centres.is_empty() {
            return Err(Error::input("all weights are 0", "give some row a weight"));
        }
        Ok(centres)
    }
}

impl FittedKMeans {
    /// The nearest centre of each row of `x`; ties go to the lower cluster.
    pub fn predict(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Vec<u32>> {
        if x.ncols() != self.centres.ncols() {
            return Err(Error::input(
                format!("{} columns where {} were clustered", x.ncols(), self.centres.ncols()),
                "use the same columns in the same order",
            ));
        }
        let (x, centres) = (x.as_standard_layout(), self.centres.as_standard_layout());
        let found = nearest(
            run,
            x.as_slice().unwrap_or(&[]),
            self.centres.ncols(),
            centres.as_slice().unwrap_or(&[]),
        )?;
        Ok(found.into_iter().map(|(label, _)| label).collect())
    }
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn weigh(found: &[(u32, f32)], weight: &[f32]) -> f64 {
    found.iter().zip(weight).map(|((_, distance), &weight)| f64::from(weight) * f64::from(*distance)).sum()
}

/// Each row's nearest centre and its squared distance.
fn nearest(run: &Run<'_>, x: &[f32], d: usize, centres: &[f32]) -> Result<Vec<(u32, f32)>> {
    let k = centres.len() / d;
    let squares: Vec<f32> = centres.chunks_exact(d).map(|centre| distance(centre, &vec![0.0; d])).collect();
    let parts = map_chunks(run, x.len() / d, BLOCK, |from, to| {
        let rows = &x[from * d..to * d];
        let mut products = vec![0.0_f32; (to - from) * k];
        dense::products(&mut products, rows, centres, to - from, d, k);
        let by_row = rows.chunks_exact(d).zip(products.chunks_exact(k));
        by_row
            .map(|(row, products)| {
                // |row|² is the same for all centres and does not count.
                let mut best = (0_u32, f32::INFINITY);
                for (centre, (&product, &square)) in products.iter().zip(&squares).enumerate() {
                    let height = square - 2.0 * product;
                    if height < best.1 {
                        best = (centre as u32, height);
                    }
                }
                let at = best.0 as usize * d;
                (best.0, distance(row, &centres[at..at + d]))
            })
            .collect::<Vec<_>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

/// The weighted mean of each cluster; an empty one moves to the row that is worst served.
fn average(
    run: &Run<'_>,
    x: &[f32],
    d: usize,
    weight: &[f32],
    found: &[(u32, f32)],
    centres: &[f32],
) -> Result<Vec<f32>> {
    let k = centres.len() / d;
    let n = weight.len();
    let sums =
        crate::parallel::sum_chunks(run, n, n.div_ceil(CHUNKS).max(BLOCK), k * (d + 1), |from, to, sum| {
            for row in from..to {
                let sum = &mut sum[found[row].0 as usize * (d + 1)..][..d + 1];
                let w = f64::from(weight[row]);
                for (sum, &value) in sum.iter_mut().zip(&x[row * d..(row + 1) * d]) {
                    *sum += w * f64::from(value);
                }
                sum[d] += w;
            }
        })?;
    let mut worst: Vec<u32> = Vec::new();
    let mut means = Vec::with_capacity(centres.len());
    for sum in sums.chunks_exact(d + 1) {
        if sum[d] > 0.0 {
            means.extend(sum[..d].iter().map(|value| (value / sum[d]) as f32));
            continue;
        }
        if worst.is_empty() {
            worst = (0..n as u32).filter(|&row| weight[row as usize] > 0.0).collect();
            // Best served first, so that the worst is popped first; ties give the lower row.
            worst.sort_by(|&a, &b| {
                let by_distance = found[a as usize].1.total_cmp(&found[b as usize].1);
                by_distance.then(b.cmp(&a))
            });
        }
        let row = worst.pop().unwrap_or(0) as usize;
        means.extend_from_slice(&x[row * d..(row + 1) * d]);
    }
    Ok(means)
}
