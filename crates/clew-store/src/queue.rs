//! The queue of all tenants' jobs, for workers: claim, renew, fail, release, reap, listen.
//!
//! Leases are measured by Postgres's clock alone, so that workers whose clocks differ agree. Each call is one
//! short transaction as the role `clew_worker`, which sees jobs and nothing else.

use std::time::Duration;

use serde_json::json;
use sqlx::postgres::PgListener;
use sqlx::types::Json;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::job::{self, Job, JobError, State, Ticket};
use crate::scope::Tenant;
use crate::store::Store;
use crate::webhook::Event;

/// The jobs of all tenants, for workers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Store,
}

/// How a worker stands to its job after it has renewed the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It holds it; go on.
    Held,
    /// It holds it, and somebody has asked for the job's end: stop, then [`Queue::cancelled`].
    CancelRequested,
    /// Another has it, or it has ended: stop, and drop what was computed.
    Lost,
}

/// What a worker tells of a job when it renews the lease.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobProgress {
    /// What it is at, in plain words.
    pub phase: Option<String>,
    /// Share done, 0..=1.
    pub progress: f64,
    /// Estimate of the seconds left.
    pub eta_seconds: Option<f64>,
}

/// What became of the jobs whose lease had run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reaped {
    /// Back in the queue.
    pub n_requeued: u64,
    /// Out of attempts.
    pub n_failed: u64,
    /// Cancelled: their end had been asked for.
    pub n_cancelled: u64,
}

/// How many jobs of a kind are in a state, over all tenants; for metrics.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct QueueCount {
    /// What is to be done.
    pub kind: String,
    /// Where they stand.
    pub state: State,
    /// How many.
    pub n_jobs: i64,
}

/// News from the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// There may be something to claim.
    Queued,
    /// A job has moved: progress, end, or a wish for its end.
    Changed {
        /// The tenant whose job it is.
        tenant_id: Uuid,
        /// The job.
        job_id: Uuid,
    },
    /// The connection was lost and is back; anything may have happened meanwhile.
    Missed,
}

/// Hears of jobs as they are enqueued and change.
#[derive(Debug)]
pub struct Listener {
    listener: PgListener,
}

impl Listener {
    /// Waits for the next notice. It survives a restart of Postgres, and then gives [`Notice::Missed`].
    pub async fn recv(&mut self) -> Result<Notice> {
        let Some(notification) = self.listener.try_recv().await? else { return Ok(Notice::Missed) };
        let changed = notification.payload().split_once(':').and_then(|(tenant_id, job_id)| {
            Some(Notice::Changed { tenant_id: tenant_id.parse().ok()?, job_id: job_id.parse().ok()? })
        });
        Ok(changed.unwrap_or(Notice::Queued))
    }
}

