//! News of jobs for the event streams: one connection listens for the whole process and tells all streams.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clew_store::Store;
use clew_store::queue::Notice;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A job that has moved: progress, end, or a wish for its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moved {
    pub(crate) tenant_id: Uuid,
    pub(crate) job_id: Uuid,
}

/// Tells of jobs that have moved.
pub(crate) struct Feed {
    sender: broadcast::Sender<Option<Moved>>,
    started: AtomicBool,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::channel(1_024).0, started: AtomicBool::new(false) }
    }

    /// The jobs that move from now on; `None` means that any may have. The first call starts the listening.
    pub(crate) fn subscribe(
        &self,
        store: &Store,
        draining: &CancellationToken,
    ) -> broadcast::Receiver<Option<Moved>> {
        if !self.started.swap(true, Ordering::Relaxed) {
            let (store, sender) = (store.clone(), self.sender.clone());
            tokio::spawn(draining.clone().run_until_cancelled_owned(listen(store, sender)));
        }
        self.sender.subscribe()
    }
}

async fn listen(store: Store, sender: broadcast::Sender<Option<Moved>>) {
    loop {
        match store.queue().listen().await {
            Ok(mut listener) => {
                // Sending fails only when no stream is open.
                let _ = sender.send(None);
                while let Ok(notice) = listener.recv().await {
                    let _ = match notice {
                        Notice::Changed { tenant_id, job_id } => {
                            sender.send(Some(Moved { tenant_id, job_id }))
                        }
                        Notice::Missed => sender.send(None),
                        Notice::Queued => continue,
                    };
                }
            }
            Err(error) => tracing::warn!(error = %error, "cannot listen for jobs; trying again"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
