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
use crate::run::Run;

pub use tuned::{Trial, Tuned};

mod judge;
mod search;
mod split;
mod tuned;

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
