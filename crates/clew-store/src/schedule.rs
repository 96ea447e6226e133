//! Schedules: when a tenant's models are trained without anybody asking.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{self, Model, NewModel};
use crate::queue::Queue;
use crate::scope::Tenant;

/// Tenants whose training is due that are told of at once.
const N_DUE: i64 = 100;

/// A row of `schedules`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Schedule {
    /// Days between two trainings; none when only drift decides.
    pub every_days: Option<i32>,
    /// Train when what came no longer looks like what the live model learned from.
    pub at_drift: bool,
    /// Days in which a purchase counts.
    pub horizon_days: i32,
    /// When the next training is due.
    pub next_at: Option<DateTime<Utc>>,
    /// The last model that it asked for.
    pub last_model_id: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a person writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchedule {
    /// Days between two trainings.
    pub every_days: Option<i32>,
    /// Train at drift.
    pub at_drift: bool,
    /// Days in which a purchase counts.
    pub horizon_days: i32,
}

/// Why a training was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its day has come.
    Due,
    /// What came no longer looks like what the live model learned from.
    Drift,
}

/// Writes the tenant's schedule, in place of another. The first training is due `every_days` from now; that of a
/// schedule whose days stay the same stays where it was.
pub async fn put(tenant: &mut Tenant<'_>, new: &NewSchedule) -> Result<Schedule> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "insert into schedules as schedule (tenant_id, every_days, at_drift, horizon_days, next_at)
         values ($1, $2, $3, $4, now() + make_interval(days => $2))
         on conflict (tenant_id) do update set
             next_at = case when schedule.every_days = excluded.every_days then schedule.next_at
                 else excluded.next_at end,
             every_days = excluded.every_days, at_drift = excluded.at_drift,
             horizon_days = excluded.horizon_days, updated_at = now()
         returning *",
    )
    .bind(tenant_id)
    .bind(new.every_days)
    .bind(new.at_drift)
    .bind(new.horizon_days)
    .fetch_one(tenant.connection())
    .await?)
}

/// The tenant's schedule.
pub async fn find(tenant: &mut Tenant<'_>) -> Result<Option<Schedule>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as("select * from schedules where tenant_id = $1")
        .bind(tenant_id)
        .fetch_optional(tenant.connection())
        .await?)
}

/// Deletes the tenant's schedule.
pub async fn delete(tenant: &mut Tenant<'_>) -> Result<()> {
    let tenant_id = tenant.id();
    let done = sqlx::query("delete from schedules where tenant_id = $1")
        .bind(tenant_id)
        .execute(tenant.connection())
        .await?;
    if done.rows_affected() == 0 { Err(Error::Missing { what: "schedule" }) } else { Ok(()) }
}

/// Asks for the training that the schedule wants now, if it does; two who ask at once ask for one. When it is due,
/// the next is set. Nothing is asked for while a training waits or runs; nor, at drift, within a day of the last
/// model, so that a new one that is held back is not trained again at every import.
pub async fn ask(tenant: &mut Tenant<'_>, reason: Reason) -> Result<Option<Model>> {
    let tenant_id = tenant.id();
    let statement = match reason {
        Reason::Due => {
            "update schedules set next_at = now() + make_interval(days => every_days)
             where tenant_id = $1 and next_at <= now() returning *"
        }
        Reason::Drift => "select * from schedules where tenant_id = $1 and at_drift for update",
    };
    let schedule: Option<Schedule> =
        sqlx::query_as(statement).bind(tenant_id).fetch_optional(tenant.connection()).await?;
    let Some(schedule) = schedule else { return Ok(None) };
    let busy: bool = sqlx::query_scalar(
        "select exists (select from jobs where tenant_id = $1 and kind = $2 and state in ('queued', 'running'))
             or $3 and exists (select from models
                 where tenant_id = $1 and created_at > now() - interval '1 day')",
    )
    .bind(tenant_id)
    .bind(model::JOB_KIND)
    .bind(reason == Reason::Drift)
    .fetch_one(tenant.connection())
    .await?;
    if busy {
        return Ok(None);
    }
    let asked_by = match reason {
        Reason::Due => "schedule",
        Reason::Drift => "drift",
    };
    let new = NewModel {
        as_of: None,
        horizon_days: schedule.horizon_days,
        seed: 0,
        params: json!({ "activate": true, "asked_by": asked_by }),
        request_id: None,
    };
    let (row, _) = model::enqueue(tenant, &new).await?;
    sqlx::query("update schedules set last_model_id = $2 where tenant_id = $1")
        .bind(tenant_id)
        .bind(row.id)
        .execute(tenant.connection())
        .await?;
    Ok(Some(row))
}

impl Queue {
    /// Tenants whose training is due, the longest overdue first. Call [`ask`] for each.
    pub async fn due(&self) -> Result<Vec<Uuid>> {
        let mut transaction = self.begin().await?;
        let tenants = sqlx::query_scalar(
            "select tenant_id from schedules where next_at <= now() order by next_at, tenant_id limit $1",
        )
        .bind(N_DUE)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(tenants)
    }
}
