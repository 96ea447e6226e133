//! A worker killed with SIGKILL in the middle of a training: another takes the job over and finishes it, once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::time::Duration;

use clew_store::job::{Job, State};
use clew_store::model::{self, ModelState, NewModel};
use clew_store::testing::{self, TestStore};
use clew_store::{Page, job};
use secrecy::ExposeSecret as _;
use serde_json::json;
use support::process::{Beside, clew, done};
use uuid::Uuid;

/// A worker process that takes over after two seconds.
fn worker(test: &TestStore, dir: &Path) -> Beside {
    let mut command = clew(dir, &["work", "--json"]);
    command.env("DATABASE_URL", &test.url).env("CLEW_OBJECTS", test.objects_dir());
    command.env("CLEW_LEASE", "2").env("CLEW_POLL", "0.2").env("CLEW_LOG_LEVEL", "warn");
    let mut worker = Beside::start(&mut command);
    assert!(worker.line()["worker_id"].is_string());
    worker
}

/// Waits until the job is as it must become; fails after ten minutes.
async fn until(test: &TestStore, tenant_id: Uuid, id: Uuid, what: impl Fn(&Job) -> bool) -> Job {
    let look = async {
        let mut listener = test.store.queue().listen().await.unwrap();
        loop {
            let job = job::find(&mut test.store.tenant(tenant_id).await.unwrap(), id).await.unwrap().unwrap();
            if what(&job) {
                return job;
            }
            assert!(!job.state.is_final(), "ended too early: {job:?}");
            listener.recv().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(600), look).await.expect("the job never came to it")
}

/// Sends a small shop's data through the API of a server that works too.
async fn import(test: &TestStore, tenant_id: Uuid, dir: &Path) {
    let key = {
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        let new = clew_store::key::NewKey {
            name: "test".to_owned(),
            right: clew_store::key::Right::Ingest,
            expires_at: None,
        };
        let (_, secret) = clew_store::key::insert(&mut tenant, &new).await.unwrap();
        tenant.commit().await.unwrap();
        secret.expose_secret().to_owned()
    };
    let mut server = clew(dir, &["serve", "--with-worker", "--port", "0", "--json"]);
    server
        .env("DATABASE_URL", &test.url)
        .env("CLEW_OBJECTS", test.objects_dir())
        .env("CLEW_LOG_LEVEL", "warn");
    let mut server = Beside::start(&mut server);
    let url = server.line()["url"].as_str().unwrap().to_owned();
    let data = dir.join("shop").display().to_string();
    done(&mut clew(
        dir,
        &[
            "sample",
            "--customers",
            "800",
            "--products",
            "150",
            "--events",
            "20000",
            "--seed",
            "1",
            "--out",
            &data,
        ],
    ));
    done(clew(dir, &["import", "--data", &data, "--url", &url, "--json"]).env("CLEW_KEY", key));
    assert!(server.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_whose_worker_is_killed_is_finished_by_another_once() {
    let test = testing::database().await.unwrap();
    let tenant_id = test.tenant("shop").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    import(&test, tenant_id, dir.path()).await;

    let workers = [worker(&test, dir.path()), worker(&test, dir.path())];
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let new = NewModel { as_of: None, horizon_days: 28, seed: 7, params: json!({}), request_id: None };
    let (asked, job) = model::enqueue(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();

    let running =
        until(&test, tenant_id, job.id, |job| job.state == State::Running && job.progress > 0.05).await;
    let holder = running.worker.unwrap();
    let (killed, other): (Vec<_>, Vec<_>) =
        workers.into_iter().partition(|worker| holder.contains(&format!("-{}-", worker.id())));
    assert_eq!((killed.len(), other.len()), (1, 1), "{holder}");
    killed.into_iter().for_each(Beside::kill);

    let ended = until(&test, tenant_id, job.id, |job| job.state.is_final()).await;
    assert_eq!((ended.state, ended.attempt), (State::Succeeded, 2), "{ended:?}");
    assert_ne!(ended.worker.as_ref(), Some(&holder));
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let models = model::list(&mut tenant, &Page::first(10)).await.unwrap().data;
    assert_eq!(models.len(), 1);
    assert_eq!((models[0].id, models[0].state, models[0].active), (asked.id, ModelState::Ready, true));
    assert!(test.objects_dir().join(models[0].object.as_ref().unwrap()).is_file());
    drop(tenant);
    for worker in other {
        assert!(worker.terminate().success());
    }
}
