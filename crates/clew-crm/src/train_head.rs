//! Head: learns one propensity model through all windows: gather, fit the nested kinds, judge on the last window, choose, calibrate, refit.
use clew_learn::calibration::sigmoid;
use clew_learn::metrics;
use clew_learn::{Run, Silent};

use crate::ablation::{AblationFigures, ablate};
use crate::error::Result;
use crate::feature_attribute::Attribute;
use crate::feature_offer;
use crate::feature_state::State;
use crate::feature_taste::TasteModel;
use crate::gain_band::Spread;
use crate::judge::{self, JudgedOffer};
use crate::product_set::ProductSet;
use crate::propensity::{Kind, Propensity};
use crate::report::CandidateFigures;
use crate::train_calibration::{JudgedWindow, calibrate};
use crate::train_choice;
use crate::train_folds::Folds;
use crate::train_offers::{PracticeOffer, practice_offers};
use crate::train_rows::Rows;
use crate::train_setting::Setting;
use crate::train_windows;

/// The judged offers are drawn apart from those that are practised on.
const JUDGED: u64 = 0x1d6e;
/// Windows judged, at most: each by a fit to the ones before it.
const N_JUDGED: usize = 3;
/// Launches practised on in a window, at the least: with fewer that sold enough, those that sold less are taken, too.
const MIN_LAUNCHES: usize = 8;
/// Rows that the figures in training are of, at most.
const MAX_TRAINING: usize = 50_000;
/// Folds of masked launches: see [`Folds`].
const N_FOLDS: usize = 3;
/// Offers judged, at most.
const MAX_JUDGED: usize = 120;

/// What to learn a head from.
pub(crate) struct HeadPlan<'a> {
    /// Groupings that play the offer.
    pub(crate) offers: &'a [PracticeOffer],
    /// Attributes that the judged offers are drawn from, by what sold before each judged window; none to judge on the practice offers.
    pub(crate) groups: Option<&'a [Attribute]>,
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
    /// The chosen kind's fit that had not seen the judged window.
    pub(crate) unseen: Propensity,
    pub(crate) spread: Spread,
    /// With the propensities of the chosen kind from the fit that had not seen the window.
    pub(crate) judged: Vec<JudgedOffer>,
    /// Factors of the last cutoff, to start those of today from.
    pub(crate) taste: Option<TasteModel>,
    pub(crate) candidates: Vec<CandidateFigures>,
    /// What each set of features is worth, where that was asked for.
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
    let mut folds = Folds::new(if cold { N_FOLDS } else { 1 }, plan.n_features);
    // The newest window's candidates with some of the rows that they were fitted to; where there are folds, those of the first.
    let mut fitted: (Vec<Propensity>, Rows) = (Vec::new(), Rows::new(plan.n_features));
    let mut judged: Vec<Vec<JudgedOffer>> = Vec::new();
    let mut ablation = Vec::new();
    let n_steps = plan.windows.len() as f64 + 2.0;
    let mut done = 0.0;
    let taste = train_windows::walk(run, setting, plan.windows, plan.hidden, |window, state| {
        let phase = if cold { "learning from masked launches" } else { "learning from past windows" };
        whole.report(phase, done / n_steps);
        done += 1.0;
        let newest = Some(&window) == plan.windows.first();
        let judges = plan.windows.iter().take(N_JUDGED).any(|&judged| judged == window);
        let known = known_offers(setting, state, plan, window);
        let (mut gathered, mut outcomes) = (Vec::new(), Vec::new());
        for fold in 0..folds.n() {
            let inside = known.iter().filter(|(place, _)| folds.of(*place) == fold);
            let offers: Vec<PracticeOffer> = inside.map(|&(_, offer)| offer.clone()).collect();
            gathered.push(train_windows::gather(
                run,
                setting,
                state,
                (window, fold),
                &offers,
                plan.n_features,
                budget,
            )?);
            let rows = folds.without(fold);
            if !judges || rows.n() == 0 {
                continue;
            }
            // Of the older windows only the level is wanted, which the quick kind knows as well as any.
            let kinds = if newest { &Kind::ALL[..] } else { &[Kind::Logistic] };
            let mut models: Vec<Propensity> = Vec::new();
            for &kind in kinds {
                models.push(Propensity::fit(run, kind, &rows, plan.chosen, models.last())?);
            }
            let few = match plan.groups {
                Some(groups) => judged_offers(run, setting, groups, state),
                None => offers.into_iter().take(MAX_JUDGED).collect(),
            };
            outcomes.extend(train_windows::judge(run, setting, state, window, &few, cold, &models)?);
            if newest && setting.params.ablate && !cold {
                let names = feature_offer::names(&setting.product_attributes);
                ablation = ablate(run, &rows, &names, plan.chosen, |models| {
                    train_windows::judge(run, setting, state, window, &few, cold, models)
                })?;
            }
            if newest && fitted.0.is_empty() {
                fitted = (models, rows.thinned(MAX_TRAINING));
            }
        }
        if !outcomes.is_empty() {
            judged.push(outcomes);
        }
        folds.append(gathered);
        Ok(())
    })?;
    let (fitted, seen) = fitted;
    judged.reverse();
    let (mut judged, older) = match judged.split_first_mut() {
        Some((newest, older)) => (std::mem::take(newest), older),
        None => (Vec::new(), &mut [][..]),
    };
    whole.report("choosing and calibrating", done / n_steps);
    let mut candidates = Vec::new();
    for (at, model) in fitted.iter().enumerate() {
        candidates.push(candidate(run, model, &seen, &judged, at, cold)?);
    }
    let chosen = train_choice::choose(&candidates, &judged);
    if let Some(candidate) = candidates.get_mut(chosen) {
        candidate.chosen = true;
    }
    let alone = alone(&judged, plan.n_features);
    let rows = folds.all();
    let n_rows = rows.n();
    whole.report("fitting on all windows", (done + 0.5) / n_steps);
    let kind = fitted.get(chosen).map_or(Kind::Linear, |model| model.kind);
    let mut model = Propensity::fit(run, kind, &rows, plan.chosen, None)?;
    let windows: Vec<JudgedWindow<'_>> = std::iter::once(JudgedWindow { offers: &judged, candidate: chosen })
        .chain(older.iter().map(|offers| JudgedWindow { offers, candidate: 0 }))
        .collect();
    let (platt, spread) = calibrate(&windows);
    model.platt = platt;
    for offer in &mut judged {
        offer.propensity = offer.decisions.get(chosen).map(|d| model.calibrated(d)).unwrap_or_default();
    }
    let unseen = fitted.get(chosen).unwrap_or(&model).clone();
    Ok(LearnedHead { model, unseen, spread, judged, taste, candidates, ablation, n_rows, alone })
}

