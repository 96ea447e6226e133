//! The leak alarm: planted copies of the answer are named and left out, honest features that are strong are not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/planted.rs"]
mod planted;
#[path = "common/run.rs"]
mod run;

use std::sync::Arc;

use clew_crm::{BacktestParams, LeakPlace, LeftOut, Model, Offer, Report, Scorer, TrainParams};
use planted::{DAY, Planted, START};
use run::with_run;

const N_DAYS: i64 = 196;
const END: i64 = START + N_DAYS * DAY;
const HORIZON: i64 = 28;

fn params() -> TrainParams {
    TrainParams { n_offers: 30, max_rows: 15_000, n_factors: 8, n_group_factors: 8, ..TrainParams::new(END) }
}

fn train(planted: Planted, left_out: LeftOut) -> Model {
    let records = planted::shop(400, N_DAYS, planted);
    with_run(2, |run| clew_crm::train(run, &records, &TrainParams { left_out, ..params() }).unwrap())
}

fn named(report: &Report) -> Vec<(LeakPlace, &str)> {
    report.leaks.iter().map(|leak| (leak.place, leak.name.as_str())).collect()
}

/// Whether the report warns of what was left out, by its name.
fn warned(report: &Report, name: &str) -> bool {
    report.warnings.iter().any(|warning| warning.contains(&format!("'{name}' was left out")))
}

#[test]
fn a_column_that_copies_the_last_window_is_named_and_left_out() {
    // Flag of who bought of category 2 in the last 28 days, a tenth of it wrong.
    let planted = Planted { bought_of: Some((2, N_DAYS - HORIZON, 0.1)), ..Planted::default() };
    let model = train(planted, LeftOut::default());
    assert_eq!(named(&model.report), [(LeakPlace::CustomerColumn, "ordered")], "{:?}", model.report.leaks);
    assert!(warned(&model.report, "ordered"), "{:?}", model.report.warnings);
    let leak = &model.report.leaks[0];
    assert!(leak.explained > 3.0 * leak.elsewhere.unwrap().max(0.02), "{leak:?}");
    assert_eq!((leak.from.as_str(), leak.to.as_str()), ("2024-06-17", "2024-07-15"));
    // It is as though the column had never been there.
    let without = train(Planted { bought_of: None, ..planted }, LeftOut::default());
    assert_eq!(model.report.methods, without.report.methods);
}

#[test]
fn a_column_that_holds_the_date_of_the_last_order_is_left_out() {
    // Every export of a shop has it: it tells who bought in the last window, and in no other.
    let planted = Planted { last_order: true, ..Planted::default() };
    let model = train(planted, LeftOut::default());
    assert_eq!(named(&model.report), [(LeakPlace::CustomerColumn, "last_order_on")]);
}

#[test]
fn a_kind_of_event_that_foretells_purchases_is_left_out() {
    let planted = Planted { foretold: true, ..Planted::default() };
    let model = train(planted, LeftOut::default());
    assert_eq!(named(&model.report), [(LeakPlace::EventKind, "reserved")]);
    assert!(warned(&model.report, "reserved"));
    let without = train(Planted::default(), LeftOut::default());
    assert_eq!(model.report.methods, without.report.methods);
    // The model itself says which kinds it does not look at, so that scoring does not either.
    let opened = Model::open(std::sync::Arc::new(model.to_bytes().unwrap())).unwrap();
    assert_eq!(named(&opened.report), named(&model.report));
}

#[test]
fn what_is_trusted_is_learned_from() {
    let planted = Planted { bought_of: Some((2, N_DAYS - HORIZON, 0.1)), ..Planted::default() };
    let trusted = LeftOut { trusted: vec!["ordered".to_owned()], ..LeftOut::default() };
    assert_eq!(named(&train(planted, trusted).report), []);
}

#[test]
fn from_closed_columns_nothing_is_learned() {
    let bytes = |closed: bool, trusted: &[&str]| {
        let records = planted::shop(400, N_DAYS, Planted { closed, ..Planted::default() });
        let trusted = trusted.iter().map(|&name| name.to_owned()).collect();
        let left_out = LeftOut { trusted, ..LeftOut::default() }.with_guesses(&records);
        let asked = TrainParams { left_out, ..params() };
        with_run(2, |run| clew_crm::train(run, &records, &asked).unwrap().to_bytes().unwrap())
    };
    let without = bytes(false, &[]);
    assert!(bytes(true, &[]) == without, "a closed column has left its mark");
    // It would have told something.
    assert!(bytes(true, &["religion"]) != without);
}

