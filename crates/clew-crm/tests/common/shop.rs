//! A small shop with planted tastes: each customer prefers two of six categories and comes in a rhythm of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_crm::{ColumnType, EventRow, EventTable, Records, TableBuilder, Value};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) const DAY: i64 = 86_400;
/// Midnight of 2024-01-01.
pub(crate) const START: i64 = 1_704_067_200;
pub(crate) const N_CATEGORIES: usize = 6;

/// A shop of `n_customers` over `n_days` from [`START`]; `change` may alter each purchase (customer, product, day) or drop it.
pub(crate) fn shop(
    n_customers: usize,
    n_days: i64,
    mut change: impl FnMut(usize, usize, i64) -> Option<usize>,
) -> Arc<Records> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut products = TableBuilder::new(vec![
        ("category".to_owned(), ColumnType::Text),
        ("brand".to_owned(), ColumnType::Text),
        ("price".to_owned(), ColumnType::Number),
    ]);
    let n_products = 72;
    for product in 0..n_products {
        products.row(&format!("p{product:03}"));
        products.set(0, Value::Text(&format!("category {}", product % N_CATEGORIES))).unwrap();
        products.set(1, Value::Text(&format!("brand {}", product / 9))).unwrap();
        products.set(2, Value::Number(2.0 + product as f64 / 4.0)).unwrap();
    }
    let mut customers = TableBuilder::new(vec![("age".to_owned(), ColumnType::Number)]);
    let mut events = EventTable::new();
    for customer in 0..n_customers {
        let id = format!("c{customer:05}");
        customers.row(&id);
        let (first, second) = (rng.random_range(0..N_CATEGORIES), rng.random_range(0..N_CATEGORIES));
        // Age tells the first taste, with noise.
        customers.set(0, Value::Number(20.0 + 8.0 * first as f64 + rng.random_range(0.0..6.0))).unwrap();
        let gap = rng.random_range(4..24);
        let mut day = rng.random_range(0..gap);
        while day < n_days {
            for _ in 0..rng.random_range(1..4) {
                let category = match rng.random_range(0..10) {
                    0..5 => first,
                    5..8 => second,
                    _ => rng.random_range(0..N_CATEGORIES),
                };
                // Low numbers sell more.
                let rank = (rng.random_range(0.0_f64..1.0).powi(2) * 12.0) as usize;
                if let Some(product) = change(customer, category + N_CATEGORIES * rank, day) {
                    events
                        .push(&EventRow {
                            kind: "purchase",
                            customer: &id,
                            at: START + day * DAY + rng.random_range(0..DAY),
                            product: Some(&format!("p{product:03}")),
                            quantity: Some(1.0),
                            revenue: Some(2.0 + product as f32 / 4.0),
                            campaign: None,
                            query: None,
                            basket: None,
                        })
                        .unwrap();
                }
            }
            day += rng.random_range(gap / 2 + 1..=gap + gap / 2);
        }
    }
    let campaigns = TableBuilder::new(Vec::new()).finish();
    Arc::new(Records::new(customers.finish(), products.finish(), campaigns, events).unwrap())
}

/// The shop as it is.
pub(crate) fn plain(n_customers: usize, n_days: i64) -> Arc<Records> {
    shop(n_customers, n_days, |_, product, _| Some(product))
}
