//! What is refused, how, and that nothing of it leaks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::Method;
use bytes::Bytes;
use clew_api::{ApiConfig, Requests};
use clew_store::quota::Quota;
use common::Api;
use hyper::body::{Frame, SizeHint};
use serde_json::json;

#[tokio::test]
async fn all_fields_that_are_wrong_come_back_at_once() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    let body = json!({"name": "", "expression": 3, "margin": 1.5, "horizon_days": 0, "colour": "red"});
    let answer = marketer.post("/v1/offers", &body).await.expect(422);
    assert_eq!(answer.problem(), "invalid");
    insta::assert_snapshot!(answer.errors().join("\n"), @r#"
    /name: is empty
    /expression: expected string or null, found 3
    /margin: expected at most 1, found 1.5
    /horizon_days: expected at least 1, found 0
    /colour: is not a known field; known are cost_per_contact, expression, horizon_days, margin, name, product_ids
    "#);
    let answer = marketer.get("/v1/offers?limit=0&cursor=x&colour=red").await.expect(422);
    insta::assert_snapshot!(answer.errors().join("\n"), @r"
    ?limit: expected at least 1, found 0
    ?colour: is not a known parameter; known: limit, cursor
    ");
    let answer = marketer.get("/v1/offers?cursor=made-up").await.expect(422);
    insta::assert_snapshot!(answer.errors().join("\n"), @"?cursor: is not of this list and filter; start from the first page");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_apart_from_one_that_is_wrong() {
    let api = Api::start_with(ApiConfig { body_max_bytes: 100, ..ApiConfig::default() }).await;
    let marketer = api.marketer().await;
    let send = async |kind: &str, body: &str| {
        let request = marketer.request(Method::POST, "/v1/offers").header("content-type", kind);
        marketer.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let broken = send("application/json", "{\"name\": ").await.expect(400);
    assert_eq!(broken.problem(), "malformed");
    assert_eq!(send("text/plain", "{}").await.expect(415).problem(), "unsupported_media_type");
    assert_eq!(send("application/json", &" ".repeat(101)).await.expect(413).problem(), "too_large");
    let charset = json!({"name": "a", "product_ids": ["p"]}).to_string();
    send("application/json; charset=utf-8", &charset).await.expect(201);
    let packed = marketer.request(Method::POST, "/v1/offers").header("content-type", "application/json");
    let packed = packed.header("content-encoding", "gzip").body(Body::from("x")).unwrap();
    marketer.send(packed).await.expect(415);
}

/// A body of which is said how long it is, and nothing comes.
struct Awaited(u64);

impl HttpBody for Awaited {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn a_body_that_says_it_is_too_long_is_not_waited_for() {
    let limits = ApiConfig { body_max_bytes: 100, import_max_bytes: 200, ..ApiConfig::default() };
    let api = Api::start_with(limits).await;
    let marketer = api.marketer().await;
    for (path, kind, n_bytes) in
        [("/v1/offers", "application/json", 101), ("/v1/imports?entity=customers", "text/csv", 201)]
    {
        let request = marketer.request(Method::POST, path).header("content-type", kind);
        let answer = marketer.send(request.body(Body::new(Awaited(n_bytes))).unwrap());
        let answer = tokio::time::timeout(Duration::from_secs(10), answer).await.unwrap();
        assert_eq!(answer.expect(413).problem(), "too_large");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let api = Api::start().await;
    let reader = api.reader().await;
    assert_eq!(reader.get("/v1/nothing").await.expect(404).problem(), "not_found");
    assert_eq!(reader.get("/v1").await.expect(404).problem(), "not_found");
    assert_eq!(reader.get("/v1/offers/not-a-uuid").await.expect(404).problem(), "not_found");
    let answer = reader.delete("/v1/offers").await.expect(405);
    assert_eq!(answer.problem(), "method_not_allowed");
    let mut allowed: Vec<&str> = answer.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}

#[tokio::test]
async fn every_answer_carries_its_id_and_what_keeps_browsers_from_making_more_of_it() {
    let api = Api::start().await;
    for answer in [api.nobody().get("/healthz").await, api.nobody().get("/v1/offers").await] {
        assert_eq!(answer.header("x-request-id").len(), 36);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn too_many_requests_of_a_tenant_are_told_when_to_come_back() {
    let few = Requests { per_second: 1, burst: 2 };
    let config = ApiConfig { tenant_requests: few, ..ApiConfig::default() };
    let api = Api::start_with(config).await;
    let reader = api.reader().await;
    reader.get("/v1/offers").await.expect(200);
    reader.get("/v1/offers").await.expect(200);
    let answer = reader.get("/v1/offers").await.expect(429);
    assert_eq!(answer.problem(), "too_many_requests");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(answer.header("ratelimit-policy"), "\"credential\";q=4000;w=2, \"tenant\";q=2;w=2");
    assert!(answer.header("ratelimit").ends_with("\"tenant\";r=0;t=2"), "{}", answer.header("ratelimit"));
    // Another tenant has its own allowance.
    let other = api.database.tenant("Another").await.unwrap();
    let key = api.key_of(other, clew_store::key::Right::Reader, None).await.1;
    api.bearer(&key).get("/v1/offers").await.expect(200);
}

#[tokio::test]
async fn a_credential_has_its_own_allowance_and_every_answer_says_what_is_left() {
    let few = Requests { per_second: 1, burst: 3 };
    let config = ApiConfig { credential_requests: few, ..ApiConfig::default() };
    let api = Api::start_with(config).await;
    let (one, other) = (api.reader().await, api.reader().await);
    let first = one.get("/v1/offers").await.expect(200);
    assert!(first.header("ratelimit").starts_with("\"credential\";r=2;t=1, \"tenant\";r=79"), "{first:?}");
    // A refusal of another kind counts too, and says so.
    let refused = one.post("/v1/offers", &json!({})).await.expect(403);
    assert!(refused.header("ratelimit").starts_with("\"credential\";r=1;t=2"), "{refused:?}");
    one.get("/v1/offers").await.expect(200);
    one.get("/v1/offers").await.expect(429);
    // Its tenant's other keys go on.
    other.get("/v1/offers").await.expect(200);
    // Who is unknown learns nothing of anybody's allowance.
    assert_eq!(api.nobody().get("/v1/offers").await.expect(401).header("ratelimit"), "");
}

#[tokio::test]
async fn what_needs_no_credential_is_counted_by_its_sender() {
    let few = Requests { per_second: 1, burst: 2 };
    let config = ApiConfig { credential_requests: few, ..ApiConfig::default() };
    let api = Api::start_with(config).await;
    let from = |address: [u8; 4]| {
        let peer = ConnectInfo(SocketAddr::from((address, 4711)));
        let client = api.nobody();
        async move {
            let request = client.request(Method::GET, "/healthz").extension(peer);
            client.send(request.body(Body::empty()).unwrap()).await
        }
    };
    let first = from([192, 0, 2, 1]).await.expect(200);
    assert_eq!(first.header("ratelimit"), "\"address\";r=1;t=1");
    from([192, 0, 2, 1]).await.expect(200);
    let refused = from([192, 0, 2, 1]).await.expect(429);
    assert_eq!(refused.problem(), "too_many_requests");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    from([192, 0, 2, 2]).await.expect(200);
    // What asks for a credential is counted by that.
    api.reader().await.get("/v1/offers").await.expect(200);
}

#[tokio::test]
async fn a_parameter_is_refused_where_there_are_none_and_a_whole_number_is_one_however_it_is_written() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    let refused = marketer.get("/v1/tenant?a=1&b").await.expect(422);
    let none = "is not a known parameter; known: there are none here";
    assert_eq!(refused.errors(), [format!("?a: {none}"), format!("?b: {none}")]);
    let refused = marketer.get("/v1/offers?%00a=1").await.expect(422);
    let known = "is not a known parameter; known: limit, cursor";
    assert_eq!(refused.errors(), [format!("?\u{fffd}a: {known}")], "U+0000 is in no answer");
    let offer = json!({"name": "wine", "product_ids": ["p1"], "horizon_days": 28.0});
    let offer = marketer.post("/v1/offers", &offer).await.expect(201).body();
    assert_eq!(offer["horizon_days"], json!(28));
    let half = json!({"name": "wine", "product_ids": ["p1"], "horizon_days": 28.5});
    let half = marketer.post("/v1/offers", &half).await.expect(422);
    assert_eq!(half.errors(), ["/horizon_days: expected integer or null, found 28.5"]);
    // An id in another spelling names nothing.
    let id = offer["id"].as_str().unwrap();
    marketer.get(&format!("/v1/offers/{id}")).await.expect(200);
    marketer.get(&format!("/v1/offers/{}", id.replace('-', ""))).await.expect(404);
}

#[tokio::test]
async fn a_merge_patch_is_read_under_its_own_name() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    marketer.json(Method::PUT, "/v1/products/p1", &json!({"price": 3, "brand": "x"})).await.expect(201);
    let request = marketer.request(Method::PATCH, "/v1/products/p1");
    let request = request.header("content-type", "application/merge-patch+json");
    let patch = json!({"price": null, "brand": "y"}).to_string();
    let patched = marketer.send(request.body(Body::from(patch)).unwrap()).await.expect(200).body();
    assert_eq!(patched["attributes"], json!({"brand": "y"}));
}

#[tokio::test]
async fn a_tenant_has_so_much_room_and_so_many_trainings_at_once() {
    let quota = Quota { rows: Some(1), bytes: None, trainings: Some(1) };
    let api = Api::start_with(ApiConfig { quota, ..ApiConfig::default() }).await;
    let marketer = api.marketer().await;
    let event = json!({"events": [{"kind": "view", "customer_id": "c1"}]});
    marketer.post("/v1/events", &event).await.expect(202);
    let full = marketer.post("/v1/events", &event).await.expect(507);
    assert_eq!(full.problem(), "storage_full");
    assert!(full.text.contains("keeps 1 rows or more"), "{}", full.text);
    let refused = marketer.upload("/v1/imports?entity=customers", "text/csv", "customer_id\nc1\n").await;
    assert_eq!(refused.expect(507).problem(), "storage_full");

    marketer.post("/v1/models", &json!({})).await.expect(202);
    let busy = marketer.post("/v1/models", &json!({})).await.expect(429);
    assert_eq!((busy.problem().as_str(), busy.header("retry-after")), ("too_many_requests", "60"));
    // Another tenant is not held up.
    let other = api.database.tenant("Another").await.unwrap();
    let key = api.key_of(other, clew_store::key::Right::Marketer, None).await.1;
    api.bearer(&key).post("/v1/models", &json!({})).await.expect(202);
}

#[tokio::test]
async fn health_readiness_and_metrics() {
    let api = Api::start().await;
    api.nobody().get("/healthz").await.expect(200);
    api.nobody().get("/readyz").await.expect(200);
    api.reader().await.get("/v1/offers").await.expect(200);
    let metrics = api.nobody().get("/metrics").await.expect(200).text;
    let line = "clew_http_request_duration_seconds_count{method=\"GET\",route=\"/v1/offers\",status=\"200\"}";
    assert!(metrics.contains(line), "{metrics}");
    assert!(metrics.contains("clew_http_request_duration_seconds_bucket{"), "{metrics}");
    api.draining.cancel();
    let answer = api.nobody().get("/readyz").await.expect(503);
    assert_eq!(answer.problem(), "unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    api.nobody().get("/healthz").await.expect(200);
}

#[tokio::test]
async fn without_a_database_it_says_503() {
    let api = Api::start().await;
    let reader = api.reader().await;
    api.database.store.close().await;
    assert_eq!(reader.get("/v1/offers").await.expect(503).problem(), "unavailable");
    api.nobody().get("/readyz").await.expect(503);
}
