//! Schedules and drift: who asks for a training, when, and that no two are asked for.

use clew_store::schedule::{self, NewSchedule, Reason};
use clew_store::testing::{TestStore, database};
use clew_store::{Error, Tenant, drift, job, model};
use serde_json::json;
use sqlx::AssertSqlSafe;
use std::time::Duration;
use uuid::Uuid;

const WEEKLY: NewSchedule = NewSchedule { every_days: Some(7), at_drift: false, horizon_days: 28 };

/// Moves the tenant's schedule and models into the past.
async fn pass(test: &TestStore, days: i32) {
    let mut owner = test.owner().await.unwrap();
    let statements = format!(
        "update schedules set next_at = next_at - interval '{days} days';
         update models set created_at = created_at - interval '{days} days'"
    );
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut owner).await.unwrap();
}

async fn ask(test: &TestStore, tenant_id: Uuid, reason: Reason) -> Option<model::Model> {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let asked = schedule::ask(&mut tenant, reason).await.unwrap();
    tenant.commit().await.unwrap();
    asked
}

/// Ends the training that waits; the first becomes the live model.
async fn end_training(test: &TestStore, tenant_id: Uuid, id: Uuid) {
    let claimed =
        test.store.queue().claim("w", &[model::JOB_KIND], 1, Duration::from_secs(60)).await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let trained = model::Trained {
        as_of: chrono::DateTime::UNIX_EPOCH,
        object: "m".into(),
        size_bytes: 1,
        batch: 1,
        report: json!({}),
        comparison: Some(json!({"worse": false})),
    };
    let row = model::finish(&mut tenant, id, &trained).await.unwrap();
    assert_eq!(row.comparison, trained.comparison);
    job::finish(&mut tenant, claimed[0].ticket(), &json!({})).await.unwrap();
    tenant.commit().await.unwrap();
}

#[tokio::test]
async fn a_training_is_asked_for_when_its_day_has_come_and_once() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    assert_eq!(ask(&test, tenant_id, Reason::Due).await, None, "no schedule, no training");
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert!(matches!(schedule::delete(&mut tenant).await, Err(Error::Missing { .. })));
    let put = schedule::put(&mut tenant, &WEEKLY).await.unwrap();
    tenant.commit().await.unwrap();
    assert!(test.store.queue().due().await.unwrap().is_empty());

    // Written again with the same days, the day stays.
    pass(&test, 3).await;
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let again = schedule::put(&mut tenant, &NewSchedule { at_drift: true, ..WEEKLY }).await.unwrap();
    tenant.commit().await.unwrap();
    assert_eq!(put.next_at.unwrap() - again.next_at.unwrap(), chrono::TimeDelta::days(3));

    pass(&test, 5).await;
    assert_eq!(test.store.queue().due().await.unwrap(), [tenant_id]);
    let asked = ask(&test, tenant_id, Reason::Due).await.unwrap();
    assert_eq!(
        (asked.params["activate"].as_bool(), &asked.params["asked_by"]),
        (Some(true), &json!("schedule"))
    );
    assert!(test.store.queue().due().await.unwrap().is_empty());
    assert_eq!(ask(&test, tenant_id, Reason::Due).await, None, "the next one is a week away");

    // While it waits or runs, nothing more is asked for.
    pass(&test, 8).await;
    assert_eq!(ask(&test, tenant_id, Reason::Due).await, None);
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(schedule::find(&mut tenant).await.unwrap().unwrap().last_model_id, Some(asked.id));
    schedule::delete(&mut tenant).await.unwrap();
    assert_eq!(schedule::find(&mut tenant).await.unwrap(), None);
}

#[tokio::test]
async fn drift_asks_where_the_schedule_says_so_and_not_twice_a_day() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let put = |new: NewSchedule| {
        let store = test.store.clone();
        async move {
            let mut tenant = store.tenant(tenant_id).await.unwrap();
            schedule::put(&mut tenant, &new).await.unwrap();
            tenant.commit().await.unwrap();
        }
    };
    put(WEEKLY).await;
    assert_eq!(ask(&test, tenant_id, Reason::Drift).await, None);
    put(NewSchedule { every_days: None, at_drift: true, ..WEEKLY }).await;
    let asked = ask(&test, tenant_id, Reason::Drift).await.unwrap();
    assert_eq!(asked.params["asked_by"], "drift");
    end_training(&test, tenant_id, asked.id).await;
    assert_eq!(ask(&test, tenant_id, Reason::Drift).await, None, "a day has not passed");
    pass(&test, 2).await;
    assert!(ask(&test, tenant_id, Reason::Drift).await.is_some());
}

#[tokio::test]
async fn a_look_for_drift_is_asked_for_once_and_speaks_of_the_live_model() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(drift::enqueue(&mut tenant).await.unwrap(), None, "there is nothing to compare with");
    schedule::put(&mut tenant, &NewSchedule { at_drift: true, ..WEEKLY }).await.unwrap();
    tenant.commit().await.unwrap();
    let first = ask(&test, tenant_id, Reason::Drift).await.unwrap();
    end_training(&test, tenant_id, first.id).await;

    let mut tenant: Tenant<'_> = test.store.tenant(tenant_id).await.unwrap();
    let look = drift::enqueue(&mut tenant).await.unwrap().unwrap();
    assert_eq!(look.kind, drift::JOB_KIND);
    assert_eq!(drift::enqueue(&mut tenant).await.unwrap(), None, "one waits already");
    drift::put(&mut tenant, first.id, 3, &json!({"retrain": true})).await.unwrap();
    let found = drift::find(&mut tenant).await.unwrap().unwrap();
    assert_eq!((found.model_id, found.batch, &found.found), (first.id, 3, &json!({"retrain": true})));
    job::cancel(&mut tenant, look.id).await.unwrap();
    let later = drift::enqueue(&mut tenant).await.unwrap().unwrap();
    assert!(later.run_at > found.checked_at + chrono::TimeDelta::minutes(5), "looks are ten minutes apart");
    drift::put(&mut tenant, Uuid::now_v7(), 4, &json!({})).await.unwrap();
    assert_eq!(drift::find(&mut tenant).await.unwrap(), None, "of another model than the live one");
}
