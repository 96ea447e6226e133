//! Bands of small tenants of chance alone: the 80 % band holds about four times in five, however little there is to learn.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/run.rs"]
mod run;

use std::sync::Arc;

use clew_crm::{
    ColumnType, EventRow, EventTable, GainPoint, GainRequest, Offer, Records, Scorer, TableBuilder,
    TrainParams, Value,
};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use run::with_run;

const DAY: i64 = 86_400;
/// Midnight of 2026-01-01.
const START: i64 = 1_767_225_600;
const AS_OF: i64 = START + 212 * DAY;

/// Customers who buy one of so many products at random, whenever it happens.
fn tenant(seed: u64, n_customers: usize, n_products: usize, n_visits: usize) -> Arc<Records> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut products = TableBuilder::new(vec![("category".to_owned(), ColumnType::Text)]);
    for product in 0..n_products {
        products.row(&format!("p{product}"));
        products.set(0, Value::Text(["wine", "soap", "tea"][product % 3])).unwrap();
    }
    let mut events = EventTable::new();
    for _ in 0..n_visits {
        let (customer, product) = (rng.random_range(0..n_customers), rng.random_range(0..n_products));
        events
            .push(&EventRow {
                kind: "purchase",
                customer: &format!("c{customer}"),
                at: START + rng.random_range(0..240 * DAY),
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

/// The last point of the curve for wine, and how many bought.
fn judged(records: &Arc<Records>) -> (GainPoint, f64) {
    let params = TrainParams {
        n_offers: 20,
        max_rows: 10_000,
        n_factors: 8,
        n_group_factors: 8,
        ..TrainParams::new(AS_OF)
    };
    let wine = Offer::by_expression("wine", "product.category == \"wine\"").resolve(records).unwrap();
    let curve = with_run(2, |run| {
        let model = clew_crm::train(run, records, &params).unwrap();
        let scorer = Scorer::new(run, Arc::new(model), Arc::clone(records), AS_OF).unwrap();
        scorer.gain_curve(run, &GainRequest::new(&wine)).unwrap()
    });
    (*curve.points.last().unwrap(), records.bought(&wine, AS_OF, AS_OF + 28 * DAY).len() as f64)
}

#[test]
fn bands_hold_where_there_is_little_to_learn_from() {
    let (mut inside, mut n) = (0, 0);
    for (n_customers, n_products, n_visits) in [(200, 1, 2_000), (200, 12, 2_000), (300, 1, 900)] {
        for seed in 0..6 {
            let (last, realised) = judged(&tenant(seed, n_customers, n_products, n_visits));
            inside += usize::from((last.low..=last.high).contains(&realised));
            n += 1;
        }
    }
    assert!((0.7..=0.95).contains(&(inside as f64 / n as f64)), "{inside} of {n}");
}
