//! Elastic net by coordinate descent on the second moments, with covariance updates (Friedman, Hastie &
//! Tibshirani 2010, section 2.2), finished by solving for the columns that stay.

use ndarray::ArrayView2;

use super::FittedLinear;
use super::moments::Moments;
use crate::check;
use crate::error::{Error, Result};
use crate::run::Run;

/// Rounds between two attempts to finish by a solution.
const ROUNDS: usize = 10;

/// Elastic net (Zou & Hastie 2005), one model or a path of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ElasticNet {
    /// The loss is ½ Σ weight × (prediction − outcome)² + l1 × Σ |coefficient| + l2 / 2 × Σ coefficient²; the
    /// intercept is free. Standardise the columns first (`scaling`).
    pub l1: f64,
    /// See `l1`.
    pub l2: f64,
    /// Most rounds over the columns.
    pub max_iterations: usize,
    /// Converged when no slope is further from what the optimum asks than this share of the largest slope at
    /// the mean outcome.
    pub tolerance: f64,
}

impl Default for ElasticNet {
    fn default() -> ElasticNet {
        ElasticNet { l1: 1.0, l2: 0.0, max_iterations: 10_000, tolerance: 1e-9 }
    }
}

/// One model of a path with its penalties.
#[derive(Debug, Clone, PartialEq)]
pub struct ElasticNetStep {
    /// The L1 penalty.
    pub l1: f64,
    /// The L2 penalty.
    pub l2: f64,
    /// The model.
    pub model: FittedLinear,
}

impl ElasticNet {
    /// Fits to `x` (rows × at most 5,000 columns, finite), finite `y` and `weight` ≥ 0. With columns that
    /// depend on each other and an `l2` of 0 several optima may be equally good; one of them is found. Without
    /// `l1` this is [`super::Ridge`], with its errors. Errors also where `max_iterations` do not suffice.
    pub fn fit(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
    ) -> Result<FittedLinear> {
        self.check()?;
        let moments = Moments::new(run, x, y, weight)?;
        let coefficients = self.minimise(run, &moments, vec![0.0; moments.n_columns()])?;
        Ok(moments.fitted(coefficients))
    }

    /// Fits a model for each of `n_steps` penalties, from the smallest at which all coefficients are 0 down to
    /// `ratio` of it in equal ratios, each started from the one before. `l1` and `l2` of `self` give the
    /// proportion of the two: only their ratio counts, and `l1` must be above 0.
    pub fn fit_path(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        y: &[f32],
        weight: &[f32],
        n_steps: usize,
        ratio: f64,
    ) -> Result<Vec<ElasticNetStep>> {
        self.check()?;
        if self.l1 <= 0.0 || n_steps == 0 || !(ratio > 0.0 && ratio < 1.0) {
            let place = format!("a path with an l1 of {}, {n_steps} steps, down to {ratio}", self.l1);
            return Err(Error::input(place, "use an l1 above 0, a step or more, a ratio between 0 and 1"));
        }
        let moments = Moments::new(run, x, y, weight)?;
        let first = strongest(&moments.products);
        let mut coefficients = vec![0.0; moments.n_columns()];
        let mut steps = Vec::with_capacity(n_steps);
        for step in 0..n_steps {
            run.report("fitting the path", step as f64 / n_steps as f64);
            let l1 = first * ratio.powf(step as f64 / (n_steps.max(2) - 1) as f64);
            let params = ElasticNet { l1, l2: l1 * (self.l2 / self.l1), ..self.clone() };
            // Without a slope to begin from (outcomes that are all the same) 0 is every step's answer.
            if step > 0 && l1 > 0.0 {
                coefficients = params.minimise(run, &moments, coefficients)?;
            }
            steps.push(ElasticNetStep { l1, l2: params.l2, model: moments.fitted(coefficients.clone()) });
        }
        run.report("fitting the path", 1.0);
        Ok(steps)
    }

    fn check(&self) -> Result<()> {
        check::penalty("l1", self.l1)?;
        check::penalty("l2", self.l2)?;
        check::penalty("tolerance", self.tolerance)
    }

    fn minimise(&self, run: &Run<'_>, moments: &Moments, mut at: Vec<f64>) -> Result<Vec<f64>> {
        if self.l1 == 0.0 {
            return moments.ridge(self.l2);
        }
        let limit = self.tolerance * strongest(&moments.products);
        let mut slopes = slopes(moments, &at);
        for round in 0.. {
            run.check()?;
            if self.violation(&at, &slopes) <= limit {
                return Ok(at);
            }
            if round >= self.max_iterations {
                break;
            }
            self.descend(moments, &mut at, &mut slopes);
            if round % ROUNDS == ROUNDS - 1 {
                if let Some(better) = self.finish(moments, &at) {
                    at = better;
                }
                // Also sheds the rounding that the updates have gathered.
                slopes = self::slopes(moments, &at);
            }
        }
        Err(Error::input(
            format!("{} rounds left a slope of {:.1e}", self.max_iterations, self.violation(&at, &slopes)),
            "raise max_iterations, the tolerance or l2",
        ))
    }

    /// One round over the columns.
    fn descend(&self, moments: &Moments, at: &mut [f64], slopes: &mut [f64]) {
        let p = at.len();
        for j in 0..p {
            let column = &moments.gram[j * p..(j + 1) * p];
            let bend = column[j] + self.l2;
            if bend <= 0.0 {
                continue;
            }
            let free = at[j] * column[j] - slopes[j];
            let next = free.signum() * (free.abs() - self.l1).max(0.0) / bend;
            let change = next - at[j];
            if change != 0.0 {
                at[j] = next;
                slopes.iter_mut().zip(column).for_each(|(slope, value)| *slope += change * value);
            }
        }
    }

    /// The exact optimum among models with the same columns and signs, if it has the same signs.
    fn finish(&self, moments: &Moments, at: &[f64]) -> Option<Vec<f64>> {
        let set: Vec<usize> = (0..at.len()).filter(|&j| at[j] != 0.0).collect();
        let right: Vec<f64> = set.iter().map(|&j| moments.products[j] - self.l1 * at[j].signum()).collect();
        let solution = moments.solve(&set, self.l2, &right)?;
        let same = set.iter().zip(&solution).all(|(&j, c)| c.signum() == at[j].signum());
        same.then(|| {
            let mut next = vec![0.0; at.len()];
            set.iter().zip(solution).for_each(|(&j, c)| next[j] = c);
            next
        })
    }

    /// The largest distance of a slope from what the optimum asks.
    fn violation(&self, at: &[f64], slopes: &[f64]) -> f64 {
        let gap = |(&c, slope): (&f64, &f64)| {
            let slope = slope + self.l2 * c;
            if c == 0.0 { slope.abs() - self.l1 } else { (slope + self.l1 * c.signum()).abs() }
        };
        at.iter().zip(slopes).map(gap).fold(0.0, f64::max)
    }
}

/// Slopes of the loss without penalties: gram · at − products.
fn slopes(moments: &Moments, at: &[f64]) -> Vec<f64> {
    let p = at.len();
    let mut slopes: Vec<f64> = moments.products.iter().map(|product| -product).collect();
    for (j, &c) in at.iter().enumerate().filter(|(_, c)| **c != 0.0) {
        let column = &moments.gram[j * p..(j + 1) * p];
        slopes.iter_mut().zip(column).for_each(|(slope, value)| *slope += c * value);
    }
    slopes
}

fn strongest(products: &[f64]) -> f64 {
    products.iter().fold(0.0, |most, product| product.abs().max(most))
}
