//! Events: added, never changed; one that was there already is a duplicate.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use clew_learn::Progress;

use super::pipe::{Listing, RowSink, copy};
use crate::data::{self, Change};
use crate::entity::Entity;
use crate::erased::{Gate, Incoming};
use crate::error::{Error, Result};
use crate::event_key;
use crate::intake::{EventFile, FileReport};
use crate::mapping::EntityMapping;
use crate::scope::Tenant;

/// Whose events a file brings.
const INCOMING: Incoming = Incoming {
    ids: "select distinct customer_id from incoming_events",
    delete: "delete from incoming_events where customer_id = any ($1)",
};

pub(crate) struct Written {
    pub(crate) report: FileReport,
    pub(crate) n_orphans: u64,
    pub(crate) n_new: u64,
    pub(crate) batch: i64,
}

pub(crate) async fn run(
    tenant: &mut Tenant<'_>,
    file: crate::intake::File,
    mapping: EntityMapping,
    listing: &Listing,
    gate: &Gate,
    now: DateTime<Utc>,
    progress: Arc<dyn Progress + Send + Sync>,
) -> Result<Written> {
    let tenant_id = tenant.id();
    let connection = tenant.connection();
    sqlx::query("drop table if exists pg_temp.incoming_events").execute(&mut *connection).await?;
    sqlx::query(
        "create temporary table incoming_events
             (occurred_at timestamptz not null, event_key bytea not null, quantity double precision,
              revenue double precision, kind text not null, customer_id text not null, product_id text,
              campaign_id text, basket_id text, query text) on commit drop",
    )
    .execute(&mut *connection)
    .await?;
    let weights = mapping.weights.clone();
    let sink = listing.sink();
    let refuser = gate.refuser();
    let told = Arc::clone(&progress);
    let read = move |rows: &mut RowSink| -> Result<(FileReport, BTreeSet<NaiveDate>)> {
        let mut file = EventFile::open(&file, &mapping, Some(now))?;
        file.reject_to(sink);
        file.refuse(refuser);
        let mut months = Months::default();
        let mut n = 0_u64;
        loop {
            if n.is_multiple_of(1 << 15) {
                told.report("reading", 0.4 * file.share());
            }
            n += 1;
            let Some(row) = file.next()? else { break };
            months.add(row.occurred_at);
            let out = rows.rows();
            out.row(10);
            out.time(Some(row.occurred_at));
            out.field(Some(&event_key::of(&row)));
            out.number(row.quantity);
            out.number(row.revenue);
            out.text(Some(row.kind));
            out.text(Some(row.customer_id));
            out.text(row.product_id);
            out.text(row.campaign_id);
            out.text(row.basket_id);
            out.text(row.query);
            if !rows.flush() {
                break;
            }
        }
        Ok((file.finish()?, months.seen))
    };
    let statement = "copy incoming_events (occurred_at, event_key, quantity, revenue, kind, customer_id, product_id, \
                     campaign_id, basket_id, query) from stdin (format binary)";
    let ((mut report, months), mut n_sent) = copy(connection, statement, read).await?;

    progress.report("writing", 0.4);
    ensure_months(tenant, months.into_iter().collect()).await?;
    let batch = crate::tenant::next_batch(tenant).await?;
    let n_late = gate.turn_away(tenant, &INCOMING).await?;
    n_sent -= n_late;
    report.refuse_late(n_late);
    let n_new = sqlx::query(
        "insert into events (tenant_id, occurred_at, event_key, batch, quantity, revenue, kind, customer_id,
             product_id, campaign_id, basket_id, query)
         select $1, occurred_at, event_key, $2, quantity, revenue, kind, customer_id,
             product_id, campaign_id, basket_id, query
         from incoming_events
         on conflict do nothing",
    )
    .bind(tenant_id)
    .bind(batch)
    .execute(tenant.connection())
    .await?
    .rows_affected();
    progress.report("counting", 0.9);
    let n_duplicates = n_sent.saturating_sub(n_new);
    count(tenant, batch, n_new, n_duplicates, report.n_rejected).await?;
    check_kinds(tenant).await?;
    write_weights(tenant, &weights).await?;
    let n_orphans = count_orphans(tenant).await?;
    report.n_duplicates = n_duplicates;
    report.n_orphans = n_orphans;
    if n_duplicates > 0 {
        report.note(
            "duplicates",
            n_duplicates,
            format!("{n_duplicates} events were there already and are not doubled"),
        );
    }
    if n_orphans > 0 {
        let message = format!("{n_orphans} events are of customers or products not known yet; they are kept");
        report.note("orphans", n_orphans, message);
    }
    Ok(Written { report, n_orphans, n_new, batch })
}

/// The most kinds of events, ours and the tenant's own: each is a byte in memory.
const MAX_KINDS: i64 = 240;

