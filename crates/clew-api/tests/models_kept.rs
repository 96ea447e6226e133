//! How many models are kept, over HTTP: who sets it, and what is answered of a model that went.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use clew_store::model::{self, NewModel, Trained};
use common::Api;
use serde_json::{Value, json};
use uuid::Uuid;

/// A model that was trained, and what became too many by it marked.
async fn trained(api: &Api) -> Uuid {
    let mut tenant = api.database.store.tenant(api.tenant_id).await.unwrap();
    let new = NewModel { as_of: None, horizon_days: 28, seed: 0, params: json!({}), request_id: None };
    let (row, _) = model::enqueue(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();
    let mut tenant = api.database.store.tenant(api.tenant_id).await.unwrap();
    let trained = Trained {
        as_of: common::now(),
        object: format!("{}/models/none", api.tenant_id),
        size_bytes: 1,
        batch: 1,
        report: json!({}),
        comparison: None,
    };
    model::finish(&mut tenant, row.id, &trained).await.unwrap();
    tenant.commit().await.unwrap();
    let mut tenant = api.database.store.tenant(api.tenant_id).await.unwrap();
    clew_store::job::cancel(&mut tenant, row.job_id).await.unwrap();
    model::mark_surplus(&mut tenant).await.unwrap();
    tenant.commit().await.unwrap();
    row.id
}

#[tokio::test]
async fn an_owner_says_how_many_are_kept_and_the_others_are_not_there_any_more() {
    let api = Api::start().await;
    let (owner, marketer, reader) = (api.owner().await, api.marketer().await, api.reader().await);
    assert_eq!(reader.get("/v1/tenant").await.expect(200).body()["models_kept"], 10);
    marketer.patch("/v1/tenant", &json!({"models_kept": 2})).await.expect(403);
    let low = owner.patch("/v1/tenant", &json!({"models_kept": 1})).await.expect(422);
    assert_eq!(low.errors(), ["/models_kept: expected at least 2, found 1"]);
    let set = owner.patch("/v1/tenant", &json!({"models_kept": 2})).await.expect(200).body();
    assert_eq!((&set["models_kept"], &set["minimum_support"]), (&json!(2), &json!(20)));
    // One setting is changed without the other.
    let set = owner.patch("/v1/tenant", &json!({"minimum_support": 30})).await.expect(200).body();
    assert_eq!((&set["models_kept"], &set["minimum_support"]), (&json!(2), &json!(30)));

    let (first, second, third) = (trained(&api).await, trained(&api).await, trained(&api).await);
    let listed = reader.get("/v1/models").await.expect(200).body();
    let ids: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(ids, [&json!(third), &json!(first)]);
    for path in [format!("/v1/models/{second}"), format!("/v1/models/{second}/report")] {
        assert_eq!(reader.get(&path).await.expect(404).problem(), "not_found");
    }
    let gone = marketer.post(&format!("/v1/models/{second}/activate"), &Value::Null).await.expect(404);
    let absent = format!("/v1/models/{}/activate", Uuid::now_v7());
    let absent = marketer.post(&absent, &Value::Null).await.expect(404);
    assert_eq!(gone.body()["detail"], absent.body()["detail"]);
    reader.get(&format!("/v1/models/{first}")).await.expect(200);
}
