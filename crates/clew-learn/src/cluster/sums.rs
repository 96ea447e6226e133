//! What a centre is the mean of: sums that rows join and leave as their labels change, so that a round costs
//! what changes in it.

use super::bounds::{Known, NONE};
use super::rows::Rows;
use super::{Distance, rows};
use crate::error::Result;
use crate::run::Run;

/// Sums by cluster: d sums of weight × value, the sum of weights, the number of rows with a weight.
pub(super) struct Sums {
    d: usize,
    values: Vec<f64>,
}

impl Sums {
    pub(super) fn new(k: usize, d: usize) -> Sums {
        Sums { d, values: vec![0.0; k * (d + 2)] }
    }

    /// Moves the rows that changed in a chunk that starts at the row `from`.
    pub(super) fn follow(&mut self, x: &Rows<'_>, from: usize, known: &Known) {
        for &(row, old) in &known.changed {
            let weight = x.weight[from + row as usize];
            if weight == 0.0 {
                continue;
            }
            let values = x.row(from + row as usize);
            self.add(known.labels[row as usize], values, f64::from(weight), 1.0);
            if old != NONE {
                self.add(old, values, -f64::from(weight), -1.0);
            }
        }
    }

    fn add(&mut self, cluster: u32, values: &[f32], weight: f64, n: f64) {
        let width = self.d + 2;
        let sums = &mut self.values[cluster as usize * width..][..width];
        for (sum, &value) in sums.iter_mut().zip(values) {
            *sum += weight * f64::from(value);
        }
        sums[self.d] += weight;
        sums[self.d + 1] += n;
    }

    /// Adds what a chunk has gathered.
    pub(super) fn merge(&mut self, part: &Sums) {
        self.values.iter_mut().zip(&part.values).for_each(|(sum, value)| *sum += value);
        // A cluster that all rows have left holds nothing but rounding.
        for sums in self.values.chunks_exact_mut(self.d + 2) {
            if sums[self.d + 1] == 0.0 {
                sums.fill(0.0);
            }
        }
    }

    /// The centres of the sums. An empty cluster moves to the row that its own centre serves worst (so long
    /// as there is one away from its centre), else it stays; so does one whose directions cancel out.
    pub(super) fn means(
        &self,
        run: &Run<'_>,
        x: &Rows<'_>,
        labels: impl Fn() -> Vec<u32>,
        centres: &[f32],
    ) -> Result<Vec<f32>> {
        let d = self.d;
        let mut means = centres.to_vec();
        let mut empty = Vec::new();
        for (cluster, sums) in self.values.chunks_exact(d + 2).enumerate() {
            if sums[d + 1] == 0.0 {
                empty.push(cluster);
                continue;
            }
            let mean = &mut means[cluster * d..(cluster + 1) * d];
            let before = mean.to_vec();
            mean.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = (sum / sums[d]) as f32);
            if x.distance == Distance::Cosine && rows::normalise(mean, d).is_err() {
                mean.copy_from_slice(&before);
            }
        }
        if !empty.is_empty() {
            let own = x.to_own(run, &labels(), centres)?;
            let mut worst: Vec<usize> = (0..x.n()).filter(|&r| x.weight[r] > 0.0 && own[r] > 0.0).collect();
            let order = |a: &usize, b: &usize| own[*b].total_cmp(&own[*a]).then(a.cmp(b));
            if worst.len() > empty.len() {
                worst.select_nth_unstable_by(empty.len(), order);
                worst.truncate(empty.len());
            }
            worst.sort_unstable_by(order);
            for (cluster, row) in empty.into_iter().zip(worst) {
                means[cluster * d..(cluster + 1) * d].copy_from_slice(x.row(row));
            }
        }
        Ok(means)
    }
}
