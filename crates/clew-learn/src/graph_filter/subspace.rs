//! The leading right singular vectors of a sparse matrix, by randomised subspace iteration (Halko, Martinsson,
//! Tropp 2011, algorithms 4.4 and 5.3).

use ndarray::{Array2, ArrayView2};
use rand::Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use crate::error::Result;
use crate::gramian::{Basis, gramian};
use crate::run::Run;
use crate::sparse::Csr;

/// Vectors beyond those wanted, which make the last ones sharp.
const SPARE: usize = 16;
/// Rows that one task multiplies.
const ROWS: usize = 128;

/// The `wanted` leading right singular vectors, as n_columns × wanted, strongest last.
pub(super) fn leading(
    run: &Run<'_>,
    matrix: &Csr,
    transposed: &Csr,
    wanted: usize,
    n_rounds: usize,
) -> Result<Array2<f32>> {
    let n = matrix.n_cols();
    let width = (wanted + SPARE).min(n);
    let mut rng = run.rng(0x7375_6273);
    let start = Array2::from_shape_simple_fn((n, width), || rng.sample::<f32, _>(StandardNormal));
    let mut vectors = orthonormal(run, start.view())?;
    for round in 0..n_rounds {
        run.report("finding what goes together", 0.4 + 0.5 * round as f64 / n_rounds as f64);
        let through = multiply(run, transposed, multiply(run, matrix, vectors.view())?.view())?;
        vectors = orthonormal(run, through.view())?;
    }
    // Within the subspace the singular vectors are the eigenvectors of the image's Gramian (Rayleigh–Ritz).
    let image = multiply(run, matrix, vectors.view())?;
    let basis = Basis::new(&gramian(run, image.view())?, width)?;
    let vectors = basis.rotate(run, vectors.view())?;
    Ok(vectors.slice(ndarray::s![.., width - wanted..]).to_owned())
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

/// sparse × dense.
fn multiply(run: &Run<'_>, matrix: &Csr, vectors: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
    let d = vectors.ncols();
    let vectors = vectors.as_standard_layout();
    let from = vectors.as_slice().unwrap_or(&[]);
    let mut product = Array2::<f32>::zeros((matrix.n_rows(), d));
    let to = product.as_slice_mut().unwrap_or(&mut []);
    run.pool.install(|| {
        to.par_chunks_mut(ROWS * d).enumerate().try_for_each(|(chunk, sums)| {
            run.check()?;
            for (place, sum) in sums.chunks_exact_mut(d).enumerate() {
                let (columns, values) = matrix.row(chunk * ROWS + place);
                for (&column, &value) in columns.iter().zip(values) {
                    let vector = &from[column as usize * d..(column as usize + 1) * d];
                    sum.iter_mut().zip(vector).for_each(|(sum, &v)| *sum += value * v);
                }
            }
            Ok(())
        })
    })?;
    Ok(product)
}
