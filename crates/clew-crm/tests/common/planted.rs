//! A small shop like `shop.rs`, with columns and kinds of events planted that know the answer, or that only look so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_crm::{ColumnType, EventRow, EventTable, Records, TableBuilder, Value};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) const DAY: i64 = 86_400;
/// Midnight of 2024-01-01.
pub(crate) const START: i64 = 1_704_067_200;
const N_CATEGORIES: usize = 6;

/// What is planted; nothing by default.
#[derive(Clone, Copy, Default)]
pub(crate) struct Planted {
    /// A flag `ordered` of who bought of a category from a day on, that share of it wrong.
    pub(crate) bought_of: Option<(usize, i64, f64)>,
    /// A date `last_order_on`, as of the end.
    pub(crate) last_order: bool,
    /// An event of kind `reserved` some days before each purchase.
    pub(crate) foretold: bool,
    /// Honest and strong: `favourite`, `liking`, `joined_on`, and views before most purchases.
    pub(crate) honest: bool,
    /// Columns that stand for persons or are sensitive: `phone`, and `religion`, which knows the taste.
    pub(crate) closed: bool,
}

struct Visit {
    customer: usize,
    product: usize,
    day: i64,
    second: i64,
}

/// Each customer prefers two of six categories and comes in a rhythm of their own.
pub(crate) fn shop(n_customers: usize, n_days: i64, planted: Planted) -> Arc<Records> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    let mut visits: Vec<Visit> = Vec::new();
    let mut favourite = Vec::new();
    for customer in 0..n_customers {
        let (first, second) = (rng.random_range(0..N_CATEGORIES), rng.random_range(0..N_CATEGORIES));
        favourite.push(first);
        let gap = rng.random_range(5..80);
        let mut day = rng.random_range(0..gap);
        while day < n_days {
            for _ in 0..rng.random_range(1..4) {
                let category = match rng.random_range(0..10) {
                    0..5 => first,
                    5..8 => second,
                    _ => rng.random_range(0..N_CATEGORIES),
                };
                let product = category + N_CATEGORIES * rng.random_range(0..12);
                visits.push(Visit { customer, product, day, second: rng.random_range(0..DAY) });
            }
            day += rng.random_range(gap / 2 + 1..=gap + gap / 2);
        }
    }
    // Of another generator, so that what is planted does not change the visits.
    let mut noise = Xoshiro256PlusPlus::seed_from_u64(12);
    let mut ordered = vec![false; n_customers];
    let mut last = vec![None; n_customers];
    let mut first = vec![n_days; n_customers];
    for visit in &visits {
        if planted
            .bought_of
            .is_some_and(|(of, from, _)| visit.product % N_CATEGORIES == of && visit.day >= from)
        {
            ordered[visit.customer] = true;
        }
        last[visit.customer] = Some(visit.day);
        first[visit.customer] = first[visit.customer].min(visit.day);
    }
    let start_day = (START / DAY) as i32;
    let mut schema = vec![("city".to_owned(), ColumnType::Text)];
    let mut add = |name: &str, of: ColumnType, wanted: bool| {
        wanted.then(|| {
            schema.push((name.to_owned(), of));
            schema.len() - 1
        })
    };
    let at_ordered = add("ordered", ColumnType::Bool, planted.bought_of.is_some());
    let at_last = add("last_order_on", ColumnType::Date, planted.last_order);
    let at_favourite = add("favourite", ColumnType::Text, planted.honest);
    let at_liking = add("liking", ColumnType::Number, planted.honest);
    let at_joined = add("joined_on", ColumnType::Date, planted.honest);
    let at_phone = add("phone", ColumnType::Text, planted.closed);
    let at_religion = add("religion", ColumnType::Text, planted.closed);
    let mut customers = TableBuilder::new(schema);
    for customer in 0..n_customers {
        customers.row(&format!("c{customer:05}"));
        customers.set(0, Value::Text(&format!("city {}", customer % 7))).unwrap();
        if let (Some(at), Some((_, _, wrong))) = (at_ordered, planted.bought_of) {
            let flip = noise.random_bool(wrong);
            customers.set(at, Value::Bool(ordered[customer] != flip)).unwrap();
        }
        if let (Some(at), Some(day)) = (at_last, last[customer]) {
            customers.set(at, Value::Date(start_day + day as i32)).unwrap();
        }
        if let Some(at) = at_favourite {
            customers.set(at, Value::Text(&format!("likes {}", favourite[customer]))).unwrap();
        }
        if let Some(at) = at_liking {
            let liking = favourite[customer] as f64 + noise.random_range(-0.7..0.7);
            customers.set(at, Value::Number(liking)).unwrap();
        }
        if let Some(at) = at_phone {
            customers.set(at, Value::Text(&format!("+33 6 {:08}", customer % 10))).unwrap();
        }
        if let Some(at) = at_religion {
            customers.set(at, Value::Text(&format!("religion {}", favourite[customer]))).unwrap();
        }
        if let Some(at) = at_joined {
            customers.set(at, Value::Date(start_day + first[customer] as i32)).unwrap();
        }
    }
    let mut products = TableBuilder::new(vec![
        ("category".to_owned(), ColumnType::Text),
        ("price".to_owned(), ColumnType::Number),
    ]);
    for product in 0..N_CATEGORIES * 12 {
        products.row(&format!("p{product:03}"));
        products.set(0, Value::Text(&format!("category {}", product % N_CATEGORIES))).unwrap();
        products.set(1, Value::Number(2.0 + product as f64 / 4.0)).unwrap();
    }
    let mut events = EventTable::new();
    for visit in &visits {
        let (customer, product) = (format!("c{:05}", visit.customer), format!("p{:03}", visit.product));
        let mut push = |kind: &str, at: i64| {
            events
                .push(&EventRow {
                    kind,
                    customer: &customer,
                    at,
                    product: Some(&product),
                    quantity: None,
                    revenue: (kind == "purchase").then_some(3.0),
                    campaign: None,
                    query: None,
                    basket: None,
                })
                .unwrap();
        };
        let at = START + visit.day * DAY + visit.second;
        push("purchase", at);
        if planted.foretold && visit.day >= 28 {
            push("reserved", at - 28 * DAY);
        }
        if planted.honest && noise.random_bool(0.7) {
            push("view", at - noise.random_range(60..DAY));
        }
    }
    let campaigns = TableBuilder::new(Vec::new()).finish();
    Arc::new(Records::new(customers.finish(), products.finish(), campaigns, events).unwrap())
}
