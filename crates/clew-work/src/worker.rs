//! The loop of a worker: look for jobs, run them, reap what others lost, and go in good order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clew_store::Store;
use clew_store::job::Job;
use clew_store::object::Objects;
use clew_store::queue::Notice;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::config::{Clock, WorkConfig};
use crate::kind::Kind;
use crate::task::{Shared, StopReason, Task};
use crate::{drift, erase, forget, import, metrics, retention, runner, schedule, train, webhook};

/// The pause between two looks for lost workers, at least.
const MIN_PAUSE: Duration = Duration::from_millis(10);

/// What a [`Worker`] is made of.
pub struct WorkerParts {
    /// Postgres.
    pub store: Store,
    /// Snapshots, models, uploads.
    pub objects: Objects,
    /// The one pool of the process.
    pub pool: Arc<rayon::ThreadPool>,
    /// The clock.
    pub clock: Clock,
    /// How to work.
    pub config: WorkConfig,
}

/// Claims jobs and runs them.
pub struct Worker {
    shared: Arc<Shared>,
    kinds: BTreeMap<&'static str, Arc<dyn Kind>>,
    running: JoinSet<()>,
    tasks: BTreeMap<Id, Arc<Task>>,
}

impl Worker {
    /// A worker that knows the house's kinds of jobs.
    pub fn new(parts: WorkerParts) -> Self {
        let WorkerParts { store, objects, pool, clock, config } = parts;
        let webhooks = webhook::Webhooks::new(config.webhooks.clone());
        let worker = Self {
            shared: Arc::new(Shared { store, objects, pool, clock, config }),
            kinds: BTreeMap::new(),
            running: JoinSet::new(),
            tasks: BTreeMap::new(),
        };
        worker
            .with_kind(import::Import)
            .with_kind(train::Train)
            .with_kind(drift::Drift)
            .with_kind(erase::Erase)
            .with_kind(retention::Retain)
            .with_kind(forget::Forget)
            .with_kind(webhooks)
    }

    /// Teaches the worker one more kind of job.
    #[must_use]
    pub fn with_kind(mut self, kind: impl Kind) -> Self {
        self.kinds.insert(kind.name(), Arc::new(kind));
        self
    }

