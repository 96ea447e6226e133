//! Head: learns one propensity model through all windows: gather, fit the nested kinds, judge on the last window, choose, calibrate, refit.
use clew_learn::calibration::{Platt, sigmoid};
use clew_learn::metrics;
use clew_learn::{Run, Silent};

use crate::ablation::{AblationFigures, ablate};
use crate::error::Result;
use crate::feature_offer;
use crate::feature_taste::TasteModel;
use crate::gain_band;
use crate::judge::{self, JudgedOffer};
use crate::product_set::ProductSet;
use crate::propensity::{Kind, Propensity};
use crate::report::CandidateFigures;
use crate::train_offers::PracticeOffer;
use crate::train_rows::Rows;
use crate::train_setting::Setting;
use crate::train_windows;

/// Offers judged, at most.
const MAX_JUDGED: usize = 120;
/// A larger kind must beat a smaller one by this much in log loss (relative) or in AUC to be taken.
const MARGIN: (f64, f64) = (0.001, 0.0005);

/// What to learn a head from.
pub(crate) struct HeadPlan<'a> {
    /// Groupings that play the offer.
    pub(crate) offers: &'a [PracticeOffer],
    /// Products hidden from every history; the head is for never-sold offers then.
    pub(crate) hidden: Option<&'a ProductSet>,
    /// Windows to learn from, rising; the first is judged on.
    pub(crate) windows: &'a [u32],
    /// Places of the features that may be used.
    pub(crate) chosen: &'a [usize],
    /// Numbers in a row.
    pub(crate) n_features: usize,
    /// Rows to learn from, at most.
    pub(crate) max_rows: usize,
}

/// A learned head with what was seen on the judged window.
pub(crate) struct LearnedHead {
    pub(crate) model: Propensity,
    pub(crate) spread: f64,
    /// With the propensities of the chosen kind from the fit that had not seen the window.
    pub(crate) judged: Vec<JudgedOffer>,
    /// Factors of the last cutoff, to start those of today from.
    pub(crate) taste: Option<TasteModel>,
    pub(crate) candidates: Vec<CandidateFigures>,
    /// What each family of features is worth, where that was asked for.
    pub(crate) ablation: Vec<AblationFigures>,
    pub(crate) n_rows: usize,
    /// Each feature's AUC on its own, mean over the judged offers.
    pub(crate) alone: Vec<f64>,
}

/// Learns a head.
pub(crate) fn learn(whole: &Run<'_>, setting: &Setting<'_>, plan: &HeadPlan<'_>) -> Result<LearnedHead> {
    // What a fit reports is a share of that fit; of the whole, only the windows that are done are.
    let run = &whole.with_progress(&Silent);
    let cold = plan.hidden.is_some();
    let budget = (plan.max_rows / (plan.offers.len() * plan.windows.len()).max(1)).max(24);
    let mut rows = Rows::new(plan.n_features);
    let mut fitted: Vec<Propensity> = Vec::new();
    let mut judged = Vec::new();
    let mut fresh = Rows::new(plan.n_features);
    let mut ablation = Vec::new();
    let n_steps = plan.windows.len() as f64 + 2.0;
    let mut done = 0.0;
    let taste = train_windows::walk(run, setting, plan.windows, plan.hidden, |window, state| {
        let phase = if cold { "learning from masked launches" } else { "learning from past windows" };
        whole.report(phase, done / n_steps);
        done += 1.0;
        let offers: Vec<PracticeOffer> =
            plan.offers.iter().filter(|offer| cold || offer.has_sold(&state.popularity)).cloned().collect();
        let gathered = train_windows::gather(run, setting, state, window, &offers, plan.n_features, budget)?;
        if Some(&window) != plan.windows.first() {
            rows.append(gathered);
            return Ok(());
        }
        for kind in Kind::ALL {
            fitted.push(Propensity::fit(run, kind, &rows, plan.chosen, fitted.last())?);
        }
        let few = &offers[..offers.len().min(MAX_JUDGED)];
        judged = train_windows::judge(run, setting, state, window, few, cold, &fitted)?;
        if setting.params.ablate && !cold {
            let names = feature_offer::names(&setting.product_attributes);
            ablation = ablate(run, &rows, &names, plan.chosen, |models| {
                train_windows::judge(run, setting, state, window, few, cold, models)
            })?;
        }
        fresh = gathered;
        Ok(())
    })?;
    whole.report("choosing and calibrating", done / n_steps);
    let mut candidates = Vec::new();
    for (at, model) in fitted.iter().enumerate() {
        candidates.push(candidate(run, model, &rows, &judged, at, cold)?);
    }
    let chosen = choose(&candidates);
    if let Some(candidate) = candidates.get_mut(chosen) {
        candidate.chosen = true;
    }
    let alone = alone(&judged, plan.n_features);
    rows.append(fresh);
    let n_rows = rows.n();
    whole.report("fitting on all windows", (done + 0.5) / n_steps);
    let kind = fitted.get(chosen).map_or(Kind::Linear, |model| model.kind);
    let mut model = Propensity::fit(run, kind, &rows, plan.chosen, None)?;
    model.platt = calibrate(&judged, chosen)?;
    for offer in &mut judged {
        offer.propensity = offer.decisions.get(chosen).map(|d| model.calibrated(d)).unwrap_or_default();
    }
    let misses: Vec<(f64, f64, f64)> = judged.iter().map(miss).collect();
    Ok(LearnedHead {
        model,
        spread: gain_band::spread(&misses),
        judged,
        taste,
        candidates,
        ablation,
        n_rows,
        alone,
    })
}

