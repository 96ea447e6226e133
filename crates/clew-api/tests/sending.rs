//! Data on its way in: files as they come, and events; keys and tenants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use axum::body::Body;
use axum::http::Method;
use clew_api::ApiConfig;
use clew_store::import;
use clew_store::key::Right;
use common::Api;
use futures_util::stream;
use serde_json::json;

#[tokio::test]
async fn a_file_is_kept_as_it_came_and_its_job_is_queued() {
    let api = Api::start().await;
    let sender = api.as_right(Right::Ingest).await;
    let file = vec![0x1f, 0x8b, 8, 0, 1, 2, 3];
    let mapping = "%7B%22customer_id%22%3A%22household_id%22%7D";
    let path = format!("/v1/imports?entity=customers&mapping={mapping}");
    let request = sender.request(Method::POST, &path).header("content-type", "text/csv");
    let request = request.header("content-encoding", "gzip").body(Body::from(file.clone())).unwrap();
    let answer = sender.send(request).await.expect(202);
    let body = answer.body();
    assert_eq!(answer.header("location"), format!("/v1/jobs/{}", body["job_id"].as_str().unwrap()));
    assert_eq!((&body["format"], &body["compression"]), (&json!("csv"), &json!("gzip")));
    assert_eq!(body["mapping"], json!({"customer_id": "household_id"}));
    assert_eq!((&body["state"], &body["size_bytes"]), (&json!("queued"), &json!(7)));

    let mut tenant = api.database.store.tenant(api.tenant_id).await.unwrap();
    let row = import::find(&mut tenant, answer.id().parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(api.state.objects().get(&row.object).await.unwrap(), file);
    // Its sender may follow it, and nothing else.
    sender.get(answer.header("location")).await.expect(200);
    assert_eq!(sender.get("/v1/jobs").await.expect(200).body()["data"].as_array().unwrap().len(), 1);
    let rejected = sender.get(&format!("/v1/imports/{}/rejected", answer.id())).await.expect(200);
    assert_eq!(rejected.text, "line,column,reason\n");
}

#[tokio::test]
async fn a_file_sent_again_under_the_same_key_is_one_import() {
    let api = Api::start().await;
    let sender = api.as_right(Right::Ingest).await;
    let send = async |path: &str, text: &'static str| {
        let request = sender
            .request(Method::POST, path)
            .header("content-type", "text/csv")
            .header("idempotency-key", "f");
        sender.send(request.body(Body::from(text)).unwrap()).await
    };
    let first = send("/v1/imports?entity=customers", "customer_id\nc1\n").await.expect(202);
    let again = send("/v1/imports?entity=customers", "customer_id\nc1\n").await.expect(202);
    assert_eq!(first.text, again.text);
    send("/v1/imports?entity=customers", "customer_id\nc2\n").await.expect(422);
    send("/v1/imports?entity=products", "customer_id\nc1\n").await.expect(422);
    assert_eq!(sender.get("/v1/imports").await.body()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_an_import_is_refused_and_leaves_nothing() {
    let api = Api::start_with(ApiConfig { import_max_bytes: 10, ..ApiConfig::default() }).await;
    let sender = api.as_right(Right::Ingest).await;
    let large =
        sender.upload("/v1/imports?entity=customers", "text/csv", "customer_id\nc1\n").await.expect(413);
    assert_eq!(large.problem(), "too_large");
    sender.upload("/v1/imports?entity=customers", "text/csv", "").await.expect(422);
    sender.upload("/v1/imports?entity=customers", "image/png", "x").await.expect(415);
    let wrong = sender.upload("/v1/imports?entity=people&format=xls", "text/csv", "x").await.expect(422);
    insta::assert_snapshot!(wrong.errors().join("\n"), @r#"
    ?entity: expected one of "customers", "products", "events", "campaigns", found "people"
    ?format: expected one of "csv", "ndjson", "parquet", found "xls"
    "#);
    let mapping = sender
        .upload("/v1/imports?entity=events&mapping=%7B%22kind%22%3A%5B%5D%7D", "text/csv", "x")
        .await
        .expect(422);
    assert!(mapping.errors()[0].starts_with("?mapping: "), "{}", mapping.text);
    let broken = stream::iter([Ok("customer"), Err(std::io::Error::other("gone"))]);
    let broken = sender
        .upload("/v1/imports?entity=customers", "text/csv", Body::from_stream(broken))
        .await
        .expect(400);
    assert_eq!(broken.problem(), "malformed");
    assert_eq!(api.reader().await.get("/v1/imports").await.body()["data"], json!([]));
    let left = std::fs::read_dir(api.database.objects_dir().join(api.tenant_id.to_string()).join("imports"));
    assert_eq!(left.map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn events_are_taken_all_or_none() {
    let api = Api::start().await;
    let sender = api.as_right(Right::Ingest).await;
    let event = |id: &str| json!({"kind": "view", "customer_id": "c1", "product_id": "p1", "occurred_at": "2026-11-20T10:00:00Z", "event_id": id});
    let taken =
        sender.post("/v1/events", &json!({"events": [event("a"), event("b"), event("a")]})).await.expect(202);
    assert_eq!(taken.body(), json!({"accepted": 2, "duplicates": 1, "refused": 0}));
    let again = sender.post("/v1/events", &json!([event("a"), event("c")])).await.expect(202);
    assert_eq!(again.body(), json!({"accepted": 1, "duplicates": 1, "refused": 0}));
    let mut wrong = event("d");
    wrong["quantity"] = json!("two");
    let wrong = sender
        .post("/v1/events", &json!({"events": [event("e"), wrong, {"kind": "view"}]}))
        .await
        .expect(422);
    insta::assert_snapshot!(wrong.errors().join("\n"), @r#"
    /events/1/quantity: expected number or null, found "two"
    /events/2/customer_id: is missing
    "#);
    let data = api.reader().await.get("/v1/data").await.expect(200).body();
    assert_eq!(data["n_events"], 3);
    let many: Vec<_> = (0..1_001).map(|i| event(&i.to_string())).collect();
    sender.post("/v1/events", &json!({"events": many})).await.expect(422);
}

#[tokio::test]
async fn an_operator_makes_a_tenant_whose_first_key_opens_it() {
    let api = Api::start().await;
    let operator = api.operator().await;
    let new = json!({"name": "Boutique Sud", "currency": "CHF"});
    let made = operator.post_once("t1", "/v1/tenants", &new).await.expect(201);
    let again = operator.post_once("t1", "/v1/tenants", &new).await.expect(201);
    assert_eq!(made.text, again.text, "the answer with its secret is repeated to the same credential");
    let owner = api.bearer(made.body()["api_key"].as_str().unwrap());
    let own = owner.get("/v1/tenant").await.expect(200).body();
    assert_eq!((&own["id"], &own["currency"]), (&made.body()["id"], &json!("CHF")));
    assert_eq!(operator.get(made.header("location")).await.expect(200).body(), own);
    assert_eq!(operator.get("/v1/tenants").await.expect(200).body()["data"].as_array().unwrap().len(), 2);
    let wrong = operator.post("/v1/tenants", &json!({"name": "x", "currency": "eur"})).await.expect(422);
    assert_eq!(wrong.errors(), ["/currency: expected an ISO 4217 code such as EUR"]);
}

#[tokio::test]
async fn a_key_works_until_it_is_revoked() {
    let api = Api::start().await;
    let owner = api.owner().await;
    let new = json!({"name": "nightly", "right": "ingest"});
    let made = owner.post_once("k1", "/v1/keys", &new).await.expect(201);
    assert_eq!(owner.post_once("k1", "/v1/keys", &new).await.expect(201).text, made.text);
    // Under another credential the answer stays sealed.
    api.owner().await.post_once("k1", "/v1/keys", &new).await.expect(422);
    let shown = made.body()["api_key"].as_str().unwrap().to_owned();
    let client = api.bearer(&shown);
    client.get("/v1/tenant").await.expect(200);
    assert!(!owner.get("/v1/keys").await.text.contains(&shown));
    owner.delete(made.header("location")).await.expect(204);
    client.get("/v1/tenant").await.expect(401);
    let past = json!({"name": "x", "right": "reader", "expires_at": "2020-01-01T00:00:00Z"});
    owner.post("/v1/keys", &past).await.expect(422);
}

#[tokio::test]
async fn a_queued_job_is_cancelled_and_its_stream_ends() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    let made = marketer.post("/v1/models", &json!({"horizon_days": 14})).await.expect(202);
    let job = made.header("location").to_owned();
    assert_eq!(marketer.get(&job).await.expect(200).body()["state"], "queued");
    let activate = format!("/v1/models/{}/activate", made.id());
    assert_eq!(marketer.post(&activate, &json!({})).await.expect(409).problem(), "conflict");
    // The stream is open when the job is cancelled, and tells of it.
    let events = format!("{job}/events");
    let cancel = async { marketer.post(&format!("{job}/cancel"), &json!({})).await.expect(200).body() };
    let (stream, cancelled) = tokio::join!(marketer.get(&events), cancel);
    assert_eq!(cancelled["state"], "cancelled");
    assert!(stream.text.contains("\"state\":\"cancelled\""), "{}", stream.text);
    assert_eq!(marketer.get(&format!("/v1/models/{}", made.id())).await.body()["state"], "cancelled");
    let listed = marketer.get("/v1/jobs?state=cancelled&kind=train").await.expect(200).body();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    assert_eq!(marketer.get("/v1/jobs?state=running").await.body()["data"], json!([]));
}
