//! What the demo shows: which offer, which rule, which customers. All of it fits data that nobody has seen before.

use clew_crm::{Column, NONE, Records};
use serde_json::{Value, json};

/// Columns of a catalogue that people think in, the likeliest first.
const WELL_KNOWN: [&str; 6] = ["category", "product_category", "department", "aisle", "type", "brand"];
/// How many different values a column of categories has.
const N_VALUES: std::ops::RangeInclusive<usize> = 2..=2_000;

/// The offer of the sample: neither the largest category nor a rare one, and not for everybody.
pub(super) fn sample_offer() -> Value {
    json!({
        "name": "Red wine", "expression": "product.category == \"red wine\"", "margin": 0.3, "cost_per_contact": 0.05,
    })
}

/// Customers of the sample to recommend to.
pub(super) fn sample_customers() -> Vec<String> {
    (0..50).map(clew_sample::memory::customer_id).collect()
}

/// The best-selling value of a categorical column of the catalogue, as an offer; without such a column the product
/// that sells best. None when nothing was ever bought.
pub(super) fn best_seller(records: &Records) -> Option<Value> {
    let history = records.history(records.last_event()? + 1);
    let products = records.products();
    let bought: Vec<u64> = (0..products.len() as u32)
        .map(|product| {
            history.events_of_product(product).iter().filter(|event| event.is_purchase()).count() as u64
        })
        .collect();
    let named = WELL_KNOWN.iter().find_map(|name| Some((*name, categories(products.column(name)?)?)));
    let any = products.names.iter().zip(&products.columns);
    let any = any.filter_map(|(name, column)| Some((name.as_str(), categories(column)?)));
    if let Some((name, (codes, values))) = named.or_else(|| any.min_by_key(|(_, found)| found.1.len())) {
        let mut sold = vec![0_u64; values.len()];
        for (&code, n) in codes.iter().zip(&bought).filter(|(code, _)| **code != NONE) {
            if let Some(sum) = sold.get_mut(code as usize) {
                *sum += n;
            }
        }
        // Of equal ones the first.
        let best = (0..sold.len()).rev().max_by_key(|&code| sold.get(code).copied())?;
        if sold.get(best).is_some_and(|&n| n > 0) {
            let value = values.name(best as u32);
            return Some(json!({
                "name": format!("{name}: {value}").chars().take(200).collect::<String>(),
                "expression": format!("product.{name} == {}", quoted(value)),
            }));
        }
    }
    let best = (0..bought.len()).rev().max_by_key(|&product| bought.get(product).copied())?;
    let id = products.ids.name(best as u32);
    (bought.get(best).is_some_and(|&n| n > 0)).then(|| json!({ "name": id, "product_ids": [id] }))
}

/// The codes and values of a column that sorts products into groups, and not one for each.
fn categories(column: &Column) -> Option<(&[u32], &clew_crm::Ids)> {
    match column {
        Column::Category { codes, values }
            if N_VALUES.contains(&values.len()) && values.len() * 2 <= codes.len() =>
        {
            Some((codes, values))
        }
        _ => None,
    }
}

/// A text as an expression writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// Some customers who bought more than once, to recommend to.
pub(super) fn regular_customers(records: &Records) -> Vec<String> {
    let Some(last) = records.last_event() else { return Vec::new() };
    let history = records.history(last + 1);
    let bought = |customer: u32| {
        let events = history.events_of(customer);
        (0..events.len()).filter(|&n| events.is_purchase(n)).count()
    };
    let ids = (0..records.n_customers() as u32).filter(|&customer| bought(customer) >= 3);
    ids.take(50).map(|customer| records.customers().ids.name(customer).to_owned()).collect()
}

/// The rule of the demo: who gets messages anyway is left in peace; where none are known, who has just bought.
///
/// `data` is what `GET /v1/data` says.
pub(super) fn rule(data: &Value) -> Value {
    let kinds = data["kinds"].as_array().map(Vec::as_slice).unwrap_or_default();
    if kinds.iter().any(|kind| kind["kind"] == "message_sent") {
        json!({
            "name": "Contact pressure",
            "scope": "customer",
            "expression": "customer.unsubscribed || customer.n_messages_28d >= 2",
            "reason": "unsubscribed, or two messages in the last four weeks",
        })
    } else {
        json!({
            "name": "Just bought",
            "scope": "customer",
            "expression": "customer.days_since_purchase < 7",
            "reason": "bought in the last week",
        })
    }
}

#[cfg(test)]
mod tests {
    use clew_crm::{ColumnType, EventRow, EventTable, Table, TableBuilder, Value as Cell};

    use super::*;

    fn records(with_catalogue: bool) -> Records {
        let mut products = TableBuilder::new(vec![
            ("title".to_owned(), ColumnType::Text),
            ("shelf".to_owned(), ColumnType::Text),
        ]);
        for n in 0..8 {
            if with_catalogue {
                products.row(&format!("p{n}"));
                products.set(0, Cell::Text(&format!("title {n}"))).unwrap();
                products.set(1, Cell::Text(if n < 4 { "wine \"red\"" } else { "tea" })).unwrap();
            }
        }
        let mut events = EventTable::new();
        for (kind, product, n) in [("purchase", "p1", 3), ("purchase", "p6", 2), ("view", "p7", 9)] {
            for at in 0..n {
                let row = EventRow {
                    kind,
                    customer: "c1",
                    at,
                    product: Some(product),
                    quantity: None,
                    revenue: None,
                    campaign: None,
                    query: None,
                    basket: None,
                };
                events.push(&row).unwrap();
            }
        }
        Records::new(Table::default(), products.finish(), Table::default(), events).unwrap()
    }

    #[test]
    fn the_best_selling_value_of_a_column_is_the_offer() {
        let offer = best_seller(&records(true)).unwrap();
        assert_eq!(offer["expression"], r#"product.shelf == "wine \"red\"""#);
        let offer = best_seller(&records(false)).unwrap();
        assert_eq!(offer["product_ids"], json!(["p1"]));
        assert_eq!(regular_customers(&records(true)), ["c1"]);
    }

    #[test]
    fn the_rule_fits_what_is_known() {
        let messages = rule(&json!({ "kinds": [{ "kind": "message_sent", "n_events": 3 }] }));
        assert!(messages["expression"].as_str().unwrap().contains("n_messages_28d"));
        let none = rule(&json!({ "kinds": [{ "kind": "purchase" }] }));
        assert!(none["expression"].as_str().unwrap().contains("days_since_purchase"));
    }
}
