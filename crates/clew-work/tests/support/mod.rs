//! A worker on a fresh database, kinds of jobs that do as the test says, and waiting for what must come.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::Arc;
use std::time::Duration;

use clew_store::Entity;
use clew_store::import::{self, NewImport};
use clew_store::job::{self, Job, NewJob};
use clew_store::model::{self, NewModel};
use clew_store::object::Objects;
use clew_store::testing::{self, TestStore};
use clew_work::{WorkConfig, Worker, WorkerParts};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A database with one tenant.
pub(crate) struct House {
    pub(crate) test: TestStore,
    pub(crate) tenant_id: Uuid,
}

/// A worker that runs until it is told to end.
pub(crate) struct Running {
    pub(crate) shutdown: CancellationToken,
    handle: JoinHandle<()>,
}

impl Running {
    /// Ends the worker in good order.
    pub(crate) async fn end(self) {
        self.shutdown.cancel();
        self.handle.await.unwrap();
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        let test = testing::database().await.unwrap();
        let tenant_id = test.tenant("shop").await.unwrap();
        Self { test, tenant_id }
    }

    /// The database's folder of objects.
    pub(crate) fn objects(&self) -> Objects {
        Objects::open(&self.test.objects_dir().display().to_string()).unwrap()
    }

    /// A worker with quick times, not yet running.
    pub(crate) fn worker(&self, name: &str, change: impl FnOnce(&mut WorkConfig)) -> Worker {
        self.worker_at(chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap(), name, change)
    }

    /// The same, whose clock shows this moment.
    pub(crate) fn worker_at(
        &self,
        now: chrono::DateTime<chrono::Utc>,
        name: &str,
        change: impl FnOnce(&mut WorkConfig),
    ) -> Worker {
        let mut config = WorkConfig::new(name);
        config.lease = Duration::from_secs(20);
        config.poll = Duration::from_millis(50);
        config.progress = Duration::from_millis(10);
        change(&mut config);
        Worker::new(WorkerParts {
            store: self.test.store.clone(),
            objects: self.objects(),
            pool: Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap()),
            clock: Arc::new(move || now),
            config,
        })
    }

    pub(crate) async fn enqueue(&self, kind: &str, payload: Value) -> Uuid {
        let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
        let job = job::enqueue(&mut tenant, &NewJob::new(kind, payload)).await.unwrap();
        tenant.commit().await.unwrap();
        job.id
    }

    pub(crate) async fn job(&self, id: Uuid) -> Job {
        let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
        job::find(&mut tenant, id).await.unwrap().unwrap()
    }

    pub(crate) async fn cancel(&self, id: Uuid) {
        let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
        job::cancel(&mut tenant, id).await.unwrap();
        tenant.commit().await.unwrap();
    }

    /// Waits until the job is as it must become; fails after a minute.
    pub(crate) async fn until(&self, id: Uuid, what: impl Fn(&Job) -> bool) -> Job {
        let look = async {
            let mut listener = self.test.store.queue().listen().await.unwrap();
            loop {
                let job = self.job(id).await;
                if what(&job) {
                    return job;
                }
                listener.recv().await.unwrap();
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), look).await {
            Ok(job) => job,
            Err(_) => panic!("the job never came to it: {:?}", self.job(id).await),
        }
    }

    /// Waits for the job's end.
    pub(crate) async fn end(&self, id: Uuid) -> Job {
        self.until(id, |job| job.state.is_final()).await
    }
}

impl House {
    /// Puts a file where the API would, and asks for its import, changed by `change`; gives the import and its job.
    pub(crate) async fn import_as(
        &self,
        entity: Entity,
        bytes: impl Into<Vec<u8>>,
        change: impl FnOnce(&mut NewImport),
    ) -> (Uuid, Uuid) {
        let folder = format!("{}/imports", self.tenant_id);
        let stored = self.objects().put(&folder, "", bytes.into()).await.unwrap();
        let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
        let mut new = NewImport {
            entity,
            object: stored.name,
            size_bytes: stored.size_bytes as i64,
            format: None,
            compression: None,
            mapping: json!({}),
            readmit_erased: false,
            request_id: None,
        };
        change(&mut new);
        let (import, job) = import::enqueue(&mut tenant, &new).await.unwrap();
        tenant.commit().await.unwrap();
        (import.id, job.id)
    }

    /// The job of the import of a file as it is.
    pub(crate) async fn import_file(&self, entity: Entity, bytes: impl Into<Vec<u8>>) -> Uuid {
        self.import_as(entity, bytes, |_| ()).await.1
    }

    /// The same with a mapping.
    pub(crate) async fn import_mapped(
        &self,
        entity: Entity,
        bytes: impl Into<Vec<u8>>,
        mapping: Value,
    ) -> Uuid {
        self.import_as(entity, bytes, |new| new.mapping = mapping).await.1
    }

    /// Asks for a training.
    pub(crate) async fn train(&self, seed: i64) -> (Uuid, Uuid) {
        self.train_with(seed, json!({})).await
    }

    /// Asks for one that is to be trained as its parameters say.
    pub(crate) async fn train_with(&self, seed: i64, params: Value) -> (Uuid, Uuid) {
        let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
        let new = NewModel { as_of: None, horizon_days: 28, seed, params, request_id: None };
        let (model, job) = model::enqueue(&mut tenant, &new).await.unwrap();
        tenant.commit().await.unwrap();
        (model.id, job.id)
    }

    /// A model's row.
    pub(crate) async fn model(&self, id: Uuid) -> model::Model {
        model::find(&mut self.test.store.tenant(self.tenant_id).await.unwrap(), id).await.unwrap().unwrap()
    }
}

/// Lets a worker run beside the test.
pub(crate) fn start(worker: Worker) -> Running {
    let shutdown = CancellationToken::new();
    Running { handle: tokio::spawn(worker.run(shutdown.clone())), shutdown }
}
