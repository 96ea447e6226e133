//! One row solved block of factors by block of factors (iALS++: Rendle, Krichene, Zhang & Koren 2021).
//!
//! The other factors held, a block's best values solve a system of the block's size; what a row's places are
//! predicted as is kept up to date, so that a block costs n × block² and not n × d². In the Gramian's own basis
//! its part of the system is diagonal, so blocks meet only through the places.

use super::equations::Equations;
use crate::dense::{self, Scratch};

/// One thread's working memory.
#[derive(Default)]
pub(super) struct Desk {
    misses: Vec<f32>,
    gathered: Vec<f32>,
    system: Vec<f32>,
    slope: Vec<f32>,
    scratch: Option<Scratch>,
}

impl Desk {
    /// Improves `x` by one turn over the blocks; false where f32 does not reach.
    pub(super) fn solve(&mut self, row: &Equations<'_>, x: &mut [f32], block: usize) -> bool {
        let (n, width) = (row.n_places(), x.len());
        let (vectors, columns) = (row.places.vectors.as_flattened(), row.places.columns);
        let (diagonal, pull) = (row.diagonal.as_flattened(), row.pull.as_flattened());
        let block = block.min(width);
        let scratch = self.scratch.get_or_insert_with(|| Scratch::new::<f32>(block));
        self.misses.clear();
        self.misses.extend((0..n).map(|place| {
            let from = columns[place] as usize * width;
            1.0 - vectors[from..from + width].iter().zip(&*x).map(|(&h, &x)| h * x).sum::<f32>()
        }));
        self.gathered.resize(n * block, 0.0);
        self.system.resize(block * block, 0.0);
        self.slope.resize(block, 0.0);
        for from in (0..width).step_by(block) {
            let b = block.min(width - from);
            let (system, slope) = (&mut self.system[..b * b], &mut self.slope[..b]);
            for (j, slope) in slope.iter_mut().enumerate() {
                let pull = pull.get(from + j).copied().unwrap_or(0.0);
                *slope = pull - diagonal[from + j] * x[from + j];
            }
            for (place, slots) in self.gathered.chunks_exact_mut(b).take(n).enumerate() {
                let at = columns[place] as usize * width + from;
                let root = row.places.values[place].sqrt();
                let pulled = root * self.misses[place];
                for ((slot, &h), slope) in slots.iter_mut().zip(&vectors[at..at + b]).zip(&mut *slope) {
                    *slot = root * h;
                    *slope += pulled * *slot;
                }
            }
            dense::gram(false, system, &self.gathered[..n * b], n, b);
            (0..b).for_each(|j| system[j * b + j] += diagonal[from + j]);
            if !dense::solve(system, slope, b, scratch) {
                return false;
            }
            x[from..from + b].iter_mut().zip(&*slope).for_each(|(x, &step)| *x += step);
            for (place, miss) in self.misses.iter_mut().enumerate() {
                let at = columns[place] as usize * width + from;
                *miss -= vectors[at..at + b].iter().zip(&*slope).map(|(&h, &step)| h * step).sum::<f32>();
            }
        }
        x.iter().all(|x| x.is_finite())
    }
}
