//! Expressions: what they select, as a table of cases over a small shop.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod shop;

use clew_crm::{EventRow, Fact, History, Predicate, Records, Schema, Scope};
use shop::{DAY, NEW_YEAR, event, records};

fn selected(expression: &str, scope: Scope, history: &History<'_>) -> String {
    let predicate = Predicate::parse(expression, &Schema::of(scope, history))
        .unwrap_or_else(|error| panic!("{expression}: {error}"));
    let view = match scope {
        Scope::Customer => history.customers(),
        Scope::Product => history.products(),
    };
    let bits = predicate.evaluate(history).unwrap();
    assert_eq!(bits.len(), view.len());
    for row in 0..view.len() as u32 {
        assert_eq!(predicate.evaluate_row(history, row).unwrap(), bits.get(row), "{expression}, row {row}");
    }
    assert!(!predicate.evaluate_row(history, view.len() as u32).unwrap());
    bits.ones().map(|row| view.id(row)).collect::<Vec<_>>().join(" ")
}

/// Products in their order: C1 C2 W1 W2 W3 W4.
#[test]
fn products_by_their_columns() {
    let records = records(&[]);
    let history = records.history(NEW_YEAR);
    let cases = [
        ("product.category == \"wine\"", "W1 W2 W3"),
        ("product.category == 'wine' && product.price < 20.0", "W1 W3"),
        ("product.price < 20", "C1 W1 W3"),
        ("20 > product.price", "C1 W1 W3"),
        ("product.price <= 20u && product.price >= 8.5", "W1 W2 W3"),
        ("product.price == 4", "C1"),
        ("product.price != 4", "W1 W2 W3"),
        ("!(product.price == 4)", "C2 W1 W2 W3 W4"),
        ("product.brand != 'Clos'", "C1 C2"),
        ("product.brand == null", "W3 W4"),
        ("null != product.brand", "C1 C2 W1 W2"),
        ("has(product.price)", "C1 W1 W2 W3"),
        ("!has(product.tags)", "W3 W4"),
        ("product.category in ['cheese', 'bread', 'cheese']", "C1 C2"),
        ("!(product.category in ['cheese'])", "W1 W2 W3 W4"),
        ("product.category in []", ""),
        ("product.price in [4, 8.5, -1]", "C1 W1"),
        ("\"organic\" in product.tags", "C1 C2 W1"),
        ("\"nothing\" in product.tags", ""),
        ("size(product.tags) > 1", "C2 W1"),
        ("product.tags.size() == 0", "W3 W4"),
        ("product.title.contains('wine')", "W1 W2"),
        ("product.title.startsWith('Ros')", "W3"),
        ("product.title.endsWith('té')", "C2 W3"),
        ("size(product.title) == 5", "C2"),
        ("product.title > 'Red'", "W1 W2 W3"),
        ("'Red' > product.title", "C1 C2"),
        ("product.brand == product.category", "C2"),
        ("product.brand < product.category", "C1 W1 W2"),
        ("product.new", "C1 W1"),
        ("!product.new", "C2 W2 W3 W4"),
        ("product.new == false", "W2"),
        ("product.new != true", "W2"),
        ("product.new == (product.price < 10)", "C1 W1 W2"),
        ("product.launched >= '2026-01-01'", "C2 W1 W2"),
        ("product.launched == '2026-01-11'", "W2"),
        ("'2026-01-01' > product.launched", "W3"),
        ("product.launched in ['2026-01-02', '2026-01-11']", "C2 W2"),
        ("product.price * 2 + 1 < 10", "C1"),
        ("-product.price < -8.5", "W2 W3"),
        ("product.price / 0 > 1 || product.price % 4 == 0", "C1 W2 W3"),
        ("product.price > 10 ? product.brand == 'Clos' : product.category == 'cheese'", "C1 C2 W2"),
        ("(product.new ? product.price : 100) > 50", "C2 W2 W3 W4"),
        ("product.product_id in ['W1', 'C2', 'none']", "C2 W1"),
        ("product.product_id == 'W4'", "W4"),
        ("product.product_id.startsWith('C')", "C1 C2"),
        ("product.product_id >= 'W3'", "W3 W4"),
        ("product['category'] == 'wine' && product.`price` > 10", "W2 W3"),
        ("true", "C1 C2 W1 W2 W3 W4"),
        ("'a' == 'b' || 'a' in ['a'] && 'abc'.startsWith('ab')", "C1 C2 W1 W2 W3 W4"),
        ("// what is cheap\nproduct.price < 5", "C1"),
    ];
    for (expression, expected) in cases {
        assert_eq!(selected(expression, Scope::Product, &history), expected, "{expression}");
    }
}

fn visited() -> Records {
    let sold = |customer, product, days: i64, revenue: f32, basket| EventRow {
        revenue: Some(revenue),
        basket,
        ..event("purchase", customer, product, NEW_YEAR - days * DAY)
    };
    records(&[
        sold("ann", "W1", 400, 10.0, Some("1")),
        sold("ann", "C1", 400, 5.0, Some("1")),
        sold("ann", "W1", 3, 20.0, None),
        sold("ann", "W2", 3, 0.0, None),
        event("view", "ann", "W2", NEW_YEAR - 1),
        event("message_sent", "bob", "", NEW_YEAR - 6 * DAY),
        event("message_sent", "bob", "", NEW_YEAR - 7 * DAY),
        event("message_sent", "bob", "", NEW_YEAR - 8 * DAY),
        event("message_opened", "bob", "", NEW_YEAR - 8 * DAY + 60),
        event("unsubscribe", "cat", "", NEW_YEAR - 40 * DAY),
        event("unsubscribe", "dan", "", NEW_YEAR),
        sold("dan", "W1", -1, 99.0, None),
    ])
}

