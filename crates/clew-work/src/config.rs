//! How a worker works: how many jobs at once, how long it owns one, how it looks for the next.

use std::time::Duration;

use clew_crm::estimate::Limit;
use clew_store::webhook::Reach;

use crate::at::At;

/// The injected clock.
pub type Clock = std::sync::Arc<dyn Fn() -> chrono::DateTime<chrono::Utc> + Send + Sync>;

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkConfig {
    /// Who works, as it stands in the job's row: unique among the workers of the house.
    pub worker_id: String,
    /// The jobs run at the same time, at least one.
    pub n_places: usize,
    /// The jobs beside them that only wait (webhooks), at least one.
    pub n_waiting_places: usize,
    /// How long a claimed job is owned without renewing; renewed at a third of it.
    pub lease: Duration,
    /// How often to look for jobs when nothing wakes the worker.
    pub poll: Duration,
    /// How often at most a job's progress is written.
    pub progress: Duration,
    /// How long running jobs get to stop after the worker is told to end.
    pub drain: Duration,
    /// What a training may need; one that would need more is refused before it starts.
    pub train_limit: Limit,
    /// Who is told of the places that jobs come to.
    #[doc(hidden)]
    pub at: At,
    /// What webhooks may reach, beside public addresses.
    pub webhooks: Reach,
    /// The pauses between the tries to tell one.
    pub webhook_pauses: Vec<Duration>,
}

impl WorkConfig {
    /// The usual times for the worker of this name.
    pub fn new(worker_id: impl Into<String>) -> Self {
        Self {
            worker_id: worker_id.into(),
            n_places: 2,
            lease: Duration::from_secs(7),
            n_waiting_places: 8,
            poll: Duration::from_secs(5),
            progress: Duration::from_millis(500),
            drain: Duration::from_secs(10),
            train_limit: Limit::default(),
            at: At::default(),
            webhooks: Reach::default(),
            webhook_pauses: crate::webhook::PAUSES.map(Duration::from_secs).to_vec(),
        }
    }
}
