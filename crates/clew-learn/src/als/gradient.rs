//! One row improved by conjugate gradients.

use super::equations::Equations;
use crate::simd::Level;
use crate::simd::misses::{LANE, Lane, add_misses};

/// One thread's working memory.
#[derive(Default)]
pub(super) struct Desk {
    residual: Vec<Lane>,
    direction: Vec<Lane>,
    image: Vec<Lane>,
}

impl Desk {
    /// Improves `x` by steps of the conjugate gradient, preconditioned by the diagonal (Hestenes & Stiefel
    /// 1952; for this problem Takács, Pilászy & Tikk 2011). Costs a pass over the places for the first residual
    /// and one a step. `tolerance` is what of the first residual may be left, in the norm of the inverse
    /// diagonal; true when no more is.
    pub(super) fn solve(
        &mut self,
        level: Level,
        row: &Equations<'_>,
        x: &mut [Lane],
        n_steps: usize,
        tolerance: f32,
    ) -> bool {
        let n = x.len();
        for part in [&mut self.residual, &mut self.direction, &mut self.image] {
            part.resize(n, [0.0; LANE]);
        }
        let (residual, direction, image) =
            (&mut self.residual[..], &mut self.direction[..], &mut self.image[..]);
        // r = λm + Σ a h (1 − h·x) − D x
        each(residual, row.diagonal, x, |_, d, x| -d * x);
        if !row.pull.is_empty() {
            each(residual, row.pull, x, |r, pull, _| r + pull);
        }
        add_misses(level, row.places, 1.0, x, residual);
        each(direction, residual, row.diagonal, |_, r, d| r / d);
        let mut size = dot(residual, direction);
        let enough = size * tolerance * tolerance;
        for step in 1..=n_steps {
            if size <= enough {
                break;
            }
            // Minus the image of the direction.
            each(image, row.diagonal, direction, |_, d, p| -d * p);
            add_misses(level, row.places, 0.0, direction, image);
            let length = -size / dot(image, direction);
            each(x, direction, direction, |x, p, _| x + length * p);
            // The last residual is nobody's.
            if step == n_steps && tolerance == 0.0 {
                break;
            }
            each(residual, image, image, |r, q, _| r + length * q);
            each(image, residual, row.diagonal, |_, r, d| r / d);
            let next = dot(residual, image);
            let keep = next / size;
            size = next;
            each(direction, image, image, |p, z, _| z + keep * p);
        }
        size <= enough
    }
}

/// to = f(to, a, b), number by number.
#[inline(always)]
fn each(to: &mut [Lane], a: &[Lane], b: &[Lane], f: impl Fn(f32, f32, f32) -> f32) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
            *to = f(*to, a, b);
        }
    }
}

/// a · b, lane by lane.
#[inline(always)]
fn dot(a: &[Lane], b: &[Lane]) -> f32 {
    let mut sums = [0.0; LANE];
    for (a, b) in a.iter().zip(b) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}
