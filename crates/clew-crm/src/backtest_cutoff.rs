//! One cutoff of a backtest: a model that knows nothing of the window after it, judged on that window.
use std::sync::Arc;

use clew_learn::{Part, Run};
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::backtest::BacktestParams;
use crate::backtest_launch::judge_launches;
use crate::error::Result;
use crate::feature_state::DAY;
use crate::gain_band::Spread;
use crate::judge::{self, JudgedOffer};
use crate::leak_stale;
use crate::records::Records;
use crate::report::{BandFigures, CutoffFigures, OfferFigures, Report};
use crate::scorer::Scorer;
use crate::train::train;
use crate::train_offers::PracticeOffer;
use crate::train_params::TrainParams;
use crate::train_report::day;

/// Groupings judged on when none are given.
const N_OFFERS: usize = 100;
/// The judged groupings are drawn apart from those that the training practised on.
const STREAM: u64 = 0xbac7;

/// What was judged after one cutoff.
pub(crate) struct Cutoff {
    /// The cutoff, Unix seconds.
    pub(crate) from: i64,
    /// The end of the judged window.
    pub(crate) until: i64,
    /// Offers that had sold and masked launches, with what happened.
    pub(crate) judged: Vec<JudgedOffer>,
    /// Aligned with `judged`: their lines of the report.
    pub(crate) lines: Vec<OfferFigures>,
    /// What the training said of itself.
    pub(crate) trained: Report,
}

impl Cutoff {
    /// Its line of the report.
    pub(crate) fn figures(&self) -> CutoffFigures {
        let of = |cold: bool, new_only: bool| {
            let offers: Vec<&JudgedOffer> = self.judged.iter().filter(|offer| offer.cold == cold).collect();
            (!offers.is_empty())
                .then(|| judge::figures(offers, |offer| offer.propensity.as_slice(), true, new_only))
        };
        CutoffFigures {
            judged_from: day(self.from),
            judged_to: day(self.until),
            chosen: self.trained.chosen.clone(),
            warm: of(false, false).unwrap_or_default(),
            warm_new: of(false, true).unwrap_or_default(),
            cold: of(true, false),
            cold_new: of(true, true),
            warm_band: BandFigures::of(&self.lines, |offer| !offer.cold),
            cold_band: BandFigures::of(&self.lines, |offer| offer.cold),
        }
    }
}

/// Trains as of a horizon before `until` and judges on that horizon.
pub(crate) fn judge_cutoff(
    run: &Run<'_>,
    records: &Arc<Records>,
    params: &BacktestParams,
    train_params: &TrainParams,
    until: i64,
) -> Result<Cutoff> {
    let from = until - i64::from(params.horizon_days) * DAY;
    let asked = TrainParams { as_of: from, ..train_params.clone() };
    let model = train(&run.with_progress(&Part::new(run.progress, 0.0, 0.6)), records, &asked)?;
    run.report("bringing the model to the date", 0.6);
    let scorer = Scorer::new(run, Arc::new(model), Arc::clone(records), from)?;
    let offers = match &params.offers {
        Some(given) => given
            .iter()
            .map(|(name, products)| PracticeOffer { name: name.clone(), products: products.clone() })
            .collect(),
        None => scorer.practice_offers(&run.with_stream(STREAM), N_OFFERS),
    };
    let mut judged = Vec::with_capacity(offers.len());
    let mut lines = Vec::with_capacity(offers.len());
    for (at, offer) in offers.iter().enumerate() {
        run.report("judging", 0.62 + 0.08 * at as f64 / offers.len() as f64);
        let permute = asked.permute_labels.then(|| run.rng(STREAM + 1 + at as u64));
        let (outcome, line) = judge_offer(run, &scorer, offer, until, permute)?;
        judged.push(outcome);
        lines.push(line);
    }
    let mut trained = scorer.model().report.clone();
    // Of labels permuted there is no older or newer knowledge.
    if until == params.as_of && !asked.permute_labels {
        trained.stale = leak_stale::figures(run, &scorer, offers.iter().map(|offer| &offer.products), until)?;
    }
    drop(scorer);
    // With labels permuted there is nothing to launch: what leaks shows in the offers that sold.
    if !asked.permute_labels && params.launches.as_ref().is_none_or(|given| !given.is_empty()) {
        let part = Part::new(run.progress, 0.7, 1.0);
        let run = &run.with_progress(&part);
        for (outcome, line) in judge_launches(run, records, &asked, params.launches.as_deref(), until)? {
            judged.push(outcome);
            lines.push(line);
        }
    }
    lines.iter_mut().for_each(|line| line.judged_from = day(from));
    Ok(Cutoff { from, until, judged, lines, trained })
}

/// One offer on the judged window.
fn judge_offer(
    run: &Run<'_>,
    scorer: &Scorer,
    offer: &PracticeOffer,
    until: i64,
    permute: Option<Xoshiro256PlusPlus>,
) -> Result<(JudgedOffer, OfferFigures)> {
    let seen = scorer.offer(run, &offer.products)?;
    let propensities = scorer.score(run, &seen)?;
    let bought = scorer.bought(&offer.products, until);
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
        is_new: active.iter().map(|&place| seen.seen.of(place).is_new()).collect(),
        propensity: pick(&|place| propensities[place]),
        baselines: vec![
            pick(&|place| -f32::from(seen.seen.of(place).last)),
            pick(&|place| f32::from(seen.seen.of(place).days[1])),
            pick(&|place| state.profile[place].spent_112()),
            vec![level; active.len()],
        ],
        ..JudgedOffer::default()
    };
    let heads = scorer.model().heads.as_ref();
    let line = judge::offer_figures(&judged, |share| {
        heads.map_or(Spread::UNKNOWN.of(share), |heads| heads.spread_of(seen.level.n_buyers, share, 0.0))
    });
    Ok((judged, line))
}
