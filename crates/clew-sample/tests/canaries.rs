//! Canaries on a sample tenant with a planted truth: attributes with effects are found and others are not, labels permuted among
//! customers leave nothing to learn, and what campaigns caused is measured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::{Arc, OnceLock};

use clew_crm::{
    BacktestParams, CampaignOutcome, Column, ColumnType, Offer, Records, Report, TableBuilder, TrainParams,
    Value,
};
use clew_learn::{Run, Silent, Stop};
use clew_sample::{DEFAULT_END, SampleParams, Shop};

const HORIZON: u32 = 28;

fn shop() -> &'static Shop {
    static SHOP: OnceLock<Shop> = OnceLock::new();
    SHOP.get_or_init(|| {
        let params =
            SampleParams { n_customers: 4_000, n_products: 300, n_events: 160_000, ..Default::default() };
        Shop::new(params).unwrap()
    })
}

fn with_run<T>(work: impl FnOnce(&Run<'_>) -> T) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let stop = Stop::new();
    work(&Run { pool: &pool, seed: 1, progress: &Silent, stop: &stop })
}

fn records() -> Arc<Records> {
    static RECORDS: OnceLock<Arc<Records>> = OnceLock::new();
    let made = || with_run(|run| Arc::new(clew_sample::memory::records(run.pool, shop()).unwrap()));
    Arc::clone(RECORDS.get_or_init(made))
}

/// A small training: what is looked for does not need a good model.
fn small() -> TrainParams {
    TrainParams {
        n_offers: 40,
        max_rows: 20_000,
        n_factors: 8,
        n_group_factors: 8,
        ..TrainParams::new(DEFAULT_END)
    }
}

/// The same tenant, each customer with the attributes of another one.
fn shuffled(records: &Records) -> Records {
    let table = records.customers();
    let n = table.ids.len() as u32;
    let other = |row: u32| (u64::from(row) * 2_654_435_761 % u64::from(n)) as u32;
    let schema = table.names.iter().cloned().zip(table.columns.iter().map(Column::column_type)).collect();
    let mut builder = TableBuilder::new(schema);
    for row in 0..n {
        builder.row(table.ids.name(row));
        for (at, column) in table.columns.iter().enumerate() {
            let from = other(row) as usize;
            let value = match column {
                Column::Category { codes, values } if codes[from] != clew_crm::NONE => {
                    Value::Text(values.name(codes[from]))
                }
                Column::Number(values) => Value::Number(values[from]),
                Column::Bool(values) if values[from] < 2 => Value::Bool(values[from] == 1),
                Column::Date(days) if days[from] != i32::MIN => Value::Date(days[from]),
                _ => Value::Null,
            };
            builder.set(at, value).unwrap();
        }
    }
    let no_campaigns = TableBuilder::new(vec![("name".to_owned(), ColumnType::Text)]).finish();
    Records::new(builder.finish(), records.products().clone(), no_campaigns, events(records)).unwrap()
}

fn events(records: &Records) -> clew_crm::EventTable {
    let history = records.history(i64::MAX);
    let mut events = clew_crm::EventTable::new();
    let (customers, products) = (history.customers(), history.products());
    let number = |value: f32| (!value.is_nan()).then_some(value);
    for customer in 0..history.n_customers() as u32 {
        let of = history.events_of(customer);
        for i in (0..of.len()).filter(|&i| of.product[i] != clew_crm::NONE) {
            events
                .push(&clew_crm::EventRow {
                    kind: history.kind_name(of.kind[i]),
                    customer: customers.id(customer),
                    at: of.at[i],
                    product: Some(products.id(of.product[i])),
                    quantity: number(of.quantity[i]),
                    revenue: number(of.revenue[i]),
                    campaign: None,
                    query: None,
                    basket: None,
                })
                .unwrap();
        }
    }
    events
}

fn report(records: &Records) -> Report {
    let params = TrainParams { ablate: true, ..small() };
    with_run(|run| clew_crm::train(run, records, &params).unwrap().report)
}

fn telling(report: &Report) -> Vec<&str> {
    let mut telling: Vec<&str> =
        report.attributes.iter().filter(|column| column.tells).map(|column| column.column.as_str()).collect();
    telling.sort_unstable();
    telling
}

#[test]
fn columns_with_a_planted_effect_are_found_and_no_others() {
    let found = report(&records());
    let told = telling(&found);
    for planted in ["age", "department", "first_name", "sex"] {
        assert!(told.contains(&planted), "'{planted}' is not found: {:?}", found.attributes);
    }
    for chance in ["source", "newsletter", "nickname"] {
        assert!(!told.contains(&chance), "'{chance}' is said to tell something: {:?}", found.attributes);
    }
    assert!(found.leaks.is_empty(), "{:?}", found.leaks);
    // Nobody's attributes tell of anybody else's purchases.
    let none = report(&shuffled(&records()));
    assert_eq!(telling(&none), [""; 0], "{:?}", none.attributes);
    // Nor does a model lose anything without them, while it does without the purchases of the offer.
    let without =
        |report: &Report, set: &str| report.ablation.iter().find(|of| of.without == set).unwrap().clone();
    let attributes = without(&none, "the customers' attributes").saved;
    assert!(attributes.low <= 0.0 && 0.0 <= attributes.high, "{attributes:?}");
    let (all, blind) = (without(&found, "nothing"), without(&found, "purchases of the offer"));
    assert!(blind.n_features > 5 && blind.auc < all.auc - 0.003, "{:?}", found.ablation);
}

#[test]
fn bands_hold_on_the_sample_and_with_labels_permuted_the_backtest_falls_to_chance() {
    let report = |permute_labels| {
        let train = TrainParams { permute_labels, ..small() };
        let asked =
            BacktestParams { train, launches: Some(Vec::new()), ..BacktestParams::new(DEFAULT_END, HORIZON) };
        with_run(|run| clew_crm::backtest(run, &records(), &asked).unwrap())
    };
    let (honest, permuted) = (report(false), report(true));
    let (own, chance) = (honest.methods[0].all.auc, permuted.methods[0].all.auc);
    assert!(own > 0.7 && (0.48..=0.52).contains(&chance), "{own} {chance}");
    // An 80 % band, judged on some dozens of offers that share a month and its customers.
    let covered = honest.band_coverage.unwrap();
    assert!((0.6..=0.95).contains(&covered), "{covered} of {} offers", honest.offers.len());
    let stale = honest.stale.unwrap();
    assert!(stale.auc > stale.auc_stale, "{stale:?}");
}

#[test]
fn what_campaigns_caused_is_measured_within_its_error() {
    // The truth is told campaign by campaign; together they give an effect that stands out from chance.
    let dir = tempfile::tempdir().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    clew_sample::folder::write(&pool, shop(), dir.path(), clew_sample::Compression::None, &mut |_| true)
        .unwrap();
    let truth: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("truth.json")).unwrap()).unwrap();
    let records = records();
    let history = records.history(i64::MAX);
    let (mut gap, mut variance, mut caused, mut planted) = (0.0, 0.0, 0.0, 0.0);
    for campaign in truth["campaigns"].as_array().unwrap() {
        let name = campaign["campaign_id"].as_str().unwrap();
        let category = campaign["category"].as_str().unwrap();
        let offer = Offer::by_expression(name, format!("product.category == \"{category}\""));
        let Ok(products) = offer.resolve(&records) else { continue };
        let Ok(outcome) = CampaignOutcome::read(&history, name, Some(&products), 14) else { continue };
        let Ok(effect) = outcome.effect(14) else { continue };
        assert_eq!(effect.n_treated as u64, campaign["n_sent"].as_u64().unwrap());
        assert_eq!(effect.n_holdout as u64, campaign["n_held_out"].as_u64().unwrap());
        let truth = campaign["expected_uplift"].as_f64().unwrap() * effect.n_treated as f64;
        let error = (effect.caused_buyers.high - effect.caused_buyers.low) / (2.0 * 1.96);
        gap += effect.caused_buyers.value - truth;
        variance += error * error;
        caused += effect.caused_buyers.value;
        planted += truth;
    }
    assert!(planted > 100.0, "{planted}");
    assert!(
        gap.abs() < 3.0 * variance.sqrt(),
        "{caused} measured, {planted} planted, error {}",
        variance.sqrt()
    );
}
