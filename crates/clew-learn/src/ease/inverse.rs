//! The inverse of a large positive definite matrix, in place, over row blocks in parallel: the symmetric sweep
//! (Goodnight 1979), a block of columns at a time, whose own inverse is taken by Cholesky. n³ operations, as a
//! Cholesky inversion, and every entry is always summed in the same order, whatever the number of threads.

use faer::traits::RealField;
use rayon::prelude::*;

use crate::dense;
use crate::error::{Error, Result};
use crate::run::Run;
use crate::sparse::Csr;

/// Columns swept at once, and rows that one task updates.
const BLOCK: usize = 128;

/// f32 or f64.
pub(super) trait Number: RealField + Copy + From<f32> + Send + Sync {
    /// As f32, without a copy where they are already.
    fn narrow(values: Vec<Self>) -> Vec<f32>;
}

impl Number for f32 {
    fn narrow(values: Vec<f32>) -> Vec<f32> {
        values
    }
}

impl Number for f64 {
    fn narrow(values: Vec<f64>) -> Vec<f32> {
        values.into_iter().map(|value| value as f32).collect()
    }
}

pub(super) fn not_positive() -> Error {
    Error::input("the columns' products cannot be inverted", "raise the regularisation, or scale the values")
}

/// Lower triangle (row by row) of Xᵀ W X + λ I.
pub(super) fn gramian<T: Number>(run: &Run<'_>, rows: &Csr, weight: &[f32], lambda: f32) -> Result<Vec<T>> {
    let m = rows.n_cols();
    let by_column = rows.transpose();
    let mut gramian = vec![T::zero_impl(); m * m];
    run.pool.install(|| {
        gramian.par_chunks_mut(m).enumerate().try_for_each(|(column, sums)| {
            if column.is_multiple_of(BLOCK) {
                run.check()?;
            }
            let (own, values) = by_column.row(column);
            for (&row, &value) in own.iter().zip(values) {
                let (others, theirs) = rows.row(row as usize);
                let share: T = <T as From<f32>>::from(weight[row as usize]) * <T as From<f32>>::from(value);
                for (&other, &their) in others.iter().zip(theirs) {
                    if other as usize > column {
                        break;
                    }
                    let sum = &mut sums[other as usize];
                    *sum += share * <T as From<f32>>::from(their);
                }
            }
            sums[column] += <T as From<f32>>::from(lambda);
            Ok(())
        })
    })?;
    Ok(gramian)
}

/// Replaces the lower triangle of a (n × n, row by row) by that of −a⁻¹.
pub(super) fn negative_inverse<T: Number>(run: &Run<'_>, a: &mut [T], n: usize) -> Result<()> {
    for first in (0..n).step_by(BLOCK) {
        run.check()?;
        run.report("regressing columns on columns", first as f64 / n as f64);
        let width = BLOCK.min(n - first);
        // The block's columns in full: below it as they lie, above it from its rows.
        let mut panel = vec![T::zero_impl(); n * width];
        for (row, panel) in panel.chunks_exact_mut(width).enumerate() {
            for (place, slot) in panel.iter_mut().enumerate() {
                let column = first + place;
                *slot = if row >= column { a[row * n + column] } else { a[column * n + row] };
            }
        }
        let own = &panel[first * width..(first + width) * width];
        let inverse = dense::invert(own, width).ok_or_else(not_positive)?;
        let mut scaled = vec![T::zero_impl(); n * width];
        run.pool.install(|| {
            scaled.par_chunks_mut(BLOCK * width).zip(panel.par_chunks(BLOCK * width)).for_each(
                |(scaled, panel)| {
                    dense::multiply(false, scaled, panel, &inverse, panel.len() / width, width, width)
                },
            );
            a.par_chunks_mut(BLOCK * n).enumerate().for_each(|(block, rows)| {
                let start = block * BLOCK;
                let end = start + rows.len() / n;
                if start == first {
                    // The block's own rows: what is left of it, and itself.
                    for (place, row) in rows.chunks_exact_mut(n).enumerate() {
                        for (column, slot) in row[..first].iter_mut().enumerate() {
                            *slot = scaled[column * width + place];
                        }
                        for (slot, &value) in
                            row[first..first + width].iter_mut().zip(&inverse[place * width..])
                        {
                            *slot = -value;
                        }
                    }
                    return;
                }
                dense::subtract_products(
                    rows,
                    n,
                    &panel[start * width..end * width],
                    &scaled[..end * width],
                    width,
                );
                if start > first {
                    for (row, scaled) in
                        rows.chunks_exact_mut(n).zip(scaled[start * width..].chunks_exact(width))
                    {
                        row[first..first + width].copy_from_slice(scaled);
                    }
                }
            });
        });
    }
    Ok(())
}

/// Copies the lower triangle (row by row) onto the upper, a tile at a time for the cache's sake.
pub(super) fn mirror(a: &mut [f32], n: usize) {
    for top in (0..n).step_by(BLOCK) {
        for left in (0..=top).step_by(BLOCK) {
            for row in top..(top + BLOCK).min(n) {
                for column in left..(left + BLOCK).min(row) {
                    a[column * n + row] = a[row * n + column];
                }
            }
        }
    }
}
