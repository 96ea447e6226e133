//! Masked launches of a backtest: offers judged by a model for which their products had never been sold.
use clew_learn::Run;
use clew_learn::calibration::sigmoid;

use crate::error::Result;
use crate::feature_offer::{self, OfferState};
use crate::feature_state::{ACTIVE_DAYS, DAY, State};
use crate::judge::{self, JudgedOffer};
use crate::product_set::ProductSet;
use crate::records::Records;
use crate::report::OfferFigures;
use crate::train_head::LearnedHead;
use crate::train_launch::{cold_head, groupings};
use crate::train_offers::{PracticeOffer, masked_offers};
use crate::train_params::TrainParams;
use crate::train_setting::Setting;

/// Launches judged at a cutoff when none are given.
const N_LAUNCHES: usize = 40;
/// The judged launches are drawn apart from those that the training practised on.
const STREAM: u64 = 0xbac8;
/// Customers scored at a time.
const CHUNK: usize = 8192;

/// Judges launches on the window from `params.as_of` to `until`: those given, or groupings of the catalogue. Gives none when there is too
/// little to practise launches on.
pub(crate) fn judge_launches(
    run: &Run<'_>,
    records: &Records,
    params: &TrainParams,
    given: Option<&[(String, ProductSet)]>,
    until: i64,
) -> Result<Vec<(JudgedOffer, OfferFigures)>> {
    let setting = Setting::new(run, records.history(params.as_of), params, None)?;
    let groups = groupings(&setting.product_attributes);
    let (offers, masked) = match given {
        Some(given) => {
            let offers: Vec<PracticeOffer> = given
                .iter()
                .map(|(name, products)| PracticeOffer { name: name.clone(), products: products.clone() })
                .collect();
            let all = offers.iter().flat_map(|offer| offer.products.products().iter().copied());
            let masked = ProductSet::new(setting.all.popularity.len(), all);
            (offers, masked)
        }
        None => {
            let run = run.with_stream(STREAM);
            masked_offers(&run, &groups, &setting.all.popularity, N_LAUNCHES, |offer| {
                setting.is_worth_it(offer, 0)
            })
        }
    };
    let names = feature_offer::names(&setting.product_attributes);
    if offers.is_empty() {
        return Ok(Vec::new());
    }
    let Some(head) = cold_head(run, &setting, &groups, &names, Some(&masked))? else {
        return Ok(Vec::new());
    };
    let (state, _) = setting.state(run, 0, Some(&masked), head.taste.as_ref())?;
    offers
        .iter()
        .map(|offer| {
            run.check()?;
            let seen = OfferState::new(&state, &setting.product_attributes, &offer.products);
            let judged = judge_launch(run, records, &head, &state, &seen, offer, (params.as_of, until))?;
            let line = judge::offer_figures(&judged, |share| head.spread.of(share));
            Ok((judged, line))
        })
        .collect()
}

fn judge_launch(
    run: &Run<'_>,
    records: &Records,
    head: &LearnedHead,
    state: &State,
    seen: &OfferState<'_>,
    offer: &PracticeOffer,
    (from, until): (i64, i64),
) -> Result<JudgedOffer> {
    let active: Vec<usize> =
        (0..state.customers.len()).filter(|&place| state.profile[place].is_active()).collect();
    let n_features = head.model.n_features();
    let mut propensity = Vec::with_capacity(active.len());
    for part in active.chunks(CHUNK) {
        let x = seen.rows(part, n_features);
        propensity.extend(head.model.calibrated(&head.model.decision(run, &x)?));
    }
    let among = |from: i64, until: i64| -> Vec<bool> {
        let buyers = records.bought(&offer.products, from, until);
        active.iter().map(|&place| buyers.binary_search(&state.customers[place]).is_ok()).collect()
    };
    let level = sigmoid(f64::from(seen.level.now())) as f32;
    Ok(JudgedOffer {
        name: offer.name.clone(),
        n_products: offer.products.len(),
        cold: true,
        bought: among(from, until).into_iter().map(|bought| f32::from(u8::from(bought))).collect(),
        // Read off what was hidden from the model: who was new to the offer in truth.
        is_new: among(from - i64::from(ACTIVE_DAYS) * DAY, from).into_iter().map(|bought| !bought).collect(),
        propensity,
        // Of an offer that never sold, recency and frequency say nothing.
        baselines: vec![
            vec![0.0; active.len()],
            vec![0.0; active.len()],
            active.iter().map(|&place| state.profile[place].spent_112()).collect(),
            vec![level; active.len()],
        ],
        ..JudgedOffer::default()
    })
}
