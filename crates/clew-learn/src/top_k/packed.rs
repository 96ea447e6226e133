//! Columns laid out for the fused product: by falling norm, in tiles of 12, dimension by dimension.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::run::Run;
use crate::simd::tile::COLUMNS;

/// What padding holds in place of a column.
pub(super) const NONE: u32 = u32::MAX;

/// A set of columns (m × d), packed.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// d × 12 numbers per tile.
    tiles: Vec<[f32; COLUMNS]>,
    /// The column at each packed place.
    pub(super) order: Vec<[u32; COLUMNS]>,
    /// The largest norm from each tile on, rounded up; infinite where a column is not finite.
    pub(super) norms: Vec<f64>,
    /// Columns with a number that is not finite.
    pub(super) broken: HashSet<u32>,
    d: usize,
}

impl Packed {
    /// Packs `columns` (m × d, row by row).
    pub(super) fn new(run: &Run<'_>, columns: &[f32], m: usize, d: usize) -> Packed {
        let norm_of = |column: u32| norm(&columns[column as usize * d..(column as usize + 1) * d]);
        let mut sorted: Vec<(f32, u32)> =
            run.pool.install(|| (0..m as u32).into_par_iter().map(|c| (norm_of(c) as f32, c)).collect());
        run.pool.install(|| {
            sorted.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        });
        let n_tiles = m.div_ceil(COLUMNS);
        let mut order = vec![[NONE; COLUMNS]; n_tiles];
        for (slot, &(_, column)) in order.as_flattened_mut().iter_mut().zip(&sorted) {
            *slot = column;
        }
        // The sort key is rounded; what is kept is not below the true norm.
        let above =
            |key: f32| f64::from(key) * (1.0 + f64::from(f32::EPSILON)) + f64::from(f32::MIN_POSITIVE);
        let norms = sorted.iter().step_by(COLUMNS).map(|&(key, _)| above(key)).collect();
        // Such a column's norm is not finite either, and those come first.
        let finite = |column: u32| {
            columns[column as usize * d..(column as usize + 1) * d].iter().all(|value| value.is_finite())
        };
        let suspects = sorted.iter().take_while(|(key, _)| key.is_infinite());
        let broken = suspects.map(|&(_, column)| column).filter(|&column| !finite(column)).collect();
        drop(sorted);
        let mut tiles = vec![[0.0; COLUMNS]; n_tiles * d];
        run.pool.install(|| {
            tiles.par_chunks_mut(d.max(1)).zip(&order).with_min_len(64).for_each(|(tile, order)| {
                for (place, &column) in order.iter().enumerate().filter(|(_, column)| **column != NONE) {
                    let column = &columns[column as usize * d..(column as usize + 1) * d];
                    for (slot, &value) in tile.iter_mut().zip(column) {
                        slot[place] = value;
                    }
                }
            });
        });
        Packed { tiles, order, norms, broken, d }
    }

    pub(super) fn n_tiles(&self) -> usize {
        self.order.len()
    }

    pub(super) fn tile(&self, tile: usize) -> &[[f32; COLUMNS]] {
        &self.tiles[tile * self.d..(tile + 1) * self.d]
    }
}

/// Euclidean norm; infinite when it is not a number.
pub(super) fn norm(vector: &[f32]) -> f64 {
    let sum: f64 = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    if sum.is_nan() { f64::INFINITY } else { sum.sqrt() }
}
