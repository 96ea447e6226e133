//! What was tried and chosen, and a file for it.

use serde::{Deserialize, Serialize};

use crate::als::{ImplicitAls, Method};
use crate::error::{Error, Result};
use crate::format::{File, Writer};

/// One fit and what it reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Length of the vectors.
    pub n_factors: usize,
    /// λ.
    pub regularisation: f32,
    /// α₀.
    pub unobserved_weight: f32,
    /// ν.
    pub frequency_exponent: f32,
    /// NDCG@k over the judged rows.
    pub ndcg: f64,
    /// Recall@k over the judged rows.
    pub recall: f64,
    /// Standard error of the figure that decides, by the spread over the judged rows. Two trials are judged on
    /// the same rows: their difference is surer than this says.
    pub standard_error: f64,
}

/// What was chosen, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// The factorisation handed in with what was chosen in its place.
    pub params: ImplicitAls,
    /// All that was tried, in that order; the first is the factorisation handed in, at the least rank.
    pub trials: Vec<Trial>,
    /// Events from this time on were kept back; `None`: a share of each row's events, by chance.
    pub cutoff: Option<i64>,
    /// Rows fitted to.
    pub n_rows: usize,
    /// Rows judged.
    pub n_judged: usize,
}

impl Tuned {
    /// The best trial: the one whose values were chosen.
    pub fn best(&self) -> Option<&Trial> {
        let p = &self.params;
        self.trials.iter().find(|trial| {
            (trial.n_factors, trial.regularisation, trial.unobserved_weight, trial.frequency_exponent)
                == (p.n_factors, p.regularisation, p.unobserved_weight, p.frequency_exponent)
        })
    }

    /// Adds the choice to a model file, under names that start with `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let p = &self.params;
        let [kind, number] = p.method.to_numbers();
        let [n_rows, n_judged] = [self.n_rows as u64, self.n_judged as u64];
        let counts = [n_rows, n_judged, p.n_factors as u64, p.n_sweeps as u64, kind, number];
        let numbers = [p.regularisation, p.frequency_exponent, p.unobserved_weight, p.start_deviation];
        let table: Vec<f64> = self
            .trials
            .iter()
            .flat_map(|t| {
                let axes = [t.regularisation, t.unobserved_weight, t.frequency_exponent].map(f64::from);
                [t.n_factors as f64, axes[0], axes[1], axes[2], t.ndcg, t.recall, t.standard_error]
            })
            .collect();
        writer.section(&format!("{name}.counts"), &counts)?;
        writer.section(&format!("{name}.params"), &numbers)?;
        writer.section(&format!("{name}.cutoff"), self.cutoff.as_slice())?;
        writer.section(&format!("{name}.trials"), &table)
    }

    /// Reads back what [`Tuned::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<Tuned> {
        let wrong = || Error::format(format!("the choice '{name}' does not fit together"), "choose again");
        let (
            &[n_rows, n_judged, n_factors, n_sweeps, kind, number],
            &[regularisation, frequency_exponent, unobserved_weight, start_deviation],
            table,
        ) = (
            file.view::<u64>(&format!("{name}.counts"))?,
            file.view::<f32>(&format!("{name}.params"))?,
            file.view::<f64>(&format!("{name}.trials"))?,
        )
        else {
            return Err(wrong());
        };
        let cutoff = match file.view::<i64>(&format!("{name}.cutoff"))? {
            [] => None,
            &[cutoff] => Some(cutoff),
            _ => return Err(wrong()),
        };
        let (rows, rest) = table.as_chunks::<7>();
        let params = ImplicitAls {
            n_factors: n_factors as usize,
            regularisation,
            frequency_exponent,
            unobserved_weight,
            n_sweeps: n_sweeps as usize,
            start_deviation,
            method: Method::from_numbers(kind, number).ok_or_else(wrong)?,
        };
        if !rest.is_empty() || table.iter().any(|value| !value.is_finite()) || params.check().is_err() {
            return Err(wrong());
        }
        let trials = rows
            .iter()
            .map(|&[n_factors, regularisation, unobserved, exponent, ndcg, recall, standard_error]| Trial {
                n_factors: n_factors as usize,
                regularisation: regularisation as f32,
                unobserved_weight: unobserved as f32,
                frequency_exponent: exponent as f32,
                ndcg,
                recall,
                standard_error,
            })
            .collect();
        Ok(Tuned { params, trials, cutoff, n_rows: n_rows as usize, n_judged: n_judged as usize })
    }
}
