//! Priors: what attributes predict as the vectors of customers and products, towards which the factorisation pulls them.
//!
//! Regression-based latent factors (Agarwal & Chen 2009, "Regression-based latent factor models", eq. 3): before each half sweep the
//! descriptors are learned anew from the vectors that there are.
use clew_learn::Run;
use clew_learn::als::Means;
use ndarray::{Array2, ArrayView2};

use crate::feature_attribute::Attribute;
use crate::feature_descriptor::Descriptors;

/// Vectors that descriptors are learned from between the sweeps, at most; of more, every k-th.
const MAX_VECTORS: usize = 50_000;

/// What is known of the vectors of one side, customers or products.
pub(crate) struct Prior<'a> {
    /// Of all that there are.
    pub(crate) attributes: &'a [Attribute],
    /// Whose vector each is, as a place in the attributes.
    pub(crate) places: Vec<u32>,
    /// How much each vector counts for the descriptors.
    pub(crate) weight: Vec<f32>,
    /// Weight at which a descriptor is half believed.
    pub(crate) ridge: f32,
    /// Whether a vector of no weight is held at nothing: it is of a product that takes no part.
    pub(crate) blank: bool,
    /// The descriptors to begin with, where those of an earlier factorisation are known and its vectors may not be.
    pub(crate) first: Option<&'a Descriptors>,
}

impl Prior<'_> {
    /// The descriptors of these vectors, from all of them.
    pub(crate) fn descriptors(&self, vectors: ArrayView2<'_, f32>) -> Descriptors {
        self.learn(vectors, 1)
    }

    fn learn(&self, vectors: ArrayView2<'_, f32>, step: usize) -> Descriptors {
        let rows: Vec<usize> = (0..self.places.len()).step_by(step).collect();
        let places: Vec<u32> = rows.iter().map(|&row| self.places[row]).collect();
        let weight: Vec<f32> = rows.iter().map(|&row| self.weight[row] * step as f32).collect();
        let some;
        let vectors = if step == 1 {
            vectors
        } else {
            some = vectors.select(ndarray::Axis(0), &rows);
            some.view()
        };
        Descriptors::fit(vectors, &places, &weight, self.attributes, self.ridge)
    }

    /// What is predicted of each vector, from the vectors as they stand; nothing where there are no attributes.
    fn means(&mut self, run: &Run<'_>, vectors: ArrayView2<'_, f32>) -> Option<Array2<f32>> {
        if self.attributes.is_empty() {
            return None;
        }
        let learned;
        let descriptors = match self.first.take() {
            Some(first) => first,
            None => {
                learned = self.learn(vectors, self.places.len().div_ceil(MAX_VECTORS).max(1));
                &learned
            }
        };
        let mut means = run.pool.install(|| descriptors.of_each(self.attributes, &self.places));
        if self.blank {
            let blanks = means.rows_mut().into_iter().zip(&self.weight).filter(|&(_, &weight)| weight <= 0.0);
            blanks.for_each(|(mut mean, _)| mean.fill(0.0));
        }
        Some(means)
    }
}

/// Both sides of a factorisation.
pub(crate) struct Priors<'a> {
    /// Customers.
    pub(crate) rows: Prior<'a>,
    /// Products.
    pub(crate) columns: Prior<'a>,
}

impl Means for Priors<'_> {
    fn of_rows(
        &mut self,
        run: &Run<'_>,
        rows: Option<ArrayView2<'_, f32>>,
    ) -> clew_learn::Result<Option<Array2<f32>>> {
        Ok(rows.and_then(|rows| self.rows.means(run, rows)))
    }

    fn of_columns(
        &mut self,
        run: &Run<'_>,
        columns: Option<ArrayView2<'_, f32>>,
    ) -> clew_learn::Result<Option<Array2<f32>>> {
        Ok(columns.and_then(|columns| self.columns.means(run, columns)))
    }
}