/// Refuses more kinds of events than can be told apart: no snapshot could be made any more.
pub(crate) async fn check_kinds(tenant: &mut Tenant<'_>) -> Result<()> {
    let tenant_id = tenant.id();
    let n: i64 = sqlx::query_scalar(
        "select count(*) from data_counts where tenant_id = $1 and entity = 'events' and kind <> ''",
    )
    .bind(tenant_id)
    .fetch_one(tenant.connection())
    .await?;
    if n > MAX_KINDS {
        return Err(Error::input(
            "events: kind",
            format!(
                "would bring the kinds of events to {n}; at most {MAX_KINDS} are understood, map them to fewer names"
            ),
        ));
    }
    Ok(())
}

/// Adds up what was written, by kind.
async fn count(
    tenant: &mut Tenant<'_>,
    batch: i64,
    n_new: u64,
    n_duplicates: u64,
    n_rejected: u64,
) -> Result<()> {
    let tenant_id = tenant.id();
    type Row = (String, i64, DateTime<Utc>, DateTime<Utc>);
    let rows: Vec<Row> = if n_duplicates == 0 {
        sqlx::query_as(
            "select kind, count(*), min(occurred_at), max(occurred_at) from incoming_events group by kind",
        )
        .fetch_all(tenant.connection())
        .await?
    } else if n_new == 0 {
        Vec::new()
    } else {
        sqlx::query_as(
            "select kind, count(*), min(occurred_at), max(occurred_at) from events
             where tenant_id = $1 and batch = $2 group by kind",
        )
        .bind(tenant_id)
        .bind(batch)
        .fetch_all(tenant.connection())
        .await?
    };
    for (kind, n_rows, first_at, last_at) in rows {
        let (first_at, last_at) = (Some(first_at), Some(last_at));
        let entity = Entity::Events;
        data::add(
            tenant,
            &Change { entity, kind, n_rows, n_duplicates: 0, n_rejected: 0, first_at, last_at },
        )
        .await?;
    }
    if n_duplicates + n_rejected > 0 {
        let change = Change {
            entity: Entity::Events,
            kind: String::new(),
            n_rows: 0,
            n_duplicates: n_duplicates as i64,
            n_rejected: n_rejected as i64,
            first_at: None,
            last_at: None,
        };
        data::add(tenant, &change).await?;
    }
    Ok(())
}

async fn write_weights(
    tenant: &mut Tenant<'_>,
    weights: &std::collections::BTreeMap<String, f64>,
) -> Result<()> {
    let tenant_id = tenant.id();
    for (kind, weight) in weights {
        sqlx::query(
            "insert into event_kinds (tenant_id, kind, weight) values ($1, $2, $3)
             on conflict (tenant_id, kind) do update set weight = excluded.weight",
        )
        .bind(tenant_id)
        .bind(
            crate::intake::canonical_kind(kind)
                .map_err(|reason| crate::Error::input("mapping: events.weights", reason))?,
        )
        .bind(weight)
        .execute(tenant.connection())
        .await?;
    }
    Ok(())
}

/// Counts the file's events whose customer or product has no row (yet).
async fn count_orphans(tenant: &mut Tenant<'_>) -> Result<u64> {
    let tenant_id = tenant.id();
    sqlx::query("analyze incoming_events").execute(tenant.connection()).await?;
    let n: i64 = sqlx::query_scalar(
        "select count(*) from incoming_events
         left join customers on customers.tenant_id = $1 and customers.id = customer_id
         left join products on products.tenant_id = $1 and products.id = product_id
         where customers.id is null or (products.id is null and product_id is not null)",
    )
    .bind(tenant_id)
    .fetch_one(tenant.connection())
    .await?;
    Ok(n.unsigned_abs())
}

/// Makes the partitions that are missing. They are looked for on the transaction's own connection, since each one
/// that waited for a second would let a full pool wait for ever.
pub(crate) async fn ensure_months(tenant: &mut Tenant<'_>, months: Vec<NaiveDate>) -> Result<()> {
    // Until the commit no month is dropped: one that is there now will be there for the rows.
    sqlx::query("select pg_advisory_xact_lock_shared(hashtextextended('clew_events_month_drop', 0))")
        .execute(tenant.connection())
        .await?;
    let missing: Vec<NaiveDate> = sqlx::query_scalar(
        "select month from unnest($1::date[]) as month
         where to_regclass('public.events_' || to_char(month, 'YYYY_MM')) is null",
    )
    .bind(&months)
    .fetch_all(tenant.connection())
    .await?;
    if !missing.is_empty() {
        tenant.store.ensure_months(&missing).await?;
    }
    Ok(())
}

/// The months that times lie in.
#[derive(Default)]
pub(crate) struct Months {
    pub(crate) seen: BTreeSet<NaiveDate>,
    /// The bounds of the month seen last, since times mostly come in order.
    last: Option<(i64, i64)>,
}

impl Months {
    pub(crate) fn add(&mut self, micros: i64) {
        const DAY: i64 = 86_400_000_000;
        if self.last.is_some_and(|(from, until)| (from..until).contains(&micros)) {
            return;
        }
        let Some(day) = DateTime::from_timestamp_micros(micros).map(|time| time.date_naive()) else { return };
        if let Some(first) = day.with_day(1) {
            self.seen.insert(first);
            let start = first.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros();
            self.last = Some((start, start + 28 * DAY));
        }
    }
}
