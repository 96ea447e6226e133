//! Bad input gets a clear answer, and where a curve is still possible an honest one with its warning.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/run.rs"]
mod run;

use std::sync::Arc;

use clew_crm::{
    ColumnType, EventRow, EventTable, GainCurve, GainRequest, Offer, Records, Scorer, TableBuilder,
    TrainParams, Value,
};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use run::with_run;

const DAY: i64 = 86_400;
/// Midnight of 2026-01-01.
const START: i64 = 1_767_225_600;

/// A tenant whose customers buy at random.
struct Tenant {
    n_customers: usize,
    n_products: usize,
    n_days: i64,
    kind: &'static str,
    /// Events at these moments besides.
    more: Vec<i64>,
}

impl Default for Tenant {
    fn default() -> Tenant {
        Tenant { n_customers: 200, n_products: 12, n_days: 240, kind: "purchase", more: Vec::new() }
    }
}

impl Tenant {
    fn records(&self) -> Arc<Records> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let schema =
            vec![("category".to_owned(), ColumnType::Text), ("price".to_owned(), ColumnType::Number)];
        let mut products = TableBuilder::new(schema);
        for product in 0..self.n_products {
            products.row(&format!("p{product}"));
            products.set(0, Value::Text(["wine", "soap", "tea"][product % 3])).unwrap();
            products.set(1, Value::Number(2.0 + product as f64)).unwrap();
        }
        let mut events = EventTable::new();
        let visits: Vec<i64> = (0..2_000).map(|_| START + rng.random_range(0..self.n_days * DAY)).collect();
        for at in visits.into_iter().chain(self.more.iter().copied()) {
            let (customer, product) =
                (rng.random_range(0..self.n_customers), rng.random_range(0..self.n_products));
            events
                .push(&EventRow {
                    kind: self.kind,
                    customer: &format!("c{customer}"),
                    at,
                    product: Some(&format!("p{product}")),
                    quantity: None,
                    revenue: Some(4.0),
                    campaign: None,
                    query: None,
                    basket: None,
                })
                .unwrap();
        }
        let none = || TableBuilder::new(Vec::new()).finish();
        Arc::new(Records::new(none(), products.finish(), none(), events).unwrap())
    }
}

fn curve(records: &Arc<Records>, params: TrainParams, offer: &str) -> clew_crm::Result<GainCurve> {
    let params = TrainParams { n_offers: 20, max_rows: 10_000, n_factors: 8, n_group_factors: 8, ..params };
    let products = Offer::by_expression("asked", offer).resolve(records)?;
    with_run(2, |run| {
        let model = clew_crm::train(run, records, &params)?;
        let scorer = Scorer::new(run, Arc::new(model), Arc::clone(records), params.as_of)?;
        scorer.gain_curve(run, &GainRequest::new(&products))
    })
}

fn refused(tenant: &Tenant, params: TrainParams) -> String {
    chain(&curve(&tenant.records(), params, "product.price > 0.0").unwrap_err())
}

fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", chain(cause))).unwrap_or_default();
    format!("{error}{cause}")
}

fn at_end() -> TrainParams {
    TrainParams::new(START + 240 * DAY)
}

#[test]
fn too_little_is_said_with_what_there_is_and_what_it_takes() {
    let views = Tenant { kind: "view", ..Tenant::default() };
    assert_eq!(refused(&views, at_end()), "not enough data yet: 0 of 50 buyers");
    let lone = Tenant { n_customers: 1, ..Tenant::default() };
    assert_eq!(refused(&lone, at_end()), "not enough data yet: 1 of 50 buyers");
    let one_day = Tenant { n_days: 1, ..Tenant::default() };
    let today = TrainParams::new(START + DAY);
    assert_eq!(refused(&one_day, today), "not enough data yet: 1 of 84 days of history");
    let long = TrainParams { horizon_days: 200, ..at_end() };
    assert_eq!(refused(&Tenant::default(), long), "not enough data yet: 240 of 600 days of history");
    let none = TrainParams { horizon_days: 0, ..at_end() };
    assert!(refused(&Tenant::default(), none).contains("at least one day"));
}

