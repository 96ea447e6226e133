//! The history of a date tells nothing of what came at or after it: it equals, in every answer it can give, the
//! history of records from which the later events were cut.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod shop;

use clew_crm::{EventRow, Fact, History, NONE, Records, Table};
use proptest::prelude::*;
use shop::{DAY, NEW_YEAR, customers, event, events, products};

/// All that a history can be asked, answered. Kinds, searches, customers and products by code and name.
fn all_answers(history: &History<'_>) -> String {
    let mut told = format!(
        "{} customers {} products {} events {:?} {:?} active {:?}\n",
        history.n_customers(),
        history.n_products(),
        history.n_events(),
        history.first_event(),
        history.last_event(),
        history.active_customers(),
    );
    for (view, word) in [
        (history.customers(), "customer"),
        (history.products(), "product"),
        (history.campaigns(), "campaign"),
    ] {
        for row in 0..view.len() as u32 + 3 {
            told += &format!("{word} {row} {} {:?}\n", view.id(row), view.find(view.id(row)));
        }
        for (name, column) in view.columns() {
            told += &format!("{word} {name} {column:?}\n");
        }
    }
    for code in 0..=u8::MAX {
        told += &format!("{} ", history.kind_name(code));
    }
    for query in 0..20 {
        told += &format!("{} ", history.query(query));
    }
    for customer in 0..30 {
        let events = history.events_of(customer);
        told += &format!("\n{customer} {} {events:?}", history.is_active(customer));
        for fact in Fact::ALL {
            told += &format!(" {}={}", fact.name(), fact.value(&events, history.as_of()));
        }
    }
    for product in 0..30 {
        told += &format!("\n{product} {:?}", history.events_of_product(product).iter().collect::<Vec<_>>());
    }
    told
}

/// An event's parts by number: 0 in the nullable ones is null.
type Draw = (usize, usize, usize, i64, u8, u8, usize, usize, usize);

fn row<'a>(draw: &Draw, names: &'a Names) -> EventRow<'a> {
    let (kind, customer, product, at, quantity, revenue, campaign, query, basket) = *draw;
    let pick = |names: &'a [&'static str], i: usize| (i > 0).then(|| names[i - 1]);
    EventRow {
        product: pick(&names.products, product),
        quantity: (quantity > 0).then(|| f32::from(quantity) - 2.0),
        revenue: (revenue > 0).then(|| f32::from(revenue) - 1.0),
        campaign: pick(&names.campaigns, campaign),
        query: pick(&names.queries, query),
        basket: pick(&names.baskets, basket),
        ..event(names.kinds[kind], names.customers[customer], "", NEW_YEAR + at * DAY / 2)
    }
}

struct Names {
    kinds: [&'static str; 6],
    customers: [&'static str; 8],
    products: [&'static str; 8],
    campaigns: [&'static str; 3],
    queries: [&'static str; 4],
    baskets: [&'static str; 3],
}

const NAMES: Names = Names {
    kinds: ["purchase", "view", "message_sent", "unsubscribe", "gift", "coupon"],
    customers: ["ann", "bob", "cat", "dan", "yan", "aaa", "zoe", "bobby"],
    products: ["W1", "W2", "C1", "X1", "A1", "Z1", "B1", "W4"],
    campaigns: ["spring", "autumn", "a"],
    queries: ["red", "blue", "green", "a"],
    baskets: ["1", "2", "0"],
};

fn build(draws: &[Draw]) -> Records {
    let rows: Vec<EventRow<'_>> = draws.iter().map(|draw| row(draw, &NAMES)).collect();
    Records::new(customers(), products(), Table::default(), events(&rows)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_history_equals_that_of_records_cut_at_its_date(
        draws in prop::collection::vec(
            (0..6usize, 0..8usize, 0..9usize, 0..12i64, 0..4u8, 0..4u8, 0..4usize, 0..5usize, 0..4usize), 0..60),
        half_days in 0..13i64,
    ) {
        let as_of = NEW_YEAR + half_days * DAY / 2;
        let before: Vec<Draw> = draws.iter().copied().filter(|draw| NEW_YEAR + draw.3 * DAY / 2 < as_of).collect();
        let (all, cut) = (build(&draws), build(&before));
        let answers = all_answers(&all.history(as_of));
        prop_assert_eq!(&answers, &all_answers(&cut.history(as_of)));
        prop_assert_eq!(&answers, &all_answers(&all.history(i64::MAX).earlier(as_of)));
        // A history made earlier cannot be made later again.
        prop_assert_eq!(&answers, &all_answers(&all.history(as_of).earlier(i64::MAX)));
        prop_assert_eq!(cut.n_events(), before.len());
    }

    #[test]
    fn every_event_is_found_once_by_customer_and_by_product(
        draws in prop::collection::vec(
            (0..6usize, 0..8usize, 0..9usize, 0..12i64, 0..4u8, 0..4u8, 0..4usize, 0..5usize, 0..4usize), 0..60),
    ) {
        let records = build(&draws);
        let history = records.history(i64::MAX);
        let mut found: Vec<(&str, &str, i64)> = Vec::new();
        for customer in 0..history.n_customers() as u32 {
            let events = history.events_of(customer);
            prop_assert!(events.at.is_sorted());
            for i in 0..events.len() {
                let product = if events.product[i] == NONE { "" } else { history.products().id(events.product[i]) };
                found.push((history.customers().id(customer), product, events.at[i]));
            }
        }
        let mut sent: Vec<(&str, &str, i64)> = draws.iter()
            .map(|d| row(d, &NAMES))
            .map(|row| (row.customer, row.product.unwrap_or(""), row.at))
            .collect();
        sent.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(&sent, &found);
        let mut by_product: Vec<(&str, &str, i64)> = Vec::new();
        for product in 0..history.n_products() as u32 {
            for event in history.events_of_product(product).iter() {
                prop_assert_eq!(event.product, product);
                by_product.push((history.customers().id(event.customer), history.products().id(product), event.at));
            }
        }
        by_product.sort_unstable();
        sent.retain(|row| !row.1.is_empty());
        prop_assert_eq!(sent, by_product);
    }
}
