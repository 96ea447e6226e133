//! Calibration: from scores that order to probabilities that hold.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::metrics;

pub use crate::loss::{sigmoid, softplus};

/// Platt's sigmoid of the score (Platt 1999, with the smoothed targets of its section 2.2):
/// p = 1 / (1 + exp(−(slope × score + intercept))). Two numbers, so it suits small data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    /// Factor of the score.
    pub slope: f64,
    /// Constant, in log-odds.
    pub intercept: f64,
}

impl Platt {
    /// Fits by Newton's method to `outcome` in 0..=1. Errors on one class, NaN or nothing.
    pub fn fit(score: &[f32], outcome: &[f32], weight: &[f32]) -> Result<Platt> {
        check(score, outcome, weight)?;
        let (mut buyers, mut others) = (0.0, 0.0);
        for row in 0..score.len() {
            buyers += f64::from(weight[row]) * f64::from(outcome[row]);
            others += f64::from(weight[row]) * (1.0 - f64::from(outcome[row]));
        }
        if buyers <= 0.0 || others <= 0.0 {
            return Err(Error::input(
                "the outcomes are all of one class",
                "calibrate where some bought and some did not",
            ));
        }
        let (high, low) = ((buyers + 1.0) / (buyers + 2.0), 1.0 / (others + 2.0));
        let total = buyers + others;
        let mean = (0..score.len()).map(|r| f64::from(weight[r]) * f64::from(score[r])).sum::<f64>() / total;
        let spread = ((0..score.len())
            .map(|r| f64::from(weight[r]) * (f64::from(score[r]) - mean).powi(2))
            .sum::<f64>()
            / total)
            .sqrt();
        let spread = if spread > 0.0 { spread } else { 1.0 };
        // Newton on the standardised score; the loss is convex, halving the step guards the first ones.
        let loss = |a: f64, b: f64| -> f64 {
            (0..score.len())
                .map(|r| {
                    let z = a * (f64::from(score[r]) - mean) / spread + b;
                    let y = f64::from(outcome[r]);
                    let target = y * high + (1.0 - y) * low;
                    f64::from(weight[r]) * (softplus(z) - target * z)
                })
                .sum()
        };
        let (mut a, mut b) = (0.0, (buyers / others).ln());
        let mut current = loss(a, b);
        for _ in 0..100 {
            let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-10 * total, 0.0, 1e-10 * total);
            for r in 0..score.len() {
                let x = (f64::from(score[r]) - mean) / spread;
                let y = f64::from(outcome[r]);
                let p = sigmoid(a * x + b);
                let w = f64::from(weight[r]);
                let g = w * (p - (y * high + (1.0 - y) * low));
                let h = w * p * (1.0 - p);
                ga += g * x;
                gb += g;
                haa += h * x * x;
                hab += h * x;
                hbb += h;
            }
            if ga.abs().max(gb.abs()) <= 1e-12 * total {
                break;
            }
            let det = haa * hbb - hab * hab;
            let (da, db) = ((hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det);
            let mut step = 1.0;
            loop {
                let next = loss(a - step * da, b - step * db);
                if next <= current || step < 1e-10 {
                    current = next;
                    break;
                }
                step *= 0.5;
            }
            a -= step * da;
            b -= step * db;
            if step < 1e-10 {
                break;
            }
        }
        Ok(Platt { slope: a / spread, intercept: b - a * mean / spread })
    }

    /// The probability of one score.
    pub fn predict(&self, score: f32) -> f32 {
        sigmoid(self.slope * f64::from(score) + self.intercept) as f32
    }

    /// Adds the sigmoid to a model file, under `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(name, &[self.slope, self.intercept])
    }

    /// Reads back what [`Platt::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<Platt> {
        match *file.view::<f64>(name)? {
            [slope, intercept] => Ok(Platt { slope, intercept }),
            _ => Err(Error::format(format!("section '{name}' is not a sigmoid"), "train again")),
        }
    }
}

/// As for metrics, and scores must be finite.
fn check(score: &[f32], outcome: &[f32], weight: &[f32]) -> Result<()> {
    metrics::check(score, outcome, weight)?;
    match score.iter().position(|score| !score.is_finite()) {
        Some(row) => Err(Error::input(format!("row {row} is not finite"), "drop or fill it")),
        None => Ok(()),
    }
}

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
                let part = f64::from(score - left) / f64::from(right - left);
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
        if scores.is_empty() || scores.len() != values.len() {
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
