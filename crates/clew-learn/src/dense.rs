//! Small dense linear algebra on slices, one thread at a time: the parallel part is always the caller's, over
//! chunks of fixed size, so that the bits do not depend on the number of threads.
//!
//! Sets of vectors lie row by row. Symmetric matrices lie column by column and only their lower triangle
//! counts (place `column * n + row`, row ≥ column), which is what the Cholesky kernels are fast on.

use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::evd;
use faer::linalg::matmul::triangular::BlockStructure;
use faer::linalg::matmul::{matmul, triangular};
use faer::traits::RealField;
use faer::{Accum, MatMut, MatRef, Par};

use crate::error::{Error, Result};

/// c (m × n) = or += a (m × k) · b (k × n).
pub(crate) fn multiply<T: RealField>(add: bool, c: &mut [T], a: &[T], b: &[T], m: usize, k: usize, n: usize) {
    if m == 0 || n == 0 {
        return;
    }
    matmul(
        MatMut::from_row_major_slice_mut(c, m, n),
        accumulate(add),
        MatRef::from_row_major_slice(a, m, k),
        MatRef::from_row_major_slice(b, k, n),
        T::one_impl(),
        Par::Seq,
    );
}

/// c (m × n) = a (m × k) · bᵀ with b (n × k): all inner products of two sets of rows.
pub(crate) fn products<T: RealField>(c: &mut [T], a: &[T], b: &[T], m: usize, k: usize, n: usize) {
    if m == 0 || n == 0 {
        return;
    }
    matmul(
        MatMut::from_row_major_slice_mut(c, m, n),
        Accum::Replace,
        MatRef::from_row_major_slice(a, m, k),
        MatRef::from_row_major_slice(b, n, k).transpose(),
        T::one_impl(),
        Par::Seq,
    );
}

/// Lower triangle of g (d × d) = or += aᵀ · a with a (m × d). The upper triangle is left as it is.
pub(crate) fn gram<T: RealField>(add: bool, g: &mut [T], a: &[T], m: usize, d: usize) {
    lower(add, g, MatRef::from_row_major_slice(a, m, d).transpose(), d);
}

/// Lower triangle of g (m × m) = or += a · aᵀ with a (m × d). The upper triangle is left as it is.
pub(crate) fn row_gram<T: RealField>(add: bool, g: &mut [T], a: &[T], m: usize, d: usize) {
    lower(add, g, MatRef::from_row_major_slice(a, m, d), m);
}

fn lower<T: RealField>(add: bool, g: &mut [T], a: MatRef<'_, T>, n: usize) {
    if n == 0 {
        return;
    }
    triangular::matmul(
        MatMut::from_column_major_slice_mut(g, n, n),
        BlockStructure::TriangularLower,
        accumulate(add),
        a,
        BlockStructure::Rectangular,
        a.transpose(),
        BlockStructure::Rectangular,
        T::one_impl(),
        Par::Seq,
    );
}

fn accumulate(add: bool) -> Accum {
    if add { Accum::Add } else { Accum::Replace }
}

/// Copies the lower triangle of g (d × d) onto the upper.
pub(crate) fn mirror<T: Copy>(g: &mut [T], d: usize) {
    for row in 0..d {
        for column in row + 1..d {
            g[column * d + row] = g[row * d + column];
        }
    }
}

/// Scratch memory for [`solve`], kept between calls.
pub(crate) struct Scratch(MemBuffer);

impl Scratch {
    /// Enough for systems up to `n` × `n`.
    pub(crate) fn new<T: RealField>(n: usize) -> Scratch {
        Scratch(MemBuffer::new(llt::factor::cholesky_in_place_scratch::<T>(n, Par::Seq, Default::default())))
    }
}

/// Solves a · x = b in place of b, a symmetric positive definite (n × n, lower triangle read and replaced by
/// its Cholesky factor). False when a is not positive definite.
pub(crate) fn solve<T: RealField>(a: &mut [T], b: &mut [T], n: usize, scratch: &mut Scratch) -> bool {
    if n == 0 {
        return true;
    }
    let stack = MemStack::new(&mut scratch.0);
    let mut a = MatMut::from_column_major_slice_mut(a, n, n);
    let factored =
        llt::factor::cholesky_in_place(a.as_mut(), Default::default(), Par::Seq, stack, Default::default());
    if factored.is_err() {
        return false;
    }
    let b = MatMut::from_column_major_slice_mut(b, n, 1);
    llt::solve::solve_in_place(a.as_ref(), b, Par::Seq, stack);
    true
}

/// Eigenvalues (rising) and eigenvectors (column j of the row-major n × n result belongs to value j) of a
/// symmetric matrix, lower triangle read.
pub(crate) fn eigen(a: &[f64], n: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut values = vec![0.0; n];
    let mut columns = vec![0.0; n * n];
    let mut memory = MemBuffer::new(evd::self_adjoint_evd_scratch::<f64>(
        n,
        evd::ComputeEigenvectors::Yes,
        Par::Seq,
        Default::default(),
    ));
    evd::self_adjoint_evd(
        MatRef::from_column_major_slice(a, n, n),
        DiagMut::from_slice_mut(&mut values),
        Some(MatMut::from_column_major_slice_mut(&mut columns, n, n)),
        Par::Seq,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .map_err(|_| Error::input("the vectors have grown without bound", "raise the regularisation"))?;
    let vectors = (0..n * n).map(|place| columns[(place % n) * n + place / n]).collect();
    Ok((values, vectors))
}

/// The inverse of a symmetric positive definite matrix (n × n, both triangles read); `None` when it is not.
pub(crate) fn invert<T: RealField + Copy>(a: &[T], n: usize) -> Option<Vec<T>> {
    let mut factor = a.to_vec();
    let mut memory =
        MemBuffer::new(llt::factor::cholesky_in_place_scratch::<T>(n, Par::Seq, Default::default()));
    let stack = MemStack::new(&mut memory);
    let mut factor = MatMut::from_column_major_slice_mut(&mut factor, n, n);
    llt::factor::cholesky_in_place(factor.as_mut(), Default::default(), Par::Seq, stack, Default::default())
        .ok()?;
    let mut inverse = vec![T::zero_impl(); n * n];
    (0..n).for_each(|i| inverse[i * n + i] = T::one_impl());
    let mut memory = MemBuffer::new(llt::solve::solve_in_place_scratch::<T>(n, n, Par::Seq));
    let into = MatMut::from_column_major_slice_mut(&mut inverse, n, n);
    llt::solve::solve_in_place(factor.as_ref(), into, Par::Seq, MemStack::new(&mut memory));
    Some(inverse)
}

/// First columns of c (rows of `stride` numbers) −= a (m × k) · bᵀ with b (n × k), m and n by the lengths.
pub(crate) fn subtract_products<T: RealField>(c: &mut [T], stride: usize, a: &[T], b: &[T], k: usize) {
    let (m, n) = (a.len() / k, b.len() / k);
    matmul(
        MatMut::from_row_major_slice_mut(c, m, stride).subcols_mut(0, n),
        Accum::Add,
        MatRef::from_row_major_slice(a, m, k),
        MatRef::from_row_major_slice(b, n, k).transpose(),
        -T::one_impl(),
        Par::Seq,
    );
}