#[test]
fn values_of_fewer_customers_than_the_minimum_support_are_not_learned_of() {
    // Seven cities of some 57 customers each.
    let records = planted::shop(400, N_DAYS, Planted::default());
    let learned = |minimum_support: usize, out: &[&str]| {
        let customer_columns = out.iter().map(|&name| name.to_owned()).collect();
        let left_out = LeftOut { customer_columns, ..LeftOut::default() };
        let asked = TrainParams { minimum_support, left_out, ..params() };
        with_run(2, |run| {
            let model = clew_crm::train(run, &records, &asked).unwrap();
            let tea = Offer::by_expression("tea", r#"product.category == "category 2""#).resolve(&records);
            let scorer = Scorer::new(run, Arc::new(model), Arc::clone(&records), END).unwrap();
            scorer.propensities(run, &tea.unwrap()).unwrap()
        })
    };
    let without = learned(20, &["city"]);
    assert_eq!(learned(60, &[]), without);
    assert_ne!(learned(20, &[]), without);
    // Below the floor it does not go, whatever is asked.
    assert_eq!(learned(1, &[]), learned(10, &[]));
}

#[test]
fn a_model_that_learned_from_what_is_closed_now_is_not_carried_on() {
    let records = planted::shop(400, N_DAYS, Planted::default());
    let earlier = TrainParams { as_of: END - 2 * DAY, ..params() };
    let model = with_run(2, |run| clew_crm::train(run, &records, &earlier).unwrap());
    assert_eq!(clew_crm::needs_full(&model, &params()), None);
    let left_out = LeftOut { customer_columns: vec!["city".to_owned()], ..LeftOut::default() };
    let why = clew_crm::needs_full(&model, &TrainParams { left_out, ..params() }).unwrap();
    assert!(why.contains("'city'"), "{why}");
    let left_out = LeftOut { product_columns: vec!["category".to_owned()], ..LeftOut::default() };
    let why = clew_crm::needs_full(&model, &TrainParams { left_out, ..params() }).unwrap();
    assert!(why.contains("'category'"), "{why}");
    let more = TrainParams { minimum_support: 50, ..params() };
    assert!(clew_crm::needs_full(&model, &more).unwrap().contains("50 are the least"));
    // Under the floor nobody gets.
    assert_eq!(clew_crm::needs_full(&model, &TrainParams { minimum_support: 1, ..params() }), None);
}

#[test]
fn honest_features_that_are_strong_raise_no_alarm() {
    // The true taste in words, a number of it with noise, the day of the first visit, views before most purchases.
    let planted = Planted { honest: true, ..Planted::default() };
    let model = train(planted, LeftOut::default());
    assert_eq!(named(&model.report), [], "{:?}", model.report.leaks);
}

#[test]
fn the_backtest_finds_what_copies_the_window_it_judges() {
    // Of the last 28 days, which the training does not see: only the backtest can know.
    let planted = Planted { bought_of: Some((2, N_DAYS - HORIZON, 0.1)), ..Planted::default() };
    let records = planted::shop(400, N_DAYS, planted);
    let report = with_run(2, |run| {
        let asked = BacktestParams {
            train: params(),
            launches: Some(Vec::new()),
            ..BacktestParams::new(END, HORIZON as u32)
        };
        clew_crm::backtest(run, &records, &asked).unwrap()
    });
    assert_eq!(named(&report), [(LeakPlace::CustomerColumn, "ordered")]);
    assert!(warned(&report, "ordered"));
}

#[test]
fn with_labels_permuted_the_backtest_falls_to_chance() {
    let records = planted::shop(600, N_DAYS, Planted::default());
    let report = |permute_labels| {
        let train = TrainParams { permute_labels, ..params() };
        let asked =
            BacktestParams { train, launches: Some(Vec::new()), ..BacktestParams::new(END, HORIZON as u32) };
        with_run(2, |run| clew_crm::backtest(run, &records, &asked).unwrap())
    };
    // The same tenant with its own labels shows that there is something to lose.
    let honest = report(false);
    let (own, permuted) = (honest.methods[0].all.auc, report(true).methods[0].all.auc);
    // A horizon of history is worth something, and its lack never does better.
    let stale = honest.stale.unwrap();
    assert!(stale.auc > stale.auc_stale && stale.n_offers > 10, "{stale:?}");
    assert!(own > 0.65 && (0.48..=0.52).contains(&permuted), "{own} {permuted}");
}
