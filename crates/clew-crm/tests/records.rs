//! Records: order, orphans, who bought, and what is refused.

mod shop;

use clew_crm::{
    Column, ColumnType, EventKind, EventRow, EventTable, Ids, NONE, ProductSet, Records, Table, TableBuilder,
    TableView, Value,
};
use shop::{DAY, NEW_YEAR, customers, event, events, products, records};

fn ids(table: &Table) -> Vec<&str> {
    table.ids.iter().collect()
}

#[test]
fn ids_give_each_string_one_code() {
    let mut ids = Ids::new();
    assert_eq!(["a", "", "b", "a", ""].map(|name| ids.intern(name)), [0, 1, 2, 0, 1]);
    assert_eq!((ids.get("b"), ids.get("c")), (Some(2), None));
    assert_eq!((ids.name(2), ids.name(3), ids.name(NONE)), ("b", "", ""));
    assert_eq!(ids.iter().collect::<Vec<_>>(), ["a", "", "b"]);
    let many: Ids = (0..10_000).map(|i| format!("customer {i}")).collect();
    assert!((0..10_000).all(|i| many.get(&format!("customer {i}")) == Some(i)));
}

#[test]
fn a_later_row_replaces_the_earlier_whole() {
    let schema = vec![("age".to_owned(), ColumnType::Number), ("tags".to_owned(), ColumnType::Tags)];
    let mut table = TableBuilder::new(schema);
    table.row("a");
    table.set(0, Value::Number(3.0)).unwrap();
    table.set(1, Value::Tags(&["x", "y"])).unwrap();
    table.row("b");
    table.set(1, Value::Text("y| x |y||")).unwrap();
    assert_eq!(table.row("a"), 0);
    assert_eq!(table.n_replaced(), 1);
    let table = table.finish();
    let Column::Number(ages) = &table.columns[0] else { panic!("not numbers") };
    assert!(ages[0].is_nan() && ages[1].is_nan());
    let Column::Tags { starts, codes, values } = &table.columns[1] else { panic!("not tags") };
    assert_eq!(starts, &[0, 0, 2]);
    assert_eq!(codes.iter().map(|&code| values.name(code)).collect::<Vec<_>>(), ["x", "y"]);
}

#[test]
fn a_cell_of_another_type_is_refused_with_its_place() {
    let mut table = TableBuilder::new(vec![("age".to_owned(), ColumnType::Number)]);
    assert!(table.set(0, Value::Null).unwrap_err().to_string().contains("before any row"));
    table.row("ann");
    let error = table.set(0, Value::Text("old")).unwrap_err().to_string();
    assert_eq!(
        error,
        "column 'age' of row 1 holds number, not text; correct the value or leave the cell empty"
    );
    assert!(table.set(0, Value::Number(f64::INFINITY)).is_err());
    assert!(table.set(1, Value::Null).is_err());
}

#[test]
fn events_stand_by_customer_then_time() {
    let records = records(&[
        event("view", "bob", "W2", NEW_YEAR + 5),
        event("purchase", "ann", "W1", NEW_YEAR + 9),
        event("purchase", "bob", "C1", NEW_YEAR + 1),
        event("Product Viewed", "ann", "W1", NEW_YEAR + 2),
    ]);
    let history = records.history(i64::MAX);
    let ann = history.events_of(0);
    assert_eq!(
        (ann.at, ann.kind),
        (&[NEW_YEAR + 2, NEW_YEAR + 9][..], &[EventKind::VIEW, EventKind::PURCHASE][..])
    );
    assert_eq!(history.events_of(1).at, [NEW_YEAR + 1, NEW_YEAR + 5]);
    assert!(history.events_of(2).is_empty() && history.events_of(99).is_empty());
    let w1 = records.products().ids.get("W1").unwrap();
    let of_product: Vec<_> = history.events_of_product(w1).iter().map(|e| (e.customer, e.at)).collect();
    assert_eq!(of_product, [(0, NEW_YEAR + 2), (0, NEW_YEAR + 9)]);
    assert_eq!((records.first_event(), records.last_event()), (Some(NEW_YEAR + 1), Some(NEW_YEAR + 9)));
    assert_eq!(&records.n_events_by_kind()[..2], &[("purchase", 2), ("view", 2)]);
}

