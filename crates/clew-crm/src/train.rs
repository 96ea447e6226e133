//! Train: from records to a model, reading nothing at or after `as_of`.
use clew_learn::{Part, Run};

use crate::attribute_effect;
use crate::checkpoint::Checkpoint;
use crate::error::Result;
use crate::feature_offer;
use crate::model::Model;
use crate::propensity_heads::Heads;
use crate::records::Records;
use crate::train_from::Start;
use crate::train_head::{self, HeadPlan};
use crate::train_launch::{cold_head, groupings};
use crate::train_offers::practice_offers;
pub use crate::train_params::TrainParams;
use crate::train_report;
use crate::train_setting::Setting;

/// Learns from everything before `params.as_of`. Errors with [`Error::NotEnoughData`](crate::Error::NotEnoughData) under the minimum of
/// buyers or of days, and with `Stopped` when the run is asked to end.
pub fn train(run: &Run<'_>, records: &Records, params: &TrainParams) -> Result<Model> {
    train_keeping(run, records, params, None)
}

/// As [`train`], with a place to keep what is done on the way and to find it again.
pub fn train_keeping(
    run: &Run<'_>,
    records: &Records,
    params: &TrainParams,
    checkpoint: Option<&dyn Checkpoint>,
) -> Result<Model> {
    run.report("reading the history", 0.0);
    let setting = Setting::new(run, records.history(params.as_of), params, None)?.keeping(checkpoint);
    let groups = groupings(&setting.product_attributes);
    let offers =
        practice_offers(run, &setting.history.products(), &groups, &setting.all.popularity, params.n_offers);
    let names = feature_offer::names(&setting.product_attributes);
    let n_features = names.len();
    let every: Vec<usize> = (0..n_features).collect();
    let warm = train_head::learn(
        &run.with_progress(&Part::new(run.progress, 0.05, 0.65)),
        &setting,
        &HeadPlan {
            offers: &offers,
            groups: Some(&groups),
            hidden: None,
            windows: &setting.windows,
            chosen: &every,
            n_features,
            max_rows: setting.chosen.max_rows,
        },
    )?;
    let cold =
        cold_head(&run.with_progress(&Part::new(run.progress, 0.65, 0.9)), &setting, &groups, &names, None)?;
    run.report("learning the taste of today", 0.9);
    let today = Part::new(run.progress, 0.9, 0.97);
    let taste = setting.taste_of_today(&run.with_progress(&today), warm.taste.as_ref())?;
    let mut report = train_report::report(run, &setting, &names, &warm, cold.as_ref(), offers.len());
    report.attributes = attribute_effect::figures(
        run,
        &setting.history,
        &setting.all,
        &setting.product_attributes,
        &setting.left_out.customer_columns,
    )?;
    let history = records.history(params.as_of);
    let products = history.products();
    Ok(Model {
        as_of: params.as_of,
        horizon_days: params.horizon_days,
        seed: run.seed,
        report,
        product_groupings: setting.product_attributes.iter().map(|a| a.grouping.clone()).collect(),
        customer_groupings: setting.customer_attributes.iter().map(|a| a.grouping.clone()).collect(),
        hidden_kinds: setting.left_out.event_kinds.clone(),
        product_ids: products.ids(),
        taste,
        blend: None,
        start: warm.taste.map(|taste| Start { learned: params.as_of, taste, unseen: warm.unseen }),
        heads: Some(Heads {
            spread: [warm.spread, cold.as_ref().map_or(warm.spread, |head| head.spread)],
            warm: warm.model,
            cold: cold.map(|head| head.model),
            n_features,
        }),
    })
}
