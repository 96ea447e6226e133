//! A customer with planted strings is erased: a dump of the database, every file and every log line is searched for
//! them, and nothing is found. The same search finds them before, so that it is known to look.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clew_learn::Silent;
use clew_sample::{Compression, SampleParams, Shop};
use clew_store::import;
use clew_store::job::State;
use clew_store::model::{self, NewModel};
use clew_store::{Entity, customer, erasure, ingest, row, snapshot};
use clew_work::{Kind, Outcome, Task};
use serde_json::json;
use support::{House, start};
use tokio::sync::Notify;
use uuid::Uuid;

/// What is planted; every string about the person holds it.
const MARK: &str = "zqplanted";
const ID: &str = "c-zqplanted-1";

/// What was logged, by everything in this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn files_below(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files_below(&entry));
        } else {
            found.insert(entry);
        }
    }
    found
}

impl House {
    async fn import(&self, entity: Entity, bytes: impl Into<Vec<u8>>, readmit_erased: bool) -> (Uuid, Uuid) {
        self.import_as(entity, bytes, |new| new.readmit_erased = readmit_erased).await
    }

    async fn erase(&self, customer_id: &str) -> Option<erasure::Erasure> {
        let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
        let now = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let receipt = erasure::request(&mut tenant, customer_id, None, now).await.unwrap();
        tenant.commit().await.unwrap();
        receipt
    }

