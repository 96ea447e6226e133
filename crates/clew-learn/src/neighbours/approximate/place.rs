//! Where rows lie for the graph, and the exact arithmetic between two of them.

use multiversion::multiversion;
use ndarray::{Array2, ArrayView2};

use super::super::{Measure, length, measurable, normalised, products_fit};
use crate::error::Result;

/// How rows become places in the graph. By distance they are moved to their centre. By cosine they get the
/// length 1. By dot they get the same length too, by one number more on the known side, which is 0 on the asked
/// one (Bachrach et al., "Speeding up the Xbox recommender system using a Euclidean transformation for
/// inner-product spaces", 2014): inner products alone make a poor graph, as a row need not be near to itself.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) measure: Measure,
    centre: Vec<f32>,
    /// The largest |y| of the known rows, by dot.
    longest: f64,
}

impl Places {
    pub(super) fn new(measure: Measure, rows: ArrayView2<'_, f32>, centre: Vec<f32>) -> Places {
        let longest = (0..rows.nrows()).map(|row| length(&rows, row, &centre)).fold(0.0, f64::max);
        Places { measure, centre, longest }
    }

    /// Numbers of a place.
    pub(super) fn width(&self) -> usize {
        self.centre.len() + usize::from(self.measure == Measure::Dot)
    }

    /// Places of known rows, of which the first is row `from`.
    pub(super) fn known(&self, rows: ArrayView2<'_, f32>, from: usize) -> Result<Array2<f32>> {
        if self.measure != Measure::Dot {
            return self.moved(rows, from);
        }
        products_fit(rows, from)?;
        let scale = if self.longest > 0.0 { self.longest } else { 1.0 };
        let mut places = Array2::zeros((rows.nrows(), self.width()));
        for (mut place, row) in places.rows_mut().into_iter().zip(rows.rows()) {
            let mut rest = 1.0;
            for (slot, &value) in place.iter_mut().zip(row) {
                let value = f64::from(value) / scale;
                rest -= value * value;
                *slot = value as f32;
            }
            if let Some(last) = place.last_mut() {
                *last = rest.max(0.0).sqrt() as f32;
            }
        }
        Ok(places)
    }

    /// Places of rows to search for, of which the first is row `from`.
    pub(super) fn asked(&self, rows: ArrayView2<'_, f32>, from: usize) -> Result<Array2<f32>> {
        if self.measure != Measure::Dot {
            return self.moved(rows, from);
        }
        products_fit(rows, from)?;
        // Their length does not change the order.
        let mut places = Array2::zeros((rows.nrows(), self.width()));
        for (mut place, row) in places.rows_mut().into_iter().zip(normalised(rows).rows()) {
            place.iter_mut().zip(row).for_each(|(slot, &value)| *slot = value);
        }
        Ok(places)
    }

    fn moved(&self, rows: ArrayView2<'_, f32>, from: usize) -> Result<Array2<f32>> {
        if self.measure == Measure::Cosine {
            return Ok(normalised(rows));
        }
        let mut places = rows.as_standard_layout().into_owned();
        for (row, mut place) in places.rows_mut().into_iter().enumerate() {
            place.iter_mut().zip(&self.centre).for_each(|(value, &c)| *value -= c);
            measurable(from + row, place.iter().map(|&value| f64::from(value).powi(2)).sum())?;
        }
        Ok(places)
    }
}

/// Whether all numbers are 0.
pub(super) fn is_zero(row: &[f32]) -> bool {
    row.iter().all(|&value| value == 0.0)
}

/// x · y by the chain of fused multiply-adds that the exact search computes.
#[multiversion(targets("x86_64+avx2+fma"))]
pub(super) fn product(x: &[f32], y: &[f32]) -> f32 {
    x.iter().zip(y).fold(0.0, |sum, (&x, &y)| y.mul_add(x, sum))
}

/// |x − y|² in double precision.
pub(super) fn squared_distance(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum()
}
