//! The audit log over HTTP: every operation that writes is in it, and every export; who may read it; what it hides.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Method;
use clew_api::ApiConfig;
use clew_store::key::Right;
use common::{Answer, Api, Client};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// POSTs that compute an answer and write nothing.
const READS: [&str; 4] = ["compute_gain_curve", "compute_recommendations", "estimate_model", "test_rule"];

struct Operation {
    id: String,
    method: Method,
    path: String,
    body: Option<(String, String)>,
}

/// Bodies that are taken where there are no data yet, unlike the document's examples, which name columns.
fn without_data(id: &str) -> Option<Value> {
    let wanted = "customer.n_purchases > 1.0";
    match id {
        "create_offer" => Some(json!({"name": "wine", "product_ids": ["p1"]})),
        "create_segment" => Some(json!({"name": "s", "expression": wanted})),
        "create_rule" => Some(json!({"name": "r", "scope": "customer", "expression": wanted, "reason": "x"})),
        "update_offer" | "update_segment" | "update_rule" => Some(json!({"name": "another"})),
        _ => None,
    }
}

/// The operations that may write, those that make something first, those that take it away last.
fn writing() -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in clew_api::document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let open = operation["security"].is_null();
            if method == "get" || open || operation["security"] == json!([{"operator": []}]) {
                continue;
            }
            let content = operation["requestBody"]["content"].as_object().and_then(|c| c.iter().next());
            let body = content.map(|(kind, media)| {
                let example = &media["example"];
                (kind.clone(), example.as_str().map_or_else(|| example.to_string(), str::to_owned))
            });
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let json = || "application/json".to_owned();
            let body = without_data(&id).map(|body| (json(), body.to_string())).or(body);
            all.push(Operation {
                id,
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                body,
            });
        }
    }
    all.sort_by_key(|operation| (operation.method == Method::DELETE, operation.path.contains('{')));
    all
}

async fn send(client: &Client, operation: &Operation, id: Option<&String>) -> Answer {
    let query = if operation.id == "create_import" { "?entity=customers" } else { "" };
    let path = operation.path.replace("{id}", id.map_or("c1", String::as_str));
    let mut request = client.request(operation.method.clone(), &format!("{path}{query}"));
    let mut body = Body::empty();
    if let Some((kind, example)) = &operation.body {
        request = request.header("content-type", kind);
        body = Body::from(example.clone());
    }
    client.send(request.body(body).unwrap()).await
}

async fn newest(owner: &Client) -> Value {
    owner.get("/v1/audit?limit=1").await.expect(200).body()["data"][0].clone()
}

#[tokio::test]
async fn every_operation_that_writes_is_in_the_log() {
    let api = Api::start().await;
    let owner = api.owner().await;
    let mut made: BTreeMap<String, String> = BTreeMap::new();
    let mut n_logged = 0;
    let mut seq = 0;
    for operation in writing() {
        let noun = operation.path.split('/').nth(2).unwrap().to_owned();
        let answer = send(&owner, &operation, made.get(&noun)).await;
        let entry = newest(&owner).await;
        let found = entry["seq"].as_i64().unwrap_or(0);
        if !answer.status.is_success() || READS.contains(&&*operation.id) {
            assert_eq!(found, seq, "{} changed nothing, and yet: {entry}", operation.id);
            continue;
        }
        assert_eq!(
            (found, &entry["operation"]),
            (seq + 1, &json!(operation.id)),
            "{} is not logged",
            operation.id
        );
        assert_eq!(entry["actor"]["kind"], "key", "{entry}");
        assert_eq!(entry["request_id"], answer.header("x-request-id"));
        (seq, n_logged) = (found, n_logged + 1);
        if !operation.path.contains('{')
            && let Some(id) = serde_json::from_str::<Value>(&answer.text).unwrap_or_default()["id"].as_str()
        {
            assert_eq!(entry["resource"], id, "{}", operation.id);
            made.insert(noun, id.to_owned());
        }
    }
    assert!(n_logged >= 16, "only {n_logged} operations wrote");

    // A read writes nothing, an export does; and what is refused leaves no trace.
    let import =
        owner.upload("/v1/imports?entity=customers", "text/csv", "customer_id\nc1\n").await.expect(202).id();
    owner.get("/v1/offers").await.expect(200);
    api.reader().await.post("/v1/rules", &json!({})).await.expect(403);
    assert_eq!(newest(&owner).await["seq"], seq + 1);
    owner.get(&format!("/v1/imports/{import}/rejected")).await.expect(200);
    assert_eq!(newest(&owner).await["operation"], "get_import_rejected");

    let verdict = owner.get("/v1/audit/verify").await.expect(200).body();
    assert_eq!((&verdict["whole"], &verdict["broken"]), (&json!(true), &Value::Null));
    let head = verdict["head"].as_str().unwrap();
    assert!(head.starts_with(&format!("{}:", seq + 2)), "{head}");
    owner.get(&format!("/v1/audit/verify?head={head}")).await.expect(200);
    owner.get("/v1/audit/verify?head=x").await.expect(422);
}

#[tokio::test]
async fn the_same_request_sent_again_is_one_entry() {
    let api = Api::start().await;
    let owner = api.owner().await;
    let body = json!({"name": "wine", "product_ids": ["p1"]});
    let first = owner.post_once("k1", "/v1/offers", &body).await.expect(201);
    assert_eq!(owner.post_once("k1", "/v1/offers", &body).await.expect(201).text, first.text);
    let entries = owner.get("/v1/audit").await.body()["data"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 1, "{entries:?}");
}

#[tokio::test]
async fn the_log_says_from_where_and_is_the_owner_s() {
    let config = ApiConfig { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..ApiConfig::default() };
    let api = Api::start_with(config).await;
    let owner = api.owner().await;
    let request = owner
        .request(Method::POST, "/v1/segments")
        .header("content-type", "application/json")
        .header("x-forwarded-for", "127.0.0.1, 203.0.113.9")
        .extension(ConnectInfo(SocketAddr::from(([10, 0, 0, 7], 4711))));
    let body = json!({"name": "s", "expression": "customer.n_purchases > 1.0"}).to_string();
    owner.send(request.body(Body::from(body)).unwrap()).await.expect(201);
    assert_eq!(newest(&owner).await["address"], "203.0.113.9");

    for right in [Right::Ingest, Right::Reader, Right::Marketer] {
        api.as_right(right).await.get("/v1/audit").await.expect(403);
    }
    let other = api.database.tenant("Another").await.unwrap();
    let stranger = api.bearer(&api.key_of(other, Right::Owner, None).await.1);
    assert_eq!(stranger.get("/v1/audit").await.expect(200).body()["data"], json!([]));

    // Pages and filters.
    for _ in 0..3 {
        owner.post("/v1/offers", &json!({"name": "wine", "product_ids": ["p1"]})).await.expect(201);
    }
    let page = owner.get("/v1/audit?operation=create_offer&limit=2").await.expect(200).body();
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest =
        owner.get(&format!("/v1/audit?operation=create_offer&limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(
        (rest.body()["data"].as_array().unwrap().len(), &rest.body()["next_cursor"]),
        (1, &Value::Null)
    );
    owner.get(&format!("/v1/audit?limit=2&cursor={cursor}")).await.expect(422);
    let none = owner.get("/v1/audit?resource=marie&since=2020-01-01&until=2120-01-01").await.expect(200);
    assert_eq!(none.body()["data"], json!([]));
}