#[test]
fn orphans_are_kept_and_counted_after_the_declared() {
    let records = records(&[
        event("purchase", "zoe", "X9", NEW_YEAR + 9),
        event("purchase", "ann", "A0", NEW_YEAR + 20),
        event("purchase", "abe", "X9", NEW_YEAR + 10),
    ]);
    assert_eq!(ids(records.customers()), ["ann", "bob", "cat", "dan", "zoe", "abe"]);
    assert_eq!(ids(records.products()), ["C1", "C2", "W1", "W2", "W3", "W4", "X9", "A0"]);
    assert!(records.customers().columns.iter().all(|column| column.len() == 6));
    let orphans = records.orphans();
    assert_eq!((orphans.n_customers, orphans.n_products), (2, 2));
    assert_eq!((orphans.n_customer_events, orphans.n_product_events), (2, 3));
    let early = records.history(NEW_YEAR + 10);
    assert_eq!((early.n_customers(), early.n_products()), (5, 7));
    assert_eq!((early.customers().find("abe"), early.customers().id(5)), (None, ""));
    assert_eq!(early.active_customers(), [4]);
}

/// What the records hold, in words.
fn told(records: &Records) -> String {
    let history = records.history(i64::MAX);
    let table = |view: TableView<'_>| {
        let ids: Vec<&str> = (0..view.len() as u32).map(|row| view.id(row)).collect();
        format!("{ids:?} {:?}", view.columns().collect::<Vec<_>>())
    };
    let events: Vec<_> = (0..history.n_customers() as u32).map(|c| history.events_of(c)).collect();
    format!("{} {} {events:?}", table(history.customers()), table(history.products()))
}

#[test]
fn the_order_of_rows_and_columns_does_not_matter() {
    let mut rows: Vec<EventRow<'_>> = Vec::new();
    for i in 0..60 {
        let kind = ["purchase", "view", "coupon_redeemed", "gift"][i % 4];
        let product = ["W1", "Q7", "", "C1", "W2"][i % 5];
        let mut row = event(kind, ["dan", "new", "ann"][i % 3], product, NEW_YEAR + (i as i64 % 2) * DAY);
        row.quantity = (i % 7 != 0).then_some((i % 3) as f32);
        row.query = (i % 2 == 0).then_some(["red", "blue"][i % 4 / 2]);
        row.basket = (i % 3 == 0).then_some(["b1", "b2"][i / 30]);
        rows.push(row);
    }
    let forward = told(&records(&rows));
    rows.reverse();
    let mut products = products();
    products.names.reverse();
    products.columns.reverse();
    let backward = Records::new(customers(), products, Table::default(), events(&rows)).unwrap();
    assert_eq!(forward, told(&backward));
}

#[test]
fn bought_means_paid_for_within_the_window() {
    let paid = |customer, product, at, quantity: f32, revenue: f32| EventRow {
        quantity: Some(quantity),
        revenue: Some(revenue),
        ..event("purchase", customer, product, at)
    };
    let records = records(&[
        paid("ann", "W1", NEW_YEAR, 1.0, 8.5),
        paid("ann", "W2", NEW_YEAR + DAY, 2.0, 40.0),
        paid("bob", "W1", NEW_YEAR - 1, 1.0, 8.5),
        paid("bob", "W1", NEW_YEAR + 2 * DAY, 1.0, 8.5),
        paid("cat", "W1", NEW_YEAR, 0.0, 8.5),
        paid("cat", "W1", NEW_YEAR, 1.0, 0.0),
        event("purchase", "dan", "W2", NEW_YEAR),
        event("view", "cat", "W1", NEW_YEAR),
        paid("cat", "C1", NEW_YEAR, 1.0, 1.0),
    ]);
    let wines = ["W1", "W2"].map(|id| records.products().ids.get(id).unwrap());
    let wines = ProductSet::new(records.n_products(), wines);
    assert_eq!(records.bought(&wines, NEW_YEAR, NEW_YEAR + 2 * DAY), [0, 3]);
    assert_eq!(records.spent(&wines, NEW_YEAR, NEW_YEAR + 2 * DAY), [(0, 48.5), (3, 0.0)]);
    assert!(records.bought(&ProductSet::default(), 0, i64::MAX).is_empty());
}

