//! Company: what customers buy beside an offer, learned offer by offer from everything but the offer itself.
//!
//! Two ridge regressions on the customers' purchases in the groups of the catalogue (each category, brand, …), in the closed form of
//! EASE (Steck 2019, equations 4 to 8), where one inverse per state serves every offer, at the price of a product of matrix and vector:
//! - *kept*: who has bought from the offer so far, on the groups that are not the offer's own;
//! - *coming*: who bought from the offer in each of the last windows, on all groups as they stood before that window, as "customers like
//!   this one, then, bought it next".
use clew_learn::Run;
use rayon::prelude::*;

use crate::error::Result;
use crate::feature_attribute::Attribute;
use crate::feature_company_cells::{Cells, Columns};
use crate::feature_company_fit::Regression;
use crate::feature_inside::Seen;
use crate::feature_state::{ACTIVE_DAYS, Lines, State};
use crate::ids::NONE;
use crate::product_set::ProductSet;

/// Customers that a regression is learned on, at most, in each window; of more, every k-th.
const MAX_ROWS: usize = 12_000;
/// Windows before the cutoff that *coming* is learned on, and the fewest rows that are worth it.
const N_WINDOWS: u16 = 3;
const MIN_ROWS: usize = 100;
/// Ridge in units of the mean variance of a column times the rows, and the power of its mean by which a column is scaled.
const KEPT: (f64, f64) = (3.0, 0.5);
const COMING: (f64, f64) = (10.0, 0.0);
/// Share of a group's purchases from which it is the offer's own; more of those than this leave nothing to learn from.
const OWN_SHARE: f32 = 0.2;
const MAX_OWN: usize = 512;

/// Customers' purchases by group with both regressions; empty where nothing was learned.
#[derive(Default)]
pub(crate) struct Company {
    columns: Columns,
    cells: Cells,
    kept: Option<Regression>,
    coming: Option<Regression>,
}

/// Names of the features.
pub(crate) const NAMES: [&str; 2] =
    ["leaning to the offer by all that is bought beside it", "likeness to those who bought the offer next"];

impl Company {
    /// Counts the purchases by group and inverts what both regressions need.
    pub(crate) fn new(
        run: &Run<'_>,
        lines: &Lines,
        attributes: &[Attribute],
        horizon_days: u32,
    ) -> Result<Company> {
        let columns = Columns::choose(lines, attributes);
        if columns.n() == 0 {
            return Ok(Company::default());
        }
        let n = lines.customers.len();
        let everybody: Vec<u32> = (0..n as u32).collect();
        let cells = Cells::count(run, lines, attributes, &columns, &everybody, 0);
        let known = sampled((0..n as u32).filter(|&c| !cells.row(c as usize).is_empty()).collect());
        let mut rows = Cells::default();
        known.iter().for_each(|&customer| rows.push(cells.row(customer as usize)));
        let mut of = vec![NONE; n];
        known.iter().zip(0_u32..).for_each(|(&customer, row)| of[customer as usize] = row);
        let kept = (rows.n_rows() >= MIN_ROWS.min(n))
            .then(|| Regression::fit(run, rows, columns.n(), KEPT, vec![of]))
            .transpose()?;
        let coming = Company::coming(run, lines, attributes, &columns, horizon_days)?;
        Ok(Company { columns, cells, kept, coming })
    }

    fn coming(
        run: &Run<'_>,
        lines: &Lines,
        attributes: &[Attribute],
        columns: &Columns,
        horizon_days: u32,
    ) -> Result<Option<Regression>> {
        let mut rows = Cells::default();
        let mut places = Vec::new();
        for window in 1..=N_WINDOWS {
            let Some(from) = u16::try_from(horizon_days).ok().and_then(|days| days.checked_mul(window))
            else {
                break;
            };
            let to = from.saturating_add(ACTIVE_DAYS);
            if lines.n_days < to {
                break;
            }
            let active = sampled(
                (0..lines.customers.len() as u32)
                    .filter(|&c| {
                        lines.purchases.lines_of(c as usize).any(|line| (from..to).contains(&line.age))
                    })
                    .collect(),
            );
            let seen = Cells::count(run, lines, attributes, columns, &active, from);
            let mut place = vec![NONE; lines.customers.len()];
            for (row, &customer) in active.iter().enumerate() {
                place[customer as usize] = rows.n_rows() as u32;
                rows.push(seen.row(row));
            }
            places.push(place);
        }
        if rows.n_rows() < MIN_ROWS {
            return Ok(None);
        }
        Regression::fit(run, rows, columns.n(), COMING, places).map(Some)
    }

    /// Both scores of all customers, in the order of [`NAMES`]; 0 where nothing is known. Inside the pool of a run.
    pub(crate) fn scores(
        &self,
        state: &State,
        attributes: &[Attribute],
        offer: &ProductSet,
        seen: &Seen,
    ) -> Vec<[f32; 2]> {
        let nothing = || (vec![0.0; self.columns.n()], 0.0);
        let own = self.columns.own(attributes, offer, &state.popularity, OWN_SHARE);
        let (kept, kept_mean) = match &self.kept {
            Some(regression) if own.len() <= MAX_OWN => {
                let bought = seen.iter().filter_map(|(customer, seen)| {
                    let row = regression.row(0, customer)?;
                    (seen.days[3] > 0).then(|| (row, seen.decayed_days().ln_1p()))
                });
                regression.weights(bought, &own)
            }
            _ => nothing(),
        };
        let (coming, coming_mean) = match &self.coming {
            Some(regression) => regression.weights(next_buyers(regression, state, offer).into_iter(), &[]),
            None => nothing(),
        };
        let weights: Vec<[f32; 2]> = kept.into_iter().zip(coming).map(|(a, b)| [a, b]).collect();
        let mut scores = vec![[0.0; 2]; state.customers.len()];
        if weights.is_empty() {
            return scores;
        }
        scores.par_chunks_mut(4096).enumerate().for_each(|(chunk, scores)| {
            for (at, score) in scores.iter_mut().enumerate() {
                *score = self.cells.score(chunk * 4096 + at, &weights);
                score[0] -= kept_mean;
                score[1] -= coming_mean;
            }
        });
        scores
    }
}

/// Rows (a customer in a window) that bought from the offer within that window, once each.
fn next_buyers(regression: &Regression, state: &State, offer: &ProductSet) -> Vec<(usize, f32)> {
    let horizon = state.horizon_days.max(1);
    let mut rows = Vec::new();
    state.purchases.each_line(offer, |customer, line| {
        rows.extend(regression.row((u32::from(line.age) / horizon) as usize, customer as usize));
    });
    rows.sort_unstable();
    rows.dedup();
    rows.into_iter().map(|row| (row, 1.0)).collect()
}

/// Every k-th, so that at most [`MAX_ROWS`] are left.
fn sampled(customers: Vec<u32>) -> Vec<u32> {
    let step = customers.len().div_ceil(MAX_ROWS).max(1);
    customers.into_iter().step_by(step).collect()
}
