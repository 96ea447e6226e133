//! One side's vectors from the other's: a small linear system a row, solved exactly.
//!
//! With H the other side's vectors of a row's places and a their values, the row's vector x solves
//! (α₀G + λI + Hᵀ diag(a) H) x = Hᵀ a, G being the Gramian of all other vectors. In the basis in which G is
//! diagonal, D = α₀G + λI is diagonal for every λ, so a row with fewer places than factors is solved in the
//! space of its places (Woodbury's identity): with C = diag(√a) H D^−½, x = D^−½ Cᵀ (I + C Cᵀ)⁻¹ √a. That costs
//! n²d instead of nd² + d³/3, and most rows are short. Longer rows take the Cholesky factorisation of the d × d
//! system.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::means::check_vectors;
use super::{ImplicitAls, check_values};
use crate::dense::{self, Scratch};
use crate::error::{Error, Result};
use crate::gramian::{Basis, gramian};
use crate::run::Run;
use crate::sparse::Csr;

/// Rows that one task solves.
const ROWS: usize = 32;
/// Places of a long row that are multiplied at once.
const PLACES: usize = 1_024;

/// Gives vectors to rows, from the vectors of the other side, which are held as they are.
pub struct Solver {
    params: ImplicitAls,
    other: Array2<f32>,
    rotated: Array2<f32>,
    basis: Basis,
}

impl std::fmt::Debug for Solver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Solver").field("other", &self.other.dim()).finish_non_exhaustive()
    }
}

impl Solver {
    /// Prepares the Gramian of the other side's vectors and its basis.
    pub(super) fn new(run: &Run<'_>, params: &ImplicitAls, other: Array2<f32>) -> Result<Solver> {
        let basis = Basis::new(&gramian(run, other.view())?, params.n_factors)?;
        let rotated = basis.rotate(run, other.view())?;
        Ok(Solver { params: params.clone(), other, rotated, basis })
    }

