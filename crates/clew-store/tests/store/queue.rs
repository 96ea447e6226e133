//! The queue: claims that race, leases that run out, workers that are fenced, tenants that share.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clew_store::job::{self, Job, JobError, NewJob, State};
use clew_store::queue::{JobProgress, Lease, Notice, Reaped};
use clew_store::testing::{TestStore, database};
use clew_store::{Error, Page, Queue, offer};
use serde_json::json;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);

async fn enqueue(test: &TestStore, tenant_id: Uuid, new: &NewJob) -> Job {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let job = job::enqueue(&mut tenant, new).await.unwrap();
    tenant.commit().await.unwrap();
    job
}

async fn find(test: &TestStore, job: &Job) -> Job {
    let mut tenant = test.store.tenant(job.tenant_id).await.unwrap();
    job::find(&mut tenant, job.id).await.unwrap().unwrap()
}

async fn claim(queue: &Queue, limit: u32, lease: Duration) -> Vec<Job> {
    queue.claim("worker", &["train"], limit, lease).await.unwrap()
}

fn train() -> NewJob {
    NewJob::new("train", json!({"n": 1}))
}

fn error() -> JobError {
    JobError { code: "not_enough_data".into(), detail: "312 of 500 buyers".into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn claimers_that_race_never_get_the_same_job() {
    const N_JOBS: usize = 90;
    let test = database().await.unwrap();
    for name in ["one", "two", "three"] {
        let tenant_id = test.tenant(name).await.unwrap();
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        for _ in 0..N_JOBS / 3 {
            job::enqueue(&mut tenant, &train()).await.unwrap();
        }
        tenant.commit().await.unwrap();
    }
    let n_claimed = Arc::new(AtomicUsize::new(0));
    let claimers: Vec<_> = (0..6)
        .map(|_| {
            let (queue, n_claimed) = (test.store.queue(), n_claimed.clone());
            tokio::spawn(async move {
                let mut mine = Vec::new();
                // One that finds nothing may just have met rows that others are claiming.
                while n_claimed.load(Ordering::SeqCst) < N_JOBS {
                    let jobs = claim(&queue, 2, MINUTE).await;
                    n_claimed.fetch_add(jobs.len(), Ordering::SeqCst);
                    mine.extend(jobs);
                }
                mine
            })
        })
        .collect();
    let mut ids = HashSet::new();
    let mut n_jobs = 0;
    for claimer in claimers {
        for job in claimer.await.unwrap() {
            assert_eq!((job.state, job.attempt), (State::Running, 1));
            ids.insert(job.id);
            n_jobs += 1;
        }
    }
    assert_eq!((ids.len(), n_jobs), (N_JOBS, N_JOBS));
    assert!(claim(&test.store.queue(), 10, MINUTE).await.is_empty());
}

#[tokio::test]
async fn a_lease_that_ran_out_is_reaped_and_its_worker_fenced() {
    let test = database().await.unwrap();
    let queue = test.store.queue();
    let tenant_id = test.tenant("one").await.unwrap();
    enqueue(&test, tenant_id, &train()).await;
    let stale = claim(&queue, 1, Duration::ZERO).await.remove(0);
    assert_eq!(queue.reap().await.unwrap(), Reaped { n_requeued: 1, ..Default::default() });
    assert_eq!(queue.reap().await.unwrap(), Reaped::default());
    let fresh = claim(&queue, 1, MINUTE).await.remove(0);
    assert_eq!((fresh.id, fresh.attempt), (stale.id, 2));
    assert_eq!(queue.reap().await.unwrap(), Reaped::default(), "a lease that lasts is left alone");

    // The stale one is told so by every verb, and what it made goes with its transaction.
    let ticket = stale.ticket();
    assert_eq!(queue.renew(ticket, MINUTE, &JobProgress::default()).await.unwrap(), Lease::Lost);
    assert!(matches!(queue.fail(ticket, &error(), None).await, Err(Error::LeaseLost)));
    assert!(matches!(queue.release(ticket).await, Err(Error::LeaseLost)));
    assert!(matches!(queue.cancelled(ticket).await, Err(Error::LeaseLost)));
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let made = offer::NewOffer { name: "made".into(), expression: Some("true".into()), ..Default::default() };
    offer::insert(&mut tenant, &made).await.unwrap();
    assert!(matches!(job::finish(&mut tenant, ticket, &json!({})).await, Err(Error::LeaseLost)));
    drop(tenant);

    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert!(offer::list(&mut tenant, &Page::default()).await.unwrap().data.is_empty());
    let done = job::finish(&mut tenant, fresh.ticket(), &json!({"model_id": 7})).await.unwrap();
    tenant.commit().await.unwrap();
    assert_eq!(
        (done.state, done.progress, done.result),
        (State::Succeeded, 1.0, Some(json!({"model_id": 7})))
    );
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let twice = job::finish(&mut tenant, fresh.ticket(), &json!({})).await;
    assert!(matches!(twice, Err(Error::LeaseLost)), "it ends once");
}

#[tokio::test]
async fn another_tenant_cannot_end_a_job() {
    let test = database().await.unwrap();
    let (one, two) = (test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap());
    enqueue(&test, one, &train()).await;
    let job = claim(&test.store.queue(), 1, MINUTE).await.remove(0);
    let mut tenant = test.store.tenant(two).await.unwrap();
    assert!(matches!(job::finish(&mut tenant, job.ticket(), &json!({})).await, Err(Error::LeaseLost)));
    assert!(matches!(job::cancel(&mut tenant, job.id).await, Err(Error::Missing { .. })));
    assert_eq!(job::find(&mut tenant, job.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_job_that_loses_every_worker_fails() {
    let test = database().await.unwrap();
    let queue = test.store.queue();
    let tenant_id = test.tenant("one").await.unwrap();
    let job = enqueue(&test, tenant_id, &NewJob { max_attempts: 2, ..train() }).await;
    for n_requeued in [1, 0] {
        assert_eq!(claim(&queue, 1, Duration::ZERO).await.len(), 1);
        assert_eq!(
            queue.reap().await.unwrap(),
            Reaped { n_requeued, n_failed: 1 - n_requeued, n_cancelled: 0 }
        );
    }
    let job = find(&test, &job).await;
    assert_eq!(job.state, State::Failed);
    assert_eq!(job.error.unwrap().0.code, "worker_lost");
    assert!(job.finished_at.is_some());
}

#[tokio::test]
async fn tenants_share() {
    let test = database().await.unwrap();
    let queue = test.store.queue();
    let (busy, late) = (test.tenant("busy").await.unwrap(), test.tenant("late").await.unwrap());
    for _ in 0..40 {
        enqueue(&test, busy, &train()).await;
    }
    let first = claim(&queue, 2, MINUTE).await;
    assert!(first.iter().all(|job| job.tenant_id == busy), "nobody else waits");
    for _ in 0..3 {
        enqueue(&test, late, &train()).await;
    }
    // The late one catches up, then they take turns.
    let tenants = |jobs: &[Job]| jobs.iter().filter(|job| job.tenant_id == late).count();
    assert_eq!(tenants(&claim(&queue, 1, MINUTE).await), 1);
    assert_eq!(tenants(&claim(&queue, 1, MINUTE).await), 1);
    let next = claim(&queue, 2, MINUTE).await;
    assert_eq!((next.len(), tenants(&next)), (2, 1));
    // Within a tenant the oldest go first.
    let ids: Vec<Uuid> =
        first.iter().chain(&next).filter(|job| job.tenant_id == busy).map(|job| job.id).collect();
    assert!(ids.iter().skip(2).all(|id| ids[..2].iter().all(|before| before < id)));
}

#[tokio::test]
async fn only_the_kinds_that_a_worker_knows_are_claimed() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    enqueue(&test, tenant_id, &NewJob::new("import", json!({}))).await;
    let queue = test.store.queue();
    assert!(claim(&queue, 5, MINUTE).await.is_empty());
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.len(), &*counts[0].kind, counts[0].n_jobs), (1, "import", 1));
    assert_eq!(queue.claim("worker", &["train", "import"], 5, MINUTE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_end_can_be_asked_for() {
    let test = database().await.unwrap();
    let queue = test.store.queue();
    let tenant_id = test.tenant("one").await.unwrap();
    let cancel = async |job: &Job| {
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        let job = job::cancel(&mut tenant, job.id).await.unwrap();
        tenant.commit().await.unwrap();
        job
    };
    // A queued one ends at once.
    let queued = enqueue(&test, tenant_id, &train()).await;
    assert_eq!(cancel(&queued).await.state, State::Cancelled);
    assert!(claim(&queue, 1, MINUTE).await.is_empty());

    // A running one is told when it renews.
    enqueue(&test, tenant_id, &train()).await;
    let running = claim(&queue, 1, MINUTE).await.remove(0);
    let progress = JobProgress { phase: Some("factors".into()), progress: 0.4, eta_seconds: Some(12.0) };
    assert_eq!(queue.renew(running.ticket(), MINUTE, &progress).await.unwrap(), Lease::Held);
    let asked = cancel(&running).await;
    assert_eq!((asked.state, asked.cancel_requested), (State::Running, true));
    assert_eq!(
        (asked.phase.as_deref(), asked.progress, asked.eta_seconds),
        (Some("factors"), 0.4, Some(12.0))
    );
    assert_eq!(queue.renew(running.ticket(), MINUTE, &progress).await.unwrap(), Lease::CancelRequested);
    queue.cancelled(running.ticket()).await.unwrap();
    assert_eq!(find(&test, &running).await.state, State::Cancelled);

    // One that has ended stays as it is.
    let again = cancel(&running).await;
    assert_eq!(again.state, State::Cancelled);

    // One whose worker is lost meanwhile is not tried again.
    enqueue(&test, tenant_id, &train()).await;
    let lost = claim(&queue, 1, Duration::ZERO).await.remove(0);
    cancel(&lost).await;
    assert_eq!(queue.reap().await.unwrap(), Reaped { n_cancelled: 1, ..Default::default() });
}

#[tokio::test]
async fn a_failure_is_final_or_tried_again() {
    let test = database().await.unwrap();
    let queue = test.store.queue();
    let tenant_id = test.tenant("one").await.unwrap();
    let job = enqueue(&test, tenant_id, &NewJob { max_attempts: 2, ..train() }).await;
    let first = claim(&queue, 1, MINUTE).await.remove(0);
    assert_eq!(queue.fail(first.ticket(), &error(), Some(Duration::ZERO)).await.unwrap(), State::Queued);
    let second = claim(&queue, 1, MINUTE).await.remove(0);
    // Out of attempts.
    assert_eq!(queue.fail(second.ticket(), &error(), Some(Duration::ZERO)).await.unwrap(), State::Failed);
    assert_eq!(find(&test, &job).await.error.unwrap().0, error());

    enqueue(&test, tenant_id, &train()).await;
    let other = claim(&queue, 1, MINUTE).await.remove(0);
    assert_eq!(queue.fail(other.ticket(), &error(), Some(MINUTE)).await.unwrap(), State::Queued);
    assert!(claim(&queue, 1, MINUTE).await.is_empty(), "not before its time");
}

#[tokio::test]
async fn a_released_job_goes_to_another_and_costs_no_attempt() {
    let test = database().await.unwrap();
    let queue = test.store.queue();
    let tenant_id = test.tenant("one").await.unwrap();
    enqueue(&test, tenant_id, &NewJob { max_attempts: 1, ..train() }).await;
    let mine = claim(&queue, 1, MINUTE).await.remove(0);
    queue.release(mine.ticket()).await.unwrap();
    let theirs = claim(&queue, 1, Duration::ZERO).await.remove(0);
    assert_eq!((theirs.attempt, theirs.max_attempts), (2, 2), "and the first worker is fenced");
    assert_eq!(queue.renew(mine.ticket(), MINUTE, &JobProgress::default()).await.unwrap(), Lease::Lost);
    assert_eq!(queue.reap().await.unwrap().n_failed, 1);
}

#[tokio::test]
async fn listeners_hear() {
    let test = database().await.unwrap();
    let queue = test.store.queue();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut listener = queue.listen().await.unwrap();
    let job = enqueue(&test, tenant_id, &train()).await;
    assert_eq!(listener.recv().await.unwrap(), Notice::Queued);
    let claimed = claim(&queue, 1, MINUTE).await.remove(0);
    queue.renew(claimed.ticket(), MINUTE, &JobProgress::default()).await.unwrap();
    assert_eq!(listener.recv().await.unwrap(), Notice::Changed { tenant_id, job_id: job.id });
}
