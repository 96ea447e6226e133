//! Rank, regularisation and unobserved weight of [`ImplicitAls`], chosen by how well what came later is ranked:
//! part of the events given is kept back by time (or, without times, by chance within each row), candidates are
//! fitted to the rest and judged on what was kept back. The events given are all that is looked at: whoever
//! keeps a test part does not hand it in.
//!
//! The search goes along one axis at a time over small grids of equal ratios, at the least rank first, and
//! climbs to the next rank as long as that is better by more than the standard error of the gain. All fits of a
//! rank start from the same vectors, fitted once, so that few sweeps are enough and all have had as many.
//!
//! A sample of rows can stand for all: with a frequency exponent of 1 the loss of a sample is the loss of all
//! rows times the sample's share, in expectation, so what is chosen carries over. (Fewer rows know less of each
//! column, so the choice leans to smaller ranks and stronger penalties than all rows would bear: take as large a
//! sample as time allows.)

use serde::{Deserialize, Serialize};

use crate::als::ImplicitAls;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::run::Run;

mod judge;
mod search;
mod split;

/// What candidates are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// [`crate::metrics::ndcg`] of the first k columns, mean over the judged rows.
    #[default]
    Ndcg,
    /// [`crate::metrics::recall`] in the first k columns, mean over the judged rows.
    Recall,
}

/// What to try, and on how much.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Ranks, tried from the least; none: that of the factorisation handed in.
    pub n_factors: Vec<usize>,
    /// Regularisations; that of the factorisation handed in takes the place of those within 30 % of it.
    pub regularisations: Vec<f32>,
    /// Unobserved weights, likewise.
    pub unobserved_weights: Vec<f32>,
    /// Frequency exponents; that of the factorisation handed in is added to them. With another exponent than
    /// that, the regularisations are scaled so that a row of mean frequency keeps its penalty.
    pub frequency_exponents: Vec<f32>,
    /// What decides.
    pub figure: Figure,
    /// How many columns a row is shown.
    pub k: usize,
    /// Whether a row's columns of training are not shown to it again, and do not count as found.
    pub exclude_seen: bool,
    /// Share of the events that is kept back, the last ones: above 0, below 1.
    pub validation_share: f64,
    /// At most so many rows are fitted to, drawn by a hash of their number and the seed.
    pub n_rows: usize,
    /// At most so many of them are judged.
    pub n_judged: usize,
    /// Sweeps of a fit; the one that all of a rank start from has twice as many.
    pub n_sweeps: usize,
    /// At most so many fits.
    pub n_fits: usize,
}

impl Default for Tuning {
    /// Ranks 32, 64 and 128; eight regularisations from 0.0005 to 0.064 and ten unobserved weights from 0.001 to
    /// 0.512, in steps of 2; exponents 0.5 and 0.75.
    fn default() -> Tuning {
        Tuning {
            n_factors: vec![32, 64, 128],
            regularisations: vec![0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064],
            unobserved_weights: vec![0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512],
            frequency_exponents: vec![0.5, 0.75],
            figure: Figure::Ndcg,
            k: 20,
            exclude_seen: true,
            validation_share: 0.2,
            n_rows: 30_000,
            n_judged: 6_000,
            n_sweeps: 4,
            n_fits: 40,
        }
    }
}

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

impl Tuning {
    /// Chooses for the (row, column, value) of `events`, rows below `n_rows` and columns below `n_columns`, with
    /// the `times` at which they happened in any unit, if known. Where all times are equal they say nothing, and
    /// a share of each row's events is kept back by chance instead. `base` is tried first. Errors on settings
    /// out of range, events outside the matrix, values below 0, as many times as there are not events, and
    /// where no row has events on both sides.
    pub fn choose(
        &self,
        run: &Run<'_>,
        base: &ImplicitAls,
        (n_rows, n_columns): (usize, usize),
        events: &[(u32, u32, f32)],
        times: Option<&[i64]>,
    ) -> Result<Tuned> {
        self.check(base)?;
        let parts = split::split(self, run, (n_rows, n_columns), events, times)?;
        search::search(self, run, base, &parts)
    }

    fn check(&self, base: &ImplicitAls) -> Result<()> {
        let share = self.validation_share;
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::input(
                format!("a share of {share} to be kept back"),
                "use one between 0 and 1, such as 0.2",
            ));
        }
        if [self.k, self.n_rows, self.n_judged, self.n_sweeps, self.n_fits].contains(&0) {
            return Err(Error::input(
                "0 columns shown, rows, judged rows, sweeps or fits",
                "use 1 or more of each",
            ));
        }
        // Each value of each axis must be one that the factorisation takes.
        base.check()?;
        let each = |change: &dyn Fn(&mut ImplicitAls)| {
            let mut als = base.clone();
            change(&mut als);
            als.check()
        };
        self.n_factors.iter().try_for_each(|&value| each(&|als| als.n_factors = value))?;
        self.regularisations.iter().try_for_each(|&value| each(&|als| als.regularisation = value))?;
        self.unobserved_weights.iter().try_for_each(|&value| each(&|als| als.unobserved_weight = value))?;
        self.frequency_exponents.iter().try_for_each(|&value| each(&|als| als.frequency_exponent = value))
    }
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
        let counts = [self.n_rows as u64, self.n_judged as u64, p.n_factors as u64, p.n_sweeps as u64];
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

    /// Reads back what [`Tuned::write`] wrote; the solver is the one that [`ImplicitAls`] has by default.
    pub fn read(file: &File, name: &str) -> Result<Tuned> {
        let wrong = || Error::format(format!("the choice '{name}' does not fit together"), "choose again");
        let (
            &[n_rows, n_judged, n_factors, n_sweeps],
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
        let how = ImplicitAls { n_sweeps: n_sweeps as usize, start_deviation, ..Default::default() };
        let params = ImplicitAls {
            n_factors: n_factors as usize,
            regularisation,
            frequency_exponent,
            unobserved_weight,
            ..how
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
