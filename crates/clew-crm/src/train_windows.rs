//! Windows: walks the cutoffs from the oldest to the newest, gathering rows to learn from and, on the last, offers to judge on.
use clew_learn::Run;
use rayon::prelude::*;

use crate::error::Result;
use crate::feature_offer::{self, OfferState};
use crate::feature_state::State;
use crate::feature_taste::TasteModel;
use crate::judge::{Idle, JudgedOffer};
use crate::product_set::ProductSet;
use crate::propensity::Propensity;
use crate::train_offers::PracticeOffer;
use crate::train_rows::{Rows, draw};
use crate::train_setting::{Setting, UNKNOWN};

const STREAM: u64 = 0x3000;
/// Groups of rows are numbered by window and offer; more offers than this are never practised on.
const GROUPS: u32 = 1 << 20;
/// … and their folds are as many at most.
const MAX_FOLDS: u32 = 8;
/// Active customers that an offer is judged on, at most; of more, every k-th.
const MAX_CUSTOMERS: usize = 5_000;
/// Idle customers likewise.
const MAX_IDLE: usize = 1_500;
/// Customers whose rows tell how well each feature separates on its own, at most.
const MAX_ALONE: usize = 1_500;

/// Draws rows of all offers as of one state; the window comes with the fold that the offers are of.
pub(crate) fn gather(
    run: &Run<'_>,
    setting: &Setting<'_>,
    state: &State,
    (window, fold): (u32, usize),
    offers: &[PracticeOffer],
    n_features: usize,
    budget: usize,
) -> Result<Rows> {
    let first = fold as u32 * (GROUPS / MAX_FOLDS);
    let parts: Vec<Rows> = run.pool.install(|| {
        offers
            .par_iter()
            .enumerate()
            .map(|(at, offer)| {
                run.check()?;
                let mut answers = setting.answers(state, &offer.products, window);
                keep(&mut answers, |place| setting.chosen.is_learned_from(window, place));
                let seen = OfferState::new(state, &setting.product_attributes, &offer.products);
                let mut rng = run.rng(STREAM + (u64::from(window) << 32) + u64::from(first) + at as u64);
                let mut rows = draw(&seen, n_features, &answers, budget, &mut rng);
                rows.group = vec![window * GROUPS + first + at as u32; rows.n()];
                Ok(rows)
            })
            .collect::<Result<Vec<_>>>()
    })?;
    let mut rows = Rows::new(n_features);
    parts.into_iter().for_each(|part| rows.append(part));
    Ok(rows)
}

/// Scores all active customers of all offers on a window with every candidate.
pub(crate) fn judge(
    run: &Run<'_>,
    setting: &Setting<'_>,
    state: &State,
    window: u32,
    offers: &[PracticeOffer],
    cold: bool,
    candidates: &[Propensity],
) -> Result<Vec<JudgedOffer>> {
    let n_features = feature_offer::names(&setting.product_attributes).len();
    run.pool.install(|| {
        offers
            .par_iter()
            .map(|offer| {
                run.check()?;
                let mut answers = setting.answers(state, &offer.products, window);
                keep(&mut answers, |place| setting.chosen.is_judged_on(window, place));
                let seen = OfferState::new(state, &setting.product_attributes, &offer.products);
                judged(run, &seen, offer, &answers, cold, candidates, n_features)
            })
            .collect()
    })
}

/// Leaves the answers of some customers only; the others are taken for ones that are not known.
fn keep(answers: &mut [u8], is_wanted: impl Fn(usize) -> bool) {
    for (place, answer) in answers.iter_mut().enumerate() {
        if !is_wanted(place) {
            *answer = UNKNOWN;
        }
    }
}

fn judged(
    run: &Run<'_>,
    seen: &OfferState<'_>,
    offer: &PracticeOffer,
    answers: &[u8],
    cold: bool,
    candidates: &[Propensity],
    n_features: usize,
) -> Result<JudgedOffer> {
    let state = seen.state;
    let (active, idle): (Vec<usize>, Vec<usize>) =
        (0..answers.len()).filter(|&c| answers[c] != UNKNOWN).partition(|&c| state.profile[c].is_active());
    let places = thinned(&active, MAX_CUSTOMERS);
    let x = seen.rows(&places, n_features);
    let bought_of =
        |places: &[usize]| places.iter().map(|&place| f32::from(answers[place])).collect::<Vec<_>>();
    let decided =
        |x: &[f32]| candidates.iter().map(|candidate| candidate.decision(run, x)).collect::<Result<Vec<_>>>();
    let bought = bought_of(&places);
    let idle = thinned(&idle, MAX_IDLE);
    let idle = Idle { bought: bought_of(&idle), decisions: decided(&seen.rows(&idle, n_features))? };
    let level = clew_learn::calibration::sigmoid(f64::from(seen.level.now())) as f32;
    let score = |of: &dyn Fn(usize) -> f32| places.iter().map(|&place| of(place)).collect::<Vec<f32>>();
    Ok(JudgedOffer {
        name: offer.name.clone(),
        n_products: offer.products.len(),
        cold,
        alone: (0..n_features).map(|feature| alone(&x, n_features, feature, &bought)).collect(),
        bought,
        is_new: places.iter().map(|&c| seen.seen.of(c).is_new()).collect(),
        decisions: decided(&x)?,
        idle,
        propensity: Vec::new(),
        baselines: vec![
            score(&|c| -f32::from(seen.seen.of(c).last)),
            score(&|c| f32::from(seen.seen.of(c).days[1])),
            score(&|c| state.profile[c].spent_112()),
            vec![level; places.len()],
        ],
    })
}

/// Every k-th place, so that at most `max` are left.
fn thinned(places: &[usize], max: usize) -> Vec<usize> {
    places.iter().copied().step_by(places.len().div_ceil(max).max(1)).collect()
}

/// AUC of a feature on its own, whichever way it points; one half where it says nothing. A missing value ranks last.
fn alone(x: &[f32], n_features: usize, feature: usize, bought: &[f32]) -> f64 {
    let step = bought.len().div_ceil(MAX_ALONE).max(1);
    let (values, bought): (Vec<f32>, Vec<f32>) = x
        .chunks_exact(n_features)
        .zip(bought)
        .step_by(step)
        .map(|(row, &bought)| (if row[feature].is_finite() { row[feature] } else { -1e9 }, bought))
        .unzip();
    clew_learn::metrics::auc(&values, &bought, &vec![1.0; bought.len()]).unwrap_or(0.5)
}

/// The states as of the given windows, oldest first, each handed to `see`; gives the factors of the newest.
pub(crate) fn walk(
    run: &Run<'_>,
    setting: &Setting<'_>,
    windows: &[u32],
    hidden: Option<&ProductSet>,
    mut see: impl FnMut(u32, &State) -> Result<()>,
) -> Result<Option<TasteModel>> {
    let mut start: Option<TasteModel> = None;
    for &window in windows.iter().rev() {
        run.check()?;
        let (state, model) = setting.state(run, window, hidden, start.as_ref())?;
        see(window, &state)?;
        start = Some(model);
    }
    Ok(start)
}
