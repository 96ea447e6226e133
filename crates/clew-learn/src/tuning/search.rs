//! One axis at a time, from the least rank upwards.

use super::judge::{Judge, Verdict};
use super::split::Parts;
use super::{Trial, Tuned, Tuning};
use crate::als::{Factors, ImplicitAls};
use crate::error::{Error, Result};
use crate::run::{Run, Silent};

/// How much more the fit sweeps that all of a rank start from.
const FIRST: usize = 2;
/// Values of an axis within this ratio of the base's are left out for it.
const NEAR: f32 = 1.3;
/// Places on the axes of unobserved weight, regularisation and frequency exponent.
type Place = [usize; 3];

pub(super) fn search(tuning: &Tuning, run: &Run<'_>, base: &ImplicitAls, parts: &Parts) -> Result<Tuned> {
    let axes = [
        axis(&tuning.unobserved_weights, base.unobserved_weight, NEAR),
        axis(&tuning.regularisations, base.regularisation, NEAR),
        axis(&tuning.frequency_exponents, base.frequency_exponent, 1.0),
    ];
    let home = [base.unobserved_weight, base.regularisation, base.frequency_exponent];
    let home = [0, 1, 2].map(|a| axes[a].partition_point(|&value| value < home[a]));
    let mut ranks = tuning.n_factors.clone();
    ranks.sort_unstable();
    ranks.dedup();
    if ranks.is_empty() {
        ranks.push(base.n_factors);
    }
    let judge = Judge::new(tuning, parts)?;
    let mut search = Search { tuning, run, base, parts, axes, judge, trials: Vec::new() };
    let mut best: Option<Found> = None;
    for rank in ranks {
        let place = best.as_ref().map_or(home, |found| found.place);
        let Some(found) = search.rank(rank, place)? else { break };
        if best.as_ref().is_some_and(|best| !found.verdict.surely_above(&best.verdict)) {
            break;
        }
        best = Some(found);
    }
    let Some(best) = best else {
        return Err(Error::input("there is no fit to be had", "allow at least one"));
    };
    run.report("choosing the factorisation", 1.0);
    let params = search.params(best.rank, best.place);
    let (n_rows, n_judged) = (parts.train.n_rows(), search.judge.n_rows());
    Ok(Tuned { params, trials: search.trials, cutoff: parts.cutoff, n_rows, n_judged })
}

/// The values of one axis, rising: the base's, and those that are not as good as the same as it.
fn axis(values: &[f32], base: f32, near: f32) -> Vec<f32> {
    let mut axis: Vec<f32> =
        values.iter().copied().filter(|&value| !(base / near..=base * near).contains(&value)).collect();
    axis.push(base);
    axis.sort_unstable_by(f32::total_cmp);
    axis.dedup();
    axis
}

/// The best so far at one rank.
struct Found {
    rank: usize,
    place: Place,
    verdict: Verdict,
}

struct Search<'a> {
    tuning: &'a Tuning,
    run: &'a Run<'a>,
    base: &'a ImplicitAls,
    parts: &'a Parts,
    axes: [Vec<f32>; 3],
    judge: Judge<'a>,
    trials: Vec<Trial>,
}

impl Search<'_> {
    /// The best at one rank, walked to from `place`; `None` when no fit is left.
    fn rank(&mut self, rank: usize, place: Place) -> Result<Option<Found>> {
        if self.spent() {
            return Ok(None);
        }
        let first = self.params(rank, place);
        let first = ImplicitAls { n_sweeps: self.tuning.n_sweeps.saturating_mul(FIRST), ..first };
        let start = first.fit(&self.run.with_progress(&Silent), &self.parts.train, None)?;
        let mut best = self.fit(&start, place)?;
        let mut tried = vec![place];
        loop {
            let before = best.place;
            for axis in 0..self.axes.len() {
                let moved = self.walk(&start, &mut best, &mut tried, axis, true)?;
                if !moved {
                    self.walk(&start, &mut best, &mut tried, axis, false)?;
                }
            }
            if best.place == before || self.spent() {
                return Ok(Some(best));
            }
        }
    }

    /// Goes along one axis one way while it gets better; whether it did.
    fn walk(
        &mut self,
        start: &Factors,
        best: &mut Found,
        tried: &mut Vec<Place>,
        axis: usize,
        up: bool,
    ) -> Result<bool> {
        let from = best.place;
        loop {
            let mut place = best.place;
            let next = if up { place[axis].checked_add(1) } else { place[axis].checked_sub(1) };
            let Some(next) = next.filter(|&next| next < self.axes[axis].len()) else { break };
            place[axis] = next;
            if self.spent() || tried.contains(&place) {
                break;
            }
            tried.push(place);
            let found = self.fit(start, place)?;
            if found.verdict.figure() <= best.verdict.figure() {
                break;
            }
            *best = found;
        }
        Ok(best.place != from)
    }

    fn spent(&self) -> bool {
        self.trials.len() >= self.tuning.n_fits
    }

    fn params(&self, n_factors: usize, place: Place) -> ImplicitAls {
        let [unobserved_weight, regularisation, frequency_exponent] =
            [0, 1, 2].map(|axis| self.axes[axis][place[axis]]);
        // With another exponent the row of mean frequency keeps its penalty: the axes stay apart.
        let train = &self.parts.train;
        let sum: f64 = train.values().iter().map(|&value| f64::from(value)).sum();
        let frequency = sum / train.n_rows() as f64 + f64::from(unobserved_weight) * train.n_cols() as f64;
        let kept = frequency.powf(f64::from(self.base.frequency_exponent - frequency_exponent));
        ImplicitAls {
            n_factors,
            unobserved_weight,
            regularisation: (f64::from(regularisation) * kept) as f32,
            frequency_exponent,
            ..self.base.clone()
        }
    }

    /// All fits of a rank start from the same vectors and sweep as often: none is better for having gone on
    /// longer.
    fn fit(&mut self, start: &Factors, place: Place) -> Result<Found> {
        let (done, most) = (self.trials.len(), self.tuning.n_fits);
        self.run.report("choosing the factorisation", done as f64 / most as f64);
        let rank = start.columns.ncols();
        let als = ImplicitAls { n_sweeps: self.tuning.n_sweeps, ..self.params(rank, place) };
        let silent = self.run.with_progress(&Silent);
        let factors = als.fit(&silent, &self.parts.train, Some(start))?;
        let verdict = self.judge.judge(&silent, &factors.rows, &factors.columns)?;
        self.trials.push(Trial {
            n_factors: rank,
            regularisation: als.regularisation,
            unobserved_weight: als.unobserved_weight,
            frequency_exponent: als.frequency_exponent,
            ndcg: verdict.ndcg,
            recall: verdict.recall,
            standard_error: verdict.standard_error(),
        });
        Ok(Found { rank, place, verdict })
    }
}
