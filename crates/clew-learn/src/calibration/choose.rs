//! Which calibration: the one with the least log loss on rows that it has not seen.

use serde::{Deserialize, Serialize};

use super::{Beta, Isotonic, Platt};
use crate::cross_fit::cross_fit;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::metrics;
use crate::run::Run;
use crate::split::folds;

/// One of the calibrations, over probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibrator {
    /// A sigmoid of the probability's log-odds: 2 numbers.
    Platt(Platt),
    /// Beta calibration: 3 numbers.
    Beta(Beta),
    /// Any rising shape: as many numbers as the data asks for.
    Isotonic(Isotonic),
}

/// A calibration and what it was chosen by.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The one with the least log loss, fitted to all rows.
    pub calibrator: Calibrator,
    /// Cross-fitted log loss of Platt, beta, isotonic, in this order, and last of the probabilities as they came.
    pub log_losses: [f64; 4],
}

type Fit = fn(&[f32], &[f32], &[f32]) -> Result<Calibrator>;

impl Calibrator {
    /// Fits each calibration to the rows outside a fold, judges it inside, and fits the best one to all rows;
    /// the simpler one where two are equal. Folds hold whole groups ([`folds`]). Errors as [`Beta::fit`], and when
    /// the rows outside a fold are all of one class.
    pub fn choose(
        run: &Run<'_>,
        probability: &[f32],
        outcome: &[f32],
        weight: &[f32],
        groups: &[u64],
        n_folds: u32,
    ) -> Result<Chosen> {
        let fits: [Fit; 3] = [
            |p, y, w| Ok(Calibrator::Platt(Platt::fit(&log_odds(p), y, w)?)),
            |p, y, w| Ok(Calibrator::Beta(Beta::fit(p, y, w)?)),
            |p, y, w| Ok(Calibrator::Isotonic(Isotonic::fit(p, y, w)?)),
        ];
        Beta::fit(probability, outcome, weight)?;
        if groups.len() != probability.len() {
            return Err(Error::input(
                format!("{} rows, {} groups", probability.len(), groups.len()),
                "give one group per row",
            ));
        }
        let folds = folds(run, groups, n_folds)?;
        let pick = |of: &[f32], rows: &[usize]| -> Vec<f32> { rows.iter().map(|&row| of[row]).collect() };
        let mut log_losses = [0.0; 4];
        log_losses[3] = metrics::log_loss(probability, outcome, weight)?;
        for (fit, loss) in fits.iter().zip(&mut log_losses) {
            let held = cross_fit(run, &folds, |_, train, held| {
                let fitted = fit(&pick(probability, train), &pick(outcome, train), &pick(weight, train))?;
                Ok(held.iter().map(|&row| fitted.predict(probability[row])).collect())
            })?;
            *loss = metrics::log_loss(&held, outcome, weight)?;
        }
        let mut best = 0;
        for k in 1..3 {
            if log_losses[k] < log_losses[best] {
                best = k;
            }
        }
        Ok(Chosen { calibrator: fits[best](probability, outcome, weight)?, log_losses })
    }

    /// The calibrated probability.
    pub fn predict(&self, probability: f32) -> f32 {
        match self {
            Calibrator::Platt(platt) => platt.predict(log_odds(&[probability])[0]),
            Calibrator::Beta(beta) => beta.predict(probability),
            Calibrator::Isotonic(isotonic) => isotonic.predict(probability),
        }
    }

    /// Adds the calibration to a model file: `<name>.kind`, `<name>.fit` (isotonic: `<name>.fit.scores`, …).
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let (kind, fit) = (format!("{name}.kind"), format!("{name}.fit"));
        match self {
            Calibrator::Platt(platt) => {
                writer.section(&kind, &[0_u8])?;
                platt.write(writer, &fit)
            }
            Calibrator::Beta(beta) => {
                writer.section(&kind, &[1_u8])?;
                beta.write(writer, &fit)
            }
            Calibrator::Isotonic(isotonic) => {
                writer.section(&kind, &[2_u8])?;
                isotonic.write(writer, &fit)
            }
        }
    }

    /// Reads back what [`Calibrator::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<Calibrator> {
        let fit = format!("{name}.fit");
        match *file.view::<u8>(&format!("{name}.kind"))? {
            [0] => Ok(Calibrator::Platt(Platt::read(file, &fit)?)),
            [1] => Ok(Calibrator::Beta(Beta::read(file, &fit)?)),
            [2] => Ok(Calibrator::Isotonic(Isotonic::read(file, &fit)?)),
            _ => Err(Error::format(format!("'{name}' is no calibration known here"), "train again")),
        }
    }
}

fn log_odds(probability: &[f32]) -> Vec<f32> {
    let of = |p: f64| (p / (1.0 - p)).ln() as f32;
    probability.iter().map(|&p| of(f64::from(p).clamp(1e-7, 1.0 - 1e-7))).collect()
}
