//! A model for recommendations only: factors and what goes together, without propensities, so that it needs no past windows.
use std::sync::Arc;

use clew_learn::als::ImplicitAls;
use clew_learn::{Part, Run};

use crate::error::{Error, Result};
use crate::feature_state::Lines;
use crate::feature_taste::{TasteModel, TasteParams};
use crate::feature_taste_matrix::product_matrix;
use crate::leak::LeftOut;
use crate::model::Model;
use crate::recommend_choice::Choice;
use crate::recommend_split::Split;
use crate::records::Records;
use crate::report::{Report, ReportData};
use crate::train_params::TrainParams;
use crate::train_report::day;
use crate::train_setting::learn_attributes;

/// How to factorise for recommendations: longer vectors and more sweeps than propensities need.
const N_FACTORS: usize = 64;
/// Days after which an event counts half.
const HALF_LIFE_DAYS: f32 = 180.0;

/// Learns from everything before `as_of` (Unix seconds) which customers like which products; from no column that looks as if it must not be
/// learned from. Errors with [`Error::NotEnoughData`] when nobody bought or saw anything.
pub fn fit(run: &Run<'_>, records: &Records, as_of: i64) -> Result<Model> {
    run.report("reading the history", 0.0);
    let history = records.history(as_of);
    let customers = history.active_customers();
    let lines = Lines::read(&history, customers, history.n_products(), None);
    let n_lines = lines.purchases.n_lines() + lines.interest.n_lines();
    if n_lines == 0 {
        return Err(Error::NotEnoughData {
            have: 0,
            need: 1,
            what: "purchases or views of products".to_owned(),
        });
    }
    let (product_groupings, customer_groupings) =
        learn_attributes(&history, &LeftOut::default().with_guesses(records), TrainParams::USUAL_SUPPORT);
    let product_attributes: Vec<_> = product_groupings.iter().map(|g| g.apply(&history.products())).collect();
    let customer_attributes: Vec<_> =
        customer_groupings.iter().map(|g| g.apply(&history.customers())).collect();
    run.report("factorising", 0.1);
    let params = TasteParams {
        products: ImplicitAls { n_factors: N_FACTORS, ..ImplicitAls::default() },
        groups: ImplicitAls { n_factors: 16, n_sweeps: 6, ..ImplicitAls::default() },
        half_life_days: HALF_LIFE_DAYS,
    };
    let part = Part::new(run.progress, 0.1, 0.3);
    let taste = TasteModel::fit(
        &run.with_progress(&part),
        &lines,
        &product_attributes,
        &customer_attributes,
        &params,
        None,
    )?;
    let bought = product_matrix(&lines, HALF_LIFE_DAYS, |_| true)?;
    let choosing = Part::new(run.progress, 0.3, 0.7);
    let choice = match Split::new(run, &lines, HALF_LIFE_DAYS)? {
        Some(split) => Choice::make(&run.with_progress(&choosing), &split, bought.n_values())?,
        None => Choice::unjudged(&bought),
    };
    let blend = choice.fit(&run.with_progress(&Part::new(run.progress, 0.7, 1.0)), &bought)?;
    let products = history.products();
    Ok(Model {
        as_of,
        horizon_days: 28,
        seed: run.seed,
        report: Report {
            as_of: day(as_of),
            seed: run.seed,
            data: ReportData {
                n_customers: lines.customers.len(),
                n_products: products.len(),
                n_events: n_lines,
                ..ReportData::default()
            },
            chosen: "factorisation".to_owned(),
            recommend: Some(choice.report),
            ..Report::default()
        },
        product_groupings,
        customer_groupings,
        hidden_kinds: Vec::new(),
        product_ids: products.ids(),
        taste,
        blend: Some(Arc::new(blend)),
        heads: None,
        start: None,
    })
}
