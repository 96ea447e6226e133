//! Events past their days: removed in batches, the oldest first, each batch in a transaction of its own.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::{Days, note_copies};
use crate::data;
use crate::entity::Entity;
use crate::erasure::removed;
use crate::error::Result;
use crate::scope::Tenant;

/// Kinds of events that are kept equally long, and of which some are older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastDays {
    days: i32,
    kinds: Vec<String>,
}

/// Where to go on: behind the last event that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    occurred_at: DateTime<Utc>,
    event_key: Vec<u8>,
}

impl Position {
    /// Before the first event.
    pub fn start() -> Self {
        Self { occurred_at: DateTime::<Utc>::UNIX_EPOCH, event_key: Vec::new() }
    }
}

/// What a batch has removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// How many events.
    pub n_events: u64,
    /// The first days of the months that they were of.
    pub months: BTreeSet<NaiveDate>,
    /// Where to go on.
    pub last: Position,
}

/// The tenant's kinds of events of which some are past their days. The totals tell; no event is read.
pub async fn past_days(tenant: &mut Tenant<'_>, days: &Days) -> Result<Vec<PastDays>> {
    let tenant_id = tenant.id();
    let kinds: Vec<(String, f64)> = sqlx::query_as(
        "select kind, extract(epoch from now() - first_at)::float8 / 86400 from data_counts
         where tenant_id = $1 and entity = 'events' and kind <> '' and n_rows > 0 and first_at is not null
         order by kind",
    )
    .bind(tenant_id)
    .fetch_all(tenant.connection())
    .await?;
    let mut groups: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for (kind, age) in kinds {
        if let Some(days) = days.of_kind(&kind).filter(|days| age > f64::from(*days)) {
            groups.entry(days).or_default().push(kind);
        }
    }
    Ok(groups.into_iter().map(|(days, kinds)| PastDays { days, kinds }).collect())
}

/// Removes up to `limit` of the events after a position that are past their days; none when no more are. They are
/// looked for before the lock of imports is taken, which is held for the removal alone.
pub async fn remove_events(
    tenant: &mut Tenant<'_>,
    past: &PastDays,
    after: &Position,
    limit: i64,
) -> Result<Option<Removed>> {
    let tenant_id = tenant.id();
    let found: Vec<(DateTime<Utc>, Vec<u8>)> = sqlx::query_as(
        "select occurred_at, event_key from events
         where tenant_id = $1 and occurred_at < now() - make_interval(days => $2) and kind = any ($3)
             and (occurred_at, event_key) > ($4, $5)
         order by occurred_at, event_key limit $6",
    )
    .bind(tenant_id)
    .bind(past.days)
    .bind(&past.kinds)
    .bind(after.occurred_at)
    .bind(&after.event_key)
    .bind(limit)
    .fetch_all(tenant.connection())
    .await?;
    let (at, keys): (Vec<DateTime<Utc>>, Vec<Vec<u8>>) = found.into_iter().unzip();
    let (Some(last_at), Some(last_key)) = (at.last(), keys.last()) else { return Ok(None) };
    let last = Position { occurred_at: *last_at, event_key: last_key.clone() };
    let months = at.iter().filter_map(|at| at.date_naive().with_day(1)).collect();
    crate::tenant::next_batch(tenant).await?;
    let gone: Vec<(String, i64)> = sqlx::query_as(
        "with gone as (
             delete from events using unnest($2::timestamptz[], $3::bytea[]) as past (occurred_at, event_key)
             where tenant_id = $1 and events.occurred_at = past.occurred_at and events.event_key = past.event_key
             returning kind
         )
         select kind, count(*) from gone group by kind order by kind",
    )
    .bind(tenant_id)
    .bind(&at)
    .bind(&keys)
    .fetch_all(tenant.connection())
    .await?;
    let mut n_events = 0;
    for (kind, n_rows) in gone {
        n_events += n_rows.unsigned_abs();
        data::add(tenant, &removed(Entity::Events, kind, n_rows)).await?;
    }
    note_copies(tenant).await?;
    Ok(Some(Removed { n_events, months, last }))
}

/// Looks anew for the time of the first event of these kinds, after some were removed.
pub async fn count_again(tenant: &mut Tenant<'_>, past: &PastDays) -> Result<()> {
    let tenant_id = tenant.id();
    crate::tenant::next_batch(tenant).await?;
    for kind in &past.kinds {
        sqlx::query(
            "update data_counts set
                 first_at = case when n_rows > 0 then
                     (select occurred_at from events where tenant_id = $1 and kind = $2 order by occurred_at limit 1) end,
                 last_at = case when n_rows > 0 then last_at end
             where tenant_id = $1 and entity = 'events' and kind = $2",
        )
        .bind(tenant_id)
        .bind(kind)
        .execute(tenant.connection())
        .await?;
    }
    Ok(())
}
