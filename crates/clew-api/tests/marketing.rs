//! What marketers write: offers, segments and rules; and what all creating requests and lists have in common.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Answer, Api};
use serde_json::{Value, json};

fn wine() -> Value {
    json!({"name": "Two wines", "product_ids": ["p1", "p2"], "margin": 0.3, "cost_per_contact": 0.05})
}

#[tokio::test]
async fn an_offer_is_made_read_changed_and_deleted() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    let made = marketer.post("/v1/offers", &wine()).await.expect(201);
    let address = format!("/v1/offers/{}", made.id());
    assert_eq!(made.header("location"), address);
    insta::assert_json_snapshot!(made.body(), {".id" => "[id]", ".created_at" => "[time]", ".updated_at" => "[time]"}, @r#"
    {
      "id": "[id]",
      "name": "Two wines",
      "product_ids": [
        "p1",
        "p2"
      ],
      "margin": 0.3,
      "cost_per_contact": 0.05,
      "created_at": "[time]",
      "updated_at": "[time]"
    }
    "#);
    assert_eq!(marketer.get(&address).await.expect(200).body(), made.body());

    let patch = json!({"name": "Wines", "margin": null});
    let changed = marketer.patch(&address, &patch).await.expect(200).body();
    assert_eq!(changed["name"], "Wines");
    assert_eq!(changed["margin"], Value::Null);
    assert_eq!(changed["product_ids"], json!(["p1", "p2"]));
    let wrong = marketer.patch(&address, &json!({"margin": "high", "name": null})).await.expect(422);
    insta::assert_snapshot!(wrong.errors().join("\n"), @r#"
    /name: is missing
    /margin: expected number or null, found "high"
    "#);
    let both =
        marketer.patch(&address, &json!({"expression": "product.product_id == \"p1\""})).await.expect(422);
    insta::assert_snapshot!(both.errors().join("\n"), @"/product_ids: give either an expression or product_ids, not both");

    marketer.delete(&address).await.expect(204);
    marketer.get(&address).await.expect(404);
    marketer.delete(&address).await.expect(404);
}

#[tokio::test]
async fn an_expression_is_checked_against_the_tenants_names() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    let segment = json!({"name": "s", "expression": "customer.n_purchase > 2"});
    let answer = marketer.post("/v1/segments", &segment).await.expect(422);
    let errors = answer.errors();
    assert!(errors[0].starts_with("/expression: line 1, column 1"), "{errors:?}");
    assert!(errors[0].contains("n_purchases"), "the nearest name is told: {errors:?}");
    let rule =
        json!({"name": "r", "scope": "product", "expression": "customer.n_purchases > 2", "reason": "x"});
    marketer.post("/v1/rules", &rule).await.expect(422);
    let rule = json!({"name": "r", "scope": "pair", "expression": "true", "reason": ""});
    let answer = marketer.post("/v1/rules", &rule).await.expect(422);
    insta::assert_snapshot!(answer.errors().join("\n"), @r#"
    /scope: expected one of "customer", "product", found "pair"
    /reason: is empty
    "#);
}

#[tokio::test]
async fn rules_and_segments_are_kept_as_written() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    let rule = json!({"name": "Quiet", "scope": "customer", "expression": "customer.unsubscribed", "reason": "asked for it"});
    let made = marketer.post("/v1/rules", &rule).await.expect(201);
    assert_eq!(made.body()["enabled"], true);
    assert_eq!(made.body()["applies_to"], json!(["gain_curves", "segments", "recommendations"]));
    let address = made.header("location").to_owned();
    let off = json!({"enabled": false, "applies_to": ["segments"]});
    let changed = marketer.patch(&address, &off).await.expect(200).body();
    assert_eq!((&changed["enabled"], &changed["applies_to"]), (&json!(false), &json!(["segments"])));
    assert_eq!(changed["reason"], "asked for it");
    marketer.delete(&address).await.expect(204);

    let segment = json!({"name": "Loyal", "expression": "customer.n_purchases > 2"});
    let made = marketer.post("/v1/segments", &segment).await.expect(201);
    let listed = marketer.get("/v1/segments").await.expect(200).body();
    assert_eq!(listed["data"][0], made.body());
    let address = made.header("location").to_owned();
    marketer.patch(&address, &json!({"name": "More loyal"})).await.expect(200);
    marketer.delete(&address).await.expect(204);
}

#[tokio::test]
async fn a_creating_request_that_is_sent_again_has_one_effect_and_one_answer() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    let same = |a: &Answer, b: &Answer| {
        (a.status, &a.text, a.header("location")) == (b.status, &b.text, b.header("location"))
    };
    let first = marketer.post_once("k1", "/v1/offers", &wine()).await.expect(201);
    let again = marketer.post_once("k1", "/v1/offers", &wine()).await.expect(201);
    assert!(same(&first, &again), "{again:?}");
    let other =
        marketer.post_once("k1", "/v1/offers", &json!({"name": "x", "product_ids": ["p"]})).await.expect(422);
    assert_eq!(other.problem(), "idempotency_mismatch");
    let segment = json!({"name": "s", "expression": "customer.n_purchases > 2"});
    marketer.post_once("k1", "/v1/segments", &segment).await.expect(422);
    marketer.post_once("k2", "/v1/offers", &wine()).await.expect(201);
    assert_eq!(marketer.get("/v1/offers").await.body()["data"].as_array().unwrap().len(), 2);
    // A refused request uses no key up.
    marketer.post_once("k3", "/v1/offers", &json!({"name": "x"})).await.expect(422);
    marketer.post_once("k3", "/v1/offers", &wine()).await.expect(201);
    marketer.post_once(&"k".repeat(256), "/v1/offers", &wine()).await.expect(422);
}

#[tokio::test]
async fn sent_at_the_same_time_it_still_has_one_effect() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    let offer = wine();
    let send = || marketer.post_once("once", "/v1/offers", &offer);
    let (a, b, c) = tokio::join!(send(), send(), send());
    assert_eq!(a.expect(201).text, b.expect(201).text);
    c.expect(201);
    assert_eq!(marketer.get("/v1/offers").await.body()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn pages_follow_each_other_while_rows_are_written() {
    let api = Api::start().await;
    let marketer = api.marketer().await;
    for i in 0..5 {
        marketer
            .post("/v1/offers", &json!({"name": format!("o{i}"), "product_ids": ["p"]}))
            .await
            .expect(201);
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = marketer.get(&format!("/v1/offers?limit=2{cursor}")).await.expect(200).body();
        names.extend(
            page["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()),
        );
        // A newer row must not move the rest.
        marketer.post("/v1/offers", &json!({"name": "late", "product_ids": ["p"]})).await.expect(201);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["o4", "o3", "o2", "o1", "o0"]);
    // A cursor is of its list.
    let next = marketer.get("/v1/offers?limit=1").await.body()["next_cursor"].as_str().unwrap().to_owned();
    marketer.get(&format!("/v1/rules?cursor={next}")).await.expect(422);
}
