//! One row solved to the bottom.
//!
//! By conjugate gradients as far as f32 reaches, which the diagonal as preconditioner brings about within a dozen
//! steps for most rows (their system is the identity plus a part of low rank); directly for the others.
//!
//! In the basis in which the Gramian is diagonal, D = α₀G + λI is diagonal for every λ, so a row with fewer
//! places than factors is solved in the space of its places (Woodbury's identity): with C = diag(√a) H D^−½ and
//! q = D^−½ λm, x = D^−½ (q + Cᵀu) where (I + C Cᵀ) u = √a − C q. That costs n²d instead of nd² + d³/3. Longer
//! rows take the Cholesky factorisation of the d × d system.

use super::equations::Equations;
use super::gradient;
use crate::dense::{self, Scratch};
use crate::simd::Level;
use crate::simd::misses::{LANE, Lane, Places};

/// Places of a long row that are multiplied at once.
const PLACES: usize = 1_024;

/// What conjugate gradients may leave of a residual that counts as solved: about what rounding leaves of it.
const TOLERANCE: f32 = 1e-6;
/// After so many steps the direct solution is cheaper.
const MOST_STEPS: usize = 12;

/// One thread's working memory.
pub(super) struct Desk {
    gradient: gradient::Desk,
    inverse: Vec<f32>,
    gathered: Vec<f32>,
    weights: Vec<f32>,
    system: Vec<f32>,
    scratch: Scratch,
}

impl Desk {
    pub(super) fn new(width: usize) -> Desk {
        Desk {
            gradient: gradient::Desk::default(),
            inverse: vec![0.0; width],
            gathered: vec![0.0; width * width],
            weights: vec![0.0; width],
            system: vec![0.0; width * width],
            scratch: Scratch::new::<f32>(width),
        }
    }

    /// Writes the row's vector to `x`; false where f32 does not reach.
    pub(super) fn solve(&mut self, level: Level, row: &Equations<'_>, x: &mut [f32]) -> bool {
        let (lanes, _) = x.as_chunks_mut::<LANE>();
        start(row, lanes);
        if self.gradient.solve(level, row, lanes, MOST_STEPS, TOLERANCE) {
            return true;
        }
        if row.pull.is_empty() {
            x.fill(0.0);
        } else {
            x.copy_from_slice(row.pull.as_flattened());
        }
        let solved =
            if row.n_places() < x.len() { self.solve_short(row, x) } else { self.solve_long(row, x) };
        solved && x.iter().all(|x| x.is_finite())
    }

    fn solve_short(&mut self, row: &Equations<'_>, x: &mut [f32]) -> bool {
        let (n, width) = (row.n_places(), x.len());
        self.inverse
            .iter_mut()
            .zip(row.diagonal.as_flattened())
            .for_each(|(slot, &value)| *slot = 1.0 / value.sqrt());
        gather(&mut self.gathered, row.places, Some(&self.inverse));
        let system = &mut self.system[..n * n];
        dense::row_gram(false, system, &self.gathered[..n * width], n, width);
        (0..n).for_each(|i| system[i * n + i] += 1.0);
        let weights = &mut self.weights[..n];
        weights.iter_mut().zip(row.places.values).for_each(|(slot, &value)| *slot = value.sqrt());
        if !row.pull.is_empty() {
            x.iter_mut().zip(&self.inverse).for_each(|(q, &scale)| *q *= scale);
            for (weight, vector) in weights.iter_mut().zip(self.gathered.chunks_exact(width)) {
                *weight -= vector.iter().zip(&*x).map(|(&c, &q)| c * q).sum::<f32>();
            }
        }
        if !dense::solve(system, weights, n, &mut self.scratch) {
            return false;
        }
        add_weighted(x, &self.gathered[..n * width], weights);
        x.iter_mut().zip(&self.inverse).for_each(|(x, &scale)| *x *= scale);
        true
    }

    fn solve_long(&mut self, row: &Equations<'_>, x: &mut [f32]) -> bool {
        let d = x.len();
        let diagonal = row.diagonal.as_flattened();
        let system = &mut self.system[..d * d];
        system.fill(0.0);
        (0..d).for_each(|i| system[i * d + i] = diagonal[i]);
        for (columns, values) in row.places.columns.chunks(PLACES).zip(row.places.values.chunks(PLACES)) {
            let n = columns.len();
            self.gathered.resize(self.gathered.len().max(n * d), 0.0);
            self.weights.resize(self.weights.len().max(n), 0.0);
            gather(&mut self.gathered, Places { columns, values, ..row.places }, None);
            dense::gram(true, system, &self.gathered[..n * d], n, d);
            let weights = &mut self.weights[..n];
            weights.iter_mut().zip(values).for_each(|(slot, &value)| *slot = value.sqrt());
            add_weighted(x, &self.gathered[..n * d], weights);
        }
        dense::solve(system, x, d, &mut self.scratch)
    }
}

/// The vector of a row without values.
fn start(row: &Equations<'_>, x: &mut [Lane]) {
    x.fill([0.0; LANE]);
    for ((x, pull), diagonal) in x.iter_mut().zip(row.pull).zip(row.diagonal) {
        for ((x, pull), diagonal) in x.iter_mut().zip(pull).zip(diagonal) {
            *x = pull / diagonal;
        }
    }
}

/// As [`Desk::solve`] in f64, for the rare row whose values are too far apart for f32.
pub(super) fn solve_wide(row: &Equations<'_>, x: &mut [f32]) -> bool {
    let d = x.len();
    let diagonal = row.diagonal.as_flattened();
    let mut system = vec![0.0_f64; d * d];
    let mut sum: Vec<f64> = row.pull.as_flattened().iter().map(|&pull| f64::from(pull)).collect();
    sum.resize(d, 0.0);
    (0..d).for_each(|i| system[i * d + i] = f64::from(diagonal[i]));
    for (&column, &value) in row.places.columns.iter().zip(row.places.values) {
        let vector = row.places.vector(column).as_flattened();
        for (i, &h) in vector.iter().enumerate() {
            let weighted = f64::from(value) * f64::from(h);
            sum[i] += weighted;
            for (slot, &other) in system[i * d + i..(i + 1) * d].iter_mut().zip(&vector[i..]) {
                *slot += weighted * f64::from(other);
            }
        }
    }
    let solved = dense::solve(&mut system, &mut sum, d, &mut Scratch::new::<f64>(d));
    x.iter_mut().zip(&sum).for_each(|(x, &value)| *x = value as f32);
    solved && x.iter().all(|x| x.is_finite())
}

/// √a × the vectors of some columns, times `scale` per factor.
fn gather(gathered: &mut [f32], places: Places<'_>, scale: Option<&[f32]>) {
    let d = places.width * LANE;
    for ((slots, &column), &value) in gathered.chunks_exact_mut(d).zip(places.columns).zip(places.values) {
        let vector = places.vector(column).as_flattened();
        let root = value.sqrt();
        match scale {
            Some(scale) => {
                for ((slot, &h), &s) in slots.iter_mut().zip(vector).zip(scale) {
                    *slot = root * h * s;
                }
            }
            None => slots.iter_mut().zip(vector).for_each(|(slot, &h)| *slot = root * h),
        }
    }
}

/// sum += Σ weight × vector.
fn add_weighted(sum: &mut [f32], vectors: &[f32], weights: &[f32]) {
    for (vector, &weight) in vectors.chunks_exact(sum.len()).zip(weights) {
        for (sum, &value) in sum.iter_mut().zip(vector) {
            *sum += weight * value;
        }
    }
}
