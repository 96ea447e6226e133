//! A training that starts from a model of an earlier day: as good as a full one, the same bytes with any number of threads, and refused
//! where a full one is due.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/run.rs"]
mod run;
#[path = "common/shop.rs"]
mod shop;

use std::sync::Arc;

use clew_crm::{Model, Records, Scorer, TrainParams, needs_full};
use run::with_run;
use shop::{DAY, START, plain};

const N_DAYS: i64 = 197;
const AS_OF: i64 = START + 168 * DAY;

fn params(as_of: i64) -> TrainParams {
    TrainParams {
        n_offers: 40,
        max_rows: 30_000,
        n_factors: 8,
        n_group_factors: 8,
        ..TrainParams::new(as_of)
    }
}

fn train(records: &Records, params: &TrainParams) -> Model {
    with_run(2, |run| clew_crm::train(run, records, params).unwrap())
}

/// Mean AUC, over the categories, of who buys in the 28 days after a date.
fn auc_after(model: Model, records: &Arc<Records>, as_of: i64) -> f64 {
    with_run(2, |run| {
        let scorer = Scorer::new(run, Arc::new(model), Arc::clone(records), as_of).unwrap();
        let aucs: Vec<f64> = (0..6)
            .map(|category| {
                let source = format!(r#"product.category == "category {category}""#);
                let offer = clew_crm::Offer::by_expression("", &source).resolve(records).unwrap();
                let bought = records.bought(&offer, as_of, as_of + 28 * DAY);
                let outcome: Vec<f32> = scorer
                    .customers()
                    .iter()
                    .map(|customer| f32::from(u8::from(bought.contains(customer))))
                    .collect();
                let scores = scorer.propensities(run, &offer).unwrap();
                clew_learn::metrics::auc(&scores, &outcome, &vec![1.0; outcome.len()]).unwrap()
            })
            .collect();
        aucs.iter().sum::<f64>() / aucs.len() as f64
    })
}

#[test]
fn a_day_later_it_predicts_as_well_as_a_full_training_and_its_bytes_do_not_depend_on_threads() {
    let records = plain(600, N_DAYS);
    let start = train(&records, &params(AS_OF));
    // Through a file, as the next day's training gets it.
    let start = Model::open(Arc::new(start.to_bytes().unwrap())).unwrap();
    let later = params(AS_OF + DAY);
    assert_eq!(needs_full(&start, &later), None);
    let from =
        |n_threads| with_run(n_threads, |run| clew_crm::train_from(run, &records, &later, &start).unwrap());
    let (one, two) = (from(1), from(2));
    assert!(one.to_bytes().unwrap() == two.to_bytes().unwrap(), "the bytes depend on the number of threads");
    assert_eq!(one.report.started_from.as_deref(), Some("2024-06-17"));
    assert_eq!(one.report.as_of, "2024-06-18");
    assert!(one.report.offers.iter().any(|offer| !offer.cold));
    assert_eq!(one.report.cold_methods, start.report.cold_methods);
    let full = auc_after(train(&records, &later), &records, AS_OF + DAY);
    let warm = auc_after(one, &records, AS_OF + DAY);
    assert!((full - warm).abs() < 0.01, "full {full:.4}, from the day before {warm:.4}");
}

#[test]
fn what_happens_at_or_after_the_date_changes_nothing() {
    let as_is = plain(300, N_DAYS);
    let other = shop::shop(300, N_DAYS, |_, product, day| Some(if day >= 169 { 3 } else { product }));
    let start = train(&as_is, &params(AS_OF));
    let from = |records: &Records| {
        with_run(2, |run| clew_crm::train_from(run, records, &params(AS_OF + DAY), &start).unwrap())
    };
    assert!(from(&as_is).to_bytes().unwrap() == from(&other).to_bytes().unwrap());
}

#[test]
fn refuses_what_it_cannot_start_from_and_says_why() {
    let records = plain(300, N_DAYS);
    let start = train(&records, &params(AS_OF));
    let why = |params: TrainParams| needs_full(&start, &params).unwrap();
    assert!(why(params(AS_OF + 29 * DAY)).contains("29 days ago"));
    assert!(why(params(AS_OF - DAY)).contains("not earlier"));
    assert!(why(params(AS_OF)).contains("not earlier"));
    assert!(why(TrainParams { horizon_days: 14, ..params(AS_OF + DAY) }).contains("28 days, not 14"));
    assert!(why(TrainParams { n_factors: 4, ..params(AS_OF + DAY) }).contains("another length"));
    let error = with_run(1, |run| clew_crm::train_from(run, &records, &params(AS_OF - DAY), &start));
    assert!(error.unwrap_err().to_string().contains("train in full"));
    let only_recommends = with_run(1, |run| clew_crm::recommend_fit::fit(run, &records, AS_OF).unwrap());
    assert!(needs_full(&only_recommends, &params(AS_OF + DAY)).unwrap().contains("nothing to start from"));
}

#[test]
fn of_a_tenant_with_many_customers_the_factors_are_learned_from_all() {
    let records = plain(500, N_DAYS);
    let few = TrainParams { max_customers: 250, ..params(AS_OF) };
    let bytes = |n_threads| {
        with_run(n_threads, |run| clew_crm::train(run, &records, &few).unwrap().to_bytes().unwrap())
    };
    let one = bytes(1);
    assert!(one == bytes(2), "the bytes depend on the number of threads");
    let sampled = auc_after(Model::open(Arc::new(one)).unwrap(), &records, AS_OF);
    let whole = auc_after(train(&records, &params(AS_OF)), &records, AS_OF);
    assert!(sampled > whole - 0.03, "half of the customers {sampled:.4}, all {whole:.4}");
}
