//! What the worker counts. No label holds a tenant or an id.

use std::time::Duration;

use clew_store::job::State;
use clew_store::queue::{QueueCount, Reaped};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const SECONDS: &str = "clew_job_duration_seconds";
const RUNNING: &str = "clew_jobs_running";
const ENDED: &str = "clew_jobs_ended_total";
const REAPED: &str = "clew_jobs_reaped_total";
const QUEUE: &str = "clew_queue_jobs";

/// Says what each metric is, once a worker starts.
pub(crate) fn describe() {
    describe_histogram!(
        SECONDS,
        metrics::Unit::Seconds,
        "Time from a job's claim to its end, by kind and outcome"
    );
    describe_gauge!(RUNNING, "Jobs that this process runs, by kind");
    describe_counter!(ENDED, "Jobs ended, by kind and outcome");
    describe_counter!(REAPED, "Jobs taken back from lost workers, by what became of them");
    describe_gauge!(QUEUE, "Jobs of all workers, by kind and state");
}

/// Counts a job as running until it is dropped.
pub(crate) struct Running {
    kind: String,
}

impl Running {
    /// From now on.
    pub(crate) fn start(kind: &str) -> Self {
        gauge!(RUNNING, "kind" => kind.to_owned()).increment(1.0);
        Self { kind: kind.to_owned() }
    }

    /// The job ended so, after this long.
    pub(crate) fn end(self, outcome: &'static str, duration: Duration) {
        histogram!(SECONDS, "kind" => self.kind.clone(), "outcome" => outcome).record(duration.as_secs_f64());
        counter!(ENDED, "kind" => self.kind.clone(), "outcome" => outcome).increment(1);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        gauge!(RUNNING, "kind" => self.kind.clone()).decrement(1.0);
    }
}

/// Counts what a round of reaping took back.
pub(crate) fn reaped(reaped: Reaped) {
    for (outcome, n) in
        [("queued", reaped.n_requeued), ("failed", reaped.n_failed), ("cancelled", reaped.n_cancelled)]
    {
        counter!(REAPED, "outcome" => outcome).increment(n);
    }
}

/// Shows the queue's counts; kinds of which nothing is left go to zero.
pub(crate) fn queue(kinds: &[&'static str], counts: &[QueueCount]) {
    for kind in kinds {
        for state in [State::Queued, State::Running] {
            let n = counts
                .iter()
                .find(|count| count.kind == *kind && count.state == state)
                .map_or(0, |c| c.n_jobs);
            gauge!(QUEUE, "kind" => *kind, "state" => state.as_str()).set(n as f64);
        }
    }
}
