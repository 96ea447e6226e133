//! Blocks of rows, column by column: how a great many rows are scored fast.
//!
//! A block is a slice of [`Column`]s, each of [`BLOCK`] rows side by side, so that one step works on many rows. The
//! results of a row depend on that row alone, and not on the processor.

use crate::simd::{self, columns};

/// Rows of a block.
pub const BLOCK: usize = 64;
/// One feature of the rows of a block; what lies beyond the last row is of no matter.
pub type Column = [f32; BLOCK];

/// Natural logarithm of each value, within two units in the last place: −∞ of 0, NaN below.
pub fn ln(values: &mut Column) {
    columns::ln(simd::level(), values);
}

/// Natural logarithm of 1 + each value.
pub fn ln_1p(values: &mut Column) {
    columns::ln_1p(simd::level(), values);
}

/// Hyperbolic tangent of each value, within 6e-6.
pub fn tanh(values: &mut Column) {
    columns::tanh(simd::level(), values);
}

/// Dot products of each row with some vectors, as long as there are columns and lying one after the other; as many as
/// `to` has columns.
pub fn combine(rows: &[Column], vectors: &[f32], to: &mut [Column]) {
    columns::combine(simd::level(), rows, vectors, to);
}

/// The rows of a block from rows that lie one after the other, `width` numbers each; at most [`BLOCK`] of them.
pub fn gather<'a>(rows: impl Iterator<Item = &'a [f32]>, to: &mut [Column]) {
    for (lane, row) in rows.take(BLOCK).enumerate() {
        for (column, &value) in to.iter_mut().zip(row) {
            column[lane] = value;
        }
    }
}

/// One feature's effect: a line, and further lines from each knot on. A value that is not known counts as the mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Bent {
    /// Mean and scale; a value is held within ±6 of these units.
    pub centre: (f32, f32),
    /// (knot, slope): the first slope is of the whole line, its knot is not used.
    pub terms: Vec<(f32, f64)>,
}

impl Bent {
    /// Adds the effect of each row's value.
    pub fn add(&self, values: &Column, to: &mut [f64; BLOCK]) {
        columns::add_bent(simd::level(), values, self.centre, &self.terms, to);
    }
}
