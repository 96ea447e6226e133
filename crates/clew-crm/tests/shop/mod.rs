//! A small shop that the tests share.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use clew_crm::{ColumnType, EventRow, EventTable, Records, Table, TableBuilder, Value};

pub(crate) const DAY: i64 = 86_400;
/// 2026-01-01.
pub(crate) const NEW_YEAR: i64 = 1_767_225_600;

/// An event of a kind; the product may be empty.
pub(crate) fn event<'a>(kind: &'a str, customer: &'a str, product: &'a str, at: i64) -> EventRow<'a> {
    EventRow {
        kind,
        customer,
        at,
        product: Some(product),
        quantity: None,
        revenue: None,
        campaign: None,
        query: None,
        basket: None,
    }
}

pub(crate) fn events(rows: &[EventRow<'_>]) -> EventTable {
    let mut events = EventTable::new();
    for row in rows {
        events.push(row).unwrap();
    }
    events
}

/// Six products: of W4 nothing is known but its id, and its column `new` never holds anything but true.
pub(crate) fn products() -> Table {
    let schema = [
        ("title", ColumnType::Text),
        ("category", ColumnType::Text),
        ("brand", ColumnType::Text),
        ("price", ColumnType::Number),
        ("tags", ColumnType::Tags),
        ("new", ColumnType::Bool),
        ("launched", ColumnType::Date),
    ];
    let mut table = TableBuilder::new(schema.map(|(name, kind)| (name.to_owned(), kind)).to_vec());
    let mut row = |id: &str, cells: [Value<'_>; 7]| {
        table.row(id);
        for (column, cell) in cells.into_iter().enumerate() {
            table.set(column, cell).unwrap();
        }
    };
    let text = Value::Text;
    let day = |days: i32| Value::Date(20_454 + days);
    row(
        "W1",
        [
            text("Red wine"),
            text("wine"),
            text("Clos"),
            Value::Number(8.5),
            text("red|organic"),
            Value::Bool(true),
            day(0),
        ],
    );
    row(
        "W2",
        [
            text("White wine"),
            text("wine"),
            text("Clos"),
            Value::Number(20.0),
            text("white"),
            Value::Bool(false),
            day(10),
        ],
    );
    row(
        "W3",
        [
            text("Rosé été"),
            text("wine"),
            Value::Null,
            Value::Number(12.0),
            Value::Null,
            Value::Null,
            day(-400),
        ],
    );
    row("W4", [Value::Null; 7]);
    row(
        "C1",
        [
            text("Brie"),
            text("cheese"),
            text("Ferme"),
            Value::Number(4.0),
            text("organic"),
            Value::Bool(true),
            Value::Null,
        ],
    );
    row(
        "C2",
        [
            text("Comté"),
            text("cheese"),
            text("cheese"),
            Value::Null,
            text("aged|organic|raw"),
            Value::Null,
            day(1),
        ],
    );
    table.finish()
}

pub(crate) fn customers() -> Table {
    let schema = [("age", ColumnType::Number), ("country", ColumnType::Text), ("tags", ColumnType::Tags)];
    let mut table = TableBuilder::new(schema.map(|(name, kind)| (name.to_owned(), kind)).to_vec());
    let mut row = |id: &str, age: Value<'_>, country: &str, tags: &str| {
        table.row(id);
        table.set(0, age).unwrap();
        table.set(1, Value::Text(country)).unwrap();
        table.set(2, Value::Text(tags)).unwrap();
    };
    row("ann", Value::Number(30.0), "FR", "vip");
    row("bob", Value::Number(17.0), "FR", "no-alcohol");
    row("cat", Value::Null, "DE", "");
    row("dan", Value::Number(64.0), "DE", "vip|no-mail");
    table.finish()
}

/// The shop with the events that these rows tell of.
pub(crate) fn records(rows: &[EventRow<'_>]) -> Records {
    Records::new(customers(), products(), Table::default(), events(rows)).unwrap()
}
