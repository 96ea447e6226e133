//! The Gramian of a set of vectors, and the basis in which it is diagonal.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::dense;
use crate::error::Result;
use crate::parallel::sum_chunks;
use crate::run::Run;

/// Rows multiplied at once in f32; their sums go on in f64.
const BLOCK: usize = 512;
/// At most so many chunks, which bounds the memory of their Gramians.
const CHUNKS: usize = 128;

/// vectorsᵀ · vectors in f64, both triangles.
pub(crate) fn gramian(run: &Run<'_>, vectors: ArrayView2<'_, f32>) -> Result<Vec<f64>> {
    let (n, d) = vectors.dim();
    let vectors = vectors.as_standard_layout();
    let values = vectors.as_slice().unwrap_or(&[]);
    let chunk = n.div_ceil(CHUNKS).next_multiple_of(BLOCK);
    let mut gramian = sum_chunks(run, n, chunk, d * d, |from, to, sum| {
        let mut part = vec![0.0_f32; d * d];
        for block in values[from * d..to * d].chunks(BLOCK * d) {
            dense::gram(false, &mut part, block, block.len() / d, d);
            for (sum, &value) in sum.iter_mut().zip(&part) {
                *sum += f64::from(value);
            }
        }
    })?;
    dense::mirror(&mut gramian, d);
    Ok(gramian)
}

/// An orthogonal change of basis, into vectors padded with zeros.
pub(crate) struct Basis {
    /// Eigenvalues of the Gramian, rising, not below 0.
    pub(crate) values: Vec<f32>,
    width: usize,
    /// d × width, column j is the eigenvector of value j.
    there: Vec<f32>,
    /// width × d.
    back: Vec<f32>,
}

impl Basis {
    /// The basis in which a Gramian is diagonal.
    pub(crate) fn new(gramian: &[f64], d: usize) -> Result<Basis> {
        Basis::padded(gramian, d, d)
    }

    /// The basis in which a Gramian is diagonal; vectors in it have `width` ≥ d numbers, the last ones 0.
    pub(crate) fn padded(gramian: &[f64], d: usize, width: usize) -> Result<Basis> {
        let (values, vectors) = dense::eigen(gramian, d)?;
        let (mut there, mut back) = (vec![0.0; d * width], vec![0.0; width * d]);
        for (place, &value) in vectors.iter().enumerate() {
            let (row, column) = (place / d, place % d);
            there[row * width + column] = value as f32;
            back[column * d + row] = value as f32;
        }
        let values = values.iter().map(|&value| value.max(0.0) as f32).collect();
        Ok(Basis { values, width, there, back })
    }

    /// All vectors in the new basis, `width` numbers each.
    pub(crate) fn rotate(&self, run: &Run<'_>, vectors: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        let d = self.values.len();
        let vectors = vectors.as_standard_layout();
        let from = vectors.as_slice().unwrap_or(&[]);
        let mut rotated = Array2::zeros((vectors.nrows(), self.width));
        let to = rotated.as_slice_mut().unwrap_or(&mut []);
        run.pool.install(|| {
            to.par_chunks_mut(BLOCK * self.width).zip(from.par_chunks(BLOCK * d)).try_for_each(
                |(to, from)| {
                    run.check()?;
                    self.rotate_into(to, from);
                    Ok(())
                },
            )
        })?;
        Ok(rotated)
    }

    /// Some vectors in the new basis, one thread.
    pub(crate) fn rotate_into(&self, to: &mut [f32], from: &[f32]) {
        let d = self.values.len();
        let n = from.len() / d;
        dense::multiply(false, &mut to[..n * self.width], from, &self.there, n, d, self.width);
    }

    /// Vectors of the new basis in the old one again.
    pub(crate) fn rotate_back(&self, to: &mut [f32], from: &[f32]) {
        dense::multiply(false, to, from, &self.back, from.len() / self.width, self.width, self.values.len());
    }
}
