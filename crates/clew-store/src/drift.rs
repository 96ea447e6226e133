//! Drift: the last look at whether what came still looks like what the live model learned from.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::Result;
use crate::job::{self, Job, NewJob};
use crate::model;
use crate::scope::Tenant;

/// The kind of the jobs that look for drift; their payload is empty.
pub const JOB_KIND: &str = "drift";

/// Minutes between two looks, at least: a look opens the whole history, and imports may come by the minute.
const PAUSE_MINUTES: i32 = 10;

/// A row of `drifts`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Drift {
    /// The model that answered.
    pub model_id: Uuid,
    /// The last write that was looked at.
    pub batch: i64,
    /// What was found, as `clew_crm::drift` says it.
    pub found: Value,
    /// When.
    pub checked_at: DateTime<Utc>,
}

/// Asks for a look, once there is a model that answers and unless one waits already. Belongs into the transaction of
/// what came.
pub async fn enqueue(tenant: &mut Tenant<'_>) -> Result<Option<Job>> {
    let tenant_id = tenant.id();
    if model::find_active(tenant).await?.is_none() {
        return Ok(None);
    }
    let waits: bool = sqlx::query_scalar(
        "select exists (select from jobs where tenant_id = $1 and kind = $2 and state = 'queued')",
    )
    .bind(tenant_id)
    .bind(JOB_KIND)
    .fetch_one(tenant.connection())
    .await?;
    if waits {
        return Ok(None);
    }
    let job = job::enqueue(tenant, &NewJob::new(JOB_KIND, json!({}))).await?;
    let job = sqlx::query_as(
        "update jobs set run_at = greatest(run_at,
             (select checked_at + make_interval(mins => $3) from drifts where tenant_id = $1))
         where tenant_id = $1 and id = $2 returning *",
    )
    .bind(tenant_id)
    .bind(job.id)
    .bind(PAUSE_MINUTES)
    .fetch_one(tenant.connection())
    .await?;
    Ok(Some(job))
}

/// Writes what a look has found, in place of the one before.
pub async fn put(tenant: &mut Tenant<'_>, model_id: Uuid, batch: i64, found: &Value) -> Result<()> {
    let tenant_id = tenant.id();
    sqlx::query(
        "insert into drifts (tenant_id, model_id, batch, found) values ($1, $2, $3, $4)
         on conflict (tenant_id) do update set model_id = excluded.model_id, batch = excluded.batch,
             found = excluded.found, checked_at = now()",
    )
    .bind(tenant_id)
    .bind(model_id)
    .bind(batch)
    .bind(found)
    .execute(tenant.connection())
    .await?;
    Ok(())
}

/// The last look, if it was at the model that answers now.
pub async fn find(tenant: &mut Tenant<'_>) -> Result<Option<Drift>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "select drifts.* from drifts join models on models.tenant_id = drifts.tenant_id
             and models.id = drifts.model_id and models.active
         where drifts.tenant_id = $1",
    )
    .bind(tenant_id)
    .fetch_optional(tenant.connection())
    .await?)
}