#[test]
fn a_date_outside_of_the_data_is_refused_with_the_dates_that_would_do() {
    let before = refused(&Tenant::default(), TrainParams::new(START - DAY));
    assert_eq!(before, "not enough data yet: 0 of 50 buyers");
    for after in [START + 300 * DAY, START + 3_000 * DAY, 253_402_300_799] {
        let said = refused(&Tenant::default(), TrainParams::new(after));
        assert!(said.contains("nothing was bought in the 28 days before"), "{said}");
        assert!(
            said.contains("the last purchase is of 2026-08-28; choose a date up to 2026-08-29"),
            "{said}"
        );
    }
}

#[test]
fn clocks_that_run_ahead_do_not_move_the_end_of_the_data() {
    let end = |more: Vec<i64>| Tenant { more, ..Tenant::default() }.records().end_of_data().unwrap();
    let (own, none) = end(vec![]);
    assert!((START + 239 * DAY..=START + 240 * DAY).contains(&own) && none == 0);
    // Of 2099 and two of 2031: all after a gap.
    let ahead = vec![4_070_908_800, 1_930_000_000, 1_930_000_001];
    assert_eq!(end(ahead.clone()), (own, 3));
    // A fifth of the events after a pause is no clock; nor is the day after.
    let pause: Vec<i64> = (0..500).map(|i| START + 400 * DAY + i).collect();
    assert_eq!(end(pause), (START + 400 * DAY + 500, 0));
    assert_eq!(end(vec![own + DAY]), (own + DAY + 1, 0));
    // They change nothing of what is learned as of the end.
    let with = Tenant { more: ahead, ..Tenant::default() }.records();
    let made = curve(&with, TrainParams::new(own), "product.category == \"tea\"").unwrap();
    assert_eq!(
        made,
        curve(&Tenant::default().records(), TrainParams::new(own), "product.category == \"tea\"").unwrap()
    );
    // Clocks that were never set make old customers of nobody, and no panic.
    let old = Tenant { more: vec![0, -2_000_000_000], ..Tenant::default() };
    assert!(curve(&old.records(), at_end(), "product.price > 0.0").is_ok());
}

#[test]
fn a_tenant_of_chance_alone_gets_a_curve_that_holds_and_says_so() {
    for (tenant, offer) in [
        (Tenant { n_customers: 60, ..Tenant::default() }, "product.category == \"tea\""),
        (Tenant::default(), "product.category == \"wine\""),
    ] {
        let as_of = START + 212 * DAY;
        let records = tenant.records();
        let curve = curve(&records, TrainParams::new(as_of), offer).unwrap();
        let warned = |of: &str| curve.warnings.iter().any(|warning| warning.contains(of));
        assert!(warned("not better than"), "{:?}", curve.warnings);
        let last = curve.points.last().unwrap();
        let products = Offer::by_expression("asked", offer).resolve(&records).unwrap();
        let n = records.bought(&products, as_of, as_of + 28 * DAY).len() as f64;
        assert!(last.low * 0.9 <= n && n <= last.high * 1.1, "{n} bought: {last:?}");
        // Nobody stands out by a taste that is not there: no lift in the best tenth beyond what chance leaves.
        let tenth = curve.points.iter().find(|point| point.share_of_customers >= 0.1).unwrap();
        assert!(tenth.lift < 3.0, "{tenth:?}");
    }
}

#[test]
fn a_tenant_of_one_product_gets_a_curve_with_its_warnings() {
    let records = Tenant { n_products: 1, ..Tenant::default() }.records();
    let curve = curve(&records, at_end(), "product.price > 0.0").unwrap();
    assert!(curve.warnings.iter().any(|warning| warning.contains("few buyers")), "{:?}", curve.warnings);
    let last = curve.points.last().unwrap();
    assert!(last.low < last.expected_buyers && last.expected_buyers < last.high, "{last:?}");
}

#[test]
fn an_offer_that_cannot_be_is_refused_with_what_could_be() {
    let records = Tenant::default().records();
    let said = |offer: &str| chain(&curve(&records, at_end(), offer).unwrap_err());
    assert!(said("product.price > 1000.0").contains("matches nothing"), "{}", said("product.price > 1000.0"));
    assert!(said("product.category == \"win\"").contains("did you mean 'wine'"));
    assert!(said("product.colour == \"red\"").contains("colour"), "{}", said("product.colour == \"red\""));
    assert!(said("customer.age > 3").contains("customer"), "{}", said("customer.age > 3"));
    for wrong in ["", "product.price >", "1.0"] {
        assert!(said(wrong).len() > "offer 'asked': ".len(), "{}", said(wrong));
    }
}
