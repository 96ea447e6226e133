//! The life of a job: claimed, run, finished; cancelled; panicking; taken over from a lost worker; handed back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clew_store::job::{self, State};
use clew_work::{Failure, Kind, Outcome, Task};
use serde_json::json;
use support::{House, start};

/// A kind of job that does as its payload says, and counts.
#[derive(Clone, Default)]
struct Odd(Arc<Counts>);

#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    finished: AtomicUsize,
}

impl Kind for Odd {
    fn name(&self) -> &'static str {
        "odd"
    }

    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a> {
        Box::pin(async {
            self.0.begun.fetch_add(1, Ordering::SeqCst);
            match task.job().payload["do"].as_str().unwrap() {
                "sum" => {
                    let sum =
                        task.compute(7, (0.0, 1.0), |run| Ok((1..=100_u64).sum::<u64>() + run.seed)).await?;
                    let finished = task.finish(task.tenant().await?, &json!({ "sum": sum })).await?;
                    self.0.finished.fetch_add(1, Ordering::SeqCst);
                    Ok(finished)
                }
                "spin" => {
                    task.compute(0, (0.0, 1.0), |run| {
                        run.report("spinning", 0.25);
                        while run.check().is_ok() {
                            std::thread::yield_now();
                        }
                        Err(Failure::Stopped)
                    })
                    .await
                }
                "panic" => {
                    task.compute(0, (0.0, 1.0), |run| {
                        run.report("the hard part", 0.5);
                        panic!("on purpose");
                    })
                    .await
                }
                "panic outside" => panic!("on purpose"),
                "fail twice" if task.job().attempt < 3 => {
                    Err(Failure::Retry { place: "reaching the moon".into(), source: "too far".into() })
                }
                "fail twice" => task.finish(task.tenant().await?, &json!({})).await,
                other => panic!("{other}?"),
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_claimed_run_and_finished_once() {
    let house = House::new().await;
    let odd = Odd::default();
    let worker = start(house.worker("one", |_| {}).with_kind(odd.clone()));
    let other = start(house.worker("two", |_| {}).with_kind(odd.clone()));
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(house.enqueue("odd", json!({ "do": "sum" })).await);
    }
    for id in ids {
        let job = house.end(id).await;
        assert_eq!((job.state, job.attempt, job.progress), (State::Succeeded, 1, 1.0));
        assert_eq!(job.result, Some(json!({ "sum": 5057 })));
    }
    // A job's end is seen before its task has counted it.
    worker.end().await;
    other.end().await;
    assert_eq!(odd.0.begun.load(Ordering::SeqCst), 12);
    assert_eq!(odd.0.finished.load(Ordering::SeqCst), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_tells_its_progress_and_stops_when_cancelled() {
    let house = House::new().await;
    let worker =
        start(house.worker("one", |config| config.lease = Duration::from_secs(2)).with_kind(Odd::default()));
    let id = house.enqueue("odd", json!({ "do": "spin" })).await;
    let job = house.until(id, |job| job.phase.as_deref() == Some("spinning")).await;
    assert_eq!((job.state, job.progress), (State::Running, 0.25));
    house.cancel(id).await;
    assert_eq!(house.end(id).await.state, State::Cancelled);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_contained_and_names_its_phase() {
    let house = House::new().await;
    let worker = start(house.worker("one", |_| {}).with_kind(Odd::default()));
    let inside = house.enqueue("odd", json!({ "do": "panic" })).await;
    let outside = house.enqueue("odd", json!({ "do": "panic outside" })).await;
    let error = house.end(inside).await.error.unwrap();
    assert_eq!(error.code, "internal");
    assert!(
        error.detail.contains("the hard part") && !error.detail.contains("on purpose"),
        "{}",
        error.detail
    );
    assert_eq!(house.end(outside).await.state, State::Failed);
    // The worker lives.
    let id = house.enqueue("odd", json!({ "do": "sum" })).await;
    assert_eq!(house.end(id).await.state, State::Succeeded);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_s_job_is_taken_over_and_finished_once() {
    let house = House::new().await;
    let odd = Odd::default();
    let id = house.enqueue("odd", json!({ "do": "sum" })).await;
    // A worker that claims and is killed: its lease is never renewed.
    let queue = house.test.store.queue();
    let claimed = queue.claim("killed", &["odd"], 1, Duration::from_millis(1)).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let heir = start(house.worker("heir", |_| {}).with_kind(odd.clone()));
    let job = house.end(id).await;
    assert_eq!((job.state, job.attempt, job.worker.as_deref()), (State::Succeeded, 2, Some("heir")));
    // Were it not dead after all, what it has made would be refused.
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let late = job::finish(&mut tenant, claimed[0].ticket(), &json!({ "by": "killed" })).await;
    assert!(matches!(late, Err(clew_store::Error::LeaseLost)));
    heir.end().await;
    assert_eq!(odd.0.finished.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_stops_what_still_computes() {
    let house = House::new().await;
    let odd = Odd::default();
    let worker =
        start(house.worker("one", |config| config.lease = Duration::from_secs(2)).with_kind(odd.clone()));
    let id = house.enqueue("odd", json!({ "do": "spin" })).await;
    let first = house.until(id, |job| job.phase.as_deref() == Some("spinning")).await;
    house.test.store.queue().release(first.ticket()).await.unwrap();
    house.until(id, |job| job.attempt == 2 && job.phase.as_deref() == Some("spinning")).await;
    house.cancel(id).await;
    assert_eq!(house.end(id).await.state, State::Cancelled);
    // Ends only when no thread spins any more.
    worker.end().await;
    assert_eq!(odd.0.begun.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_goes_hands_its_jobs_back() {
    let house = House::new().await;
    let going = start(house.worker("going", |_| {}).with_kind(Odd::default()));
    let id = house.enqueue("odd", json!({ "do": "spin" })).await;
    house.until(id, |job| job.phase.as_deref() == Some("spinning")).await;
    going.end().await;
    let job = house.job(id).await;
    assert_eq!((job.state, job.attempt), (State::Queued, 1));
    assert_eq!(job.max_attempts, 6, "going costs no attempt");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_away_is_tried_again() {
    let house = House::new().await;
    let worker = start(house.worker("one", |_| {}).with_kind(Odd::default()));
    let id = house.enqueue("odd", json!({ "do": "fail twice" })).await;
    let job = house.end(id).await;
    assert_eq!((job.state, job.attempt), (State::Succeeded, 3));
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_many_jobs_does_not_keep_another_waiting() {
    let mut house = House::new().await;
    let many = house.tenant_id;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(house.enqueue("odd", json!({ "do": "sum" })).await);
    }
    house.tenant_id = house.test.tenant("other").await.unwrap();
    let single = house.enqueue("odd", json!({ "do": "sum" })).await;
    let worker = start(house.worker("one", |config| config.n_places = 1).with_kind(Odd::default()));
    let single = house.end(single).await;
    house.tenant_id = many;
    let mut started = Vec::new();
    for id in ids {
        started.push(house.end(id).await.started_at.unwrap());
    }
    let before = started.iter().filter(|started| **started < single.started_at.unwrap()).count();
    assert!(before <= 1, "{before} of the other tenant's went before");
    worker.end().await;
}
