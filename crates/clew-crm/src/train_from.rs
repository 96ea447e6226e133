//! Train from: a training of a later day that starts from a model instead of from nothing.
//!
//! Of a full training three things are kept beside the model itself: the factors as of its last cutoff, the propensity model that had not
//! seen the window after that cutoff, and the day. With some more days of events the factors take two sweeps from there instead of six
//! from nothing at each of many cutoffs; the propensity models, their calibration and their bands are kept, since some days among many
//! months do not move them; and all figures are found anew on the window that now ends the history. They are as honest as those of a full
//! training: neither the fit nor the factors that judge had seen anything after the cutoff.
use clew_learn::format::{File, Writer};
use clew_learn::{Part, Run};

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::feature_offer;
use crate::feature_state::DAY;
use crate::feature_taste::TasteModel;
use crate::model::Model;
use crate::propensity::Propensity;
use crate::records::Records;
use crate::report::{BandFigures, Report};
use crate::scorer::places_of;
use crate::train_head::{self, LearnedHead};
use crate::train_launch::groupings;
use crate::train_params::TrainParams;
use crate::train_report::{self, day};
use crate::train_setting::Setting;
use crate::train_windows;

/// Days after which propensities are learned anew.
const MAX_DAYS: i64 = 7;

/// What a training of a later day starts from.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// Nothing at or after this was known to the propensity models; Unix seconds.
    pub(crate) learned: i64,
    /// Factors as of the last cutoff.
    pub(crate) taste: TasteModel,
    /// The propensity model that had not seen the window after it.
    pub(crate) unseen: Propensity,
}

impl Start {
    /// Adds it to a file.
    pub(crate) fn write(&self, writer: &mut Writer) -> Result<()> {
        writer.section("start.learned", &[self.learned])?;
        self.taste.write(writer, "start.taste")?;
        self.unseen.write(writer, "start.unseen")
    }

    /// Reads back what [`Start::write`] wrote.
    pub(crate) fn read(file: &File) -> Result<Start> {
        Ok(Start {
            learned: file.view::<i64>("start.learned")?.first().copied().unwrap_or(i64::MIN),
            taste: TasteModel::read(file, "start.taste")?,
            unseen: Propensity::read(file, "start.unseen")?,
        })
    }
}

/// Why a model cannot be started from for a training with these parameters; none when it can. Then a full training is due.
pub fn needs_full(model: &Model, params: &TrainParams) -> Option<String> {
    let Some((start, _)) = model.start.as_ref().zip(model.heads.as_ref()) else {
        return Some("the model holds nothing to start from".to_owned());
    };
    if params.horizon_days != model.horizon_days {
        return Some(format!("the model predicts {} days, not {}", model.horizon_days, params.horizon_days));
    }
    let shape = (start.taste.products.columns.ncols(), start.taste.groups.columns.ncols());
    if shape != (params.n_factors, params.n_group_factors) {
        return Some("the model has vectors of another length".to_owned());
    }
    if params.permute_labels || params.ablate {
        return Some("what is asked of the labels or of the features needs the past windows".to_owned());
    }
    if let Some(leak) = model.report.leaks.iter().find(|leak| params.left_out.trusted.contains(&leak.name)) {
        return Some(format!("the model was learned without '{}', which is to be trusted now", leak.name));
    }
    let out = [&params.left_out.customer_columns, &params.left_out.product_columns];
    let groupings = [&model.customer_groupings, &model.product_groupings];
    let mut learned = out.into_iter().zip(groupings).flat_map(|(out, groupings)| {
        groupings.iter().map(|grouping| &grouping.column).filter(|column| out.contains(column))
    });
    if let Some(column) = learned.next() {
        return Some(format!("the model has learned from the column '{column}', which is left out now"));
    }
    let support = match model.report.data.minimum_support {
        // A model of before it was noted.
        0 => TrainParams::USUAL_SUPPORT,
        noted => noted,
    };
    if support < params.support() {
        return Some(format!(
            "the model has learned of groups of {support} customers, and {} are the least now",
            params.support()
        ));
    }
    if params.as_of <= model.as_of {
        return Some(format!("the model was trained as of {}, which is not earlier", day(model.as_of)));
    }
    let age = params.as_of.saturating_sub(start.learned).div_euclid(DAY);
    if age > MAX_DAYS {
        return Some(format!(
            "its propensities were learned {age} days ago, on {}; at most {MAX_DAYS} days are bridged",
            day(start.learned)
        ));
    }
    None
}

