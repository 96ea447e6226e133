//! What every answer wears, whatever it says; which pages may call; and webhooks' addresses over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use axum::body::Body;
use axum::http::Method;
use clew_api::ApiConfig;
use common::{Answer, Api, Client};
use serde_json::{Value, json};

async fn from_page(client: &Client, method: Method, origin: &str) -> Answer {
    let request = client
        .request(method, "/v1/tenant")
        .header("origin", origin)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    client.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_answer_wears_the_headers_that_tie_a_browser_s_hands() {
    let api = Api::start().await;
    let owner = api.owner().await;
    for (answer, status) in [
        (owner.get("/v1/tenant").await, 200),
        (api.nobody().get("/v1/tenant").await, 401),
        (owner.get("/v1/nothing").await, 404),
        (owner.delete("/v1/tenant").await, 405),
        (owner.post("/v1/offers", &json!({})).await, 422),
        (api.nobody().get("/healthz").await, 200),
    ] {
        assert_eq!(answer.status, status);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{name} of {}", answer.text);
        }
        assert!(!answer.header("x-request-id").is_empty() && !answer.header("permissions-policy").is_empty());
        for banner in ["server", "x-powered-by", "via", "access-control-allow-origin"] {
            assert!(!answer.headers.contains_key(banner), "{banner} is sent");
        }
    }
}

#[tokio::test]
async fn pages_of_named_origins_may_call_and_no_others() {
    let config =
        ApiConfig { cors_origins: vec!["https://app.example.com".parse().unwrap()], ..ApiConfig::default() };
    let api = Api::start_with(config).await;
    let reader = api.reader().await;
    let asked = from_page(&api.nobody(), Method::OPTIONS, "https://app.example.com").await;
    assert_eq!(asked.status, 200);
    assert_eq!(asked.header("access-control-allow-origin"), "https://app.example.com");
    assert!(asked.header("access-control-allow-headers").contains("authorization"));
    let got = from_page(&reader, Method::GET, "https://app.example.com").await;
    assert_eq!(got.header("access-control-allow-origin"), "https://app.example.com");
    for other in
        ["https://evil.example.com", "https://app.example.com.evil.example", "http://app.example.com", "null"]
    {
        for method in [Method::OPTIONS, Method::GET] {
            let answer = from_page(&reader, method, other).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{other}");
        }
    }
    // Named by nobody, no page may, and OPTIONS is a method like any other.
    let closed = Api::start().await;
    let answer = from_page(&closed.reader().await, Method::OPTIONS, "https://app.example.com").await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (405, ""));
}

#[tokio::test]
async fn a_webhook_points_outside_and_shows_its_secret_once() {
    let api = Api::start().await;
    let owner = api.owner().await;
    for (url, detail) in [
        ("https://169.254.169.254/latest/meta-data/", "/url: is not a public address"),
        ("https://0x7f.1/", "/url: is not a public address"),
        ("https://[::ffff:10.0.0.1]/", "/url: is not a public address"),
        ("https://localhost:8443/", "/url: is not a public address"),
        ("http://hooks.example.com/", "/url: expected https://"),
        ("hooks", "/url: is no address; write https://host/path"),
    ] {
        let refused = owner.post("/v1/webhooks", &json!({ "url": url })).await.expect(422);
        assert_eq!(refused.errors(), [detail]);
    }
    let new = json!({"url": "https://hooks.example.com/clew", "events": ["job.failed"]});
    let made = owner.post_once("w1", "/v1/webhooks", &new).await.expect(201);
    assert_eq!(owner.post_once("w1", "/v1/webhooks", &new).await.expect(201).text, made.text);
    let secret = made.body()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{secret}");
    let path = format!("/v1/webhooks/{}", made.id());
    let found = owner.get(&path).await.expect(200);
    assert!(
        !found.text.contains("whsec_") && found.body()["events"] == json!(["job.failed"]),
        "{}",
        found.text
    );

    owner.patch(&path, &json!({"url": "https://10.0.0.1/"})).await.expect(422);
    assert_eq!(owner.patch(&path, &json!({"enabled": false})).await.expect(200).body()["enabled"], false);
    let rotate = format!("{path}/rotate");
    let rotated = owner.post_once("w2", &rotate, &json!({})).await.expect(200);
    assert_ne!(rotated.body()["secret"], Value::String(secret));
    assert_eq!(owner.post_once("w2", &rotate, &json!({})).await.expect(200).text, rotated.text);
    let other = owner.post_once("w2", &rotate, &json!({"overlap_seconds": 0})).await.expect(422);
    assert_eq!(other.problem(), "idempotency_mismatch");
    assert_ne!(owner.post(&rotate, &json!({})).await.expect(200).body()["secret"], rotated.body()["secret"]);
    let told = owner.post(&format!("{path}/test"), &Value::Null).await.expect(200);
    assert_eq!((&told.body()["event"], &told.body()["state"]), (&json!("webhook.test"), &json!("pending")));
    let all = owner.get(&format!("{path}/deliveries")).await.expect(200).body();
    assert_eq!(all["data"][0]["id"], told.body()["id"]);
    owner.post(&format!("/v1/deliveries/{}/replay", told.id()), &Value::Null).await.expect(409);

    owner.delete(&path).await.expect(204);
    owner.get(&path).await.expect(404);
    owner.get(&format!("{path}/deliveries")).await.expect(404);
    for n in 0..20 {
        owner
            .post("/v1/webhooks", &json!({"url": format!("https://hooks.example.com/{n}")}))
            .await
            .expect(201);
    }
    owner.post("/v1/webhooks", &new).await.expect(409);
}
