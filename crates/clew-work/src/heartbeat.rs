//! What beats while a job runs: renews the lease, tells the progress, hears of a wish for the job's end.

use std::time::Duration;

use clew_store::queue::{JobProgress, Lease};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::meter::Reading;
use crate::task::{StopReason, Task};

/// A lease is renewed at least this often, however long it is, so that a wish for the job's end is soon heard.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Beats until it is dropped, or until the lease is lost.
pub(crate) async fn beat(task: &Task) {
    let config = task.config();
    let pause = (config.lease / 3).min(MAX_PAUSE);
    let queue = task.store().queue();
    let mut ticks = interval(config.progress.min(pause));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = Instant::now();
    let mut told: Option<Reading> = None;
    loop {
        ticks.tick().await;
        let reading = task.meter().read();
        let moved =
            told.as_ref().is_none_or(|told| told.phase != reading.phase || told.share < reading.share);
        if !moved && renewed.elapsed() < pause {
            continue;
        }
        let asked = Instant::now();
        let progress = JobProgress {
            phase: Some(reading.phase.clone()),
            progress: reading.share,
            eta_seconds: reading.eta_seconds,
        };
        // A renewal that hangs longer than the lease lasts is as good as refused.
        let answer =
            tokio::time::timeout(config.lease, queue.renew(task.ticket(), config.lease, &progress)).await;
        let answered = matches!(answer, Ok(Ok(_)));
        match answer {
            Ok(Ok(Lease::Held)) => {}
            Ok(Ok(Lease::CancelRequested)) => task.stop(StopReason::Cancelled),
            Ok(Ok(Lease::Lost)) => return task.stop(StopReason::LeaseLost),
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not renew the lease");
            }
            Err(_) => tracing::warn!("could not renew the lease: the database does not answer"),
        }
        if answered {
            // Postgres counts from when it wrote, which is not before we asked.
            renewed = asked;
            told = Some(reading);
        } else if renewed.elapsed() >= config.lease {
            // By now another may have it: we stop by ourselves rather than compute beside him.
            return task.stop(StopReason::LeaseLost);
        }
    }
}
