//! One side's vectors from the other's: a small linear system a row.
//!
//! With H the other side's vectors of a row's places, a their values and m the row's mean, its vector x solves
//! (α₀G + λI + Hᵀ diag(a) H) x = Hᵀ a + λm, G being the Gramian of all other vectors. All methods work in the
//! basis in which G is diagonal, since α₀G + λI is diagonal there for every λ.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::equations::Equations;
use super::exact::{self, solve_wide};
use super::means::check_vectors;
use super::{ImplicitAls, Method, blocks, check_values, gradient};
use crate::error::{Error, Result};
use crate::gramian::{Basis, gramian};
use crate::run::Run;
use crate::simd::misses::{LANE, Lane, Places};
use crate::simd::{Level, level};
use crate::sparse::Csr;

/// Rows that one task solves.
const ROWS: usize = 64;

/// Gives vectors to rows, from the vectors of the other side, which are held as they are.
pub struct Solver {
    params: ImplicitAls,
    other: Array2<f32>,
    /// The other vectors in the Gramian's basis, padded to `width` factors.
    rotated: Array2<f32>,
    width: usize,
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
        let width = params.n_factors.next_multiple_of(LANE);
        let basis = Basis::padded(&gramian(run, other.view())?, params.n_factors, width)?;
        let rotated = basis.rotate(run, other.view())?;
        Ok(Solver { params: params.clone(), other, rotated, width, basis })
    }

    /// The other side's vectors.
    pub fn other(&self) -> ArrayView2<'_, f32> {
        self.other.view()
    }

    /// The other side's vectors, given back.
    pub(super) fn into_other(self) -> Array2<f32> {
        self.other
    }

    /// The vectors of `rows` (new rows × the other side), solved to the bottom whatever the method of training.
    /// Rows without values get the vector 0. Errors on a matrix of another width and on values below 0.
    pub fn solve(&self, run: &Run<'_>, rows: &Csr) -> Result<Array2<f32>> {
        let mut vectors = Array2::zeros((rows.n_rows(), self.params.n_factors));
        self.improve(run, rows, None, Method::Exact, &mut vectors)?;
        Ok(vectors)
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
        let mut vectors = Array2::zeros((rows.n_rows(), self.params.n_factors));
        self.improve(run, rows, Some(means), Method::Exact, &mut vectors)?;
        Ok(vectors)
    }

    /// Solves the rows' vectors in place, going on from what they are unless the method is exact.
    pub(super) fn improve(
        &self,
        run: &Run<'_>,
        rows: &Csr,
        means: Option<ArrayView2<'_, f32>>,
        method: Method,
        vectors: &mut Array2<f32>,
    ) -> Result<()> {
        let d = self.params.n_factors;
        if rows.n_cols() != self.other.nrows() {
            return Err(Error::input(
                format!("the rows have {} columns where {} were learned", rows.n_cols(), self.other.nrows()),
                "number the columns as in training",
            ));
        }
        check_values(rows)?;
        if let Some(means) = means {
            check_vectors(means, vectors.dim(), "mean")?;
        }
        let means = means.map(|means| means.as_standard_layout().into_owned());
        let means = means.as_ref().and_then(|means| means.as_slice());
        let values = vectors.as_slice_mut().unwrap_or(&mut []);
        run.pool.install(|| {
            values.par_chunks_mut(ROWS * d).enumerate().try_for_each_init(
                || Desk::new(self.width),
                |desk, (chunk, vectors)| {
                    run.check()?;
                    let from = chunk * ROWS;
                    let means = means.and_then(|means| means.get(from * d..from * d + vectors.len()));
                    self.improve_chunk(desk, rows, from, means, method, vectors)
                },
            )
        })
    }

    fn improve_chunk(
        &self,
        desk: &mut Desk,
        rows: &Csr,
        from: usize,
        means: Option<&[f32]>,
        method: Method,
        vectors: &mut [f32],
    ) -> Result<()> {
        let n = vectors.len() / self.params.n_factors;
        let Desk { level, found, means: turned, pull, diagonal, exact, gradient, blocks } = desk;
        let lanes = self.width / LANE;
        let (others, _) = self.rotated.as_slice().unwrap_or(&[]).as_chunks::<LANE>();
        if method != Method::Exact {
            self.basis.rotate_into(found, vectors);
        }
        if let Some(means) = means {
            self.basis.rotate_into(turned, means);
        }
        for (place, x) in found.chunks_exact_mut(self.width).take(n).enumerate() {
            let (columns, values) = rows.row(from + place);
            if columns.is_empty() && means.is_none() {
                x.fill(0.0);
                continue;
            }
            let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
            let penalty = self.params.penalty(sum, self.other.nrows()) as f32;
            for (slot, &value) in diagonal.as_flattened_mut().iter_mut().zip(&self.basis.values) {
                *slot = self.params.unobserved_weight * value + penalty;
            }
            if means.is_some() {
                let mean = &turned[place * self.width..(place + 1) * self.width];
                pull.as_flattened_mut().iter_mut().zip(mean).for_each(|(slot, &m)| *slot = penalty * m);
            }
            let row = Equations {
                places: Places { vectors: others, width: lanes, columns, values },
                diagonal,
                pull: if means.is_some() { pull } else { &[] },
            };
            let solved = match method {
                Method::Exact => exact.solve(*level, &row, x),
                Method::ConjugateGradient { n_steps } => {
                    gradient.solve(*level, &row, x.as_chunks_mut::<LANE>().0, n_steps, 0.0);
                    x.iter().all(|x| x.is_finite())
                }
                Method::Blocks { block } => blocks.solve(&row, x, block),
            };
            if !solved && !solve_wide(&row, x) {
                return Err(Error::input(
                    format!("row {} has no solution", from + place),
                    "raise the regularisation, or scale the values down",
                ));
            }
        }
        self.basis.rotate_back(vectors, &found[..n * self.width]);
        Ok(())
    }
}

/// One thread's working memory.
struct Desk {
    level: Level,
    /// The chunk's vectors, and its means, in the Gramian's basis.
    found: Vec<f32>,
    means: Vec<f32>,
    pull: Vec<Lane>,
    diagonal: Vec<Lane>,
    exact: exact::Desk,
    gradient: gradient::Desk,
    blocks: blocks::Desk,
}

impl Desk {
    fn new(width: usize) -> Desk {
        Desk {
            level: level(),
            found: vec![0.0; ROWS * width],
            means: vec![0.0; ROWS * width],
            pull: vec![[0.0; LANE]; width / LANE],
            diagonal: vec![[1.0; LANE]; width / LANE],
            gradient: gradient::Desk::default(),
            exact: exact::Desk::new(width),
            blocks: blocks::Desk::default(),
        }
    }
}
