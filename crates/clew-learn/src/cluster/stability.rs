//! The number of clusters by stability (Ben-Hur, Elisseeff, Guyon 2002): clusters that are in the data come
//! out alike on two random parts of it; clusters that the method has made up do not.

use std::collections::BTreeMap;

use ndarray::{ArrayView2, Axis};

use super::{KMeans, check_rows};
use crate::error::{Error, Result};
use crate::run::{Part, Run};

/// How to look for the number of clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterNumber {
    /// The numbers to try, each 2 or more.
    pub candidates: Vec<usize>,
    /// Pairs of parts that each number is tried on.
    pub n_pairs: usize,
    /// Share of the rows in a part.
    pub share: f64,
    /// At most so many rows in a part, which bounds the work on large data.
    pub most_rows: usize,
    /// Starts of each clustering, of which the one with the least inertia counts: a poor start is not an
    /// unstable number.
    pub n_starts: usize,
    /// How to cluster; its `n_clusters` is replaced by each candidate.
    pub means: KMeans,
}

impl Default for ClusterNumber {
    fn default() -> ClusterNumber {
        ClusterNumber {
            candidates: (2..=12).collect(),
            n_pairs: 10,
            share: 0.7,
            most_rows: 20_000,
            n_starts: 5,
            means: KMeans::default(),
        }
    }
}

/// How stable one number of clusters is.
#[derive(Debug, Clone, PartialEq)]
pub struct Stability {
    /// The number tried.
    pub n_clusters: usize,
    /// Mean over the pairs of the adjusted Rand index of the two clusterings, on the rows common to both:
    /// 1 is the same clusters, 0 what chance gives.
    pub score: f64,
    /// Standard error of the score.
    pub error: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedClusterNumber {
    /// The largest number whose score is within one standard error (of the best) of the best score: two
    /// halves of the data that are both clustered well leave a small number stable too.
    pub n_clusters: usize,
    /// Every candidate, rising.
    pub scores: Vec<Stability>,
}

impl ClusterNumber {
    /// Tries every candidate on `x` (rows × columns, finite) with `weight` ≥ 0. Errors as [`KMeans::fit`], and
    /// when the two parts of a pair would have fewer than two rows in common.
    pub fn fit(&self, run: &Run<'_>, x: ArrayView2<'_, f32>, weight: &[f32]) -> Result<FittedClusterNumber> {
        let mut candidates = self.candidates.clone();
        candidates.sort_unstable();
        candidates.dedup();
        let wrong = candidates.first().is_none_or(|&least| least < 2);
        if wrong || self.n_pairs < 2 || !(self.share > 0.0 && self.share < 1.0) {
            return Err(Error::input(
                format!("candidates {candidates:?}, {} pairs of a share of {}", self.n_pairs, self.share),
                "use candidates of 2 or more, two pairs or more and a share between 0 and 1",
            ));
        }
        check_rows(x, weight)?;
        let size = ((x.nrows() as f64 * self.share) as usize).min(self.most_rows);
        let mut scores = Vec::with_capacity(candidates.len());
        for (place, &n_clusters) in candidates.iter().enumerate() {
            let n = candidates.len() as f64;
            let part = Part::new(run.progress, place as f64 / n, (place + 1) as f64 / n);
            let found = (0..self.n_pairs)
                .map(|pair| self.pair(&run.with_progress(&part), x, weight, size, n_clusters, pair))
                .collect::<Result<Vec<f64>>>()?;
            let score = found.iter().sum::<f64>() / found.len() as f64;
            let variance =
                found.iter().map(|value| (value - score).powi(2)).sum::<f64>() / (found.len() - 1) as f64;
            scores.push(Stability { n_clusters, score, error: (variance / found.len() as f64).sqrt() });
        }
        let best =
            scores.iter().max_by(|a, b| a.score.total_cmp(&b.score).then(b.n_clusters.cmp(&a.n_clusters)));
        let enough = best.map_or(0.0, |best| best.score - best.error);
        let chosen = scores.iter().rfind(|tried| tried.score >= enough);
        Ok(FittedClusterNumber { n_clusters: chosen.map_or(2, |tried| tried.n_clusters), scores })
    }

    /// The adjusted Rand index of two clusterings, each of a random part of the rows, where the parts overlap.
    fn pair(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        weight: &[f32],
        size: usize,
        n_clusters: usize,
        pair: usize,
    ) -> Result<f64> {
        // The parts of a pair are the same for every candidate, so that scores differ by the number alone.
        let mut rng = run.rng(0x7061_6972 + pair as u64);
        // Both are drawn from the same rows where the data are larger than two parts, so that they overlap.
        let pool = ((size as f64 / self.share) as usize).clamp(size, x.nrows());
        let pool = rand::seq::index::sample(&mut rng, x.nrows(), pool).into_vec();
        let mut draw = || {
            let mut rows: Vec<usize> =
                rand::seq::index::sample(&mut rng, pool.len(), size).iter().map(|at| pool[at]).collect();
            rows.sort_unstable();
            rows
        };
        let (a, b) = (draw(), draw());
        let means = KMeans { n_clusters, ..self.means.clone() };
        let labels = |rows: &[usize], stream: u64| -> Result<Vec<u32>> {
            let weight: Vec<f32> = rows.iter().map(|&row| weight[row]).collect();
            let part = x.select(Axis(0), rows);
            let mut best = means.fit(&run.with_stream(2 * pair as u64 + stream), part.view(), &weight)?;
            for start in 1..self.n_starts as u64 {
                let run = run.with_stream((2 * pair as u64 + stream) ^ (start << 32));
                let next = means.fit(&run, part.view(), &weight)?;
                if next.inertia < best.inertia {
                    best = next;
                }
            }
            Ok(best.labels)
        };
        let (of_a, of_b) = (labels(&a, 0)?, labels(&b, 1)?);
        let by_row: BTreeMap<usize, u32> = b.into_iter().zip(of_b).collect();
        let common: (Vec<u32>, Vec<u32>) = a
            .into_iter()
            .zip(of_a)
            .filter_map(|(row, label)| by_row.get(&row).map(|&other| (label, other)))
            .unzip();
        adjusted_rand(&common.0, &common.1)
    }
}

/// How far two clusterings of the same rows agree, beyond chance (Hubert & Arabie 1985, equation 5): 1 for the
/// same clusters under any names, 0 on average for unrelated ones. Errors on different lengths and on fewer
/// than two rows.
pub fn adjusted_rand(a: &[u32], b: &[u32]) -> Result<f64> {
    if a.len() != b.len() || a.len() < 2 {
        return Err(Error::input(
            format!("{} labels against {}", a.len(), b.len()),
            "give two labels for each of two rows or more",
        ));
    }
    let (mut both, mut of_a, mut of_b) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (&a, &b) in a.iter().zip(b) {
        *both.entry((a, b)).or_insert(0_u64) += 1;
        *of_a.entry(a).or_insert(0_u64) += 1;
        *of_b.entry(b).or_insert(0_u64) += 1;
    }
    let pairs = |n: u64| n as f64 * (n as f64 - 1.0) / 2.0;
    let together: f64 = both.values().map(|&n| pairs(n)).sum();
    let (in_a, in_b): (f64, f64) =
        (of_a.values().map(|&n| pairs(n)).sum(), of_b.values().map(|&n| pairs(n)).sum());
    let expected = in_a * in_b / pairs(a.len() as u64);
    let most = (in_a + in_b) / 2.0;
    // Both are one cluster, or both as many clusters as rows.
    if most - expected <= 0.0 {
        return Ok(1.0);
    }
    Ok((together - expected) / (most - expected))
}
