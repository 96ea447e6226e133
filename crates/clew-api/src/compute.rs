//! The hand-over of heavy arithmetic to the rayon pool. Never on a tokio thread; at most as many at once as
//! there are places; more than a few waiting are refused rather than piled up. A request that ends early (its
//! client is gone, its time is over) raises the stop flag, so that nobody computes for nobody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clew_learn::{Run, Silent, Stop};
use tokio::sync::{Semaphore, oneshot};

use crate::problem::{Code, Problem, Result};

/// The pool and its places.
#[derive(Debug)]
pub(crate) struct Compute {
    pool: Arc<rayon::ThreadPool>,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
}

/// Raises the flag when the waiting request is dropped.
struct StopOnDrop(Arc<Stop>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Compute {
    /// Over the one pool of the process, with `n_places` computations at once and up to `max_waiting` more in
    /// the queue.
    pub(crate) fn new(pool: Arc<rayon::ThreadPool>, n_places: usize, max_waiting: usize) -> Self {
        Self {
            pool,
            places: Arc::new(Semaphore::new(n_places.max(1))),
            waiting: AtomicUsize::new(0),
            max_waiting,
        }
    }

    /// Runs `work` on the pool and waits for it without holding a tokio thread.
    ///
    /// # Errors
    /// 503 when too many wait already; 500 when the work panics; whatever the work itself refuses.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Run<'_>) -> Result<T> + Send + 'static,
    {
        let place = {
            let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
            let _leave = Waiting(&self.waiting);
            if waiting >= self.max_waiting && self.places.available_permits() == 0 {
                return Err(Problem::unavailable("all places for computing are taken; come back soon", 2));
            }
            Arc::clone(&self.places).acquire_owned().await.map_err(Problem::internal)?
        };
        let stop = Arc::new(Stop::new());
        let guard = StopOnDrop(Arc::clone(&stop));
        let (sender, receiver) = oneshot::channel();
        let pool = Arc::clone(&self.pool);
        self.pool.spawn(move || {
            // The place is taken for as long as the pool works, whether or not the request still waits.
            let _place = place;
            let run = Run { pool: &pool, seed: 0, progress: &Silent, stop: &stop };
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&run)));
            // Nobody listens any more when the request is gone.
            let _ = sender.send(outcome.unwrap_or_else(|panic| Err(panicked(panic.as_ref()))));
        });
        let outcome = receiver.await.map_err(Problem::internal)?;
        drop(guard);
        outcome
    }
}

/// The answer to a panic, with its message in the log only.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> Problem {
    let message = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into());
    Problem::new(Code::Internal, "the service failed; its log holds the cause under this request_id")
        .caused_by(format!("panic: {message}"))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn compute(max_waiting: usize) -> Compute {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        Compute::new(Arc::new(pool), 1, max_waiting)
    }

    #[tokio::test]
    async fn a_panic_is_a_fault_of_the_service_and_the_pool_lives_on() {
        let compute = compute(8);
        let outcome = compute.run::<(), _>(|_| panic!("row 12")).await;
        let problem = outcome.unwrap_err();
        assert_eq!(problem.code(), Code::Internal);
        assert!(!problem.detail().contains("row 12"), "the message is for the log");
        assert_eq!(compute.run(|_| Ok(3)).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn who_finds_all_places_taken_is_sent_away() {
        let compute = compute(0);
        let (go, wait) = mpsc::channel::<()>();
        let first = compute.run(move |_| Ok(wait.recv().is_ok()));
        let second = async {
            let refused = compute.run(|_| Ok(())).await.unwrap_err();
            go.send(()).unwrap();
            refused
        };
        let (first, refused) = tokio::join!(first, second);
        assert!(first.unwrap());
        assert_eq!(refused.code(), Code::Unavailable);
    }

    #[tokio::test]
    async fn a_request_that_has_ended_stops_its_computation() {
        let compute = compute(8);
        let (started, begun) = tokio::sync::oneshot::channel();
        let (end, ended) = tokio::sync::oneshot::channel();
        let work = compute.run(move |run| {
            let _ = started.send(());
            while run.check().is_ok() {
                std::thread::yield_now();
            }
            let _ = end.send(run.check().is_err());
            Ok(())
        });
        tokio::select! {
            biased;
            begun = begun => begun.unwrap(),
            _ = work => panic!("the computation ends only when it is stopped"),
        }
        assert!(ended.await.unwrap());
    }
}
