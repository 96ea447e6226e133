//! Retention: how long a tenant keeps events by kind, customers who are in touch no more, and the audit log. Nothing is
//! removed until an owner says so; a job removes what is past its days once a day. Days are counted by Postgres's
//! clock alone, so that a machine whose clock runs ahead removes nothing early.

mod contact;
mod customer;
mod days;
mod event;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::job::{self, Job, NewJob};
use crate::queue::Queue;
use crate::scope::Tenant;

pub use contact::learn_contacts;
pub use customer::erase_inactive;
pub use days::{
    Days, Fault, MAX_DAYS, MIN_AUDIT_DAYS, MIN_EVENTS_DAYS, MIN_INACTIVE_CUSTOMERS_DAYS, NO_CONTACT,
};
pub use event::{PastDays, Position, Removed, count_again, past_days, remove_events};

/// The kind of the jobs that remove what is past its days; their payload is empty.
pub const JOB_KIND: &str = "retain";

/// Tenants whose day has come that are told of at once.
const N_DUE: i64 = 100;

/// What a tenant keeps, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Retention {
    /// What counts now.
    pub in_force: Json<Days>,
    /// What was written last and does not count yet.
    pub next: Option<Json<Days>>,
    /// When that counts.
    pub next_from: Option<DateTime<Utc>>,
    /// When what is past its days was last removed.
    pub last_at: Option<DateTime<Utc>>,
    /// Rows were removed, and copies of them (snapshots, files that came in) may be left.
    pub has_copies: bool,
}

impl Retention {
    /// The days by which is removed now: while a change waits, only what both would remove. So a day that was
    /// lengthened keeps at once.
    pub fn removing(&self) -> Days {
        match &self.next {
            Some(next) => self.in_force.longer(next),
            None => self.in_force.0.clone(),
        }
    }
}

/// Writes what the tenant wants to keep. It counts a day from now; until then what counted goes on, and what waited is
/// forgotten.
///
/// # Errors
/// [`Error::Input`] for the first of [`Days::checked`]'s faults.
pub async fn put(tenant: &mut Tenant<'_>, days: &Days) -> Result<Retention> {
    let days = days.checked().map_err(|faults| match faults.into_iter().next() {
        Some(fault) => Error::input(fault.place(), fault.detail),
        None => Error::input("retention", "cannot be taken"),
    })?;
    let tenant_id = tenant.id();
    sqlx::query(
        "insert into retentions as kept (tenant_id, next, next_from, next_at)
         values ($1, $2, now() + interval '24 hours', now() + interval '24 hours')
         on conflict (tenant_id) do update set
             in_force = case when kept.next_from <= now() then kept.next else kept.in_force end,
             next = excluded.next, next_from = excluded.next_from, updated_at = now()",
    )
    .bind(tenant_id)
    .bind(Json(&days))
    .execute(tenant.connection())
    .await?;
    find(tenant).await
}

/// What the tenant keeps; everything for ever when it never said anything.
pub async fn find(tenant: &mut Tenant<'_>) -> Result<Retention> {
    let tenant_id = tenant.id();
    let found = sqlx::query_as(
        "select case when next_from <= now() then next else in_force end as in_force,
             case when next_from > now() then next end as next,
             case when next_from > now() then next_from end as next_from, last_at, has_copies
         from retentions where tenant_id = $1",
    )
    .bind(tenant_id)
    .fetch_optional(tenant.connection())
    .await?;
    Ok(found.unwrap_or_else(|| Retention {
        in_force: Json(Days::default()),
        next: None,
        next_from: None,
        last_at: None,
        has_copies: false,
    }))
}

/// Asks for the removal that is due, if one is; two who ask at once ask for one. The next is due a day later. Nothing is
/// asked for while one waits or runs, nor when everything is kept for ever.
pub async fn ask(tenant: &mut Tenant<'_>) -> Result<Option<Job>> {
    let tenant_id = tenant.id();
    let is_due: Option<bool> = sqlx::query_scalar(
        "update retentions set next_at = now() + interval '24 hours'
         where tenant_id = $1 and next_at <= now()
         returning not exists (select from jobs
             where tenant_id = $1 and kind = $2 and state in ('queued', 'running'))",
    )
    .bind(tenant_id)
    .bind(JOB_KIND)
    .fetch_optional(tenant.connection())
    .await?;
    if is_due != Some(true) {
        return Ok(None);
    }
    let retention = find(tenant).await?;
    if !retention.removing().removes() && !retention.has_copies {
        return Ok(None);
    }
    job::enqueue(tenant, &NewJob::new(JOB_KIND, json!({}))).await.map(Some)
}

/// Says that rows were removed, in the transaction that removes them: copies of them are to be cleared before the job
/// ends, by whoever runs it.
async fn note_copies(tenant: &mut Tenant<'_>) -> Result<()> {
    let tenant_id = tenant.id();
    sqlx::query("update retentions set has_copies = true where tenant_id = $1")
        .bind(tenant_id)
        .execute(tenant.connection())
        .await?;
    Ok(())
}

/// Makes snapshots of before worth nothing: those of the next epoch are made from the rows that are left. Comes before
/// the snapshot is made anew.
pub async fn outdate_copies(tenant: &mut Tenant<'_>) -> Result<()> {
    crate::erasure::raise_epoch(tenant).await
}

/// Notes that what was past its days is gone, and its copies with it. Belongs into the transaction of [`job::finish`].
pub async fn finish(tenant: &mut Tenant<'_>) -> Result<()> {
    let tenant_id = tenant.id();
    sqlx::query("update retentions set has_copies = false, last_at = now() where tenant_id = $1")
        .bind(tenant_id)
        .execute(tenant.connection())
        .await?;
    Ok(())
}

impl Queue {
    /// Tenants from whose rows what is past its days is to be removed, the longest overdue first. Call [`ask`] for each.
    pub async fn due_retentions(&self) -> Result<Vec<Uuid>> {
        let mut transaction = self.begin().await?;
        let tenants = sqlx::query_scalar(
            "select tenant_id from retentions where next_at <= now() order by next_at, tenant_id limit $1",
        )
        .bind(N_DUE)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(tenants)
    }
}