    /// Works until `shutdown`, then lets running jobs stop and hands them back. Postgres being away is waited out.
    pub async fn run(mut self, shutdown: CancellationToken) {
        metrics::describe();
        let config = self.shared.config.clone();
        tracing::info!(worker.id = config.worker_id, worker.places = config.n_places, "worker started");
        let wake = Arc::new(Notify::new());
        let listening = tokio::spawn(listen(self.shared.store.clone(), Arc::clone(&wake), config.poll));
        let mut reap_at = Instant::now();
        while !shutdown.is_cancelled() {
            if Instant::now() >= reap_at {
                self.reap().await;
                schedule::ask(&self.shared.store).await;
                retention::ask(&self.shared.store).await;
                reap_at = Instant::now() + (config.lease / 3).min(config.poll).max(MIN_PAUSE);
            }
            self.claim(false).await;
            self.claim(true).await;
            let next = reap_at.min(Instant::now() + config.poll);
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = wake.notified() => {}
                () = sleep_until(next) => {}
                Some(ended) = self.running.join_next_with_id() => self.ended(ended),
            }
        }
        listening.abort();
        self.drain().await;
        tracing::info!(worker.id = config.worker_id, "worker ended");
    }

    /// Takes as many jobs as there are free places, and starts them: their claim is committed by then.
    /// Those that only wait have places of their own; when all others are taken, one more job of an urgent kind is.
    async fn claim(&mut self, waits: bool) {
        let config = &self.shared.config;
        let (waiting, others): (Vec<_>, Vec<_>) =
            self.kinds.values().map(|kind| kind.name()).partition(|name| self.waits(name));
        let (mut kinds, n_places) =
            if waits { (waiting, config.n_waiting_places) } else { (others, config.n_places) };
        let n_places = n_places.max(1);
        let n_running = self.tasks.values().filter(|task| self.waits(&task.job().kind) == waits).count();
        let mut free = n_places.saturating_sub(n_running);
        if free == 0 && !waits {
            free = (n_places + 1).saturating_sub(n_running);
            kinds.retain(|name| self.kinds.get(name).is_some_and(|kind| kind.is_urgent()));
        }
        if free == 0 || kinds.is_empty() {
            return;
        }
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        match self.shared.store.queue().claim(&config.worker_id, &kinds, limit, config.lease).await {
            Ok(jobs) => {
                if !jobs.is_empty() {
                    config.at.reach("claim");
                }
                jobs.into_iter().for_each(|job| self.start(job));
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not look for jobs");
            }
        }
    }

    fn waits(&self, kind: &str) -> bool {
        self.kinds.get(kind).is_some_and(|kind| kind.waits())
    }

    fn start(&mut self, job: Job) {
        let span = tracing::info_span!(
            "job",
            job.id = %job.id,
            job.kind = job.kind,
            tenant.id = %job.tenant_id,
            request.id = job.request_id.as_deref().unwrap_or_default(),
        );
        let kind = self.kinds.get(job.kind.as_str()).map(Arc::clone);
        let task = Arc::new(Task::new(Arc::clone(&self.shared), job));
        let handle = self.running.spawn(runner::run(Arc::clone(&task), kind).instrument(span));
        self.tasks.insert(handle.id(), task);
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                // Every panic is caught before it gets here; were one not, the lease runs out and all is well.
                tracing::error!(error = &error as &dyn std::error::Error, "a job's thread was lost");
                error.id()
            }
        };
        self.tasks.remove(&id);
    }

    /// Takes back what lost workers held, and looks at the queue's length.
    async fn reap(&self) {
        let queue = self.shared.store.queue();
        match queue.reap().await {
            Ok(reaped) => {
                metrics::reaped(reaped);
                if reaped != clew_store::queue::Reaped::default() {
                    tracing::warn!(
                        jobs.requeued = reaped.n_requeued,
                        jobs.failed = reaped.n_failed,
                        jobs.cancelled = reaped.n_cancelled,
                        "jobs of lost workers taken back"
                    );
                }
            }
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "could not reap"),
        }
        if let Ok(counts) = queue.counts().await {
            let kinds: Vec<&'static str> = self.kinds.keys().copied().collect();
            metrics::queue(&kinds, &counts);
        }
    }

    /// Lets running jobs stop; those that do not in time are handed back all the same: their attempt is over, so
    /// what they might still write is refused.
    async fn drain(&mut self) {
        for task in self.tasks.values() {
            task.stop(StopReason::Draining);
        }
        let deadline = Instant::now() + self.shared.config.drain;
        while let Ok(Some(ended)) = timeout_at(deadline, self.running.join_next_with_id()).await {
            self.ended(ended);
        }
        self.running.abort_all();
        for task in self.tasks.values() {
            if let Err(error) = self.shared.store.queue().release(task.ticket()).await {
                tracing::warn!(job.id = %task.job().id, error = &error as &dyn std::error::Error, "could not hand the job back; its lease will run out");
            }
        }
        self.tasks.clear();
    }
}

/// Wakes the worker at every notice of something to claim. Listening that breaks is begun anew; meanwhile polling
/// carries on.
async fn listen(store: Store, wake: Arc<Notify>, pause: Duration) {
    loop {
        match store.queue().listen().await {
            Ok(mut listener) => {
                // What came while nobody listened.
                wake.notify_one();
                loop {
                    match listener.recv().await {
                        Ok(Notice::Queued | Notice::Missed) => wake.notify_one(),
                        Ok(Notice::Changed { .. }) => {}
                        Err(error) => {
                            tracing::warn!(
                                error = &error as &dyn std::error::Error,
                                "listening for jobs broke"
                            );
                            break;
                        }
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not listen for jobs")
            }
        }
        sleep(pause).await;
    }
}
