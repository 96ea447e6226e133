//! Compare: whether a newly trained model is worse, out of time, than the one that answers now.
//!
//! Neither may have seen what both are judged on. The window is the last horizon before the new model's date. The new training is
//! repeated as of the window's beginning, and its model and the live one are judged on the same offers, customers and days. Where that
//! cannot be (the live model has learned from days of the window itself, say), each is taken by what it gained over the best baseline
//! on the window of its own report.
use std::sync::Arc;

use clew_learn::{Part, Run, metrics};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::feature_state::DAY;
use crate::gain_band::Z80;
use crate::model::Model;
use crate::records::Records;
use crate::report::Report;
use crate::scorer::Scorer;
use crate::train::train_keeping;
use crate::train_offers::PracticeOffer;
use crate::train_params::TrainParams;
use crate::train_report::day;

const STREAM: u64 = 0xc0_4a7e;
/// Groupings of the catalogue that both are judged on.
const N_OFFERS: usize = 60;
/// A fall of the mean AUC that nobody would notice.
const AUC: f64 = 0.002;
/// The same for the log loss, as a share of it.
const LOG_LOSS: f64 = 0.005;
/// The same for what is gained over a baseline, on two windows: months differ.
const OWN_WINDOWS: f64 = 0.01;

/// What two models were compared on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparedOn {
    /// The same offers, customers and days, seen by neither.
    SameWindow,
    /// Each on the window of its own report, by its gain over the best baseline there.
    OwnWindows,
}

/// A new model beside the one that answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What on.
    pub on: ComparedOn,
    /// First day of the judged window (of the new model's, where each has its own).
    pub judged_from: String,
    /// The day after its last.
    pub judged_to: String,
    /// Offers judged.
    pub n_offers: usize,
    /// Mean AUC of the live model; on own windows, its gain over the best baseline.
    pub auc_live: f64,
    /// The same of the new one.
    pub auc_new: f64,
    /// Mean difference, new less live.
    pub difference: f64,
    /// Lower end of its 80 % interval over offers; none on own windows.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Log loss of the live model and of the new one, over all rows; none on own windows.
    pub log_loss: Option<[f64; 2]>,
    /// Whether the new one is worse.
    pub worse: bool,
    /// Why it was found worse, or not.
    pub reason: String,
}

/// Compares a model that was trained with `params` with the live one. Costs a training when the live model is older than the window.
pub fn compare(
    run: &Run<'_>,
    records: &Arc<Records>,
    live: &Arc<Model>,
    new: &Model,
    params: &TrainParams,
    checkpoint: Option<&dyn Checkpoint>,
) -> Result<Comparison> {
    let cutoff = new.as_of - i64::from(new.horizon_days) * DAY;
    let apart = |why: &str| Ok(on_own_windows(&live.report, &new.report, why));
    if live.horizon_days != new.horizon_days {
        return apart("the two predict another number of days");
    }
    if live.as_of > cutoff {
        return apart("the live model has learned from days of the window");
    }
    let asked = TrainParams { as_of: cutoff, ..params.clone() };
    let part = Part::new(run.progress, 0.0, 0.8);
    let challenger = match train_keeping(&run.with_progress(&part), records, &asked, checkpoint) {
        Ok(challenger) => Arc::new(challenger),
        Err(Error::NotEnoughData { .. }) => {
            return apart("there is too little data before the window to train on");
        }
        Err(error) => return Err(error),
    };
    run.report("comparing with the live model", 0.8);
    let challenger = Scorer::new(run, challenger, Arc::clone(records), cutoff)?;
    let live = Scorer::new(run, Arc::clone(live), Arc::clone(records), cutoff)?;
    let offers = challenger.practice_offers(&run.with_stream(STREAM), N_OFFERS);
    let mut pairs = Vec::with_capacity(offers.len());
    for (at, offer) in offers.iter().enumerate() {
        run.report("comparing with the live model", 0.85 + 0.15 * at as f64 / offers.len() as f64);
        if let Some(pair) = judge(run, &live, &challenger, offer, new.as_of)? {
            pairs.push(pair);
        }
    }
    Ok(on_same_window(&pairs, day(cutoff), day(new.as_of)))
}

/// An offer by both: live first.
struct Pair {
    auc: [f64; 2],
    log_loss: [f64; 2],
    n_rows: usize,
}

/// None when nobody or everybody bought.
fn judge(
    run: &Run<'_>,
    live: &Scorer,
    challenger: &Scorer,
    offer: &PracticeOffer,
    until: i64,
) -> Result<Option<Pair>> {
    let bought = live.bought(&offer.products, until);
    let active: Vec<usize> =
        (0..bought.len()).filter(|&place| live.state.profile[place].is_active()).collect();
    let outcome: Vec<f32> = active.iter().map(|&place| f32::from(u8::from(bought[place]))).collect();
    let weight = vec![1.0; outcome.len()];
    let mut pair = Pair { auc: [0.0; 2], log_loss: [0.0; 2], n_rows: outcome.len() };
    for (at, scorer) in [live, challenger].into_iter().enumerate() {
        let all = scorer.propensities(run, &offer.products)?;
        let scores: Vec<f32> = active.iter().map(|&place| all[place]).collect();
        let Ok(auc) = metrics::auc(&scores, &outcome, &weight) else { return Ok(None) };
        pair.auc[at] = auc;
        pair.log_loss[at] = metrics::log_loss(&scores, &outcome, &weight)?;
    }
    Ok(Some(pair))
}

