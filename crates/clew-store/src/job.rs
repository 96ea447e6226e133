//! Jobs as a tenant sees them: enqueued, watched, cancelled; and ended by the worker in the transaction of what
//! the job has made. The workers' side is in [`crate::queue`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::cursor::{Page, Paged};
use crate::error::{Error, Result};
use crate::scope::Tenant;
use crate::text_enum::text_enum;
use crate::webhook::{self, Event};

text_enum! {
    /// Where a job stands.
    pub enum State {
        /// Waiting for a worker.
        Queued = "queued",
        /// A worker holds its lease.
        Running = "running",
        /// Ended well.
        Succeeded = "succeeded",
        /// Ended badly; `error` says why.
        Failed = "failed",
        /// Ended because it was asked to.
        Cancelled = "cancelled",
    }
}

impl State {
    /// Has it ended?
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Why a job failed: a closed code for programs, a sentence with place and remedy for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// A word such as `not_enough_data`.
    pub code: String,
    /// What happened and what to do.
    pub detail: String,
}

/// A row of `jobs`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Job {
    /// The tenant whose job it is.
    pub tenant_id: Uuid,
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// What is to be done: `import`, `train`, …
    pub kind: String,
    /// Where it stands.
    pub state: State,
    /// What it is to be done with.
    pub payload: Value,
    /// How often it was claimed.
    pub attempt: i32,
    /// A job whose worker is lost is tried again while `attempt < max_attempts`.
    pub max_attempts: i32,
    /// Not before this time.
    pub run_at: DateTime<Utc>,
    /// The worker that holds, or last held, it.
    pub worker: Option<String>,
    /// Has somebody asked for its end?
    pub cancel_requested: bool,
    /// What it is at, in plain words.
    pub phase: Option<String>,
    /// Share done, 0..=1.
    pub progress: f64,
    /// Estimate of the seconds left.
    pub eta_seconds: Option<f64>,
    /// Why it failed.
    pub error: Option<Json<JobError>>,
    /// What it has made.
    pub result: Option<Value>,
    /// The request that enqueued it.
    pub request_id: Option<String>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When it was first claimed.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Job {
    /// What a worker that has claimed this row holds.
    pub fn ticket(&self) -> Ticket {
        Ticket { tenant_id: self.tenant_id, job_id: self.id, attempt: self.attempt }
    }
}

/// A job and the attempt at it: what a worker holds. It is worth nothing once another attempt has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The tenant whose job it is.
    pub tenant_id: Uuid,
    /// The job.
    pub job_id: Uuid,
    /// The attempt.
    pub attempt: i32,
}

/// A job to enqueue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What is to be done.
    pub kind: String,
    /// What it is to be done with.
    pub payload: Value,
    /// How often it may be claimed before a lost worker makes it fail.
    pub max_attempts: i32,
    /// The request that asked for it, for the logs.
    pub request_id: Option<String>,
}

impl NewJob {
    /// A job with the usual number of attempts.
    pub fn new(kind: impl Into<String>, payload: Value) -> Self {
        Self { kind: kind.into(), payload, max_attempts: 5, request_id: None }
    }
}

/// Enqueues a job; workers are woken at the commit.
pub async fn enqueue(tenant: &mut Tenant<'_>, new: &NewJob) -> Result<Job> {
    let tenant_id = tenant.id();
    let job = sqlx::query_as(
        "with job as (
             insert into jobs (tenant_id, id, kind, payload, max_attempts, request_id)
             values ($1, $2, $3, $4, $5, $6) returning *
         )
         select job.*, pg_notify('clew_job', '') from job",
    )
    .bind(tenant_id)
    .bind(Uuid::now_v7())
    .bind(&new.kind)
    .bind(&new.payload)
    .bind(new.max_attempts)
    .bind(&new.request_id)
    .fetch_one(tenant.connection())
    .await?;
    Ok(job)
}

/// A job by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Job>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as("select * from jobs where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .fetch_optional(tenant.connection())
        .await?)
}

/// All jobs, the newest first; of one kind or in one state when asked.
pub async fn list(
    tenant: &mut Tenant<'_>,
    kind: Option<&str>,
    state: Option<State>,
    page: &Page,
) -> Result<Paged<Job>> {
    let tenant_id = tenant.id();
    let filter = format!("{}/{}", kind.unwrap_or_default(), state.map(State::as_str).unwrap_or_default());
    let sealer = tenant.sealer("jobs", &filter).await?;
    let rows: Vec<Job> = sqlx::query_as(
        "select * from jobs
         where tenant_id = $1 and ($2::uuid is null or id < $2) and ($3::text is null or kind = $3)
             and ($4::text is null or state = $4)
         order by id desc limit $5",
    )
    .bind(tenant_id)
    .bind(sealer.position_uuid(page)?)
    .bind(kind)
    .bind(state)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// Asks for a job's end: a queued one is cancelled at once, a running one when its worker has heard of it, an
/// ended one stays as it is. Gives the row as it then is.
pub async fn cancel(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Job> {
    let tenant_id = tenant.id();
    sqlx::query_as(
        "with job as (
             update jobs set
                 cancel_requested = cancel_requested or state in ('queued', 'running'),
                 state = case state when 'queued' then 'cancelled' else state end,
                 finished_at = case state when 'queued' then now() else finished_at end
             where tenant_id = $1 and id = $2 returning *
         )
         select job.*, pg_notify('clew_job_changed', job.tenant_id || ':' || job.id) from job",
    )
    .bind(tenant_id)
    .bind(id)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "job" })
}

/// Ends a job well, in the transaction of what it has made. [`Error::LeaseLost`] when another attempt has begun
/// or the job has ended: then drop the transaction, and with it what was made.
pub async fn finish(tenant: &mut Tenant<'_>, ticket: Ticket, result: &Value) -> Result<Job> {
    let job: Option<Job> = sqlx::query_as(
        "with job as (
             update jobs set state = 'succeeded', progress = 1, eta_seconds = 0, phase = null, result = $4,
                 error = null, lease_until = null, finished_at = now()
             where tenant_id = $1 and id = $2 and attempt = $3 and state = 'running' returning *
         )
         select job.*, pg_notify('clew_job_changed', job.tenant_id || ':' || job.id) from job",
    )
    .bind(ticket.tenant_id)
    .bind(ticket.job_id)
    .bind(ticket.attempt)
    .bind(result)
    .fetch_optional(tenant.connection())
    .await?;
    let job = job.ok_or(Error::LeaseLost)?;
    tell(tenant, Event::JobSucceeded, job.id, &job.kind, None).await?;
    Ok(job)
}

/// Tells the tenant's webhooks of a job's end. Of deliveries' own ends nothing is told, which would have no end.
pub(crate) async fn tell(
    tenant: &mut Tenant<'_>,
    event: Event,
    id: Uuid,
    kind: &str,
    code: Option<&str>,
) -> Result<()> {
    if kind == webhook::JOB_KIND {
        return Ok(());
    }
    // The detail may quote a line of a file, so the word alone goes out; the API tells the rest.
    let error = code.map(|code| json!({ "code": code }));
    webhook::emit(tenant, event, &json!({ "job_id": id, "kind": kind, "error": error })).await
}
