//! The losses of supervised learning, in one place: value, slope, curvature and link of each, in f64.
//!
//! All are written over the linear predictor z (a "decision"): what a model adds up before the link turns it
//! into a prediction. A model is right for a loss when its z minimises Σ weight × [`Loss::value`].

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What is minimised, and with it what an outcome may be and how z becomes a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Loss {
    /// (z − y)² / 2 for any finite y; the prediction is z.
    Squared,
    /// ln(1 + eᶻ) − y z for y in 0..=1; the prediction is the probability 1 / (1 + e⁻ᶻ).
    #[default]
    Logistic,
    /// eᶻ − y z for y ≥ 0 (half the Poisson deviance but for what does not depend on z); the prediction is
    /// the mean eᶻ. For counts: McCullagh & Nelder 1989, chapter 6.
    Poisson,
    /// z + y e⁻ᶻ for y > 0 (half the gamma deviance likewise, with the log link); the prediction is the mean
    /// eᶻ. For amounts whose spread grows with their mean: McCullagh & Nelder 1989, chapter 8.
    Gamma,
}

/// Beyond this |z| the exponential of the log links is held, so that no step runs into infinity.
const LARGEST: f64 = 50.0;

impl Loss {
    /// The loss of one row.
    pub fn value(self, z: f64, y: f64) -> f64 {
        match self {
            Loss::Squared => 0.5 * (z - y) * (z - y),
            Loss::Logistic => softplus(z) - y * z,
            Loss::Poisson => exp(z) - y * z,
            Loss::Gamma => z + y * exp(-z),
        }
    }

    /// First derivative in z.
    pub fn slope(self, z: f64, y: f64) -> f64 {
        match self {
            Loss::Squared => z - y,
            Loss::Logistic => sigmoid(z) - y,
            Loss::Poisson => exp(z) - y,
            Loss::Gamma => 1.0 - y * exp(-z),
        }
    }

    /// Second derivative in z; never negative.
    pub fn curvature(self, z: f64, y: f64) -> f64 {
        match self {
            Loss::Squared => 1.0,
            Loss::Logistic => {
                let p = sigmoid(z);
                p * (1.0 - p)
            }
            Loss::Poisson => exp(z),
            Loss::Gamma => y * exp(-z),
        }
    }

    /// [`Loss::slope`] and [`Loss::curvature`] for one exponential.
    pub fn slope_and_curvature(self, z: f64, y: f64) -> (f64, f64) {
        match self {
            Loss::Squared => (z - y, 1.0),
            Loss::Logistic => {
                let p = sigmoid(z);
                (p - y, p * (1.0 - p))
            }
            Loss::Poisson => {
                let mean = exp(z);
                (mean - y, mean)
            }
            Loss::Gamma => {
                let ratio = y * exp(-z);
                (1.0 - ratio, ratio)
            }
        }
    }

    /// An upper bound of the curvature over all z, where there is one.
    pub fn curvature_bound(self) -> Option<f64> {
        match self {
            Loss::Squared => Some(1.0),
            Loss::Logistic => Some(0.25),
            Loss::Poisson | Loss::Gamma => None,
        }
    }

    /// The prediction at z: a mean, or a probability.
    pub fn predict(self, z: f64) -> f64 {
        match self {
            Loss::Squared => z,
            Loss::Logistic => sigmoid(z),
            Loss::Poisson | Loss::Gamma => exp(z),
        }
    }

    /// The z whose prediction is `mean`: where a model without features starts. Infinite at the ends of the
    /// loss's range (a probability of 0 or 1, a mean of 0).
    pub fn link(self, mean: f64) -> f64 {
        match self {
            Loss::Squared => mean,
            Loss::Logistic => (mean / (1.0 - mean)).ln(),
            Loss::Poisson | Loss::Gamma => mean.ln(),
        }
    }

    /// `Ok` when `y` is an outcome of this loss; the error names `row` and says what is.
    pub fn check_outcome(self, row: usize, y: f32) -> Result<()> {
        let (sound, remedy) = match self {
            Loss::Squared => (y.is_finite(), "drop or fill it"),
            Loss::Logistic => ((0.0..=1.0).contains(&y), "use outcomes from 0 to 1"),
            Loss::Poisson => (y.is_finite() && y >= 0.0, "use finite counts of 0 or more"),
            Loss::Gamma => (y.is_finite() && y > 0.0, "use finite amounts above 0, without the rows of 0"),
        };
        if sound { Ok(()) } else { Err(Error::input(format!("row {row} has the outcome {y}"), remedy)) }
    }
}

fn exp(z: f64) -> f64 {
    z.clamp(-LARGEST, LARGEST).exp()
}

/// 1 / (1 + e^−z), without overflow.
pub fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}

/// ln(1 + e^z), without overflow.
pub fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Loss; 4] = [Loss::Squared, Loss::Logistic, Loss::Poisson, Loss::Gamma];

    #[test]
    fn slopes_and_curvatures_are_the_differences_of_the_values() {
        for loss in ALL {
            for z in [-3.0, -0.4, 0.0, 1.7, 4.0] {
                let (y, h) = (0.7, 1e-5);
                let slope = (loss.value(z + h, y) - loss.value(z - h, y)) / (2.0 * h);
                let curvature = (loss.slope(z + h, y) - loss.slope(z - h, y)) / (2.0 * h);
                assert!((slope - loss.slope(z, y)).abs() < 1e-6, "{loss:?} at {z}");
                assert!((curvature - loss.curvature(z, y)).abs() < 1e-6, "{loss:?} at {z}");
                assert_eq!(loss.slope_and_curvature(z, y), (loss.slope(z, y), loss.curvature(z, y)));
                assert!(loss.curvature(z, y) <= loss.curvature_bound().unwrap_or(f64::INFINITY));
            }
        }
    }

    #[test]
    fn the_link_undoes_the_prediction_and_the_loss_is_least_there() {
        for loss in ALL {
            let mean = 0.3;
            let z = loss.link(mean);
            assert!((loss.predict(z) - mean).abs() < 1e-12, "{loss:?}");
            assert!(loss.slope(z, mean).abs() < 1e-12, "{loss:?}");
        }
    }

    #[test]
    fn far_out_everything_stays_finite() {
        for loss in ALL {
            for z in [-1e300, -1e4, 1e4] {
                assert!(loss.predict(z).is_finite() && loss.curvature(z, 1.0).is_finite(), "{loss:?} at {z}");
            }
        }
    }
}