#[test]
fn broken_events_are_refused_with_place_and_remedy() {
    let refuse = |events: EventTable| {
        Records::new(customers(), products(), Table::default(), events).unwrap_err().to_string()
    };
    let late = events(&[event("view", "ann", "W1", NEW_YEAR * 1000)]);
    assert!(refuse(late).contains("give seconds, not milliseconds"));
    let mut short = events(&[event("view", "ann", "W1", NEW_YEAR)]);
    short.revenue.clear();
    assert!(refuse(short).contains("differ in length"));
    let mut unknown = events(&[event("view", "ann", "W1", NEW_YEAR)]);
    unknown.product[0] = 7;
    assert!(refuse(unknown).contains("never given"));
    let wrong = |column: Column| {
        let mut table = customers();
        table.columns[1] = column;
        Records::new(table, products(), Table::default(), EventTable::new()).unwrap_err().to_string()
    };
    let values = || Ids::from_iter(["FR"]);
    assert!(wrong(Column::Category { codes: vec![0, NONE, 1, 0], values: values() }).contains("never given"));
    let tags =
        |starts: [u32; 5]| Column::Tags { starts: starts.to_vec(), codes: vec![0, 0], values: values() };
    assert!(
        wrong(tags([0, 2, 1, 2, 2])).contains("never given")
            && wrong(tags([0, 0, 0, 1, 3])).contains("given")
    );
    assert!(wrong(Column::Number(vec![0.0, f64::NAN, f64::NEG_INFINITY, 1.0])).contains("infinite in row 3"));
    let mut table = customers();
    table.columns.pop();
    assert!(Records::new(table, products(), Table::default(), EventTable::new()).is_err());

    let mut events = EventTable::new();
    let infinite = EventRow { quantity: Some(f32::INFINITY), ..event("view", "ann", "W1", NEW_YEAR) };
    assert!(events.push(&infinite).unwrap_err().to_string().contains("quantity"));
    for i in 0..247 {
        events.intern_kind(&format!("own {i}")).unwrap();
    }
    assert!(events.intern_kind("one more").unwrap_err().to_string().contains("fewer"));
    assert!(events.set_kind_weight("own 3", f32::NAN).is_err());
}

#[test]
fn kinds_are_known_by_their_specs_names() {
    let kinds = ["Order Completed", "product_viewed", "Product Added", "Products Searched", "gift"];
    assert_eq!(kinds.map(EventKind::parse), [Some(0), Some(1), Some(2), Some(3), None]);
    assert!(EventKind::NAMES.iter().enumerate().all(|(i, name)| EventKind::parse(name) == Some(i as u8)));
    let mut events = EventTable::new();
    events.set_kind_weight("gift", 0.5).unwrap();
    events.push(&event("gift", "ann", "W1", NEW_YEAR)).unwrap();
    events.set_kind_weight("view", 0.2).unwrap();
    let records = Records::new(customers(), products(), Table::default(), events).unwrap();
    let history = records.history(i64::MAX);
    assert_eq!((history.kind_name(9), history.kind_weight(9), history.kind_weight(1)), ("gift", 0.5, 0.2));
    assert_eq!(records.history(NEW_YEAR).kind_name(9), "");
}
