//! Every operation of the document, tried from outside the wall: no credential, garbage, an expired and a revoked
//! one, every lower right, and another tenant's. The list comes from the document, so none can be forgotten.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Method;
use chrono::TimeDelta;
use clew_store::key::Right;
use clew_store::model::{self, NewModel};
use common::{Answer, Api, Client, now};
use futures_util::stream;
use serde_json::{Value, json};
use uuid::Uuid;

/// An operation of the document.
struct Operation {
    id: String,
    method: Method,
    path: String,
    /// Who may: the words of its security requirement.
    roles: Vec<String>,
    /// Media type and example of its body.
    body: Option<(String, String)>,
}

fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in clew_api::document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let roles = operation["security"][0]["key"].as_array().cloned().unwrap_or_default();
            let content = operation["requestBody"]["content"].as_object().and_then(|c| c.iter().next());
            let body = content.map(|(kind, media)| {
                let example = &media["example"];
                (kind.clone(), example.as_str().map_or_else(|| example.to_string(), str::to_owned))
            });
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                roles: roles.iter().map(|role| role.as_str().unwrap().to_owned()).collect(),
                body,
            });
        }
    }
    all
}

impl Operation {
    fn is_open(&self) -> bool {
        self.roles.is_empty()
    }

    /// Whether a right suffices, by the document.
    fn allows(&self, right: &str) -> bool {
        let rank = |word: &str| ["reader", "marketer", "owner"].iter().position(|w| *w == word);
        self.roles.iter().any(|role| {
            role == right || matches!((rank(role), rank(right)), (Some(needs), Some(has)) if has >= needs)
        })
    }

    /// Its address, with the id of something of the right noun.
    fn address(&self, things: &BTreeMap<&'static str, String>) -> String {
        let noun = self.path.split('/').nth(2).unwrap_or_default();
        let id = things.get(noun).cloned().unwrap_or_else(|| Uuid::nil().to_string());
        let query = if self.id == "create_import" { "?entity=customers" } else { "" };
        format!("{}{query}", self.path.replace("{id}", &id))
    }

    async fn send(&self, client: &Client, address: &str) -> Answer {
        let mut request = client.request(self.method.clone(), address);
        let body = match &self.body {
            Some((kind, example)) => {
                request = request.header("content-type", kind);
                Body::from(example.clone())
            }
            None => Body::empty(),
        };
        client.send(request.body(body).unwrap()).await
    }

    /// With a body that never comes: a refusal that waits for it would hang.
    async fn send_without_end(&self, client: &Client, address: &str) -> Answer {
        let request = client.request(self.method.clone(), address).header("content-type", "application/json");
        let never = Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
        client.send(request.body(never).unwrap()).await
    }
}

/// One of everything, for the first tenant.
async fn things(api: &Api) -> BTreeMap<&'static str, String> {
    let owner = api.owner().await;
    let offer =
        owner.post("/v1/offers", &json!({"name": "all", "product_ids": ["p1"]})).await.expect(201).id();
    let segment = json!({"name": "s", "expression": "customer.n_purchases > 1.0"});
    let segment = owner.post("/v1/segments", &segment).await.expect(201).id();
    let rule =
        json!({"name": "r", "scope": "customer", "expression": "customer.n_purchases > 1.0", "reason": "x"});
    let rule = owner.post("/v1/rules", &rule).await.expect(201).id();
    let key = owner.post("/v1/keys", &json!({"name": "k", "right": "reader"})).await.expect(201).id();
    let member = json!({"email": "member@example.com", "right": "reader"});
    let member = owner.post("/v1/members", &member).await.expect(201).id();
    let import =
        owner.upload("/v1/imports?entity=customers", "text/csv", "customer_id\nc1\n").await.expect(202);
    api.database.campaign(api.tenant_id, "m1").await.unwrap();
    let mut tenant = api.database.store.tenant(api.tenant_id).await.unwrap();
    let new = NewModel { as_of: None, horizon_days: 28, seed: 0, params: json!({}), request_id: None };
    let (model, job) = model::enqueue(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();
    BTreeMap::from([
        ("offers", offer),
        ("segments", segment),
        ("rules", rule),
        ("keys", key),
        ("members", member),
        ("imports", import.id()),
        ("models", model.id.to_string()),
        ("jobs", job.id.to_string()),
        ("tenants", api.tenant_id.to_string()),
        ("customers", "c1".to_owned()),
        ("products", "p1".to_owned()),
        ("campaigns", "m1".to_owned()),
    ])
}

/// With the checksum that a key ends in, so that it is looked up.
fn checked(key: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(key.as_bytes());
    format!("{key}{:08x}", crc.sum())
}

