//! A sample straight into `clew-crm`'s records, for tests and benchmarks: no file in between.

use clew_crm::{ColumnType, EventTable, Records, TableBuilder, Value};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::row::EventRow;
use crate::shop::{Chunk, Shop};
use crate::time::DAY;

/// The shop's customers, products, campaigns and events as records; the same as reading the written folder.
///
/// # Errors
/// When the rows are more than records can hold.
pub fn records(pool: &rayon::ThreadPool, shop: &Shop) -> Result<Records> {
    let chunks: Vec<Chunk> =
        pool.install(|| (0..shop.n_chunks()).into_par_iter().map(|n| shop.chunk(n)).collect());
    build(shop, &chunks).map_err(Error::Records)
}

fn build(shop: &Shop, chunks: &[Chunk]) -> clew_crm::Result<Records> {
    use ColumnType::{Bool, Date, Number, Tags, Text};
    let schema =
        |columns: &[(&str, ColumnType)]| columns.iter().map(|(name, of)| ((*name).to_owned(), *of)).collect();
    let text = |value: &'static str| if value.is_empty() { Value::Null } else { Value::Text(value) };

    let mut customers = TableBuilder::new(schema(&[
        ("first_name", Text),
        ("nickname", Text),
        ("sex", Text),
        ("age", Number),
        ("postcode", Text),
        ("department", Text),
        ("email_domain", Text),
        ("joined_on", Date),
        ("newsletter", Bool),
        ("source", Text),
    ]));
    for row in chunks.iter().flat_map(|chunk| &chunk.customers) {
        customers.row(&customer_id(row.number));
        let nickname = if row.nickname.is_empty() { Value::Null } else { Value::Text(&row.nickname) };
        let values = [
            text(row.first_name),
            nickname,
            row.sex.map_or(Value::Null, Value::Text),
            row.age.map_or(Value::Null, |age| Value::Number(age.into())),
            Value::Text(&row.postcode),
            text(row.department),
            text(row.email_domain),
            Value::Date(row.joined.div_euclid(DAY) as i32),
            Value::Bool(row.newsletter),
            text(row.source),
        ];
        set(&mut customers, &values)?;
    }

    let mut products = TableBuilder::new(schema(&[
        ("title", Text),
        ("aisle", Text),
        ("category", Text),
        ("brand", Text),
        ("price", Number),
        ("tags", Tags),
        ("launched_on", Date),
    ]));
    for row in shop.products() {
        products.row(&product_id(row.number));
        let values = [
            Value::Text(&row.title),
            text(row.aisle),
            text(row.category),
            Value::Text(row.brand),
            Value::Number(f64::from(row.price) / 100.0),
            Value::Tags(&row.tags),
            Value::Date(row.launched.div_euclid(DAY) as i32),
        ];
        set(&mut products, &values)?;
    }

    let mut campaigns = TableBuilder::new(schema(&[
        ("name", Text),
        ("category", Text),
        ("sent_at", Date),
        ("holdout_share", Number),
    ]));
    for row in shop.campaign_rows() {
        campaigns.row(&campaign_id(row.number));
        let sent = Value::Date(row.sent.div_euclid(DAY) as i32);
        let holdout = Value::Number((f64::from(row.holdout_share) * 1_000.0).round() / 1_000.0);
        set(&mut campaigns, &[Value::Text(&row.name), text(row.category), sent, holdout])?;
    }

    let mut events = EventTable::with_capacity(chunks.iter().map(|chunk| chunk.events.len()).sum());
    for row in chunks.iter().flat_map(|chunk| &chunk.events) {
        push(&mut events, row)?;
    }
    Records::new(customers.finish(), products.finish(), campaigns.finish(), events)
}

fn set(table: &mut TableBuilder, values: &[Value<'_>]) -> clew_crm::Result<()> {
    values.iter().enumerate().try_for_each(|(column, value)| table.set(column, *value))
}

fn push(events: &mut EventTable, row: &EventRow) -> clew_crm::Result<()> {
    let (product, campaign) = (row.product.map(product_id), row.campaign.map(campaign_id));
    let basket = (row.basket > 0).then(|| format!("B{:07}-{}", row.customer, row.basket));
    events.push(&clew_crm::EventRow {
        kind: row.kind.name(),
        customer: &customer_id(row.customer),
        at: row.at,
        product: product.as_deref(),
        quantity: (row.quantity > 0).then_some(f32::from(row.quantity)),
        // Through the decimal that a file would hold, so that both ways give the same bits.
        revenue: (row.revenue > 0).then_some((f64::from(row.revenue) / 100.0) as f32),
        campaign: campaign.as_deref(),
        query: Some(row.query),
        basket: basket.as_deref(),
    })
}

/// The id of a customer's number.
#[must_use]
pub fn customer_id(number: u32) -> String {
    format!("C{number:07}")
}

/// The id of a product's number.
#[must_use]
pub fn product_id(number: u32) -> String {
    format!("P{number:07}")
}

/// The id of a campaign's number.
#[must_use]
pub fn campaign_id(number: u16) -> String {
    format!("M{number:04}")
}
