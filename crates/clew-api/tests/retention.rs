//! Retention over HTTP: who may set it, what is refused, and that it counts a day later.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use clew_store::key::Right;
use common::Api;
use serde_json::{Value, json};

const PATH: &str = "/v1/retention";

fn forever() -> Value {
    json!({"events_days": {}, "other_events_days": null, "inactive_customers_days": null, "audit_days": null})
}

#[tokio::test]
async fn an_owner_sets_it_and_readers_read_it() {
    let api = Api::start().await;
    let (owner, reader) = (api.owner().await, api.reader().await);
    let nothing = json!({"in_force": forever(), "next": null, "next_from": null, "last_at": null});
    assert_eq!(reader.get(PATH).await.expect(200).body(), nothing);
    let days =
        json!({"events_days": {"Product Viewed": 395, "coupon": 60, "purchase": null}, "audit_days": 365});
    for right in [Right::Reader, Right::Marketer, Right::Ingest] {
        api.as_right(right).await.json(Method::PUT, PATH, &days).await.expect(403);
    }
    api.as_right(Right::Ingest).await.get(PATH).await.expect(403);

    let before = api.database.now().await.unwrap();
    let written = owner.json(Method::PUT, PATH, &days).await.expect(200).body();
    let mut expected = forever();
    expected["events_days"] = json!({"coupon": 60, "purchase": null, "view": 395});
    expected["audit_days"] = json!(365);
    assert_eq!((&written["in_force"], &written["next"]), (&forever(), &expected));
    let from: DateTime<Utc> = written["next_from"].as_str().unwrap().parse().unwrap();
    assert!(from >= before + TimeDelta::hours(24), "{from}");
    assert_eq!(reader.get(PATH).await.expect(200).body(), written);

    // A day later it counts, and what is written then waits in its turn.
    api.database.sabotage("update retentions set next_from = next_from - interval '1 day'").await.unwrap();
    let counts = reader.get(PATH).await.expect(200).body();
    assert_eq!(
        (&counts["in_force"], &counts["next"], &counts["next_from"]),
        (&expected, &Value::Null, &Value::Null)
    );
    let written = owner.json(Method::PUT, PATH, &json!({})).await.expect(200).body();
    assert_eq!((&written["in_force"], &written["next"]), (&expected, &forever()));

    // Another tenant has its own; the log tells who set it.
    let other = api.database.tenant("other").await.unwrap();
    let other = api.bearer(&api.key_of(other, Right::Owner, None).await.1);
    assert_eq!(other.get(PATH).await.expect(200).body(), nothing);
    let log = owner.get("/v1/audit?operation=put_retention").await.expect(200).body();
    assert_eq!(log["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_too_short_is_refused_by_field() {
    let api = Api::start().await;
    let owner = api.owner().await;
    let errors = async |body: Value| owner.json(Method::PUT, PATH, &body).await.expect(422).errors();
    assert_eq!(
        errors(json!({"other_events_days": 29, "inactive_customers_days": 89, "audit_days": 179})).await,
        [
            "/other_events_days: expected at least 30, found 29",
            "/inactive_customers_days: expected at least 90, found 89",
            "/audit_days: expected at least 180, found 179",
        ]
    );
    assert_eq!(
        errors(json!({"events_days": {"view": 0, "a/b": 40_000}, "audit_days": 179})).await,
        [
            "/events_days/view: expected at least 30, found 0",
            "/events_days/a~1b: expected at most 36500, found 40000",
            "/audit_days: expected at least 180, found 179",
        ]
    );
    assert_eq!(errors(json!({"events_days": {"": 30}})).await, ["/events_days/: has no kind"]);
    let twice = errors(json!({"events_days": {"purchase": 60, "Order Completed": 90}})).await;
    assert!(twice[0].starts_with("/events_days/purchase: is another name of purchase"), "{twice:?}");
    owner.json(Method::PUT, PATH, &json!({"events_days": {"view": "30"}})).await.expect(422);
    owner.json(Method::PUT, PATH, &json!({"days": 30})).await.expect(422);
    let kept = owner.get(PATH).await.expect(200).body();
    assert_eq!(kept["next"], Value::Null);
}
