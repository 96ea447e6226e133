//! L-BFGS (Nocedal & Wright 2006, algorithms 7.4 and 7.5) with steps halved until they descend enough
//! (Armijo's rule, their equation 3.4).

use std::collections::VecDeque;

use crate::error::Result;

/// Pairs of moves and changes of slope that are remembered.
const MEMORY: usize = 10;
/// Share of the descent that the slope promises which a step must make.
const ENOUGH: f64 = 1e-4;
const HALVINGS: usize = 40;

/// A descent under way.
pub(super) struct Descent {
    pub(super) at: Vec<f64>,
    value: f64,
    slopes: Vec<f64>,
    /// Move, change of slopes, 1 / their product; latest last.
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
}

impl Descent {
    /// Starts at `at`; `of` gives the value and the slopes.
    pub(super) fn new(at: Vec<f64>, of: impl Fn(&[f64]) -> Result<(f64, Vec<f64>)>) -> Result<Descent> {
        let (value, slopes) = of(&at)?;
        Ok(Descent { at, value, slopes, pairs: VecDeque::new() })
    }

    /// One step down; false where there is none.
    pub(super) fn step(&mut self, of: impl Fn(&[f64]) -> Result<(f64, Vec<f64>)>) -> Result<bool> {
        let mut direction = self.direction();
        let mut promise = dot(&direction, &self.slopes);
        if promise >= 0.0 || !promise.is_finite() {
            self.pairs.clear();
            direction = self.direction();
            promise = dot(&direction, &self.slopes);
        }
        if promise > -1e-18 {
            return Ok(false);
        }
        let mut length = 1.0;
        for _ in 0..HALVINGS {
            let at: Vec<f64> = self.at.iter().zip(&direction).map(|(at, by)| at + length * by).collect();
            let (value, slopes) = of(&at)?;
            if value <= self.value + ENOUGH * length * promise {
                self.remember(&at, &slopes);
                (self.at, self.value, self.slopes) = (at, value, slopes);
                return Ok(true);
            }
            length /= 2.0;
        }
        Ok(false)
    }

    fn remember(&mut self, at: &[f64], slopes: &[f64]) {
        let moved: Vec<f64> = at.iter().zip(&self.at).map(|(a, b)| a - b).collect();
        let changed: Vec<f64> = slopes.iter().zip(&self.slopes).map(|(a, b)| a - b).collect();
        let product = dot(&moved, &changed);
        // Only pairs of positive curvature keep the direction one of descent.
        if product > 1e-12 * dot(&changed, &changed) {
            self.pairs.push_back((moved, changed, 1.0 / product));
            if self.pairs.len() > MEMORY {
                self.pairs.pop_front();
            }
        }
    }

    fn direction(&self) -> Vec<f64> {
        let mut direction: Vec<f64> = self.slopes.iter().map(|slope| -slope).collect();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (moved, changed, inverse) in self.pairs.iter().rev() {
            let share = inverse * dot(moved, &direction);
            direction.iter_mut().zip(changed).for_each(|(at, change)| *at -= share * change);
            shares.push(share);
        }
        let scale = match self.pairs.back() {
            Some((_, changed, inverse)) => 1.0 / (inverse * dot(changed, changed)),
            // The first step is no longer than 1.
            None => 1.0 / dot(&direction, &direction).sqrt().max(1.0),
        };
        direction.iter_mut().for_each(|at| *at *= scale);
        for ((moved, changed, inverse), share) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let other = inverse * dot(changed, &direction);
            direction.iter_mut().zip(moved).for_each(|(at, by)| *at += (share - other) * by);
        }
        direction
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
