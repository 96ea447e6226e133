//! One side's vectors as the other side sees them: their Gramian, and the pull of one event.

use crate::als::ImplicitAls;
use crate::dense;
use crate::error::Result;

/// The penalties that vectors move under.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Law {
    pub(super) d: usize,
    pub(super) regularisation: f64,
    pub(super) exponent: f64,
    pub(super) unobserved: f64,
}

impl Law {
    pub(super) fn new(params: &ImplicitAls) -> Law {
        Law {
            d: params.n_factors,
            regularisation: f64::from(params.regularisation),
            exponent: f64::from(params.frequency_exponent),
            unobserved: f64::from(params.unobserved_weight),
        }
    }
}

/// The Gramian of a side, kept up with every event, and the basis in which it was diagonal when last looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Side {
    /// d × d, symmetric, as it is now.
    pub(super) now: Vec<f64>,
    /// As it was at the last refresh, from which the basis comes.
    pub(super) looked_at: Vec<f64>,
    values: Vec<f64>,
    /// d × d, row j is the eigenvector of value j.
    vectors: Vec<f64>,
}

impl Side {
    pub(super) fn new(gramian: Vec<f64>, d: usize) -> Result<Side> {
        Side::at(gramian.clone(), gramian, d)
    }

    /// With a basis that was found some events ago.
    pub(super) fn at(now: Vec<f64>, looked_at: Vec<f64>, d: usize) -> Result<Side> {
        let (values, columns) = dense::eigen(&looked_at, d)?;
        let vectors = (0..d * d).map(|place| columns[(place % d) * d + place / d]).collect();
        let values = values.into_iter().map(|value| value.max(0.0)).collect();
        Ok(Side { now, looked_at, values, vectors })
    }

    pub(super) fn refresh(&mut self) -> Result<()> {
        *self = Side::new(std::mem::take(&mut self.now), self.values.len())?;
        Ok(())
    }

    /// One vector of this side has changed.
    pub(super) fn replace(&mut self, before: &[f32], after: &[f32]) {
        let d = before.len();
        for (i, sums) in self.now.chunks_exact_mut(d).enumerate() {
            let (old, new) = (f64::from(before[i]), f64::from(after[i]));
            for ((sum, &before), &after) in sums.iter_mut().zip(before).zip(after) {
                *sum += new * f64::from(after) - old * f64::from(before);
            }
        }
    }

    /// Moves `vector` (of the other side) for an event of `value` at the vector `h` of this one; `frequency` is
    /// the sum of the values that `vector` has seen, `n` the number of vectors on this side.
    pub(super) fn pull(&self, law: Law, vector: &mut [f32], h: &[f32], value: f64, frequency: f64, n: usize) {
        let n = n as f64;
        // The event counts in its own penalty, as it would in a fit.
        let all = frequency + value + law.unobserved * n;
        let penalty = law.regularisation * all.powf(law.exponent);
        let share = law.unobserved + frequency / n;
        let mut solved = vec![0.0_f64; h.len()];
        let mut across = 0.0;
        for (axis, &scale) in self.vectors.chunks_exact(h.len()).zip(&self.values) {
            let along: f64 = axis.iter().zip(h).map(|(a, &h)| a * f64::from(h)).sum();
            let by = along / (share * scale + penalty);
            across += along * by;
            solved.iter_mut().zip(axis).for_each(|(sum, a)| *sum += by * a);
        }
        let score: f64 = vector.iter().zip(h).map(|(&w, &h)| f64::from(w) * f64::from(h)).sum();
        let gain = value * (1.0 - score) / (1.0 + value * across);
        if gain.is_finite() {
            vector.iter_mut().zip(&solved).for_each(|(w, by)| *w = (f64::from(*w) + gain * by) as f32);
        }
    }
}