#[test]
fn customers_by_their_columns_and_facts() {
    let records = visited();
    let history = records.history(NEW_YEAR);
    let cases = [
        ("customer.age >= 18 && !(\"no-alcohol\" in customer.tags)", "ann dan"),
        ("customer.country == 'FR'", "ann bob"),
        ("customer.n_purchases == 3", "ann"),
        ("customer.n_baskets == 2 && customer.n_products == 2", "ann"),
        ("customer.revenue == 35 && customer.revenue_365d == 20", "ann"),
        ("customer.revenue == 0", "bob cat dan"),
        ("customer.days_since_purchase == 3", "ann"),
        ("customer.days_since_first_purchase > 399", "ann"),
        ("customer.days_since_purchase > 0", "ann"),
        ("!has(customer.days_since_purchase)", "bob cat dan"),
        ("customer.days_since_purchase == null", "bob cat dan"),
        ("customer.days_since_event == 0", "ann"),
        ("customer.n_views_28d == 1", "ann"),
        ("customer.n_messages_7d == 2", "bob"),
        ("customer.n_messages_28d == 3 && customer.n_messages_opened_28d == 1", "bob"),
        ("customer.days_since_message == 6", "bob"),
        ("customer.unsubscribed", "cat"),
        ("!customer.unsubscribed && customer.n_events > 0", "ann bob"),
        ("customer.unsubscribed == true || customer.unsubscribed != false", "cat"),
        ("customer.first_seen < '2025-01-01'", "ann"),
        ("customer.last_seen == '2025-12-31'", "ann"),
        ("customer.revenue / customer.n_baskets > 17", "ann"),
        ("customer.customer_id != 'ann' && customer.n_events == 0", "dan"),
    ];
    for (expression, expected) in cases {
        assert_eq!(selected(expression, Scope::Customer, &history), expected, "{expression}");
    }
    let later = records.history(NEW_YEAR + 2 * DAY);
    assert_eq!(selected("customer.unsubscribed", Scope::Customer, &later), "cat dan");
    assert_eq!(selected("customer.revenue > 90", Scope::Customer, &later), "dan");
}

#[test]
fn blocks_and_their_ends_are_all_seen() {
    for n in [0usize, 1, 63, 64, 65, 1023, 1024, 1025, 3000] {
        let names: Vec<String> = (0..n).map(|i| format!("c{i:04}")).collect();
        let rows: Vec<EventRow<'_>> =
            (0..n).map(|i| event("view", &names[i], "W1", NEW_YEAR - 1 - (i % 3) as i64 * DAY)).collect();
        let records = records(&rows);
        let history = records.history(NEW_YEAR);
        let schema = Schema::of(Scope::Customer, &history);
        let predicate = Predicate::parse("customer.days_since_event == 1", &schema).unwrap();
        // The four declared customers come first, without an event.
        let expected: Vec<u32> =
            (0..n).filter(|i| i % 3 == 1).map(|i| history.customers().find(&names[i]).unwrap()).collect();
        let mut found: Vec<u32> = predicate.evaluate(&history).unwrap().ones().collect();
        let mut expected = expected;
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{n} customers");
        let not = Predicate::parse("!(customer.days_since_event == 1)", &schema).unwrap();
        assert_eq!(not.evaluate(&history).unwrap().count(), n + 4 - expected.len());
    }
}

#[test]
fn a_schema_lists_columns_then_id_then_facts() {
    let records = records(&[]);
    let schema = Schema::of(Scope::Customer, &records.history(NEW_YEAR));
    let names: Vec<&str> = schema.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(&names[..4], &["age", "country", "tags", "customer_id"]);
    assert_eq!(names.len(), 4 + Fact::ALL.len());
    let listed = serde_json::to_value(&schema).unwrap();
    assert_eq!(listed["scope"], "customer");
    assert_eq!(listed["entries"][1], serde_json::json!({"name": "country", "type": "text"}));
    let own = Schema::new(Scope::Customer, [("revenue".to_owned(), clew_crm::ColumnType::Text)]);
    assert!(
        Predicate::parse("customer.revenue == 'high'", &own).is_ok(),
        "a column hides the fact of its name"
    );
}

#[test]
fn a_table_that_changed_since_the_check_is_refused() {
    let records = records(&[]);
    let history = records.history(NEW_YEAR);
    let own = |column_type| Schema::new(Scope::Product, [("colour".to_owned(), column_type)]);
    let gone = Predicate::parse("product.colour == 'red'", &own(clew_crm::ColumnType::Text)).unwrap();
    let error = gone.evaluate(&history).unwrap_err().to_string();
    assert!(error.starts_with("the products have no column 'colour' any more"), "{error}");
    let text = Schema::new(Scope::Product, [("price".to_owned(), clew_crm::ColumnType::Text)]);
    let error = Predicate::parse("product.price == 'x'", &text).unwrap().evaluate(&history).unwrap_err();
    assert!(error.to_string().contains("holds number, but text"), "{error}");
    let customers = Predicate::parse("true", &Schema::of(Scope::Customer, &history)).unwrap();
    assert!(customers.evaluate_products(history.products()).is_err());
}