    /// The places where the mark is found: the dump, files by name.
    async fn search(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.test.dump().await.unwrap().contains(MARK) {
            found.push("dump".to_owned());
        }
        for file in files_below(self.test.objects_dir()) {
            let bytes = std::fs::read(&file).unwrap();
            if bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes()) {
                found.push(file.display().to_string());
            }
        }
        found
    }

    async fn records(&self) -> clew_crm::Records {
        let (store, objects) = (&self.test.store, self.objects());
        let info = snapshot::refresh(store, &objects, self.tenant_id, Arc::new(Silent)).await.unwrap();
        snapshot::open(&objects, &info).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_customer_is_found_nowhere() {
    let log = Log::default();
    let written = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || written.clone())
        .init();
    let house = House::new().await;
    let worker = start(house.worker("one", |_| {}));
    let dir = tempfile::tempdir().unwrap();
    let params =
        SampleParams { n_customers: 800, n_products: 150, n_events: 20_000, ..SampleParams::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let shop = Shop::new(params).unwrap();
    clew_sample::folder::write(&pool, &shop, dir.path(), Compression::None, &mut |_| true).unwrap();
    for entity in [Entity::Products, Entity::Customers, Entity::Events] {
        let bytes = std::fs::read(dir.path().join(format!("{entity}.csv"))).unwrap();
        let ended = house.end(house.import(entity, bytes, false).await.1).await;
        assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    }
    let person = format!(
        "customer_id,first_name,email,note\n{ID},{MARK}-name,{MARK}@example.org,\"{MARK} note\"\nother,Ann,a@example.org,x\n"
    );
    let ended = house.end(house.import(Entity::Customers, person.clone(), false).await.1).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    // A product's id is the shop's and stays in models, also when one customer alone bought it.
    // The last line's date is refused, and the list of rejected lines quotes it.
    let events = format!(
        "kind,customer_id,occurred_at,product_id,query,basket_id\n\
         search,{ID},2026-09-01T10:00:00Z,,{MARK} shoes,\n\
         purchase,{ID},2026-09-02T10:00:00Z,bought-by-one,,{MARK}-basket\n\
         view,{ID},{MARK}-date,,,\n"
    );
    let (import_id, job) = house.import(Entity::Events, events.clone(), false).await;
    let ended = house.end(job).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let new = NewModel { as_of: None, horizon_days: 28, seed: 1, params: json!({}), request_id: None };
    let (_, job) = model::enqueue(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();
    let ended = house.end(job.id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");

    // It is there: in the dump, in the list of rejected lines, in the snapshot (which is compressed).
    let found = house.search().await;
    assert!(
        found.contains(&"dump".to_owned()) && found.iter().any(|at| at.contains("/rejected/")),
        "{found:?}"
    );
    let before = house.records().await;
    assert!(before.customers().view().find(ID).is_some());
    let snapshot_dir = house.test.objects_dir().join(house.tenant_id.to_string()).join("snapshot");
    let old_parts = files_below(&snapshot_dir);

    let begun = Instant::now();
    let receipt = house.erase(ID).await.unwrap();
    assert!(receipt.finished_at.is_none());
    let ended = house.end(receipt.job_id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(house.search().await, Vec::<String>::new());
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("worker started") && !logged.contains(MARK));
    assert!(old_parts.is_disjoint(&files_below(&snapshot_dir)), "parts of the old snapshot are left");
    let after = house.records().await;
    assert!(after.customers().view().find(ID).is_none());
    assert_eq!(after.n_events() + 2, before.n_events());

    // The receipt tells of each place, and the same is answered to a second request; a stranger is unknown.
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let done = erasure::find(&mut tenant, receipt.id).await.unwrap().unwrap();
    assert!(done.finished_at.is_some());
    let n_found = |name: &str| done.places.iter().find(|place| place.place == name).unwrap().n_found;
    assert_eq!((n_found("customers"), n_found("events")), (Some(1), Some(2)));
    assert!(done.places.iter().all(|place| place.due_at.is_none()));
    assert!(import::find(&mut tenant, import_id).await.unwrap().unwrap().rejected_object.is_none());
    drop(tenant);
    assert_eq!(house.erase(ID).await.unwrap().id, receipt.id);
    assert!(house.erase("nobody").await.is_none());

    // The same files come again: the lines of the erased are rejected with a reason, the others are taken.
    let ended = house.end(house.import(Entity::Customers, person.clone(), false).await.1).await;
    assert_eq!(ended.result.as_ref().unwrap()["rejected"], 1, "{ended:?}");
    let events = format!("{events}view,other,2026-09-04T10:00:00Z,,,\n");
    let (import_id, job) = house.import(Entity::Events, events.clone(), false).await;
    let ended = house.end(job).await;
    assert!(ended.result.is_some(), "{ended:?}");
    assert_eq!((ended.state, &ended.result.as_ref().unwrap()["accepted"]), (State::Succeeded, &json!(1)));
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let object = import::find(&mut tenant, import_id).await.unwrap().unwrap().rejected_object.unwrap();
    let listed = house.objects().get(&object).await.unwrap();
    let listed = String::from_utf8_lossy(&listed);
    assert!(listed.contains("was erased") && !listed.contains(ID), "{listed}");
    // Events one by one are passed over, and a row is refused.
    let event = ingest::NewEvent {
        kind: "view".to_owned(),
        customer_id: ID.to_owned(),
        ..ingest::NewEvent::default()
    };
    let now = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let taken = ingest::insert_events(&mut tenant, &[event], now).await.unwrap();
    assert_eq!((taken.n_accepted, taken.n_refused), (0, 1));
    let put = row::put(&mut tenant, Entity::Customers, ID, serde_json::Map::new(), false).await.unwrap();
    assert_eq!(put, row::Put::Erased);
    drop(tenant);
    // An owner lets the customer come back.
    let ended = house.end(house.import(Entity::Customers, person, true).await.1).await;
    assert_eq!(ended.result.as_ref().unwrap()["rejected"], 0, "{ended:?}");
    let ended = house.end(house.import(Entity::Events, events, false).await.1).await;
    assert_eq!(ended.result.as_ref().unwrap()["accepted"], 3, "{ended:?}");
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let page = clew_store::Page::default();
    let known = customer::events(&mut tenant, ID, &page).await.unwrap().data;
    assert_eq!(known.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["search", "purchase"]);
    worker.end().await;
}

/// A job that takes its place until it is told to end.
struct Long(Arc<Notify>);

impl Kind for Long {
    fn name(&self) -> &'static str {
        "long"
    }

    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a> {
        Box::pin(async move {
            self.0.notified().await;
            task.finish(task.tenant().await?, &json!({})).await
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_does_not_wait_for_long_jobs() {
    let house = House::new().await;
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    row::put(&mut tenant, Entity::Customers, "c1", serde_json::Map::new(), false).await.unwrap();
    tenant.commit().await.unwrap();
    let release = Arc::new(Notify::new());
    let worker =
        start(house.worker("one", |config| config.n_places = 1).with_kind(Long(Arc::clone(&release))));
    let long = house.enqueue("long", json!({})).await;
    house.until(long, |job| job.state == State::Running).await;
    let waiting = house.enqueue("long", json!({})).await;
    let receipt = house.erase("c1").await.unwrap();
    assert_eq!(house.end(receipt.job_id).await.state, State::Succeeded);
    assert_eq!(house.job(long).await.state, State::Running);
    assert_eq!(house.job(waiting).await.state, State::Queued);
    release.notify_one();
    house.end(long).await;
    release.notify_one();
    house.end(waiting).await;
    worker.end().await;
}
