//! Beta calibration.

use serde::{Deserialize, Serialize};

use super::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::loss::{sigmoid, softplus};
use crate::metrics::classes;

/// Beta calibration of a probability s (Kull, Silva Filho, Flach 2017, equation 3 and section 3.3):
/// p = 1 / (1 + exp(−(a ln s − b ln(1 − s) + c))) with a, b ≥ 0. Three numbers; unlike a sigmoid it can also leave
/// what is calibrated already as it is (a = b = 1, c = 0) and bend both ends apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Beta {
    /// Factor of ln s; at least 0.
    pub a: f64,
    /// Factor of −ln(1 − s); at least 0.
    pub b: f64,
    /// Constant, in log-odds.
    pub c: f64,
}

/// Probabilities are held this far from 0 and 1.
const EDGE: f64 = 1e-7;

/// Curvature added per unit of weight: keeps the fit finite where the scores separate the classes.
const RIDGE: f64 = 1e-9;

/// One row: the two logarithms (standardised), its outcome, its weight.
struct Case {
    x: [f64; 2],
    y: f64,
    weight: f64,
}

impl Beta {
    /// Fits by Newton's method to `outcome` in 0..=1; `probability` in 0..=1. Errors on one class, NaN, nothing, a
    /// probability out of range.
    pub fn fit(probability: &[f32], outcome: &[f32], weight: &[f32]) -> Result<Beta> {
        check(probability, outcome, weight)?;
        classes(outcome)?;
        if let Some(row) = probability.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(Error::input(
                format!("row {row} has the probability {}", probability[row]),
                "give probabilities from 0 to 1; Platt takes scores of any size",
            ));
        }
        let logs: Vec<[f64; 2]> = probability.iter().map(|&p| logarithms(p)).collect();
        let total: f64 = weight.iter().map(|&w| f64::from(w)).sum();
        let buyers: f64 = outcome.iter().zip(weight).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum();
        if buyers <= 0.0 || buyers >= total {
            return Err(Error::input(
                "the outcomes are all of one class",
                "calibrate where some bought and some did not",
            ));
        }
        let moment = |f: &dyn Fn(usize) -> f64| {
            (0..logs.len()).map(|row| f64::from(weight[row]) * f(row)).sum::<f64>() / total
        };
        let means = [0, 1].map(|k| moment(&|row| logs[row][k]));
        let spreads = [0, 1].map(|k| {
            let spread = moment(&|row| (logs[row][k] - means[k]).powi(2)).sqrt();
            if spread > 1e-12 { spread } else { 1.0 }
        });
        let cases: Vec<Case> = (0..logs.len())
            .map(|row| Case {
                x: [0, 1].map(|k| (logs[row][k] - means[k]) / spreads[k]),
                y: f64::from(outcome[row]),
                weight: f64::from(weight[row]) / total,
            })
            .collect();
        let start = (buyers / (total - buyers)).ln();
        // A negative factor is out of the family: it is left out, and the other one fitted alone.
        let mut used = [true, true];
        loop {
            let [intercept, first, second] = newton(&cases, used, start);
            let slopes = [first / spreads[0], second / spreads[1]];
            let negative =
                (0..2).filter(|&k| slopes[k] < 0.0).min_by(|&i, &j| slopes[i].total_cmp(&slopes[j]));
            if let Some(k) = negative {
                used[k] = false;
                continue;
            }
            return Ok(Beta {
                a: slopes[0],
                b: slopes[1],
                c: intercept - slopes[0] * means[0] - slopes[1] * means[1],
            });
        }
    }

    /// The probability of one score.
    pub fn predict(&self, probability: f32) -> f32 {
        let [x, z] = logarithms(probability);
        sigmoid(self.a * x + self.b * z + self.c) as f32
    }

    /// Adds the three numbers to a model file, under `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(name, &[self.a, self.b, self.c])
    }

    /// Reads back what [`Beta::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<Beta> {
        match *file.view::<f64>(name)? {
            [a, b, c] if a.is_finite() && b.is_finite() && c.is_finite() && a >= 0.0 && b >= 0.0 => {
                Ok(Beta { a, b, c })
            }
            _ => Err(Error::format(format!("section '{name}' is not a beta calibration"), "train again")),
        }
    }
}

/// ln s and −ln(1 − s).
fn logarithms(probability: f32) -> [f64; 2] {
    let s = f64::from(probability).clamp(EDGE, 1.0 - EDGE);
    [s.ln(), -(-s).ln_1p()]
}

/// Intercept and two slopes (0 where not used) of the least logistic loss; weights sum to 1.
fn newton(cases: &[Case], used: [bool; 2], start: f64) -> [f64; 3] {
    let row_of =
        |case: &Case| [1.0, if used[0] { case.x[0] } else { 0.0 }, if used[1] { case.x[1] } else { 0.0 }];
    let decision = |beta: &[f64; 3], x: &[f64; 3]| beta[0] * x[0] + beta[1] * x[1] + beta[2] * x[2];
    let loss = |beta: &[f64; 3]| -> f64 {
        let ridge = 0.5 * RIDGE * beta.iter().map(|b| b * b).sum::<f64>();
        ridge
            + cases
                .iter()
                .map(|case| {
                    let z = decision(beta, &row_of(case));
                    case.weight * (softplus(z) - case.y * z)
                })
                .sum::<f64>()
    };
    let mut beta = [start, 0.0, 0.0];
    let mut current = loss(&beta);
    for _ in 0..100 {
        let mut slope = beta.map(|b| RIDGE * b);
        let mut curvature = [[RIDGE, 0.0, 0.0], [0.0, RIDGE, 0.0], [0.0, 0.0, RIDGE]];
        for case in cases {
            let x = row_of(case);
            let p = sigmoid(decision(&beta, &x));
            let (g, h) = (case.weight * (p - case.y), case.weight * p * (1.0 - p));
            for i in 0..3 {
                slope[i] += g * x[i];
                for j in 0..3 {
                    curvature[i][j] += h * x[i] * x[j];
                }
            }
        }
        if slope.iter().all(|g| g.abs() <= 1e-12) {
            break;
        }
        let direction = solve(curvature, slope);
        let mut step = 1.0;
        loop {
            let next: [f64; 3] = std::array::from_fn(|i| beta[i] - step * direction[i]);
            let value = loss(&next);
            if value <= current {
                (beta, current) = (next, value);
                break;
            }
            step *= 0.5;
            if step < 1e-10 {
                return beta;
            }
        }
    }
    beta
}

/// Solves a positive definite system of three by elimination.
fn solve(mut a: [[f64; 3]; 3], mut b: [f64; 3]) -> [f64; 3] {
    for k in 0..3 {
        for i in k + 1..3 {
            let factor = a[i][k] / a[k][k];
            let pivot = a[k];
            for (value, above) in a[i].iter_mut().zip(pivot).skip(k) {
                *value -= factor * above;
            }
            b[i] -= factor * b[k];
        }
    }
    for k in (0..3).rev() {
        let known: f64 = (k + 1..3).map(|j| a[k][j] * b[j]).sum();
        b[k] = (b[k] - known) / a[k][k];
    }
    b
}
