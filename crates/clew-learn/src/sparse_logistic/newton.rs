//! Truncated Newton for a loss with an L2 penalty: conjugate gradients, preconditioned by the diagonal, solve
//! for each step as far as it pays (Nash & Sofer 1990; Dembo & Steihaug 1983); the loss is convex, so halving
//! a step that does not descend is all the care it needs.

use super::problem::{Derivatives, Problem};
use crate::error::Result;
use crate::run::Run;

/// When to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_iterations: usize,
    /// Share of the sum of weights that no slope may exceed.
    pub(crate) tolerance: f64,
}

/// Where a minimisation ended.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Coefficients in the problem's order, the intercept last.
    pub(crate) at: Vec<f64>,
    /// The largest slope that is left, as a share of the sum of weights.
    pub(crate) violation: f64,
}

const PHASE: &str = "fitting sparse rows";

/// Minimises the loss + l2 / 2 × Σ coefficient² (the intercept is free), from the mean outcome on.
pub(crate) fn minimise(run: &Run<'_>, problem: &Problem<'_>, l2: f64, limits: Limits) -> Result<Found> {
    let mut at = vec![0.0; problem.n_coefficients()];
    if let Some(intercept) = at.last_mut() {
        *intercept = problem.base;
    }
    let mut z = problem.decisions(run, &at, true)?;
    let mut loss = problem.value(run, &z, &z, 0.0)? + penalty(l2, &at);
    let mut n_iterations = 0;
    loop {
        run.check()?;
        run.report(PHASE, n_iterations as f64 / limits.max_iterations.max(1) as f64);
        let mut found = problem.derivatives(run, &z)?;
        let columns = at.len() - 1;
        for (column, &c) in at.iter().enumerate().take(columns) {
            found.slopes[column] += l2 * c;
            found.diagonal[column] += l2;
        }
        let steepest = found.slopes.iter().fold(0.0_f64, |most, slope| most.max(slope.abs()));
        let violation = steepest / problem.total;
        if violation <= limits.tolerance || n_iterations >= limits.max_iterations {
            return Ok(Found { at, violation });
        }
        n_iterations += 1;
        let step = newton_step(run, problem, l2, &found)?;
        let along = problem.decisions(run, &step, false)?;
        let slope = dot(&step, &found.slopes);
        let mut share = 1.0;
        // Where numbers overflow no step can be judged.
        let moved = loop {
            if !slope.is_finite() || share < SHORTEST {
                break None;
            }
            let next: Vec<f64> = at.iter().zip(&step).map(|(c, s)| c + share * s).collect();
            let next_loss = problem.value(run, &z, &along, share)? + penalty(l2, &next);
            if next_loss <= loss + 1e-4 * share * slope {
                break Some((next, next_loss));
            }
            // Near the bottom the loss cannot show the descent any more: rounding hides it.
            if share * slope.abs() <= 1e-12 * loss.abs() {
                break (next_loss <= loss + 1e-12 * loss.abs()).then_some((next, next_loss));
            }
            share *= 0.5;
        };
        let Some((next, next_loss)) = moved else {
            return Ok(Found { at, violation });
        };
        (at, loss) = (next, next_loss);
        z.iter_mut().zip(&along).for_each(|(z, step)| *z += share * step);
    }
}

/// The approximate solution of (second derivatives) step = −slopes.
fn newton_step(run: &Run<'_>, problem: &Problem<'_>, l2: f64, found: &Derivatives) -> Result<Vec<f64>> {
    let p = found.slopes.len();
    // A column without values has no curvature; its slope is 0 too, so any number will do.
    let scale: Vec<f64> = found.diagonal.iter().map(|&d| if d > 0.0 { 1.0 / d } else { 1.0 }).collect();
    let mut step = vec![0.0; p];
    let mut residual: Vec<f64> = found.slopes.iter().map(|slope| -slope).collect();
    let mut scaled: Vec<f64> = residual.iter().zip(&scale).map(|(r, s)| r * s).collect();
    let mut direction = scaled.clone();
    let mut square = dot(&residual, &scaled);
    let mut model = 0.0;
    for turn in 1..=p.min(MOST_TURNS) {
        let mut bent = problem.curvature_along(run, &found.curvature, &direction)?;
        bent.iter_mut().zip(&direction).take(p - 1).for_each(|(bent, d)| *bent += l2 * d);
        let bend = dot(&direction, &bent);
        if bend <= 0.0 {
            break;
        }
        let length = square / bend;
        for place in 0..p {
            step[place] += length * direction[place];
            residual[place] -= length * bent[place];
            scaled[place] = residual[place] * scale[place];
        }
        // What this turn added to the descent of the quadratic model, against the mean of all turns.
        let gained = 0.5 * length * square;
        model += gained;
        if turn as f64 * gained <= ENOUGH * model {
            break;
        }
        let next = dot(&residual, &scaled);
        let keep = next / square;
        direction.iter_mut().zip(&scaled).for_each(|(d, s)| *d = s + keep * *d);
        square = next;
    }
    Ok(step)
}

/// Conjugate gradients end when a turn adds less than this share of what the turns added on average.
const ENOUGH: f64 = 0.1;
const MOST_TURNS: usize = 250;
/// No shorter share of a step is tried.
const SHORTEST: f64 = 1e-12;

fn penalty(l2: f64, at: &[f64]) -> f64 {
    at.iter().take(at.len() - 1).map(|c| c * c).sum::<f64>() * l2 / 2.0
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
