//! Backtest: train as of several past cutoffs, judge each on the horizon after it, beside what a marketer has today.
//!
//! Each cutoff has a model of its own, which knows nothing of what came after. Launches are judged by another: learned as if the
//! launched products had never been sold (a masked launch).
use std::sync::Arc;

use clew_learn::{Part, Run};

use crate::backtest_cutoff::{Cutoff, judge_cutoff};
use crate::error::{Error, Result};
use crate::feature_state::DAY;
use crate::judge::{self, JudgedOffer};
use crate::leak::{self, Leak};
use crate::product_set::ProductSet;
use crate::records::Records;
use crate::report::{BandFigures, OfferFigures, Report};
use crate::train_params::TrainParams;
use crate::train_report::{day, not_better};

/// What a backtest is asked to do.
#[derive(Clone, Debug)]
pub struct BacktestParams {
    /// End of the last judged window, Unix seconds; its model knows nothing of the `horizon_days` before it.
    pub as_of: i64,
    /// Days in which a purchase counts.
    pub horizon_days: u32,
    /// Windows to judge, at most, one before the other; the history's length may allow fewer.
    pub n_cutoffs: usize,
    /// Offers to judge, by name; none for groupings of the catalogue.
    pub offers: Option<Vec<(String, ProductSet)>>,
    /// Offers to judge as masked launches, by name; none for groupings of the catalogue, an empty list for no launches.
    pub launches: Option<Vec<(String, ProductSet)>>,
    /// How to train; its `as_of` and `horizon_days` are set by the backtest.
    pub train: TrainParams,
}

impl BacktestParams {
    /// The usual settings: the last window, offers and launches drawn from the groupings of the catalogue.
    pub fn new(as_of: i64, horizon_days: u32) -> BacktestParams {
        BacktestParams {
            as_of,
            horizon_days,
            n_cutoffs: 1,
            offers: None,
            launches: None,
            train: TrainParams::new(as_of),
        }
    }
}

/// Trains as of each cutoff and judges on the horizon after it. Errors as [`train`](crate::train()) does for the last cutoff (an earlier
/// one with too little history is left out), and when no active customer or no offer is left to judge on.
pub fn backtest(run: &Run<'_>, records: &Arc<Records>, params: &BacktestParams) -> Result<Report> {
    backtest_with(run, records, params).map(|(report, _)| report)
}

/// The same, with what each cutoff's training had said of itself.
pub(crate) fn backtest_with(
    run: &Run<'_>,
    records: &Arc<Records>,
    params: &BacktestParams,
) -> Result<(Report, Vec<Report>)> {
    let n_cutoffs = params.n_cutoffs.max(1);
    let train_params = TrainParams { horizon_days: params.horizon_days, ..params.train.clone() };
    // What knows a judged window's answer is found with that window, and kept from the trainings, which do not see it.
    let leaks = leak::inspect(run, &records.history(params.as_of), &train_params)?;
    let left_out = train_params.left_out.clone().with(&leaks);
    let train_params = TrainParams { left_out, ..train_params };
    let mut cutoffs: Vec<Cutoff> = Vec::new();
    for at in 0..n_cutoffs {
        let share = |at: usize| at as f64 / n_cutoffs as f64;
        let part = Part::new(run.progress, share(at), share(at + 1));
        let until = params.as_of - at as i64 * i64::from(params.horizon_days) * DAY;
        match judge_cutoff(&run.with_progress(&part), records, params, &train_params, until) {
            Ok(cutoff) => cutoffs.push(cutoff),
            Err(Error::NotEnoughData { .. }) if at > 0 => break,
            Err(error) => return Err(error),
        }
    }
    run.report("judging", 1.0);
    cutoffs.reverse();
    let trained = cutoffs.iter().map(|cutoff| cutoff.trained.clone()).collect();
    Ok((report(records, params, leaks, cutoffs)?, trained))
}

/// All cutoffs together.
fn report(
    records: &Records,
    params: &BacktestParams,
    leaks: Vec<Leak>,
    cutoffs: Vec<Cutoff>,
) -> Result<Report> {
    let Some(trained) = cutoffs.last().map(|cutoff| cutoff.trained.clone()) else {
        return Err(Error::input("a backtest over no cutoff", "ask for at least one"));
    };
    let first = cutoffs.first().map_or(params.as_of, |cutoff| cutoff.from);
    let figures = cutoffs.iter().map(Cutoff::figures).collect();
    let lines: Vec<OfferFigures> = cutoffs.iter().flat_map(|cutoff| cutoff.lines.iter().cloned()).collect();
    let judged: Vec<JudgedOffer> = cutoffs.into_iter().flat_map(|cutoff| cutoff.judged).collect();
    let (cold, warm): (Vec<JudgedOffer>, Vec<JudgedOffer>) = judged.into_iter().partition(|offer| offer.cold);
    if warm.iter().chain(&cold).all(|offer| offer.bought.is_empty()) {
        return Err(Error::Nothing {
            what: "the backtest".to_owned(),
            remedy: "choose a later date: no customer bought in the 56 days before the judged window"
                .to_owned(),
        });
    }
    let methods = judge::methods(&warm);
    let mut warnings: Vec<String> = leaks.iter().map(Leak::sentence).collect();
    warnings.extend(not_better(&methods));
    warnings.extend(trained.stale.and_then(|stale| stale.warning()));
    if let Some(last) = records.last_event()
        && last < params.as_of - DAY
    {
        warnings.push(format!("the last event is of {}: the judged window is not full", day(last)));
    }
    Ok(Report {
        judged_from: day(first),
        judged_to: day(params.as_of),
        calibration_curve: judge::calibration_curve(&warm),
        band_coverage: BandFigures::of(&lines, |_| true).coverage,
        warm_band: BandFigures::of(&lines, |offer| !offer.cold),
        cold_band: BandFigures::of(&lines, |offer| offer.cold),
        cutoffs: figures,
        offers: lines,
        methods,
        cold_methods: if cold.is_empty() { Vec::new() } else { judge::methods(&cold) },
        warnings,
        leaks: leaks.into_iter().chain(trained.leaks.iter().cloned()).collect(),
        ..trained
    })
}
