//! The equations of one row.

use crate::simd::misses::{Lane, Places};

/// In the basis in which the Gramian is diagonal:
/// (diag(diagonal) + Σ value × h hᵀ) x = pull + Σ value × h, h being the vectors of the row's places.
pub(super) struct Equations<'a> {
    /// The row's places among the other side's vectors.
    pub(super) places: Places<'a>,
    /// D = α₀G + λI; 1 where the vectors are padded.
    pub(super) diagonal: &'a [Lane],
    /// λm; empty when the mean is 0.
    pub(super) pull: &'a [Lane],
}

impl Equations<'_> {
    /// How many places the row has.
    pub(super) fn n_places(&self) -> usize {
        self.places.columns.len()
    }
}
