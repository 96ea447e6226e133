//! Factorisation of values that were all observed (ratings, counts, amounts) with a global mean, biases of rows
//! and columns and their vectors (Koren, Bell, Volinsky 2009, "Matrix factorization techniques for recommender
//! systems", eq. 5), by alternating least squares with a penalty in proportion to how much is known of a row
//! (Zhou, Wilkinson, Schreiber, Pan 2008, "Large-scale parallel collaborative filtering for the Netflix prize",
//! eq. 1).
//!
//! Places without a value say nothing here; where their absence says something, use [`crate::als`].

use ndarray::Array2;
use rand::Rng;
use rand_distr::StandardNormal;

use crate::error::{Error, Result};
use crate::run::Run;
use crate::sparse::Csr;

pub use fitted::{FittedExplicit, Side};

mod fitted;
mod solve;

/// How to factorise. The loss, with S the places that hold a value y, w their weights and μ the weighted mean of
/// all values, is Σ_S w (y − μ − b_row − b_column − p_row·q_column)² + Σ_rows f^frequency_exponent ×
/// (bias_regularisation × b² + regularisation × |p|²) + the same over columns; f is the sum of the weights of
/// the row (column).
#[derive(Debug, Clone, PartialEq)]
pub struct ExplicitAls {
    /// Length of the vectors; 0 leaves mean and biases alone.
    pub n_factors: usize,
    /// λ of the vectors, in squared units of the values.
    pub regularisation: f32,
    /// λ of the biases.
    pub bias_regularisation: f32,
    /// 0 is one penalty for all, 1 (Zhou et al.) a penalty in proportion to the row's sum of weights.
    pub frequency_exponent: f32,
    /// How often rows and columns are solved in turn.
    pub n_sweeps: usize,
    /// Standard deviation of the first vectors is this over √n_factors.
    pub start_deviation: f32,
}

impl Default for ExplicitAls {
    fn default() -> ExplicitAls {
        ExplicitAls {
            n_factors: 32,
            regularisation: 0.05,
            bias_regularisation: 0.02,
            frequency_exponent: 1.0,
            n_sweeps: 16,
            start_deviation: 0.1,
        }
    }
}

impl ExplicitAls {
    /// Factorises `values` (rows × columns; a value of 0 that the matrix holds is a 0 that was observed),
    /// weighted by `weights` (the same places; none: all 1), from random vectors or from the columns of `start`.
    /// Values of one place that came more than once have been added up by [`Csr::from_triplets`]; where their
    /// mean is meant, divide by their number and give that as weight. The rows are solved last, so that
    /// [`FittedExplicit::fold_in`] of the same rows gives the same vectors. A row or column without weight has
    /// bias and vector 0. Errors on parameters out of range, on no values or no weight at all, on weights below 0
    /// or at other places, on a start of another shape.
    pub fn fit(
        &self,
        run: &Run<'_>,
        values: &Csr,
        weights: Option<&Csr>,
        start: Option<&FittedExplicit>,
    ) -> Result<FittedExplicit> {
        self.check()?;
        check_weights(values, weights)?;
        let mean = weighted_mean(values, weights)?;
        let mut columns = match start {
            Some(start) => self.warm(values, start)?,
            None => self.random(run, values.n_cols()),
        };
        let turned = values.transpose_with(run)?;
        let turned_weights = weights.map(Csr::transpose);
        let mut rows = Side::zeros(0, self.n_factors);
        for sweep in 0..=self.n_sweeps {
            run.report("factorising", sweep as f64 / (self.n_sweeps + 1) as f64);
            if sweep > 0 {
                columns = solve::side(run, self, mean, &rows, &turned, turned_weights.as_ref())?;
            }
            rows = solve::side(run, self, mean, &columns, values, weights)?;
        }
        run.report("factorising", 1.0);
        Ok(FittedExplicit { mean, rows, columns, params: self.clone() })
    }

    fn check(&self) -> Result<()> {
        if self.n_factors > 1_024 {
            return Err(Error::input(format!("{} factors", self.n_factors), "use 0 to 1024"));
        }
        // Written so that NaN is refused too.
        let sound = |value: f32| value > 0.0 && value.is_finite();
        if !(sound(self.regularisation)
            && sound(self.bias_regularisation)
            && sound(self.start_deviation)
            && (0.0..=2.0).contains(&self.frequency_exponent))
        {
            return Err(Error::input(
                "the factorisation's penalties are out of range",
                "use finite penalties and a start deviation above 0, and an exponent in 0..=2",
            ));
        }
        Ok(())
    }

    fn random(&self, run: &Run<'_>, n: usize) -> Side {
        let mut rng = run.rng(0x6578_706c);
        let deviation = self.start_deviation / (self.n_factors.max(1) as f32).sqrt();
        let vectors = Array2::from_shape_simple_fn((n, self.n_factors), || {
            deviation * rng.sample::<f32, _>(StandardNormal)
        });
        Side { biases: vec![0.0; n], vectors }
    }

    fn warm(&self, values: &Csr, start: &FittedExplicit) -> Result<Side> {
        let columns = &start.columns;
        if columns.vectors.dim() != (values.n_cols(), self.n_factors)
            || columns.biases.len() != values.n_cols()
        {
            return Err(Error::input(
                format!(
                    "the start has {} columns of {} factors where {} of {} are wanted",
                    columns.vectors.nrows(),
                    columns.vectors.ncols(),
                    values.n_cols(),
                    self.n_factors
                ),
                "start from factors of the same shape, or from none",
            ));
        }
        match columns.first_not_finite() {
            Some(column) => {
                Err(Error::input(format!("column {column} of the start is not finite"), "start from none"))
            }
            None => Ok(columns.clone()),
        }
    }
}

/// Weights ≥ 0 at the places of the values, or none.
fn check_weights(values: &Csr, weights: Option<&Csr>) -> Result<()> {
    let Some(weights) = weights else { return Ok(()) };
    if weights.n_cols() != values.n_cols()
        || weights.starts() != values.starts()
        || weights.indices() != values.indices()
    {
        return Err(Error::input(
            format!(
                "{} weights in {} × {} for {} values in {} × {} are not at the same places",
                weights.n_values(),
                weights.n_rows(),
                weights.n_cols(),
                values.n_values(),
                values.n_rows(),
                values.n_cols()
            ),
            "build both matrices from the same rows and columns",
        ));
    }
    crate::als::check_values(weights)
}

/// The mean of all values, each counted by its weight.
fn weighted_mean(values: &Csr, weights: Option<&Csr>) -> Result<f64> {
    let (mut sum, mut total) = (0.0, 0.0);
    for (place, &value) in values.values().iter().enumerate() {
        let weight = weights.map_or(1.0, |weights| f64::from(weights.values()[place]));
        sum += weight * f64::from(value);
        total += weight;
    }
    if total <= 0.0 {
        return Err(Error::input("no value has a weight", "give at least one observed value"));
    }
    Ok(sum / total)
}