    /// The other side's vectors.
    pub fn other(&self) -> ArrayView2<'_, f32> {
        self.other.view()
    }

    /// The other side's vectors, given back.
    pub(super) fn into_other(self) -> Array2<f32> {
        self.other
    }

    /// The vectors of `rows` (new rows × the other side). Rows without values get the vector 0. Errors on a
    /// matrix of another width and on values below 0.
    pub fn solve(&self, run: &Run<'_>, rows: &Csr) -> Result<Array2<f32>> {
        self.solve_all(run, rows, None)
    }

    /// As [`Solver::solve`], each vector being pulled towards its mean (`means`: new rows × n_factors) instead
    /// of 0. A row without values has, to the loss, nothing but zeros: it gets its mean shrunk by the Gramian,
    /// (α₀G + λI)⁻¹ λm. Of a row of which nothing is known, not even that, the mean itself is the vector.
    /// Errors also on means of another shape or that are not finite.
    pub fn solve_towards(
        &self,
        run: &Run<'_>,
        rows: &Csr,
        means: ArrayView2<'_, f32>,
    ) -> Result<Array2<f32>> {
        check_vectors(means, (rows.n_rows(), self.params.n_factors), "mean")?;
        self.solve_all(run, rows, Some(means))
    }

    /// One of the two, whether there are means.
    pub(super) fn solve_rows(
        &self,
        run: &Run<'_>,
        rows: &Csr,
        means: Option<Array2<f32>>,
    ) -> Result<Array2<f32>> {
        match means {
            Some(means) => self.solve_towards(run, rows, means.view()),
            None => self.solve(run, rows),
        }
    }

    fn solve_all(
        &self,
        run: &Run<'_>,
        rows: &Csr,
        means: Option<ArrayView2<'_, f32>>,
    ) -> Result<Array2<f32>> {
        let d = self.params.n_factors;
        let means = means.map(|means| self.basis.rotate(run, means)).transpose()?;
        if rows.n_cols() != self.other.nrows() {
            return Err(Error::input(
                format!("the rows have {} columns where {} were learned", rows.n_cols(), self.other.nrows()),
                "number the columns as in training",
            ));
        }
        check_values(rows)?;
        let mut vectors = Array2::<f32>::zeros((rows.n_rows(), d));
        let values = vectors.as_slice_mut().unwrap_or(&mut []);
        run.pool.install(|| {
            values.par_chunks_mut(ROWS * d).enumerate().try_for_each_init(
                || Desk::new(d),
                |desk, (chunk, vectors)| {
                    run.check()?;
                    desk.found[..vectors.len()].fill(0.0);
                    for place in 0..vectors.len() / d {
                        let (columns, values) = rows.row(chunk * ROWS + place);
                        let mean =
                            means.as_ref().and_then(|means| means.row(chunk * ROWS + place).to_slice());
                        if (columns.is_empty() && mean.is_none())
                            || self.solve_row(desk, place, columns, values, mean)
                        {
                            continue;
                        }
                        if !self.solve_row_wide(desk, place, columns, values, mean) {
                            return Err(Error::input(
                                format!("row {} has no solution", chunk * ROWS + place),
                                "raise the regularisation, or scale the values down",
                            ));
                        }
                    }
                    self.basis.rotate_back(vectors, &desk.found[..vectors.len()]);
                    Ok(())
                },
            )
        })?;
        Ok(vectors)
    }

    /// λ of a row with these values.
    fn penalty(&self, values: &[f32]) -> f64 {
        let p = &self.params;
        let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
        let frequency = sum + f64::from(p.unobserved_weight) * self.other.nrows() as f64;
        f64::from(p.regularisation) * frequency.powf(f64::from(p.frequency_exponent))
    }

    /// Writes the rotated vector of one row at its place on the desk.
    fn solve_row(
        &self,
        desk: &mut Desk,
        place: usize,
        columns: &[u32],
        values: &[f32],
        mean: Option<&[f32]>,
    ) -> bool {
        let p = &self.params;
        let d = p.n_factors;
        let penalty = self.penalty(values);
        for (slot, &value) in desk.diagonal.iter_mut().zip(&self.basis.values) {
            *slot = p.unobserved_weight * value + penalty as f32;
        }
        // λm; in the space of places it is scaled by D^−½ as all else: q, and x = D^−½ (q + Cᵀu) with
        // (I + C Cᵀ) u = √a − C q.
        let found = &mut desk.found[place * d..(place + 1) * d];
        match mean {
            Some(mean) => found.iter_mut().zip(mean).for_each(|(x, &m)| *x = penalty as f32 * m),
            None => found.fill(0.0),
        }
        if columns.len() < d {
            desk.inverse.iter_mut().zip(&desk.diagonal).for_each(|(slot, &value)| *slot = 1.0 / value.sqrt());
            self.gather(&mut desk.gathered, columns, values, Some(&desk.inverse));
            let n = columns.len();
            let system = &mut desk.system[..n * n];
            dense::row_gram(false, system, &desk.gathered[..n * d], n, d);
            (0..n).for_each(|i| system[i * n + i] += 1.0);
            let weights = &mut desk.weights[..n];
            weights.iter_mut().zip(values).for_each(|(slot, &value)| *slot = value.sqrt());
            if mean.is_some() {
                found.iter_mut().zip(&desk.inverse).for_each(|(q, &scale)| *q *= scale);
                for (weight, vector) in weights.iter_mut().zip(desk.gathered.chunks_exact(d)) {
                    *weight -= vector.iter().zip(&*found).map(|(&c, &q)| c * q).sum::<f32>();
                }
            }
            if !dense::solve(system, weights, n, &mut desk.scratch) {
                return false;
            }
            add_weighted(found, &desk.gathered[..n * d], weights);
            found.iter_mut().zip(&desk.inverse).for_each(|(x, &scale)| *x *= scale);
        } else {
            let system = &mut desk.system[..d * d];
            system.fill(0.0);
            (0..d).for_each(|i| system[i * d + i] = desk.diagonal[i]);
            for (columns, values) in columns.chunks(PLACES).zip(values.chunks(PLACES)) {
                let n = columns.len();
                desk.gathered.resize(desk.gathered.len().max(n * d), 0.0);
                desk.weights.resize(desk.weights.len().max(n), 0.0);
                self.gather(&mut desk.gathered, columns, values, None);
                dense::gram(true, system, &desk.gathered[..n * d], n, d);
                let weights = &mut desk.weights[..n];
                weights.iter_mut().zip(values).for_each(|(slot, &value)| *slot = value.sqrt());
                add_weighted(found, &desk.gathered[..n * d], weights);
            }
            if !dense::solve(system, found, d, &mut desk.scratch) {
                return false;
            }
        }
        found.iter().all(|x| x.is_finite())
    }

    /// As [`Solver::solve_row`] in f64, for the rare row whose values are too far apart for f32.
    fn solve_row_wide(
        &self,
        desk: &mut Desk,
        place: usize,
        columns: &[u32],
        values: &[f32],
        mean: Option<&[f32]>,
    ) -> bool {
        let d = self.params.n_factors;
        let rotated = self.rotated.as_slice().unwrap_or(&[]);
        let (mut system, mut sum) = (vec![0.0_f64; d * d], vec![0.0_f64; d]);
        if let Some(mean) = mean {
            let penalty = self.penalty(values);
            sum.iter_mut().zip(mean).for_each(|(slot, &m)| *slot = penalty * f64::from(m));
        }
        (0..d).for_each(|i| system[i * d + i] = f64::from(desk.diagonal[i]));
        for (&column, &value) in columns.iter().zip(values) {
            let vector = &rotated[column as usize * d..(column as usize + 1) * d];
            for (i, &h) in vector.iter().enumerate() {
                let weighted = f64::from(value) * f64::from(h);
                sum[i] += weighted;
                for (slot, &other) in system[i * d + i..(i + 1) * d].iter_mut().zip(&vector[i..]) {
                    *slot += weighted * f64::from(other);
                }
            }
        }
        let solved = dense::solve(&mut system, &mut sum, d, &mut Scratch::new::<f64>(d));
        let found = &mut desk.found[place * d..(place + 1) * d];
        found.iter_mut().zip(&sum).for_each(|(x, &value)| *x = value as f32);
        solved && found.iter().all(|x| x.is_finite())
    }

    /// √a × the rotated vectors of some columns, times `scale` per factor.
    fn gather(&self, gathered: &mut [f32], columns: &[u32], values: &[f32], scale: Option<&[f32]>) {
        let d = self.params.n_factors;
        let rotated = self.rotated.as_slice().unwrap_or(&[]);
        for ((slots, &column), &value) in gathered.chunks_exact_mut(d).zip(columns).zip(values) {
            let vector = &rotated[column as usize * d..(column as usize + 1) * d];
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
}

/// sum += Σ weight × vector.
fn add_weighted(sum: &mut [f32], vectors: &[f32], weights: &[f32]) {
    for (vector, &weight) in vectors.chunks_exact(sum.len()).zip(weights) {
        for (sum, &value) in sum.iter_mut().zip(vector) {
            *sum += weight * value;
        }
    }
}

/// One thread's working memory.
struct Desk {
    found: Vec<f32>,
    diagonal: Vec<f32>,
    inverse: Vec<f32>,
    gathered: Vec<f32>,
    weights: Vec<f32>,
    system: Vec<f32>,
    scratch: Scratch,
}

impl Desk {
    fn new(d: usize) -> Desk {
        Desk {
            found: vec![0.0; ROWS * d],
            diagonal: vec![0.0; d],
            inverse: vec![0.0; d],
            gathered: vec![0.0; d * d],
            weights: vec![0.0; d],
            system: vec![0.0; d * d],
            scratch: Scratch::new::<f32>(d),
        }
    }
}
