//! Runs one claimed job to its end, whatever that is, and tells the queue.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use clew_store::job::JobError;
use futures_util::FutureExt as _;

use crate::failure::Failure;
use crate::kind::Kind;
use crate::task::{StopReason, Task};
use crate::{heartbeat, metrics};

/// The longest pause before a job is tried again.
const MAX_RETRY: Duration = Duration::from_secs(60);

/// Runs the job and tells the queue how it ended. Never panics, never fails: what cannot be told to the queue is
/// logged, and the lease runs out.
pub(crate) async fn run(task: Arc<Task>, kind: Option<Arc<dyn Kind>>) {
    let running = metrics::Running::start(&task.job().kind);
    tracing::info!(job.attempt = task.job().attempt, "job started");
    let result = work(&task, kind.as_deref()).await;
    let ended = tell(&task, result).await;
    tracing::info!(
        job.outcome = ended,
        job.duration_ms = task.meter().elapsed().as_millis() as u64,
        "job ended"
    );
    running.end(ended, task.meter().elapsed());
}

/// Does the work with the heart beating beside it.
async fn work(task: &Task, kind: Option<&dyn Kind>) -> Result<(), Failure> {
    let Some(kind) = kind else {
        let detail =
            format!("this worker does not know how to do \"{}\"; upgrade the worker", task.job().kind);
        return Err(Failure::fail("unknown_kind", detail));
    };
    // The arithmetic's panics end in `Task::compute`; this one is for the kind's own thread of thought.
    let work = AssertUnwindSafe(kind.run(task)).catch_unwind();
    tokio::select! {
        biased;
        result = work => match result {
            Ok(result) => result.map(|_| ()),
            Err(panic) => Err(Failure::panic(&task.meter().phase(), panic.as_ref())),
        },
        () = async { heartbeat::beat(task).await; std::future::pending().await } => Err(Failure::Stopped),
    }
}

/// Tells the queue how the job ended; gives the word for the metrics.
async fn tell(task: &Task, result: Result<(), Failure>) -> &'static str {
    let queue = task.store().queue();
    let ticket = task.ticket();
    let (word, told) = match result {
        Ok(()) => return "succeeded",
        Err(Failure::Stopped) => match task.stop_reason() {
            Some(StopReason::Cancelled) => ("cancelled", queue.cancelled(ticket).await),
            Some(StopReason::Draining) => ("released", queue.release(ticket).await),
            Some(StopReason::LeaseLost) | None => return "lost",
        },
        Err(failure) => {
            log(&failure);
            let (error, retry) = told_to_the_queue(&failure, task.job().attempt);
            match queue.fail(ticket, &error, retry).await {
                Ok(state) => (if state.is_final() { "failed" } else { "retried" }, Ok(())),
                Err(error) => ("failed", Err(error)),
            }
        }
    };
    if let Err(error) = told {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            job.outcome = word,
            "the queue did not take the job's end"
        );
        return "lost";
    }
    word
}

/// The whole chain, once, here at the border.
fn log(failure: &Failure) {
    match failure {
        Failure::Fail { code: "internal", .. } => {
            tracing::error!(error = failure as &dyn std::error::Error, "job failed");
        }
        _ => tracing::warn!(error = failure as &dyn std::error::Error, "job failed"),
    }
}

/// What the job's row says, and when to try again if at all.
fn told_to_the_queue(failure: &Failure, attempt: i32) -> (JobError, Option<Duration>) {
    match failure {
        Failure::Retry { place, .. } => {
            let detail = format!("{place} failed; look at the state of the database and the object store");
            let exponent = u32::try_from(attempt.max(1) - 1).unwrap_or(0).min(6);
            let pause = Duration::from_secs(1 << exponent).min(MAX_RETRY);
            (JobError { code: "unavailable".to_owned(), detail }, Some(pause))
        }
        Failure::Again { code, detail, after } => {
            (JobError { code: (*code).to_owned(), detail: detail.clone() }, Some(*after))
        }
        Failure::Fail { code, detail, .. } => {
            (JobError { code: (*code).to_owned(), detail: detail.clone() }, None)
        }
        Failure::Stopped => (JobError { code: "stopped".to_owned(), detail: "stopped".to_owned() }, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_between_tries_grow_to_a_minute() {
        let retry = Failure::Retry { place: "reading".into(), source: "away".into() };
        let pauses: Vec<u64> =
            [1, 2, 3, 7, 40].iter().map(|n| told_to_the_queue(&retry, *n).1.unwrap().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 60, 60]);
        assert_eq!(told_to_the_queue(&Failure::fail("x", "y"), 1).1, None);
    }
}
