//! Platt's sigmoid.

use serde::{Deserialize, Serialize};

use super::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::loss::{sigmoid, softplus};
use crate::metrics::classes;

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
        classes(outcome)?;
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
            [slope, intercept] if slope.is_finite() && intercept.is_finite() => {
                Ok(Platt { slope, intercept })
            }
            _ => Err(Error::format(format!("section '{name}' is not a sigmoid"), "train again")),
        }
    }
}
