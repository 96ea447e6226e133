//! Models, imports and data: rows whose state is their job's, totals, and the order of writes.

use chrono::{DateTime, Utc};
use clew_store::job::{self, JobError, State};
use clew_store::model::{self, Model, ModelState, NewModel, Trained};
use clew_store::object::Objects;
use clew_store::testing::{TestStore, database};
use clew_store::{Entity, Error, Page, data, import, tenant};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

const THEN: DateTime<Utc> = DateTime::from_timestamp_nanos(1_700_000_000_000_000_000);

fn new() -> NewModel {
    NewModel { as_of: None, horizon_days: 28, seed: 7, params: json!({}), request_id: Some("r1".into()) }
}

fn trained() -> Trained {
    Trained {
        as_of: THEN,
        object: "models/abc".into(),
        size_bytes: 10,
        batch: 3,
        report: json!({"auc": 0.8}),
        comparison: None,
    }
}

async fn train(test: &TestStore, tenant_id: Uuid) -> Model {
    train_into(test, tenant_id, "models/abc").await
}

/// Trains a model whose file has this name.
async fn train_into(test: &TestStore, tenant_id: Uuid, object: &str) -> Model {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let (row, enqueued) = model::enqueue(&mut tenant, &new()).await.unwrap();
    tenant.commit().await.unwrap();
    assert_eq!((row.state, enqueued.request_id.as_deref()), (ModelState::Training, Some("r1")));
    let claimed =
        test.store.queue().claim("w", &[model::JOB_KIND], 1, Duration::from_secs(60)).await.unwrap();
    assert_eq!(claimed[0].payload, json!({"model_id": row.id}));
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let trained = Trained { object: object.to_owned(), ..trained() };
    let row = model::finish(&mut tenant, row.id, &trained).await.unwrap();
    job::finish(&mut tenant, claimed[0].ticket(), &json!({})).await.unwrap();
    tenant.commit().await.unwrap();
    row
}

#[tokio::test]
async fn the_first_model_answers_until_another_is_activated() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let first = train(&test, tenant_id).await;
    assert_eq!((first.state, first.active, first.as_of), (ModelState::Ready, true, Some(THEN)));
    let second = train(&test, tenant_id).await;
    assert!(!second.active && second.activated_at.is_none());

    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(model::find_active(&mut tenant).await.unwrap().unwrap().id, first.id);
    let second = model::activate(&mut tenant, second.id).await.unwrap();
    assert!(second.active && second.activated_at.is_some());
    assert_eq!(model::activate(&mut tenant, second.id).await.unwrap(), second, "twice is once");
    let all = model::list(&mut tenant, &Page::default()).await.unwrap().data;
    let active: Vec<(Uuid, bool)> = all.iter().map(|row| (row.id, row.active)).collect();
    assert_eq!(active, [(second.id, true), (first.id, false)]);
    assert!(matches!(model::activate(&mut tenant, Uuid::now_v7()).await, Err(Error::Missing { .. })));
}

/// Marks what is too many, as the end of a training does.
async fn mark(test: &TestStore, tenant_id: Uuid) -> Vec<Uuid> {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let mut marked = model::mark_surplus(&mut tenant).await.unwrap();
    tenant.commit().await.unwrap();
    marked.sort();
    marked
}

#[tokio::test]
async fn the_oldest_models_go_but_never_the_one_that_answers() {
    let test = database().await.unwrap();
    let [one, two] = [test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap()];
    let objects = Objects::open(test.objects_dir().to_str().unwrap()).unwrap();
    let mut ids = Vec::new();
    for (n, bytes) in ["a", "b", "c", "b", "d"].iter().enumerate() {
        let stored = objects.put("models", ".clew", *bytes).await.unwrap();
        assert!(train_into(&test, two, &stored.name).await.object.is_some());
        let row = train_into(&test, one, &stored.name).await;
        assert_eq!(row.active, n == 0);
        ids.push(row.id);
    }
    let others = test.hashes(two).await.unwrap();
    assert!(mark(&test, one).await.is_empty(), "ten are kept unless told otherwise");
    let mut tenant = test.store.tenant(one).await.unwrap();
    assert!(tenant::set_models_kept(&mut tenant, 1).await.is_err(), "the floor");
    drop(tenant);
    let mut tenant = test.store.tenant(one).await.unwrap();
    assert_eq!(tenant::set_models_kept(&mut tenant, 2).await.unwrap().models_kept, 2);
    // One that a job names stays until the job has ended.
    let new = job::NewJob::new("compare", json!({"model_id": ids[2]}));
    let named = job::enqueue(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();
    assert_eq!(mark(&test, one).await, [ids[1], ids[3]]);

    // What is marked is not there for anybody; the live one and the newest are.
    let mut tenant = test.store.tenant(one).await.unwrap();
    let listed = model::list(&mut tenant, &Page::default()).await.unwrap().data;
    let listed: Vec<Uuid> = listed.into_iter().map(|row| row.id).collect();
    assert_eq!(listed, [ids[4], ids[2], ids[0]]);
    assert_eq!(model::find(&mut tenant, ids[1]).await.unwrap(), None);
    assert!(matches!(model::activate(&mut tenant, ids[3]).await, Err(Error::Missing { .. })));
    assert_eq!(model::find_before(&mut tenant, THEN).await.unwrap().unwrap().id, ids[4]);
    job::cancel(&mut tenant, named.id).await.unwrap();
    tenant.commit().await.unwrap();
    assert_eq!(mark(&test, one).await, [ids[2]]);

    // A file goes with the tenant's last model that is made of it.
    let file = async |n: usize| {
        let name = listed_object(&test, two, n).await;
        objects.exists(&name).await.unwrap()
    };
    let forget = async || {
        let mut tenant = test.store.tenant(one).await.unwrap();
        let forgotten = model::forget_one(&mut tenant, &objects, || ()).await.unwrap();
        tenant.commit().await.unwrap();
        forgotten
    };
    // Killed before its commit, a model is still marked, and is deleted by who comes next.
    let mut tenant = test.store.tenant(one).await.unwrap();
    assert_eq!(model::forget_one(&mut tenant, &objects, || ()).await.unwrap(), Some(ids[1]));
    drop(tenant);
    assert_eq!(forget().await, Some(ids[1]));
    assert!(file(1).await, "another model is made of it");
    assert_eq!((forget().await, forget().await, forget().await), (Some(ids[2]), Some(ids[3]), None));
    assert_eq!([file(0).await, file(1).await, file(2).await, file(4).await], [true, false, false, true]);
    assert_eq!(test.hashes(two).await.unwrap(), others);
}

/// The name of the file of a tenant's n-th model.
async fn listed_object(test: &TestStore, tenant_id: Uuid, n: usize) -> String {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let rows = model::list(&mut tenant, &Page::default()).await.unwrap().data;
    rows[rows.len() - 1 - n].object.clone().unwrap()
}

#[tokio::test]
async fn a_model_without_a_file_is_what_its_job_is() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let (row, _) = model::enqueue(&mut tenant, &new()).await.unwrap();
    assert!(matches!(model::activate(&mut tenant, row.id).await, Err(Error::Conflict { .. })));
    tenant.commit().await.unwrap();
    let queue = test.store.queue();
    let claimed = queue.claim("w", &["train"], 1, Duration::from_secs(60)).await.unwrap().remove(0);
    let error = JobError { code: "not_enough_data".into(), detail: "12 of 500 buyers".into() };
    assert_eq!(queue.fail(claimed.ticket(), &error, None).await.unwrap(), State::Failed);
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(model::find(&mut tenant, row.id).await.unwrap().unwrap().state, ModelState::Failed);
    assert_eq!(model::find_active(&mut tenant).await.unwrap(), None);
}

