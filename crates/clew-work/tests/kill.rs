//! Workers killed with SIGKILL at every place of a job, again and again: nothing is lost, nothing is done twice, and the
//! model's bytes are those of a training that nobody disturbed. `CLEW_KILLS` says how many workers die.
//!
//! The workers are processes of their own: this very test binary, started anew for the test `worker`, which does
//! nothing unless it is told to be one. A worker stands still where it is to die, and says so.

#![allow(
    clippy::disallowed_methods,
    reason = "how long a trial takes, and what a process is told, comes from the environment"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures of a run are its result")]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clew_store::data;
use clew_store::import::{self, NewImport};
use clew_store::job::{Job, State};
use clew_store::model::{self, NewModel};
use clew_store::object::Objects;
use clew_store::retention::{self, Days};
use clew_store::{Entity, Page, Store, StoreConfig, job, snapshot, tenant};
use clew_work::{At, PLACES, WorkConfig, Worker, WorkerParts};
use serde_json::json;
use support::{House, start};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const URL: &str = "CLEW_TEST_URL";
const OBJECTS: &str = "CLEW_TEST_OBJECTS";
const PLACE: &str = "CLEW_TEST_PLACE";
const REACHED: &str = "reached";
/// A job is given up when it has lost so many workers.
const KILLS_OF_A_JOB: usize = 4;

/// A worker that dies at a place, when this process was started to be one.
#[tokio::test(flavor = "multi_thread")]
async fn worker() {
    let (Ok(url), Ok(objects), Ok(place)) =
        (std::env::var(URL), std::env::var(OBJECTS), std::env::var(PLACE))
    else {
        return;
    };
    let mut config = WorkConfig::new(format!("dies-{}", std::process::id()));
    (config.n_places, config.lease) = (1, Duration::from_millis(900));
    config.poll = Duration::from_millis(50);
    config.at = At::new(move |reached| {
        if reached == place {
            let mut out = std::io::stdout();
            writeln!(out, "{REACHED}").unwrap();
            out.flush().unwrap();
            loop {
                std::thread::park();
            }
        }
    });
    let worker = Worker::new(WorkerParts {
        store: Store::connect_to_serve(&url, StoreConfig::default()).await.unwrap(),
        objects: Objects::open(&objects).unwrap(),
        pool: Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap()),
        clock: Arc::new(|| chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap()),
        config,
    });
    worker.run(CancellationToken::new()).await;
}

