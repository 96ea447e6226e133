//! Calibration: from scores that order to probabilities that hold.
//!
//! Fit on rows that the scored model has not seen: on its own training rows a model is too sure of itself, and a
//! calibration learned there makes that permanent.

use crate::error::{Error, Result};
use crate::metrics;

pub use crate::loss::{sigmoid, softplus};
pub use beta::Beta;
pub use choose::{Calibrator, Chosen};
pub use isotonic::Isotonic;
pub use platt::Platt;

mod beta;
mod choose;
mod isotonic;
mod platt;

/// As for metrics, and scores must be finite.
fn check(score: &[f32], outcome: &[f32], weight: &[f32]) -> Result<()> {
    metrics::check(score, outcome, weight)?;
    match score.iter().position(|score| !score.is_finite()) {
        Some(row) => Err(Error::input(format!("row {row} is not finite"), "drop or fill it")),
        None => Ok(()),
    }
}