#[tokio::test]
async fn an_import_is_what_its_job_is_and_then_tells_its_outcome() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let new = import::NewImport {
        entity: Entity::Events,
        object: "uploads/1".into(),
        size_bytes: 5,
        format: Some("csv".into()),
        compression: None,
        mapping: json!({"customer_id": "household_id"}),
        readmit_erased: false,
        request_id: None,
    };
    let (row, _) = import::enqueue(&mut tenant, &new).await.unwrap();
    assert_eq!((row.state, row.entity, row.accepted), (State::Queued, Entity::Events, None));
    let outcome = import::Outcome {
        accepted: 9,
        rejected: 1,
        columns: json!([]),
        batch: Some(1),
        ..Default::default()
    };
    import::finish(&mut tenant, row.id, &outcome).await.unwrap();
    let row = import::find(&mut tenant, row.id).await.unwrap().unwrap();
    assert_eq!((row.accepted, row.rejected, row.batch), (Some(9), Some(1), Some(1)));
    assert_eq!(import::list(&mut tenant, &Page::default()).await.unwrap().data, [row]);
}

#[tokio::test]
async fn totals_add_up() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let empty = data::find(&mut tenant).await.unwrap();
    assert_eq!((empty.n_rows(Entity::Events), empty.event_range(), empty.updated_at()), (0, None, None));
    let change = |kind: &str, n_rows, days: i64| data::Change {
        entity: Entity::Events,
        kind: kind.into(),
        n_rows,
        n_duplicates: 1,
        n_rejected: 0,
        first_at: Some(THEN + chrono::TimeDelta::days(days)),
        last_at: Some(THEN + chrono::TimeDelta::days(days + 1)),
    };
    for change in [change("view", 5, 0), change("purchase", 2, 3), change("view", 4, -2)] {
        assert!(tenant::next_batch(&mut tenant).await.unwrap() > 0);
        data::add(&mut tenant, &change).await.unwrap();
    }
    let found = data::find(&mut tenant).await.unwrap();
    assert_eq!((found.n_rows(Entity::Events), found.n_rows(Entity::Products), found.last_batch), (11, 0, 3));
    let days = |n| THEN + chrono::TimeDelta::days(n);
    assert_eq!(found.event_range(), Some((days(-2), days(4))));
    let kinds: Vec<_> =
        found.totals.iter().map(|total| (&*total.kind, total.n_rows, total.n_duplicates)).collect();
    assert_eq!(kinds, [("purchase", 2, 1), ("view", 9, 2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_are_numbered_in_the_order_of_commits() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = test.store.clone();
            tokio::spawn(async move {
                let mut tenant = store.tenant(tenant_id).await.unwrap();
                let batch = tenant::next_batch(&mut tenant).await.unwrap();
                // While it is held, every lower number has been committed.
                let seen = tenant::find_own(&mut tenant).await.unwrap().last_batch;
                tenant.commit().await.unwrap();
                (batch, seen)
            })
        })
        .collect();
    let mut batches = Vec::new();
    for writer in writers {
        let (batch, seen) = writer.await.unwrap();
        assert_eq!(batch, seen);
        batches.push(batch);
    }
    batches.sort_unstable();
    assert_eq!(batches, [1, 2, 3, 4, 5, 6, 7, 8]);
    let nobody = Uuid::now_v7();
    let mut tenant = test.store.tenant(nobody).await.unwrap();
    assert!(matches!(tenant::next_batch(&mut tenant).await, Err(Error::Missing { .. })));
}