#[tokio::test]
async fn without_a_valid_credential_every_operation_says_401_before_it_reads_the_body() {
    let api = Api::start().await;
    let things = things(&api).await;
    let past = now() - TimeDelta::days(3650);
    let expired = api.key_of(api.tenant_id, Right::Owner, Some(past)).await.1;
    let revoked = api.revoked_key(Right::Owner).await;
    let good = api.key(Right::Owner).await;
    let (id, _) = good.rsplit_once('_').unwrap();
    let guessed = format!("Bearer {}", checked(&format!("{id}_{}", "0".repeat(64))));
    let unknown = format!("clew_live_{}_{}", Uuid::now_v7().simple(), "0".repeat(64));
    let unknown = format!("Bearer {}", checked(&unknown));
    let first_format = format!("Bearer clew_{}_{}", Uuid::now_v7().simple(), "0".repeat(64));
    let credentials = [
        ("none", None),
        ("empty", Some(String::new())),
        ("garbage", Some("Bearer garbage".to_owned())),
        ("another scheme", Some(format!("Basic {good}"))),
        ("a made-up JWT", Some("Bearer eyJhbGciOiJub25lIn0.eyJyaWdodCI6Im93bmVyIn0.".to_owned())),
        ("a guessed secret", Some(guessed)),
        ("an unknown key", Some(unknown)),
        ("an unknown key of the first format", Some(first_format)),
        ("a mistyped key", Some(format!("Bearer {}0", &good[..good.len() - 1]))),
        ("expired", Some(format!("Bearer {expired}"))),
        ("revoked", Some(format!("Bearer {revoked}"))),
    ];
    for operation in operations().iter().filter(|operation| !operation.is_open()) {
        for (name, credential) in &credentials {
            let client = api.with(credential.as_deref());
            let answer = operation.send_without_end(&client, &operation.address(&things)).await;
            assert_eq!(answer.status, 401, "{} with {name}: {}", operation.id, answer.text);
            assert_eq!(answer.problem(), "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"clew\"");
        }
    }
}

#[tokio::test]
async fn every_right_may_do_what_the_document_says_and_nothing_else() {
    let api = Api::start().await;
    let things = things(&api).await;
    let clients = [
        ("ingest", api.as_right(Right::Ingest).await),
        ("reader", api.reader().await),
        ("marketer", api.marketer().await),
        ("owner", api.owner().await),
        ("operator", api.operator().await),
    ];
    for operation in operations().iter().filter(|operation| !operation.is_open()) {
        let address = operation.address(&things);
        for (right, client) in &clients {
            if operation.allows(right) {
                // The job never ends, so neither does its stream, and what deletes would end the others.
                if operation.id == "stream_job" || operation.method == Method::DELETE {
                    continue;
                }
                let answer = operation.send(client, &address).await;
                let status = answer.status.as_u16();
                assert!(
                    ![401, 403, 405, 500].contains(&status),
                    "{} as {right}: {}",
                    operation.id,
                    answer.text
                );
            } else {
                let answer = operation.send_without_end(client, &address).await;
                assert_eq!(answer.status, 403, "{} as {right}: {}", operation.id, answer.text);
                assert_eq!(answer.problem(), "forbidden");
            }
        }
    }
}

#[tokio::test]
async fn what_is_another_tenants_is_not_there() {
    let api = Api::start().await;
    let things = things(&api).await;
    let other = api.database.tenant("Another").await.unwrap();
    let stranger = api.bearer(&api.key_of(other, Right::Owner, None).await.1);
    let mut n_tried = 0;
    for operation in operations().iter().filter(|operation| operation.allows("owner")) {
        let address = operation.address(&things);
        if operation.path.contains("{id}") {
            let answer = operation.send(&stranger, &address).await;
            // A tenant without a model has no recommendations for anybody.
            let expected = if operation.id == "list_recommendations" { 409 } else { 404 };
            assert_eq!(answer.status, expected, "{}: {}", operation.id, answer.text);
            n_tried += 1;
        } else if operation.id.starts_with("list_") {
            let answer = operation.send(&stranger, &address).await.expect(200);
            let theirs = answer.body()["data"].as_array().unwrap().clone();
            let own_key = |row: &Value| operation.id == "list_keys" && row["name"] == "owner";
            assert!(theirs.iter().all(own_key), "{}: {}", operation.id, answer.text);
            n_tried += 1;
        }
    }
    assert!(n_tried > 20, "only {n_tried} operations were tried");
    // Nothing that was tried has changed anything of the first tenant's.
    let owner = api.owner().await;
    for noun in ["offers", "segments", "rules", "imports", "models", "jobs", "campaigns"] {
        owner.get(&format!("/v1/{noun}/{}", things[noun])).await.expect(200);
    }
    assert_eq!(owner.get(&format!("/v1/keys/{}", things["keys"])).await.body()["revoked_at"], Value::Null);
}
