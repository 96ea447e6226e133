//! Events that come in a request: few, checked all together, written at once.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Row;

use super::event::{Months, check_kinds, ensure_months};
use super::{Fault, NewEvent, Taken};
use crate::data::{self, Change};
use crate::entity::Entity;
use crate::erased::Gate;
use crate::error::{Error, Result};
use crate::event_key;
use crate::intake::{EARLIEST, EventRow, LARGEST, MAX_ID, MAX_QUERY, canonical_kind};
use crate::scope::Tenant;

const DAY: i64 = 86_400_000_000;

/// All that is wrong with the events of a request.
pub(crate) fn check(events: &[NewEvent], now: DateTime<Utc>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let mut fault = |field: &'static str, detail: String| faults.push(Fault { index, field, detail });
        if let Err(reason) = canonical_kind(&event.kind) {
            fault("kind", reason);
        }
        if event.customer_id.trim().is_empty() {
            fault("customer_id", "must not be empty".to_owned());
        }
        let ids = [
            ("customer_id", Some(&event.customer_id)),
            ("product_id", event.product_id.as_ref()),
            ("campaign_id", event.campaign_id.as_ref()),
            ("basket_id", event.basket_id.as_ref()),
            ("event_id", event.event_id.as_ref()),
        ];
        for (field, text) in ids {
            match text {
                Some(text) if text.len() > MAX_ID => {
                    fault(field, format!("must have at most {MAX_ID} bytes"))
                }
                Some(text) if text.contains('\0') => fault(field, "must not hold a zero byte".to_owned()),
                _ => {}
            }
        }
        for (field, number) in [("quantity", event.quantity), ("revenue", event.revenue)] {
            if number.is_some_and(|number| number.is_nan() || number.abs() > LARGEST) {
                fault(field, "must be a number from -1e15 to 1e15".to_owned());
            }
        }
        if let Some(at) = event.occurred_at.map(|at| at.timestamp_micros()) {
            if at < EARLIEST {
                fault("occurred_at", "must not be before 1990".to_owned());
            } else if at > now.timestamp_micros() + DAY {
                fault("occurred_at", "is in the future; only what has happened is an event".to_owned());
            }
        }
    }
    faults
}

/// The words searched for, cut as those of a file are.
fn searched(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_QUERY)]
}

/// Columns of the events, as Postgres takes them.
#[derive(Default)]
struct Columns<'a> {
    occurred_at: Vec<DateTime<Utc>>,
    event_key: Vec<Vec<u8>>,
    quantity: Vec<Option<f64>>,
    revenue: Vec<Option<f64>>,
    kind: Vec<&'a str>,
    customer_id: Vec<&'a str>,
    product_id: Vec<Option<&'a str>>,
    campaign_id: Vec<Option<&'a str>>,
    basket_id: Vec<Option<&'a str>>,
    query: Vec<Option<&'a str>>,
}

fn months_of(events: &[NewEvent], now: DateTime<Utc>) -> Vec<NaiveDate> {
    let mut months = Months::default();
    events.iter().for_each(|event| months.add(event.occurred_at.unwrap_or(now).timestamp_micros()));
    months.seen.into_iter().collect()
}

/// Writes the events of a request.
pub(crate) async fn insert(
    tenant: &mut Tenant<'_>,
    events: &[NewEvent],
    now: DateTime<Utc>,
) -> Result<Taken> {
    if let Some(fault) = check(events, now).first() {
        return Err(Error::input(format!("events[{}].{}", fault.index, fault.field), fault.detail.clone()));
    }
    if events.is_empty() {
        return Ok(Taken::default());
    }
    let mut columns = Columns::default();
    let kinds: Vec<String> = events
        .iter()
        .map(|event| canonical_kind(&event.kind).map_err(|reason| Error::input("events: kind", reason)))
        .collect::<Result<_>>()?;
    // Under the lock that erasures take too.
    ensure_months(tenant, months_of(events, now)).await?;
    let batch = crate::tenant::next_batch(tenant).await?;
    let gate = Gate::open(tenant, false).await?;
    let mut n_refused = 0;
    for (event, kind) in events.iter().zip(&kinds) {
        if gate.refuses(event.customer_id.trim()) {
            n_refused += 1;
            continue;
        }
        fn text(text: Option<&String>) -> Option<&str> {
            text.map(|text| text.trim()).filter(|text| !text.is_empty())
        }
        let occurred_at = event.occurred_at.unwrap_or(now);
        let row = EventRow {
            line: 0,
            kind,
            customer_id: event.customer_id.trim(),
            occurred_at: occurred_at.timestamp_micros(),
            product_id: text(event.product_id.as_ref()),
            quantity: event.quantity,
            revenue: event.revenue,
            campaign_id: text(event.campaign_id.as_ref()),
            query: text(event.query.as_ref()).map(searched),
            basket_id: text(event.basket_id.as_ref()),
            event_id: text(event.event_id.as_ref()),
        };
        columns.occurred_at.push(occurred_at);
        columns.event_key.push(event_key::of(&row).to_vec());
        columns.quantity.push(row.quantity);
        columns.revenue.push(row.revenue);
        columns.customer_id.push(row.customer_id);
        columns.product_id.push(row.product_id);
        columns.campaign_id.push(row.campaign_id);
        columns.basket_id.push(row.basket_id);
        columns.query.push(row.query);
        columns.kind.push(kind);
    }
    let tenant_id = tenant.id();
    let written = sqlx::query(
        "with written as (
             insert into events (tenant_id, occurred_at, event_key, batch, quantity, revenue, kind, customer_id,
                 product_id, campaign_id, basket_id, query)
             select $1, occurred_at, event_key, $2, quantity, revenue, kind, customer_id,
                 product_id, campaign_id, basket_id, query
             from unnest($3::timestamptz[], $4::bytea[], $5::double precision[], $6::double precision[], $7::text[],
                 $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
                 as incoming (occurred_at, event_key, quantity, revenue, kind, customer_id, product_id, campaign_id,
                     basket_id, query)
             on conflict do nothing
             returning kind, occurred_at
         )
         select kind, count(*) as n, min(occurred_at) as first_at, max(occurred_at) as last_at
         from written group by kind order by kind",
    )
    .bind(tenant_id)
    .bind(batch)
    .bind(&columns.occurred_at)
    .bind(&columns.event_key)
    .bind(&columns.quantity)
    .bind(&columns.revenue)
    .bind(&columns.kind)
    .bind(&columns.customer_id)
    .bind(&columns.product_id)
    .bind(&columns.campaign_id)
    .bind(&columns.basket_id)
    .bind(&columns.query)
    .fetch_all(tenant.connection())
    .await?;
    let mut taken = Taken { n_refused, ..Taken::default() };
    let entity = Entity::Events;
    for row in written {
        let n_rows: i64 = row.try_get("n")?;
        let change = Change {
            entity,
            kind: row.try_get("kind")?,
            n_rows,
            n_duplicates: 0,
            n_rejected: 0,
            first_at: row.try_get("first_at")?,
            last_at: row.try_get("last_at")?,
        };
        data::add(tenant, &change).await?;
        taken.n_accepted += n_rows.unsigned_abs();
    }
    check_kinds(tenant).await?;
    taken.n_duplicates = (events.len() as u64).saturating_sub(taken.n_accepted + n_refused);
    if taken.n_duplicates > 0 {
        let n_duplicates = taken.n_duplicates as i64;
        let kind = String::new();
        let change =
            Change { entity, kind, n_rows: 0, n_duplicates, n_rejected: 0, first_at: None, last_at: None };
        data::add(tenant, &change).await?;
    }
    Ok(taken)
}