/// The offers that a window is judged on, by what had sold before it.
pub(crate) fn judged_offers(
    run: &Run<'_>,
    setting: &Setting<'_>,
    groups: &[Attribute],
    state: &State,
) -> Vec<PracticeOffer> {
    let products = setting.history.products();
    practice_offers(&run.with_stream(JUDGED), &products, groups, &state.popularity, MAX_JUDGED)
}

/// The offers that may be practised on in a window, by what they had sold before it, with their places in the plan.
fn known_offers<'a>(
    setting: &Setting<'_>,
    state: &State,
    plan: &HeadPlan<'a>,
    window: u32,
) -> Vec<(usize, &'a PracticeOffer)> {
    let known = |offer: &PracticeOffer| match plan.hidden {
        Some(_) => setting.is_worth_it(&offer.products, window),
        None => offer.has_sold(&state.popularity),
    };
    let all = plan.offers.iter().enumerate();
    let some: Vec<_> = all.clone().filter(|(_, offer)| known(offer)).collect();
    if plan.hidden.is_some() && some.len() < MIN_LAUNCHES { all.collect() } else { some }
}

/// One candidate's figures in training and out of time.
fn candidate(
    run: &Run<'_>,
    model: &Propensity,
    seen: &Rows,
    judged: &[JudgedOffer],
    at: usize,
    cold: bool,
) -> Result<CandidateFigures> {
    let inside = model.decision(run, &seen.x)?;
    let probability: Vec<f32> = inside.iter().map(|&z| sigmoid(f64::from(z)) as f32).collect();
    let all = judge::figures(judged, |offer| judge::plain(offer, at), true, false);
    let new = judge::figures(judged, |offer| judge::plain(offer, at), true, true);
    Ok(CandidateFigures {
        name: format!("{}{}", if cold { "cold " } else { "" }, model.kind.name()),
        auc_training: auc_by_group(&inside, seen),
        auc: all.auc,
        auc_new: new.auc,
        log_loss_training: metrics::log_loss(&probability, &seen.y, &seen.weight)?,
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

/// Each feature's AUC on its own, mean over the judged offers, whichever way it points.
pub(crate) fn alone(judged: &[JudgedOffer], n_features: usize) -> Vec<f64> {
    (0..n_features)
        .map(|feature| {
            let sum: f64 = judged.iter().filter_map(|offer| offer.alone.get(feature)).sum();
            let mean = sum / judged.len().max(1) as f64;
            mean.max(1.0 - mean)
        })
        .collect()
}