/// Starts a worker that comes to a place, and kills it there.
fn kill_one_at(house: &House, place: &str) {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["worker", "--exact", "--nocapture", "--test-threads=1"])
        .env(URL, &house.test.url)
        .env(OBJECTS, house.test.objects_dir())
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reached = lines.any(|line| line.unwrap().ends_with(REACHED));
    assert!(reached, "the worker ended before it came to {place}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Kills workers at these places, one after the other, then lets one live. Gives the job as it ended.
async fn survive(house: &House, job_id: Uuid, places: &[&str]) -> Job {
    for place in places {
        tokio::task::block_in_place(|| kill_one_at(house, place));
    }
    let heir = start(house.worker("heir", |_| {}));
    let job = house.end(job_id).await;
    heir.end().await;
    job
}

/// Puts a file among the uploads and asks for its import.
async fn ask_import(house: &House, entity: Entity, text: &str) -> Uuid {
    let folder = format!("{}/imports", house.tenant_id);
    let stored = house.objects().put(&folder, "", text.as_bytes().to_vec()).await.unwrap();
    let new = NewImport {
        entity,
        object: stored.name,
        size_bytes: text.len() as i64,
        format: Some("csv".to_owned()),
        compression: None,
        mapping: json!({}),
        readmit_erased: false,
        request_id: None,
    };
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let (_, job) = import::enqueue(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();
    job.id
}

/// A small shop: enough to learn from.
fn files() -> [(Entity, String); 3] {
    let mut customers = "customer_id,age,city\n".to_owned();
    let mut products = "product_id,category,price\n".to_owned();
    let mut events = "kind,customer_id,product_id,occurred_at,quantity,revenue\n".to_owned();
    for n in 0..150 {
        customers += &format!("c{n},{},city {}\n", 18 + n % 60, n % 7);
    }
    for n in 0..20 {
        products += &format!("p{n},category {},{}.5\n", n % 4, 5 + n);
    }
    for n in 0..3_000_usize {
        let day = chrono::NaiveDate::from_ymd_opt(2025, 6, 1).unwrap() + chrono::Days::new(n as u64 / 7);
        let kind = if n % 3 == 0 { "purchase" } else { "view" };
        events += &format!("{kind},c{},p{},{day},1,9.5\n", (n * 7919) % 150, (n * 104_729 + n / 20) % 20);
    }
    [(Entity::Customers, customers), (Entity::Products, products), (Entity::Events, events)]
}

/// Brings the small shop into the house's tenant.
async fn stock(house: &House) {
    let importer = start(house.worker("importer", |_| {}));
    for (entity, text) in files() {
        let id = ask_import(house, entity, &text).await;
        assert_eq!(house.end(id).await.state, State::Succeeded);
    }
    importer.end().await;
}

/// Asks for a training; gives the model and its job.
async fn ask_training(house: &House) -> (Uuid, Uuid) {
    let new = NewModel { as_of: None, horizon_days: 28, seed: 7, params: json!({}), request_id: None };
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let (model, job) = model::enqueue(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();
    (model.id, job.id)
}

/// The name of a model's file without its tenant: the hash of its bytes.
async fn file_of(house: &House, model_id: Uuid) -> String {
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let model = model::find(&mut tenant, model_id).await.unwrap().unwrap();
    let object = model.object.unwrap();
    assert!(house.test.objects_dir().join(&object).is_file());
    object.rsplit_once('/').unwrap().1.to_owned()
}

async fn n_rows(house: &House, entity: Entity) -> i64 {
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    data::find(&mut tenant).await.unwrap().n_rows(entity)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_whose_workers_die_everywhere_gives_the_same_bytes_once() {
    let mut undisturbed = House::new().await;
    stock(&undisturbed).await;
    let heir = start(undisturbed.worker("undisturbed", |_| {}));
    let (model_id, job_id) = ask_training(&undisturbed).await;
    let ended = undisturbed.end(job_id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let expected = file_of(&undisturbed, model_id).await;
    heir.end().await;

    undisturbed.tenant_id = undisturbed.test.tenant("disturbed").await.unwrap();
    let house = undisturbed;
    stock(&house).await;
    let (model_id, job_id) = ask_training(&house).await;
    // At checkpoints it is killed below.
    let places: Vec<&str> = PLACES.iter().copied().filter(|place| *place != "checkpoint").collect();
    let places = &places[places.len() - KILLS_OF_A_JOB..];
    let job = survive(&house, job_id, places).await;
    assert_eq!((job.state, job.attempt), (State::Succeeded, places.len() as i32 + 1), "{job:?}");
    assert_eq!(file_of(&house, model_id).await, expected, "the bytes of the model");
    println!("{} workers killed in a training, at {places:?}; the model's bytes are the same", places.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_goes_on_with_what_its_dead_workers_had_done() {
    let house = House::new().await;
    stock(&house).await;
    let (model_id, job_id) = ask_training(&house).await;
    let folder = format!("{}/checkpoints", house.tenant_id);
    // Each dies once it has kept something: what the ones before it kept, it found.
    for n_kept in 1..=3 {
        tokio::task::block_in_place(|| kill_one_at(&house, "checkpoint"));
        let kept = house.objects().list(&folder).await.unwrap();
        assert_eq!(kept.len(), n_kept, "{kept:?}");
        assert!(kept.iter().all(|object| object.starts_with(&format!("{folder}/{job_id}/"))), "{kept:?}");
    }
    let kept = house.objects().list(&folder).await.unwrap();
    // What was damaged on the way is learned again.
    std::fs::write(house.test.objects_dir().join(&kept[0]), b"clewfile, or not").unwrap();
    let heir = start(house.worker("heir", |_| {}));
    assert_eq!(house.end(job_id).await.state, State::Succeeded);
    let resumed = file_of(&house, model_id).await;
    // The checkpoints go after the job has ended well, by the same worker.
    heir.end().await;
    assert_eq!(house.objects().list(&folder).await.unwrap(), Vec::<String>::new(), "left behind");

    // A job that ended otherwise leaves its checkpoints to the next training, which deletes them.
    let lost = format!("{folder}/{}", Uuid::now_v7());
    house.objects().put(&lost, ".clew", b"of a job that is no more".to_vec()).await.unwrap();
    let (model_id, job_id) = ask_training(&house).await;
    let next = start(house.worker("next", |_| {}));
    assert_eq!(house.end(job_id).await.state, State::Succeeded);
    next.end().await;
    assert_eq!(house.objects().list(&folder).await.unwrap(), Vec::<String>::new(), "left behind");
    assert_eq!(file_of(&house, model_id).await, resumed, "the bytes of a training that nobody disturbed");
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_whose_workers_die_everywhere_are_whole_and_done_once() {
    let n_kills = std::env::var("CLEW_KILLS").ok().map_or(16, |text| text.parse().unwrap());
    let house = House::new().await;
    let places: Vec<&str> =
        PLACES.iter().copied().filter(|place| !["checkpoint", "train"].contains(place)).collect();
    let (mut n_killed, mut n_landed, mut n_jobs) = (0, 0, 0);
    while n_killed < n_kills {
        let file: String = (0..20).map(|n| format!("c{n_jobs}-{n},{n}\n")).collect();
        let id = ask_import(&house, Entity::Customers, &format!("customer_id,age\n{file}")).await;
        let at: Vec<&str> =
            (n_killed..n_kills.min(n_killed + KILLS_OF_A_JOB)).map(|n| places[n % places.len()]).collect();
        let job = survive(&house, id, &at).await;
        n_jobs += 1;
        n_killed += at.len();
        n_landed += job.attempt as usize - 1;
        assert_eq!((job.state, job.attempt as usize), (State::Succeeded, at.len() + 1), "{job:?}");
        assert_eq!(job.result.unwrap()["accepted"], 20);
        assert_eq!(n_rows(&house, Entity::Customers).await, 20 * n_jobs, "lost or doubled");
    }
    println!("{n_killed} workers killed in {n_jobs} imports at {places:?}, {n_landed} on a claimed job");
    assert_eq!(n_landed, n_killed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_whose_workers_die_everywhere_is_done_to_its_end() {
    let house = House::new().await;
    stock(&house).await;
    let heir = start(house.worker("trainer", |_| {}));
    let (_, job_id) = ask_training(&house).await;
    assert_eq!(house.end(job_id).await.state, State::Succeeded);
    heir.end().await;
    let before = snapshot::latest(&house.test.store, house.tenant_id).await.unwrap().unwrap();
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let events_days = [("view".to_owned(), Some(30))].into();
    retention::put(&mut tenant, &Days { events_days, ..Days::default() }).await.unwrap();
    tenant.commit().await.unwrap();
    let in_force = "update retentions set next_from = next_from - interval '1 day'";
    house.test.sabotage(in_force).await.unwrap();
    let job_id = house.enqueue(retention::JOB_KIND, json!({})).await;
    // At `write` the rows are gone and their copies are not; who comes after finds no rows to remove.
    let places = ["claim", "read", "write", "publish"];
    let job = survive(&house, job_id, &places).await;
    assert_eq!((job.state, job.attempt), (State::Succeeded, places.len() as i32 + 1), "{job:?}");
    assert_eq!(n_rows(&house, Entity::Events).await, 1_000, "the purchases");
    let after = snapshot::latest(&house.test.store, house.tenant_id).await.unwrap().unwrap();
    assert_eq!((before.n_events, after.n_events), (3_000, 1_000));
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let found = retention::find(&mut tenant).await.unwrap();
    assert!(!found.has_copies && found.last_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_are_too_many_go_though_workers_die_everywhere() {
    let house = House::new().await;
    stock(&house).await;
    let heir = start(house.worker("trainer", |_| {}));
    let mut models = Vec::new();
    for seed in 0..4 {
        let (model_id, job_id) = house.train(seed).await;
        assert_eq!(house.end(job_id).await.state, State::Succeeded);
        models.push(model_id);
    }
    heir.end().await;
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    tenant::set_models_kept(&mut tenant, 2).await.unwrap();
    assert_eq!(model::mark_surplus(&mut tenant).await.unwrap().len(), 2);
    let kind = Some(model::FORGET_JOB_KIND);
    let job = job::list(&mut tenant, kind, None, &Page::first(1)).await.unwrap().data.remove(0);
    tenant.commit().await.unwrap();
    let places = ["claim", "read", "write", "publish"];
    let job = survive(&house, job.id, &places).await;
    assert_eq!((job.state, job.attempt), (State::Succeeded, places.len() as i32 + 1), "{job:?}");
    let mut left = Vec::new();
    for model_id in [models[0], models[3]] {
        left.push(format!("{}/models/{}", house.tenant_id, file_of(&house, model_id).await));
    }
    let mut found = house.objects().list(&format!("{}/models", house.tenant_id)).await.unwrap();
    left.sort();
    found.sort();
    assert_eq!(found, left, "the files of those that are kept and no others");
}