fn on_same_window(pairs: &[Pair], judged_from: String, judged_to: String) -> Comparison {
    let n = pairs.len().max(1) as f64;
    let mean = |of: &dyn Fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    // The mean difference over offers, and half the width of its 80 % interval.
    let paired = |of: &dyn Fn(&Pair) -> f64| {
        let middle = mean(of);
        let variance = pairs.iter().map(|pair| (of(pair) - middle).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        (middle, Z80 * (variance / n).sqrt())
    };
    let auc = [mean(&|pair| pair.auc[0]), mean(&|pair| pair.auc[1])];
    let (difference, half) = paired(&|pair| pair.auc[1] - pair.auc[0]);
    let rows: f64 = pairs.iter().map(|pair| pair.n_rows as f64).sum();
    let loss = |at: usize| {
        pairs.iter().map(|pair| pair.log_loss[at] * pair.n_rows as f64).sum::<f64>() / rows.max(1.0)
    };
    let log_loss = [loss(0), loss(1)];
    let (more_loss, half_loss) = paired(&|pair| pair.log_loss[1] - pair.log_loss[0]);
    let worse_order = difference < -AUC && difference + half < 0.0;
    let worse_loss = more_loss > LOG_LOSS * log_loss[0] && more_loss - half_loss > 0.0;
    let figures = format!(
        "on the same {} offers from {judged_from} to {judged_to}: AUC {:.4} against {:.4} of the live model, log loss {:.4} against {:.4}",
        pairs.len(),
        auc[1],
        auc[0],
        log_loss[1],
        log_loss[0]
    );
    let verdict = match (pairs.is_empty(), worse_order, worse_loss) {
        (true, ..) => "not worse: nothing was left to judge on",
        (_, false, false) => "not worse than the live model",
        (_, true, _) => "worse than the live model at finding buyers",
        (_, false, true) => "worse than the live model at saying how many buy",
    };
    Comparison {
        on: ComparedOn::SameWindow,
        judged_from,
        judged_to,
        n_offers: pairs.len(),
        auc_live: auc[0],
        auc_new: auc[1],
        difference,
        low: Some(difference - half),
        high: Some(difference + half),
        log_loss: Some(log_loss),
        worse: worse_order || worse_loss,
        reason: format!("{verdict}, {figures}"),
    }
}

fn on_own_windows(live: &Report, new: &Report, why: &str) -> Comparison {
    let gain = |report: &Report| {
        let (clew, baselines) = report.methods.split_first()?;
        let best = baselines.iter().map(|method| method.all.auc).fold(f64::NEG_INFINITY, f64::max);
        (clew.all.n_offers > 0 && best.is_finite()).then_some(clew.all.auc - best)
    };
    let (auc_live, auc_new) = (gain(live).unwrap_or_default(), gain(new).unwrap_or_default());
    let difference = auc_new - auc_live;
    let known = gain(live).is_some() && gain(new).is_some();
    let worse = known && difference < -OWN_WINDOWS;
    let verdict = match (known, worse) {
        (false, _) => "not compared, since a report is without figures",
        (_, true) => "worse than the live model",
        (_, false) => "not worse than the live model",
    };
    Comparison {
        on: ComparedOn::OwnWindows,
        judged_from: new.judged_from.clone(),
        judged_to: new.judged_to.clone(),
        n_offers: new.methods.first().map_or(0, |method| method.all.n_offers),
        auc_live,
        auc_new,
        difference,
        low: None,
        high: None,
        log_loss: None,
        worse,
        reason: format!(
            "{verdict}: {why}, so each stands by its gain in AUC over the best baseline on the window of its own report: \
             {auc_new:+.4} from {}, against {auc_live:+.4} from {}",
            new.judged_from, live.judged_from
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(live: f64, new: f64, noise: f64) -> Vec<Pair> {
        (0..40)
            .map(|at| {
                let by = if at % 2 == 0 { noise } else { -noise };
                Pair { auc: [live, new + by], log_loss: [0.2, 0.2], n_rows: 100 }
            })
            .collect()
    }

    fn judged(pairs: &[Pair]) -> Comparison {
        on_same_window(pairs, "2026-10-01".to_owned(), "2026-10-29".to_owned())
    }

    #[test]
    fn worse_is_what_is_worse_by_more_than_chance_and_more_than_a_trifle() {
        assert!(!judged(&pairs(0.8, 0.81, 0.02)).worse);
        assert!(judged(&pairs(0.8, 0.78, 0.02)).worse);
        assert!(!judged(&pairs(0.8, 0.799, 0.0)).worse, "a trifle");
        assert!(!judged(&pairs(0.8, 0.79, 0.2)).worse, "chance");
        let mut loss = pairs(0.8, 0.8, 0.0);
        loss.iter_mut().for_each(|pair| pair.log_loss[1] = 0.25);
        let found = judged(&loss);
        assert!(found.worse && found.reason.starts_with("worse than the live model at saying how many buy"));
        assert!(!judged(&[]).worse);
    }
}
