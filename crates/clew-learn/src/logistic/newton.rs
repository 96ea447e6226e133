//! Newton's method for a convex loss over dense rows: full steps, halved while they do not descend.

use super::data::Data;
use crate::dense::{self, Scratch};
use crate::error::Result;
use crate::run::Run;

/// Up to here the second derivatives are formed and solved; beyond, conjugate gradients.
const EXACT: usize = 300;

/// No shorter share of a step is tried.
const SHORTEST: f64 = 1e-12;

/// The penalty, and when to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) l2: f64,
    pub(crate) max_iterations: usize,
    /// Share of the data's scale that no slope may exceed.
    pub(crate) tolerance: f64,
}

/// The coefficients of least loss, the intercept last.
pub(crate) fn minimise(run: &Run<'_>, data: &Data<'_>, params: &Goal) -> Result<Vec<f64>> {
    let p = data.n_coefficients();
    let penalty = |at: &[f64]| at[..p - 1].iter().map(|c| c * c).sum::<f64>() * params.l2 / 2.0;
    let mut at = vec![0.0; p];
    at[p - 1] = data.base;
    let mut loss = data.loss(run, &at)? + penalty(&at);
    for iteration in 0..params.max_iterations {
        run.check()?;
        run.report("fitting the regression", iteration as f64 / params.max_iterations as f64);
        let (mut slopes, curvature) = data.derivatives(run, &at, p <= EXACT)?;
        for (slope, c) in slopes[..p - 1].iter_mut().zip(&at) {
            *slope += params.l2 * c;
        }
        let steepest = slopes.iter().fold(0.0_f64, |most, slope| most.max(slope.abs()));
        if steepest <= params.tolerance * data.scale {
            break;
        }
        let step = if p <= EXACT {
            exact_step(data, params, &slopes, curvature)
        } else {
            conjugate_step(run, data, params, &at, &slopes)?
        };
        let slope: f64 = step.iter().zip(&slopes).map(|(s, g)| s * g).sum();
        let mut share = 1.0;
        // Where numbers overflow no step can be judged.
        let moved = loop {
            if !slope.is_finite() || share < SHORTEST {
                break None;
            }
            let next: Vec<f64> = at.iter().zip(&step).map(|(c, s)| c - share * s).collect();
            let next_loss = data.loss(run, &next)? + penalty(&next);
            if next_loss <= loss - 1e-4 * share * slope {
                break Some((next, next_loss));
            }
            // Near the bottom the loss cannot show the descent any more: rounding hides it.
            if share * slope.abs() <= 1e-13 * loss.abs() {
                break (next_loss <= loss + 1e-13 * loss.abs()).then_some((next, next_loss));
            }
            share *= 0.5;
        };
        match moved {
            Some((next, next_loss)) => (at, loss) = (next, next_loss),
            None => break,
        }
    }
    run.report("fitting the regression", 1.0);
    Ok(at)
}

/// Keeps the system solvable where columns depend on each other; it moves the way, not the goal.
fn ridge(data: &Data<'_>) -> f64 {
    1e-10 * data.scale
}

fn exact_step(data: &Data<'_>, params: &Goal, slopes: &[f64], curvature: Vec<f64>) -> Vec<f64> {
    let p = slopes.len();
    let mut scratch = Scratch::new::<f64>(p);
    let mut extra = ridge(data);
    loop {
        let mut matrix = curvature.clone();
        for place in 0..p {
            matrix[place * p + place] += extra + if place + 1 < p { params.l2 } else { 0.0 };
        }
        let mut step = slopes.to_vec();
        if dense::solve(&mut matrix, &mut step, p, &mut scratch) && step.iter().all(|s| s.is_finite()) {
            return step;
        }
        extra *= 100.0;
    }
}

/// Conjugate gradients to a tenth, then closer as the slopes fall (Dembo & Steihaug 1983).
fn conjugate_step(
    run: &Run<'_>,
    data: &Data<'_>,
    params: &Goal,
    at: &[f64],
    slopes: &[f64],
) -> Result<Vec<f64>> {
    let p = slopes.len();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut step = vec![0.0; p];
    let mut residual = slopes.to_vec();
    let mut direction = residual.clone();
    let start = dot(&residual, &residual);
    let mut square = start;
    let wanted = 0.1_f64.min((start.sqrt() / data.scale).sqrt()).powi(2) * start;
    for _ in 0..p.min(250) {
        if square <= wanted {
            break;
        }
        let mut bent = data.curvature_along(run, at, &direction)?;
        for (place, value) in bent.iter_mut().enumerate() {
            *value += (ridge(data) + if place + 1 < p { params.l2 } else { 0.0 }) * direction[place];
        }
        let length = square / dot(&direction, &bent);
        for place in 0..p {
            step[place] += length * direction[place];
            residual[place] -= length * bent[place];
        }
        let next = dot(&residual, &residual);
        for (d, r) in direction.iter_mut().zip(&residual) {
            *d = r + next / square * *d;
        }
        square = next;
    }
    Ok(step)
}
