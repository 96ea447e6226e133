//! Subspace iteration, and the products that it needs.

use ndarray::{Array2, ArrayView2, s};
use rand::Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use crate::dense;
use crate::error::Result;
use crate::gramian::{Basis, gramian};
use crate::run::Run;
use crate::sparse::Csr;

/// Rows that one task multiplies.
const ROWS: usize = 128;

/// A matrix and its transpose, both row by row.
pub(crate) enum Operand<'a> {
    Sparse(&'a Csr, &'a Csr),
    Dense(ArrayView2<'a, f32>, ArrayView2<'a, f32>),
}

impl Operand<'_> {
    fn n_columns(&self) -> usize {
        match self {
            Operand::Sparse(matrix, _) => matrix.n_cols(),
            Operand::Dense(matrix, _) => matrix.ncols(),
        }
    }

    /// matrix · vectors.
    pub(crate) fn times(&self, run: &Run<'_>, vectors: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        match self {
            Operand::Sparse(matrix, _) => multiply(run, matrix, vectors),
            Operand::Dense(matrix, _) => multiply_dense(run, *matrix, vectors),
        }
    }

    /// matrixᵀ · vectors.
    fn back(&self, run: &Run<'_>, vectors: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        match self {
            Operand::Sparse(_, transposed) => multiply(run, transposed, vectors),
            Operand::Dense(_, transposed) => multiply_dense(run, *transposed, vectors),
        }
    }
}

/// The `wanted` leading right singular vectors, as n_columns × wanted, strongest first.
pub(super) fn leading(
    run: &Run<'_>,
    matrix: &Operand<'_>,
    wanted: usize,
    n_spare: usize,
    n_rounds: usize,
) -> Result<Array2<f32>> {
    let n = matrix.n_columns();
    let width = wanted.saturating_add(n_spare).min(n);
    let mut rng = run.rng(0x7375_6273);
    let start = Array2::from_shape_simple_fn((n, width), || rng.sample::<f32, _>(StandardNormal));
    let mut vectors = orthonormal(run, start.view())?;
    for round in 0..n_rounds {
        run.report("finding singular vectors", round as f64 / (n_rounds + 1) as f64);
        let through = matrix.back(run, matrix.times(run, vectors.view())?.view())?;
        vectors = orthonormal(run, through.view())?;
    }
    // Within the subspace the singular vectors are the eigenvectors of the image's Gramian (Rayleigh–Ritz).
    let image = matrix.times(run, vectors.view())?;
    let basis = Basis::new(&gramian(run, image.view())?, width)?;
    let vectors = basis.rotate(run, vectors.view())?;
    run.report("finding singular vectors", 1.0);
    Ok(vectors.slice(s![.., width - wanted..;-1]).as_standard_layout().into_owned())
}

/// The same span with orthonormal columns; directions lost to rounding become 0. Twice, since once leaves errors
/// of the size of the vectors' condition.
fn orthonormal(run: &Run<'_>, vectors: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
    let mut vectors = vectors.to_owned();
    for _ in 0..2 {
        let basis = Basis::new(&gramian(run, vectors.view())?, vectors.ncols())?;
        vectors = basis.rotate(run, vectors.view())?;
        let most = basis.values.iter().fold(0.0_f32, |most, &value| most.max(value));
        for (mut column, &value) in vectors.columns_mut().into_iter().zip(&basis.values) {
            let scale = if value > 1e-10 * most { 1.0 / value.sqrt() } else { 0.0 };
            column.mapv_inplace(|v| v * scale);
        }
    }
    Ok(vectors)
}

/// sparse · dense.
pub(super) fn multiply(run: &Run<'_>, matrix: &Csr, vectors: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
    let d = vectors.ncols();
    let vectors = vectors.as_standard_layout();
    let from = vectors.as_slice().unwrap_or(&[]);
    by_rows(run, matrix.n_rows(), d, |first, sums| {
        for (place, sum) in sums.chunks_exact_mut(d).enumerate() {
            let (columns, values) = matrix.row(first + place);
            for (&column, &value) in columns.iter().zip(values) {
                let vector = &from[column as usize * d..(column as usize + 1) * d];
                sum.iter_mut().zip(vector).for_each(|(sum, &v)| *sum += value * v);
            }
        }
    })
}

/// dense · dense.
fn multiply_dense(
    run: &Run<'_>,
    matrix: ArrayView2<'_, f32>,
    vectors: ArrayView2<'_, f32>,
) -> Result<Array2<f32>> {
    let (m, d) = vectors.dim();
    let (matrix, vectors) = (matrix.as_standard_layout(), vectors.as_standard_layout());
    let (all, from) = (matrix.as_slice().unwrap_or(&[]), vectors.as_slice().unwrap_or(&[]));
    by_rows(run, matrix.nrows(), d, |first, sums| {
        let n = sums.len() / d;
        dense::multiply(false, sums, &all[first * m..(first + n) * m], from, n, m, d);
    })
}

/// Fills n × d numbers some rows at a time: `work(first row, their numbers)`.
fn by_rows(
    run: &Run<'_>,
    n: usize,
    d: usize,
    work: impl Fn(usize, &mut [f32]) + Sync,
) -> Result<Array2<f32>> {
    let mut product = Array2::<f32>::zeros((n, d));
    let to = product.as_slice_mut().unwrap_or(&mut []);
    run.pool.install(|| {
        to.par_chunks_mut(ROWS * d).enumerate().try_for_each(|(chunk, sums)| {
            run.check()?;
            work(chunk * ROWS, sums);
            Ok(())
        })
    })?;
    Ok(product)
}
