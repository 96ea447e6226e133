//! A job as the one who does it sees it: what to do, the store, the pool, and how to end.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use chrono::{DateTime, Utc};
use clew_learn::{Progress, Run, Stop};
use clew_store::audit::{Act, Actor};
use clew_store::job::{Job, Ticket};
use clew_store::object::Objects;
use clew_store::{Store, Tenant, job};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::config::{Clock, WorkConfig};
use crate::failure::Failure;
use crate::meter::{Meter, MeterPart};

/// What every task of a worker shares.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) objects: Objects,
    pub(crate) pool: Arc<rayon::ThreadPool>,
    pub(crate) clock: Clock,
    pub(crate) config: WorkConfig,
}

/// Why a job's stop flag is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// Somebody asked for the job's end.
    Cancelled = 1,
    /// The lease is another's: what was computed is worth nothing.
    LeaseLost = 2,
    /// The worker is going; the job goes back to the queue.
    Draining = 3,
}

/// Proof that a job has ended in the transaction of what it has made.
#[derive(Debug)]
pub struct Finished(());

/// A job under way.
pub struct Task {
    shared: Arc<Shared>,
    job: Job,
    meter: Arc<Meter>,
    stop: Arc<Stop>,
    reason: AtomicU8,
    stopped: CancellationToken,
}

impl Task {
    pub(crate) fn new(shared: Arc<Shared>, job: Job) -> Self {
        Self {
            shared,
            job,
            meter: Arc::new(Meter::new()),
            stop: Arc::default(),
            reason: AtomicU8::new(0),
            stopped: CancellationToken::new(),
        }
    }

    /// The job as it was claimed.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// What the worker holds of it.
    pub fn ticket(&self) -> Ticket {
        self.job.ticket()
    }

    /// Postgres.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Snapshots, models, uploads.
    pub fn objects(&self) -> &Objects {
        &self.shared.objects
    }

    /// How the worker works.
    pub fn config(&self) -> &WorkConfig {
        &self.shared.config
    }

    /// The present moment.
    pub fn now(&self) -> DateTime<Utc> {
        (self.shared.clock)()
    }

    /// Opens a transaction of the job's tenant. Its commit writes the job to the audit log.
    ///
    /// # Errors
    /// [`Failure::Retry`] when Postgres is away.
    pub async fn tenant(&self) -> Result<Tenant<'_>, Failure> {
        Ok(self.shared.store.tenant(self.job.tenant_id).await?.acting(self.act()))
    }

    /// What the audit log says of the job.
    pub(crate) fn act(&self) -> Act {
        let mut act = Act::new(Actor::Job, &self.job.kind);
        act.actor_id = Some(self.job.id);
        act.n_rows = Some(0);
        act.request_id = self.job.request_id.as_deref().and_then(|id| id.parse().ok());
        act
    }

    /// Tells how far the job is: `share` of the whole (0..=1), and what is under way.
    pub fn report(&self, phase: &str, share: f64) {
        self.meter.report(phase, share);
    }

    /// Who is told of a part of the job: its 0..=1 are the shares `from..=to` of the whole.
    pub fn progress(&self, from: f64, to: f64) -> Arc<dyn Progress + Send + Sync> {
        Arc::new(MeterPart::new(Arc::clone(&self.meter), from, to))
    }

    /// Waits for a step that may be dropped half-way, such as a transaction that is then undone.
    ///
    /// # Errors
    /// [`Failure::Stopped`] as soon as the stop flag is up; else the step's own.
    pub async fn unless_stopped<T, E: Into<Failure>>(
        &self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.stopped.cancelled() => Err(Failure::Stopped),
            result = step => result.map_err(Into::into),
        }
    }

    /// Runs heavy or blocking work (the share `from..=to` of the whole) on a thread of its own, which hands its
    /// parallel parts to the one pool. Its trunk does not run on the pool: a request that waits there for its own
    /// chunks would pick up a whole training. A panic becomes a failure that names its phase.
    ///
    /// # Errors
    /// What the work itself gives, and the contained panic.
    pub async fn compute<T, F>(&self, seed: u64, (from, to): (f64, f64), work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Run<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let (pool, stop) = (Arc::clone(&self.shared.pool), Arc::clone(&self.stop));
        let progress = self.progress(from, to);
        let span = tracing::Span::current();
        let thread = tokio::task::spawn_blocking(move || {
            let _entered = span.enter();
            let run = Run { pool: &pool, seed, progress: &*progress, stop: &stop };
            // What the closure leaves behind half done is dropped with it.
            catch_unwind(AssertUnwindSafe(|| work(&run)))
        });
        match thread.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Failure::panic(&self.meter.phase(), panic.as_ref())),
            Err(_) => Err(Failure::Stopped),
        }
    }

    /// Ends the job well: commits what the transaction holds together with the job's end, or neither.
    ///
    /// # Errors
    /// [`Failure::Stopped`] when the lease was lost meanwhile; then nothing of the transaction stays.
    pub async fn finish(&self, mut tenant: Tenant<'_>, result: &Value) -> Result<Finished, Failure> {
        job::finish(&mut tenant, self.ticket(), result).await?;
        self.config().at.reach("publish");
        tenant.commit().await?;
        Ok(Finished(()))
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Raises the stop flag. The first reason counts, except that a lost lease overrules every other.
    pub(crate) fn stop(&self, reason: StopReason) {
        if reason == StopReason::LeaseLost {
            self.reason.store(reason as u8, Ordering::SeqCst);
        } else {
            // Losing against an earlier reason is fine.
            let _ = self.reason.compare_exchange(0, reason as u8, Ordering::SeqCst, Ordering::SeqCst);
        }
        self.stop.stop();
        self.stopped.cancel();
    }

    /// Why the stop flag is up, when it is.
    pub(crate) fn stop_reason(&self) -> Option<StopReason> {
        match self.reason.load(Ordering::SeqCst) {
            1 => Some(StopReason::Cancelled),
            2 => Some(StopReason::LeaseLost),
            3 => Some(StopReason::Draining),
            _ => None,
        }
    }
}