/// Expected buyers, their variance by chance, and those realised.
pub(crate) fn miss(offer: &JudgedOffer) -> (f64, f64, f64) {
    let sum = |values: &[f32]| values.iter().map(|&v| f64::from(v)).sum::<f64>();
    (sum(&offer.propensity), judge::variance(&offer.propensity), sum(&offer.bought))
}

/// One candidate's figures in training and out of time.
fn candidate(
    run: &Run<'_>,
    model: &Propensity,
    rows: &Rows,
    judged: &[JudgedOffer],
    at: usize,
    cold: bool,
) -> Result<CandidateFigures> {
    let few = rows.thinned(50_000);
    let inside = model.decision(run, &few.x)?;
    let probability: Vec<f32> = inside.iter().map(|&z| sigmoid(f64::from(z)) as f32).collect();
    let all = judge::figures(judged, |offer| judge::plain(offer, at), true, false);
    let new = judge::figures(judged, |offer| judge::plain(offer, at), true, true);
    Ok(CandidateFigures {
        name: format!("{}{}", if cold { "cold " } else { "" }, model.kind.name()),
        auc_training: auc_by_group(&inside, &few),
        auc: all.auc,
        auc_new: new.auc,
        log_loss_training: metrics::log_loss(&probability, &few.y, &few.weight)?,
        log_loss: all.log_loss.unwrap_or(f64::NAN),
        chosen: false,
    })
}

/// Mean AUC over the groups of rows, so that it can stand beside the mean over offers out of time.
fn auc_by_group(score: &[f32], rows: &Rows) -> f64 {
    let (mut sum, mut n, mut from) = (0.0, 0.0, 0);
    for part in rows.group.chunk_by(|a, b| a == b) {
        let of = from..from + part.len();
        from = of.end;
        if let Ok(auc) = metrics::auc(&score[of.clone()], &rows.y[of.clone()], &rows.weight[of]) {
            sum += auc;
            n += 1.0;
        }
    }
    if n > 0.0 { sum / n } else { 0.5 }
}

/// The smallest candidate that no larger one beats by the margin.
fn choose(candidates: &[CandidateFigures]) -> usize {
    let mut best = 0;
    for (at, candidate) in candidates.iter().enumerate().skip(1) {
        let held = &candidates[best];
        let auc = |c: &CandidateFigures| 0.5 * (c.auc + c.auc_new);
        let gain = (held.log_loss - candidate.log_loss) / held.log_loss.max(1e-9);
        let better = auc(candidate) - auc(held);
        // Better in one without being worse in the other.
        if (gain > MARGIN.0 && better > -MARGIN.1) || (better > MARGIN.1 && gain > -MARGIN.0) {
            best = at;
        }
    }
    best
}

/// Rows that the calibration is fitted to, at most.
const MAX_CALIBRATED: usize = 100_000;
/// Share of the judged window's shift that is held for the next one.
const KEPT_SHIFT: f64 = 0.25;

/// Straightens the log-odds on the judged window. The slope is kept as found; of the shift, a part: how far the last window lay off as a
/// whole says little of how far the next one will, and the final fit has seen the last one.
fn calibrate(judged: &[JudgedOffer], chosen: usize) -> Result<Platt> {
    let n_rows: usize = judged.iter().map(|offer| offer.bought.len()).sum();
    // Two numbers are found from every k-th row as well as from all.
    let step = n_rows.div_ceil(MAX_CALIBRATED).max(1);
    let (decisions, bought): (Vec<f32>, Vec<f32>) = judged
        .iter()
        .filter_map(|offer| {
            Some(offer.decisions.get(chosen)?.iter().copied().zip(offer.bought.iter().copied()))
        })
        .flatten()
        .step_by(step)
        .unzip();
    let n_buyers: f32 = bought.iter().sum();
    // With few buyers the line is pulled towards no change.
    let trust = f64::from(n_buyers) / (f64::from(n_buyers) + 200.0);
    let Ok(found) = Platt::fit(&decisions, &bought, &vec![1.0; bought.len()]) else {
        return Ok(Platt { slope: 1.0, intercept: 0.0 });
    };
    Ok(Platt { slope: 1.0 + trust * (found.slope - 1.0), intercept: KEPT_SHIFT * trust * found.intercept })
}

/// Each feature's AUC on its own, mean over the judged offers, whichever way it points.
fn alone(judged: &[JudgedOffer], n_features: usize) -> Vec<f64> {
    (0..n_features)
        .map(|feature| {
            let sum: f64 = judged.iter().filter_map(|offer| offer.alone.get(feature)).sum();
            let mean = sum / judged.len().max(1) as f64;
            mean.max(1.0 - mean)
        })
        .collect()
}
