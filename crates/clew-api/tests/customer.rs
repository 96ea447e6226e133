//! Single customers and products over HTTP: written, changed, read, handed over, erased.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use axum::body::Body;
use axum::http::Method;
use clew_store::key::Right;
use common::{Answer, Api, Client};
use serde_json::{Value, json};

impl Client {
    async fn write(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn put(&self, path: &str, body: &Value) -> Answer {
        self.write(Method::PUT, path, body).await
    }
}

#[tokio::test]
async fn a_customer_is_written_changed_and_read() {
    let api = Api::start().await;
    let (sender, reader, marketer) =
        (api.as_right(Right::Ingest).await, api.reader().await, api.marketer().await);
    let ann = json!({"age": 34, "city": "Lyon", "tags": ["a", "b"], "since": "2016-05-01", "loyal": true});
    let first = sender.put("/v1/customers/c%2F1", &ann).await.expect(201);
    assert_eq!(first.header("location"), "/v1/customers/c%2F1");
    assert_eq!(first.body()["attributes"], ann);
    let shown = reader.get("/v1/customers/c%2F1").await.expect(200).body();
    assert_eq!((&shown["id"], &shown["attributes"]), (&json!("c/1"), &ann));
    // What is shown can be written back.
    sender.put("/v1/customers/c%2F1", &shown).await.expect(200);
    let change = json!({"age": 35, "city": null});
    let changed = marketer.write(Method::PATCH, "/v1/customers/c%2F1", &change).await.expect(200).body();
    let expected = json!({"age": 35, "tags": ["a", "b"], "since": "2016-05-01", "loyal": true});
    assert_eq!(changed["attributes"], expected);
    sender.write(Method::PATCH, "/v1/customers/c%2F1", &change).await.expect(403);
    marketer.write(Method::PATCH, "/v1/customers/nobody", &change).await.expect(404);
    reader.get("/v1/customers/nobody").await.expect(404);
    let data = reader.get("/v1/data").await.body();
    assert_eq!(data["n_customers"], 1);
    let names: Vec<&str> =
        data["customer_names"].as_array().unwrap().iter().filter_map(|name| name["name"].as_str()).collect();
    assert!(names.contains(&"customer.age") && names.contains(&"customer.loyal"), "{names:?}");
}

#[tokio::test]
async fn what_cannot_be_a_row_is_refused() {
    let api = Api::start().await;
    let owner = api.owner().await;
    owner.put("/v1/customers/c1", &json!([1])).await.expect(422);
    owner.put("/v1/customers/c1", &json!({"a": "x\u{0}y"})).await.expect(422);
    owner.put("/v1/customers/c1", &json!({"a": "x".repeat(3 << 20)})).await.expect(413);
    let long = "x".repeat(300);
    owner.put("/v1/customers/c1", &json!({long: 1})).await.expect(422);
    owner.put(&format!("/v1/customers/{}", "x".repeat(600)), &json!({})).await.expect(404);
    api.reader().await.get("/v1/customers/c1").await.expect(404);
    assert_eq!(api.reader().await.get("/v1/data").await.body()["n_customers"], 0);
}

#[tokio::test]
async fn a_product_is_written_and_deleted() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    marketer.put("/v1/products/p1", &json!({"title": "Wine", "price": 9.5})).await.expect(201);
    let change = json!({"price": 8.5});
    let changed = marketer.write(Method::PATCH, "/v1/products/p1", &change).await.expect(200).body();
    assert_eq!(changed["attributes"], json!({"title": "Wine", "price": 8.5}));
    marketer.delete("/v1/products/p1").await.expect(204);
    marketer.delete("/v1/products/p1").await.expect(404);
    marketer.get("/v1/products/p1").await.expect(404);
    assert_eq!(marketer.get("/v1/data").await.body()["n_products"], 0);
}

#[tokio::test]
async fn a_customer_is_handed_over_whole_and_erased() {
    let api = Api::start().await;
    let owner = api.owner().await;
    owner.put("/v1/customers/c1", &json!({"email": "ann@example.org"})).await.expect(201);
    let event = |n: usize| json!({"kind": "view", "customer_id": "c1", "product_id": format!("p{n}"), "occurred_at": "2026-11-20T10:00:00Z"});
    let events: Vec<Value> = (0..700).map(event).collect();
    owner.post("/v1/events", &json!(events)).await.expect(202);
    let events: Vec<Value> = (700..1_400).map(event).collect();
    owner.post("/v1/events", &json!(events)).await.expect(202);
    let first = owner.get("/v1/customers/c1/data").await.expect(200).body();
    assert_eq!(first["attributes"]["email"], "ann@example.org");
    assert_eq!(first["events"].as_array().unwrap().len(), 1_000);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = owner.get(&format!("/v1/customers/c1/data?cursor={cursor}")).await.expect(200).body();
    assert_eq!((rest["events"].as_array().unwrap().len(), &rest["next_cursor"]), (400, &Value::Null));
    // A cursor of one customer does not open another.
    owner.get(&format!("/v1/customers/c2/data?cursor={cursor}")).await.expect(422);
    owner.get("/v1/customers/c2/data").await.expect(404);
    api.marketer().await.get("/v1/customers/c1/data").await.expect(403);

    api.marketer().await.delete("/v1/customers/c1").await.expect(403);
    let receipt = owner.delete("/v1/customers/c1").await.expect(202);
    assert!(receipt.header("location").starts_with("/v1/jobs/"));
    let places = receipt.body()["places"].as_array().unwrap().clone();
    let events = places.iter().find(|place| place["place"] == "events").unwrap();
    assert_eq!((&events["n_found"], events["cleared_at"].is_string()), (&json!(1_400), true));
    assert!(!receipt.text.contains("c1\""), "a receipt names nobody");
    let again = owner.delete("/v1/customers/c1").await.expect(202);
    assert_eq!(again.id(), receipt.id());
    owner.get(&format!("/v1/erasures/{}", receipt.id())).await.expect(200);
    assert_eq!(owner.get("/v1/erasures").await.expect(200).body()["data"].as_array().unwrap().len(), 1);
    owner.get("/v1/customers/c1").await.expect(404);
    owner.get("/v1/customers/c1/data").await.expect(404);
    let data = owner.get("/v1/data").await.body();
    assert_eq!((&data["n_customers"], &data["n_events"]), (&json!(0), &json!(0)));

    // Back only when an owner says so.
    let put = json!({"email": "ann@example.org"});
    assert_eq!(owner.put("/v1/customers/c1", &put).await.expect(409).problem(), "conflict");
    let marketer = api.marketer().await;
    marketer.put("/v1/customers/c1?readmit_erased=true", &put).await.expect(403);
    marketer
        .upload("/v1/imports?entity=customers&readmit_erased=true", "text/csv", "customer_id\nc1\n")
        .await
        .expect(403);
    let refused = owner.post("/v1/events", &json!([event(1)])).await.expect(202);
    assert_eq!(refused.body(), json!({"accepted": 0, "duplicates": 0, "refused": 1}));
    owner.put("/v1/customers/c1?readmit_erased=true", &put).await.expect(201);
    owner.put("/v1/customers/c1", &put).await.expect(200);
}
