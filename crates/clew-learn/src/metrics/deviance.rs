//! How far predictions are from outcomes, by the loss they were made for.

use super::mean;
use crate::check;
use crate::error::{Error, Result};
use crate::loss::Loss;

/// Weighted mean of [`Loss::value`] at the linear predictor `z`: what a model minimised. Errors on lengths that
/// differ, on what the loss does not allow, and without weight.
pub fn mean_loss(loss: Loss, z: &[f32], y: &[f32], weight: &[f32]) -> Result<f64> {
    check::outcomes(z.len(), y, weight, loss)?;
    if let Some(row) = z.iter().position(|z| !z.is_finite()) {
        return Err(Error::input(format!("row {row} is not finite"), "drop or fill it"));
    }
    mean(weight, |row| loss.value(f64::from(z[row]), f64::from(y[row])))
}

/// Weighted mean deviance of predicted means (McCullagh & Nelder 1989, table 2.1): 0 when each equals its outcome.
/// Squared: (y − m)². Logistic: twice the log loss (of 0/1 outcomes). Poisson: 2 (y ln(y / m) − y + m). Gamma:
/// 2 (ln(m / y) + y / m − 1). Errors as [`mean_loss`], and on a prediction that the loss cannot make.
pub fn deviance(loss: Loss, predicted: &[f32], y: &[f32], weight: &[f32]) -> Result<f64> {
    check::outcomes(predicted.len(), y, weight, loss)?;
    let possible = |m: f32| match loss {
        Loss::Squared => m.is_finite(),
        Loss::Logistic => (0.0..=1.0).contains(&m),
        Loss::Poisson | Loss::Gamma => m.is_finite() && m > 0.0,
    };
    if let Some(row) = predicted.iter().position(|&m| !possible(m)) {
        return Err(Error::input(
            format!("row {row} has the prediction {}", predicted[row]),
            "give means that the loss allows: above 0, or from 0 to 1",
        ));
    }
    mean(weight, |row| {
        let (m, y) = (f64::from(predicted[row]), f64::from(y[row]));
        match loss {
            Loss::Squared => (y - m).powi(2),
            Loss::Logistic => {
                let m = m.clamp(1e-12, 1.0 - 1e-12);
                -2.0 * (y * m.ln() + (1.0 - y) * (1.0 - m).ln())
            }
            Loss::Poisson => 2.0 * (if y > 0.0 { y * (y / m).ln() } else { 0.0 } - y + m),
            Loss::Gamma => 2.0 * ((m / y).ln() + y / m - 1.0),
        }
    })
}