/// Learns from everything before `params.as_of`, starting from a model of an earlier day. Errors as [`crate::train()`] does, and when the
/// model cannot be started from ([`needs_full`]).
pub fn train_from(run: &Run<'_>, records: &Records, params: &TrainParams, model: &Model) -> Result<Model> {
    train_from_keeping(run, records, params, model, None)
}

/// As [`train_from`], with a place to keep what is done on the way and to find it again.
pub fn train_from_keeping(
    run: &Run<'_>,
    records: &Records,
    params: &TrainParams,
    model: &Model,
    checkpoint: Option<&dyn Checkpoint>,
) -> Result<Model> {
    let refused = |why: String| Error::input(why, "train in full, without a model to start from");
    if let Some(why) = needs_full(model, params) {
        return Err(refused(why));
    }
    let (Some(start), Some(heads)) = (&model.start, &model.heads) else {
        return Err(refused("the model holds nothing to start from".to_owned()));
    };
    run.report("reading the history", 0.0);
    let setting = Setting::new(run, records.history(params.as_of), params, Some(model))?.keeping(checkpoint);
    let names = feature_offer::names(&setting.product_attributes);
    let groups = groupings(&setting.product_attributes);
    let products = setting.history.products();
    let place = places_of(&model.product_ids, &products);

    run.report("learning the taste of the last cutoff", 0.15);
    let part = Part::new(run.progress, 0.15, 0.5);
    let before = start.taste.clone().reordered(&place);
    let (state, cutoff) = setting.state(&run.with_progress(&part), 1, None, Some(&before))?;
    run.report("judging", 0.5);
    let offers = train_head::judged_offers(run, &setting, &groups, &state);
    let unseen = std::slice::from_ref(&start.unseen);
    let mut judged = train_windows::judge(run, &setting, &state, 1, &offers, false, unseen)?;
    drop(state);
    for offer in &mut judged {
        offer.propensity = offer.decisions.first().map(|d| heads.warm.calibrated(d)).unwrap_or_default();
    }
    let alone = train_head::alone(&judged, names.len());

    run.report("learning the taste of today", 0.7);
    let part = Part::new(run.progress, 0.7, 0.97);
    let today = model.taste.clone().reordered(&place);
    let taste = setting.taste_of_today(&run.with_progress(&part), Some(&today))?;
    let head = LearnedHead {
        model: heads.warm.clone(),
        unseen: start.unseen.clone(),
        spread: heads.spread[0],
        judged,
        taste: Some(cutoff),
        candidates: model.report.candidates.clone(),
        n_rows: model.report.data.n_rows,
        alone,
        ablation: model.report.ablation.clone(),
    };
    let report = train_report::report(run, &setting, &names, &head, None, model.report.data.n_offers);
    Ok(Model {
        as_of: params.as_of,
        horizon_days: params.horizon_days,
        seed: run.seed,
        report: with_cold(report, model, start),
        product_groupings: model.product_groupings.clone(),
        customer_groupings: model.customer_groupings.clone(),
        hidden_kinds: model.hidden_kinds.clone(),
        product_ids: products.ids(),
        taste,
        blend: None,
        heads: Some(heads.clone()),
        start: head.taste.map(|taste| Start { learned: start.learned, taste, unseen: head.unseen }),
    })
}

/// The report with what was found of masked launches when they were practised.
fn with_cold(mut report: Report, model: &Model, start: &Start) -> Report {
    report.started_from = Some(day(start.learned));
    report.offers.extend(model.report.offers.iter().filter(|offer| offer.cold).cloned());
    report.attributes = model.report.attributes.clone();
    report.cold_methods = model.report.cold_methods.clone();
    report.cold_band = BandFigures::of(&report.offers, |offer| offer.cold);
    report.band_coverage = BandFigures::of(&report.offers, |_| true).coverage;
    report
}
