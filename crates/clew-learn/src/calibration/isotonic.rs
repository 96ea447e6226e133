//! Isotonic regression.

use serde::{Deserialize, Serialize};

use super::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};

/// Isotonic regression by pool-adjacent-violators (Ayer et al. 1955), straight lines between the pools.
/// It follows any rising shape, so it wants some thousand rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Isotonic {
    /// Scores at which the value is known; rise strictly.
    pub scores: Vec<f32>,
    /// The value at each of them; does not fall.
    pub values: Vec<f32>,
}

impl Isotonic {
    /// Fits the rising steps nearest to `outcome` in weighted squares. Errors on NaN, nothing, no weight.
    pub fn fit(score: &[f32], outcome: &[f32], weight: &[f32]) -> Result<Isotonic> {
        check(score, outcome, weight)?;
        let mut order: Vec<u32> = (0..score.len() as u32).filter(|&row| weight[row as usize] > 0.0).collect();
        if order.is_empty() {
            return Err(Error::input("all weights are 0", "give some row a weight"));
        }
        order.sort_by(|&a, &b| {
            let (a, b) = (a as usize, b as usize);
            score[a].total_cmp(&score[b]).then(outcome[a].total_cmp(&outcome[b]))
        });
        // Equal scores are one case, before anything is pooled.
        let mut cases: Vec<Pool> = Vec::new();
        for &row in &order {
            let row = row as usize;
            let w = f64::from(weight[row]);
            let case =
                Pool { low: score[row], high: score[row], weight: w, sum: w * f64::from(outcome[row]) };
            match cases.last_mut() {
                Some(last) if last.low == case.low => *last = last.with(&case),
                _ => cases.push(case),
            }
        }
        let mut pools: Vec<Pool> = Vec::new();
        for mut pool in cases {
            while let Some(last) = pools.pop_if(|last| last.mean() >= pool.mean()) {
                pool = last.with(&pool);
            }
            pools.push(pool);
        }
        let (mut scores, mut values) = (Vec::new(), Vec::new());
        for pool in &pools {
            scores.push(pool.low);
            values.push(pool.mean() as f32);
            if pool.high > pool.low {
                scores.push(pool.high);
                values.push(pool.mean() as f32);
            }
        }
        Ok(Isotonic { scores, values })
    }

    /// The value of one score: by straight lines, held at the ends.
    pub fn predict(&self, score: f32) -> f32 {
        let place = self.scores.partition_point(|&known| known < score);
        match (place.checked_sub(1), self.scores.get(place)) {
            (None, _) => self.values.first().copied().unwrap_or(0.0),
            (_, None) => self.values.last().copied().unwrap_or(0.0),
            (Some(before), Some(&right)) => {
                let left = self.scores[before];
                let (left, right) = (f64::from(left), f64::from(right));
                let part = (f64::from(score) - left) / (right - left);
                let (low, high) = (f64::from(self.values[before]), f64::from(self.values[place]));
                (low + part * (high - low)) as f32
            }
        }
    }

    /// Adds the steps to a model file: `<name>.scores`, `<name>.values`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(&format!("{name}.scores"), &self.scores)?;
        writer.section(&format!("{name}.values"), &self.values)
    }

    /// Reads back what [`Isotonic::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<Isotonic> {
        let scores = file.view::<f32>(&format!("{name}.scores"))?.to_vec();
        let values = file.view::<f32>(&format!("{name}.values"))?.to_vec();
        let rising = scores.windows(2).all(|pair| pair[0] < pair[1])
            && values.windows(2).all(|pair| pair[0] <= pair[1])
            && scores.iter().chain(&values).all(|number| number.is_finite());
        if scores.is_empty() || scores.len() != values.len() || !rising {
            return Err(Error::format(format!("the steps '{name}' do not fit together"), "train again"));
        }
        Ok(Isotonic { scores, values })
    }
}

/// Neighbouring rows that share one value.
struct Pool {
    low: f32,
    high: f32,
    weight: f64,
    sum: f64,
}

impl Pool {
    fn with(&self, next: &Pool) -> Pool {
        Pool { low: self.low, high: next.high, weight: self.weight + next.weight, sum: self.sum + next.sum }
    }

    fn mean(&self) -> f64 {
        self.sum / self.weight
    }
}