impl Queue {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        let mut transaction = self.store.pool.begin().await?;
        sqlx::query("select set_config('role', 'clew_worker', true), set_config('clew.tenant', '', true)")
            .execute(&mut *transaction)
            .await?;
        Ok(transaction)
    }

    /// Claims up to `limit` jobs of these kinds for the length of `lease`, and gives them as they then are.
    ///
    /// Fair between tenants: each job counts as its place in its tenant's queue plus the tenant's running jobs, and
    /// the lowest counts go first; among equals the tenant that was served longest ago, so that a single place goes
    /// round too. Two claimers never get the same job: rows that another is claiming are skipped,
    /// and a row that another has claimed meanwhile no longer passes `state = 'queued'`.
    pub async fn claim(&self, worker: &str, kinds: &[&str], limit: u32, lease: Duration) -> Result<Vec<Job>> {
        let mut transaction = self.begin().await?;
        let jobs = sqlx::query_as(
            "with recursive
             -- The tenants that have something queued, by skipping through the index.
             waiting as (
                 (select tenant_id from jobs where state = 'queued' order by tenant_id limit 1)
                 union all
                 select (select tenant_id from jobs where state = 'queued' and tenant_id > waiting.tenant_id
                         order by tenant_id limit 1)
                 from waiting where waiting.tenant_id is not null
             ),
             running as (
                 select tenant_id, count(*) as n_jobs from jobs where state = 'running' group by tenant_id
             ),
             -- The first of each tenant; a few more than asked for, since some may be another claimer's.
             candidates as (
                 select first.tenant_id, first.id, first.run_at, first.place + coalesce(running.n_jobs, 0) as turn,
                     (select max(started_at) from jobs where tenant_id = waiting.tenant_id) as served_at
                 from waiting
                 cross join lateral (
                     select tenant_id, id, run_at, row_number() over (order by run_at, id) as place
                     from jobs
                     where tenant_id = waiting.tenant_id and state = 'queued' and run_at <= now() and kind = any ($2)
                     order by run_at, id
                     limit $3 + 16
                 ) first
                 left join running on running.tenant_id = first.tenant_id
             ),
             claimed as (
                 select jobs.tenant_id, jobs.id
                 from candidates join jobs on jobs.tenant_id = candidates.tenant_id and jobs.id = candidates.id
                 where jobs.state = 'queued'
                 order by candidates.turn, candidates.served_at nulls first, candidates.run_at, candidates.id
                 limit $3
                 for update of jobs skip locked
             )
             update jobs set state = 'running', worker = $1, attempt = attempt + 1,
                 lease_until = clock_timestamp() + make_interval(secs => $4),
                 started_at = coalesce(started_at, now()), progress = 0, phase = null, eta_seconds = null
             from claimed where jobs.tenant_id = claimed.tenant_id and jobs.id = claimed.id
             returning jobs.*",
        )
        .bind(worker)
        .bind(kinds)
        .bind(i64::from(limit))
        .bind(lease.as_secs_f64())
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(jobs)
    }

    /// Renews a lease and tells the progress. Call it at a third of the lease's length.
    pub async fn renew(&self, ticket: Ticket, lease: Duration, progress: &JobProgress) -> Result<Lease> {
        let mut transaction = self.begin().await?;
        let cancel_requested: Option<(bool,)> = sqlx::query_as(
            "with job as (
                 update jobs set lease_until = clock_timestamp() + make_interval(secs => $4), phase = $5,
                     progress = $6, eta_seconds = $7
                 where tenant_id = $1 and id = $2 and attempt = $3 and state = 'running'
                 returning tenant_id, id, cancel_requested
             )
             select cancel_requested, pg_notify('clew_job_changed', tenant_id || ':' || id) from job",
        )
        .bind(ticket.tenant_id)
        .bind(ticket.job_id)
        .bind(ticket.attempt)
        .bind(lease.as_secs_f64())
        .bind(&progress.phase)
        .bind(if progress.progress.is_finite() { progress.progress.clamp(0.0, 1.0) } else { 0.0 })
        .bind(progress.eta_seconds.filter(|seconds| seconds.is_finite()).map(|seconds| seconds.max(0.0)))
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(match cancel_requested {
            None => Lease::Lost,
            Some((true,)) => Lease::CancelRequested,
            Some((false,)) => Lease::Held,
        })
    }

    /// Ends a job badly, or puts it back to be tried again after `retry` while it has attempts left. Gives the
    /// state it then has. A job whose end was asked for is cancelled.
    pub async fn fail(&self, ticket: Ticket, error: &JobError, retry: Option<Duration>) -> Result<State> {
        let mut transaction = self.begin().await?;
        let ended: Option<(State, String)> = sqlx::query_as(
            "with job as (
                 select tenant_id, id, case
                         when cancel_requested then 'cancelled'
                         when $5::float8 is not null and attempt < max_attempts then 'queued'
                         else 'failed' end as next
                 from jobs where tenant_id = $1 and id = $2 and attempt = $3 and state = 'running' for update
             ),
             done as (
                 update jobs set state = next, error = $4, lease_until = null, eta_seconds = null,
                     run_at = case next when 'queued' then clock_timestamp() + make_interval(secs => $5)
                         else run_at end,
                     finished_at = case next when 'queued' then null else now() end
                 from job where jobs.tenant_id = job.tenant_id and jobs.id = job.id
                 returning jobs.tenant_id, jobs.id, jobs.state, jobs.kind
             )
             select state, kind, pg_notify('clew_job_changed', tenant_id || ':' || id) from done",
        )
        .bind(ticket.tenant_id)
        .bind(ticket.job_id)
        .bind(ticket.attempt)
        .bind(Json(error))
        .bind(retry.map(|delay| delay.as_secs_f64()))
        .fetch_optional(&mut *transaction)
        .await?;
        let (state, kind) = ended.ok_or(Error::LeaseLost)?;
        if state == State::Failed {
            let ended = (ticket.tenant_id, ticket.job_id, kind);
            transaction = self.tell_failed(transaction, &ended, &error.code).await?;
        }
        transaction.commit().await?;
        Ok(state)
    }

    /// Tells the webhooks of the job's tenant that it has failed, in the transaction that made it fail.
    async fn tell_failed(
        &self,
        transaction: Transaction<'static, Postgres>,
        (tenant_id, id, kind): &(Uuid, Uuid, String),
        code: &str,
    ) -> Result<Transaction<'static, Postgres>> {
        let mut tenant = Tenant::enter(&self.store, transaction, *tenant_id).await?;
        job::tell(&mut tenant, Event::JobFailed, *id, kind, Some(code)).await?;
        Ok(tenant.leave())
    }

    /// Ends a job as cancelled, once its worker has stopped.
    pub async fn cancelled(&self, ticket: Ticket) -> Result<()> {
        let mut transaction = self.begin().await?;
        let done: Option<(Uuid,)> = sqlx::query_as(
            "with job as (
                 update jobs set state = 'cancelled', lease_until = null, eta_seconds = null, finished_at = now()
                 where tenant_id = $1 and id = $2 and attempt = $3 and state = 'running' returning tenant_id, id
             )
             select id, pg_notify('clew_job_changed', tenant_id || ':' || id) from job",
        )
        .bind(ticket.tenant_id)
        .bind(ticket.job_id)
        .bind(ticket.attempt)
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        done.map(|_| ()).ok_or(Error::LeaseLost)
    }

    /// Puts a job back, to be claimed by another at once, since this worker is going. It costs no attempt.
    pub async fn release(&self, ticket: Ticket) -> Result<()> {
        let mut transaction = self.begin().await?;
        let done: Option<(Uuid,)> = sqlx::query_as(
            "with job as (
                 -- The number of the attempt must not be given twice, so the allowance is raised instead.
                 update jobs set state = 'queued', max_attempts = max_attempts + 1, lease_until = null,
                     eta_seconds = null, run_at = clock_timestamp()
                 where tenant_id = $1 and id = $2 and attempt = $3 and state = 'running' returning tenant_id, id
             )
             select id, pg_notify('clew_job', ''), pg_notify('clew_job_changed', tenant_id || ':' || id) from job",
        )
        .bind(ticket.tenant_id)
        .bind(ticket.job_id)
        .bind(ticket.attempt)
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        done.map(|_| ()).ok_or(Error::LeaseLost)
    }

    /// Takes back the jobs whose lease has run out: each is queued again, cancelled if its end was asked for, or
    /// failed if it is out of attempts. Any worker may call it, at any time.
    pub async fn reap(&self) -> Result<Reaped> {
        let mut transaction = self.begin().await?;
        let lost = json!({
            "code": "worker_lost",
            "detail": "the worker was lost at every attempt; look for its last words, then ask again",
        });
        let ended: Vec<(State, Uuid, Uuid, String)> = sqlx::query_as(
            "with lost as (
                 select tenant_id, id, case
                         when cancel_requested then 'cancelled'
                         when attempt < max_attempts then 'queued'
                         else 'failed' end as next
                 from jobs where state = 'running' and lease_until < clock_timestamp() for update skip locked
             ),
             done as (
                 update jobs set state = next, lease_until = null, eta_seconds = null,
                     error = case next when 'failed' then $1 else error end,
                     finished_at = case next when 'queued' then null else now() end
                 from lost where jobs.tenant_id = lost.tenant_id and jobs.id = lost.id
                 returning jobs.tenant_id, jobs.id, jobs.state, jobs.kind
             )
             select state, tenant_id, id, kind, pg_notify('clew_job', ''), pg_notify('clew_job_changed', tenant_id || ':' || id)
             from done",
        )
        .bind(lost)
        .fetch_all(&mut *transaction)
        .await?;
        let count = |wanted: State| ended.iter().filter(|(state, ..)| *state == wanted).count() as u64;
        let reaped = Reaped {
            n_requeued: count(State::Queued),
            n_failed: count(State::Failed),
            n_cancelled: count(State::Cancelled),
        };
        for (state, tenant_id, id, kind) in ended {
            if state == State::Failed {
                transaction = self.tell_failed(transaction, &(tenant_id, id, kind), "worker_lost").await?;
            }
        }
        transaction.commit().await?;
        Ok(reaped)
    }

    /// How many jobs of each kind are in each state that is not final; for metrics.
    pub async fn counts(&self) -> Result<Vec<QueueCount>> {
        let mut transaction = self.begin().await?;
        let counts = sqlx::query_as(
            "select kind, state, count(*) as n_jobs from jobs where state in ('queued', 'running')
             group by kind, state order by kind, state",
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(counts)
    }

    /// Starts to listen. What is enqueued from now on is heard of; look once for what was there before.
    pub async fn listen(&self) -> Result<Listener> {
        let mut listener = PgListener::connect_with(&self.store.pool).await?;
        listener.listen_all(["clew_job", "clew_job_changed"]).await?;
        Ok(Listener { listener })
    }
}
