//! Exact contributions: what each feature of a row adds to its decision, so that they sum to it.

use ndarray::{Array2, ArrayView2};

use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::run::Run;
use crate::trees::FittedTrees;

mod trees;

/// Rows worked on at once.
const CHUNK: usize = 64;

/// What each feature adds to each row's decision (the linear predictor before the link: log-odds for the
/// logistic loss), beside what the model says of an average row.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// The decision of an average row: of all training rows for trees and additive models, of the named means
    /// for linear ones.
    pub base: f64,
    /// Rows × features. `base` plus the sum of a row is the row's decision.
    pub values: Array2<f64>,
}

impl Contributions {
    /// The decision of each row, put together again.
    pub fn decisions(&self) -> Vec<f64> {
        self.values.rows().into_iter().map(|row| self.base + row.sum()).collect()
    }
}

/// Of a linear model: coefficient × (value − mean). `mean` holds a mean for each column (all 0 where a row is
/// to be compared with nothing). Linear models have no interactions and take features as independent, so these
/// are also the Shapley values (Lundberg & Lee 2017, corollary 1). Errors on other numbers of columns, and on
/// values that are not finite.
pub fn linear(
    x: ArrayView2<'_, f32>,
    coefficients: &[f32],
    intercept: f64,
    mean: &[f64],
) -> Result<Contributions> {
    check::same_columns(x.ncols(), coefficients.len())?;
    if mean.len() != coefficients.len() {
        return Err(Error::input(
            format!("{} means for {} coefficients", mean.len(), coefficients.len()),
            "give a mean for each column",
        ));
    }
    check::matrix(x, Missing::Refused, "row")?;
    let values = Array2::from_shape_fn(x.dim(), |(row, column)| {
        f64::from(coefficients[column]) * (f64::from(x[[row, column]]) - mean[column])
    });
    let at_mean: f64 = coefficients.iter().zip(mean).map(|(&c, mean)| f64::from(c) * mean).sum();
    Ok(Contributions { base: intercept + at_mean, values })
}

/// Of boosted trees: Shapley values of the game in which an unknown feature sends a row down both ways of a
/// cut, in proportion to the training weight there (TreeSHAP, path-dependent: Lundberg et al. 2020, algorithm
/// 2). Time is rows × leaves × depth². Errors on another number of columns, on
/// infinities and on trees more than 512 cuts deep; NaN is missing.
pub fn trees(run: &Run<'_>, x: ArrayView2<'_, f32>, model: &FittedTrees) -> Result<Contributions> {
    check::same_columns(x.ncols(), model.n_features())?;
    check::matrix(x, Missing::Allowed, "row")?;
    trees::contributions(run, x, model)
}
