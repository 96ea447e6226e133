//! Backtest: train as of one horizon before the date, judge on that horizon, beside what a marketer has today.
use std::sync::Arc;

use clew_learn::{Part, Run};
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::error::{Error, Result};
use crate::feature_attribute::Cut;
use crate::feature_state::DAY;
use crate::judge::{self, JudgedOffer};
use crate::leak::{self, Leak};
use crate::product_set::ProductSet;
use crate::records::Records;
use crate::report::{OfferFigures, Report};
use crate::scorer::Scorer;
use crate::train::train;
use crate::train_offers::{PracticeOffer, practice_offers};
use crate::train_params::TrainParams;
use crate::train_report::{coverage, day, not_better};

/// Groupings judged on when none are given.
const N_OFFERS: usize = 100;
/// The judged groupings are drawn apart from those that the training practised on.
const STREAM: u64 = 0xbac7;

/// What a backtest is asked to do.
#[derive(Clone, Debug)]
pub struct BacktestParams {
    /// End of the judged window, Unix seconds; the model knows nothing of the `horizon_days` before it.
    pub as_of: i64,
    /// Days in which a purchase counts.
    pub horizon_days: u32,
    /// Offers to judge, by name; none for groupings of the catalogue.
    pub offers: Option<Vec<(String, ProductSet)>>,
    /// How to train; its `as_of` and `horizon_days` are set by the backtest.
    pub train: TrainParams,
}

impl BacktestParams {
    /// The usual settings.
    pub fn new(as_of: i64, horizon_days: u32) -> BacktestParams {
        BacktestParams { as_of, horizon_days, offers: None, train: TrainParams::new(as_of) }
    }
}

/// Trains as of `as_of − horizon_days`, then judges on the window up to `as_of`. Errors as [`train`] does, and when no active customer
/// or no offer is left to judge on.
pub fn backtest(run: &Run<'_>, records: &Arc<Records>, params: &BacktestParams) -> Result<Report> {
    let cutoff = params.as_of - i64::from(params.horizon_days) * DAY;
    let train_params = TrainParams { horizon_days: params.horizon_days, ..params.train.clone() };
    // What knows the judged window's answer is found with that window, and kept from the training, which does not see it.
    let leaks = leak::inspect(run, &records.history(params.as_of), &train_params)?;
    let left_out = train_params.left_out.clone().with(&leaks);
    let asked = TrainParams { as_of: cutoff, left_out, ..train_params };
    let model = train(&run.with_progress(&Part::new(run.progress, 0.0, 0.85)), records, &asked)?;
    run.report("bringing the model to the date", 0.85);
    let scorer = Scorer::new(run, Arc::new(model), Arc::clone(records), cutoff)?;
    let offers = match &params.offers {
        Some(given) => given
            .iter()
            .map(|(name, products)| PracticeOffer { name: name.clone(), products: products.clone() })
            .collect(),
        None => {
            let groups: Vec<_> = scorer
                .product_attributes
                .iter()
                .filter(|attribute| attribute.grouping.cut != Cut::Words)
                .cloned()
                .collect();
            practice_offers(&run.with_stream(STREAM), &groups, &scorer.state.popularity, N_OFFERS)
        }
    };
    let mut judged = Vec::with_capacity(offers.len());
    let mut lines = Vec::with_capacity(offers.len());
    for (at, offer) in offers.iter().enumerate() {
        run.report("judging", 0.87 + 0.13 * at as f64 / offers.len() as f64);
        let permute = params.train.permute_labels.then(|| run.rng(STREAM + 1 + at as u64));
        let (outcome, line) = judge_offer(run, &scorer, records, offer, params.as_of, permute)?;
        judged.push(outcome);
        lines.push(line);
    }
    if judged.iter().all(|offer| offer.bought.is_empty()) {
        return Err(Error::Nothing {
            what: "the backtest".to_owned(),
            remedy: "choose a later date: no customer bought in the 56 days before the judged window"
                .to_owned(),
        });
    }
    let trained = &scorer.model().report;
    let methods = judge::methods(&judged);
    let mut warnings: Vec<String> = leaks.iter().map(Leak::sentence).collect();
    warnings.extend(not_better(&methods));
    if let Some(last) = records.last_event()
        && last < params.as_of - DAY
    {
        warnings.push(format!("the last event is of {}: the judged window is not full", day(last)));
    }
    Ok(Report {
        judged_from: day(cutoff),
        judged_to: day(params.as_of),
        calibration_curve: judge::calibration_curve(&judged),
        band_coverage: coverage(&lines),
        offers: lines,
        methods,
        warnings,
        leaks: leaks.into_iter().chain(trained.leaks.iter().cloned()).collect(),
        ..trained.clone()
    })
}

/// One offer on the judged window.
fn judge_offer(
    run: &Run<'_>,
    scorer: &Scorer,
    records: &Records,
    offer: &PracticeOffer,
    until: i64,
    permute: Option<Xoshiro256PlusPlus>,
) -> Result<(JudgedOffer, OfferFigures)> {
    let seen = scorer.offer(run, &offer.products)?;
    let propensities = scorer.score(run, &seen)?;
    let mut bought = vec![false; scorer.customers().len()];
    for customer in records.bought(&offer.products, scorer.as_of(), until) {
        if let Some(place) = scorer.place(customer) {
            bought[place] = true;
        }
    }
    let state = &scorer.state;
    let active: Vec<usize> = (0..bought.len()).filter(|&place| state.profile[place].is_active()).collect();
    let pick = |of: &dyn Fn(usize) -> f32| active.iter().map(|&place| of(place)).collect::<Vec<f32>>();
    let mut outcome = pick(&|place| f32::from(u8::from(bought[place])));
    if let Some(mut rng) = permute {
        outcome.shuffle(&mut rng);
    }
    let level = clew_learn::calibration::sigmoid(f64::from(seen.level.now())) as f32;
    let judged = JudgedOffer {
        name: offer.name.clone(),
        n_products: offer.products.len(),
        cold: seen.level.n_buyers == 0,
        bought: outcome,
        is_new: active.iter().map(|&place| seen.inside[place].is_new()).collect(),
        propensity: pick(&|place| propensities[place]),
        baselines: vec![
            pick(&|place| -f32::from(seen.inside[place].last)),
            pick(&|place| f32::from(seen.inside[place].days[1])),
            pick(&|place| state.profile[place].spent_112()),
            vec![level; active.len()],
        ],
        ..JudgedOffer::default()
    };
    let spread = scorer.model().heads.as_ref().map_or(0.5, |heads| heads.spread_of(seen.level.n_buyers));
    let line = judge::offer_figures(&judged, spread);
    Ok((judged, line))
}
