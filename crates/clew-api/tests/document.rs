//! The OpenAPI document: committed as it is generated, complete, and true to its own examples.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::Api;
use serde_json::Value;

fn operations() -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in clew_api::document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.clone(), path.clone(), operation.clone()));
        }
    }
    all
}

#[test]
fn the_committed_document_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/clew.json");
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        committed == clew_api::document_text(),
        "openapi/clew.json is behind the code; write it anew: cargo run -p clew -- openapi > openapi/clew.json"
    );
}

#[test]
fn every_operation_is_named_described_and_shows_an_example_and_its_errors() {
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        let (verb, resource) = id.split_once('_').unwrap();
        assert!(!verb.is_empty() && !resource.is_empty(), "{id}");
        assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{id}");
        assert!(operation["description"].as_str().unwrap().contains("Needs "), "{id}");
        let responses = operation["responses"].as_object().unwrap();
        let mut expected = vec!["500"];
        if operation.get("security").is_some() {
            expected.extend(["401", "403", "422", "429", "503"]);
        } else {
            // To sign in, one need not be signed in.
            let signs_in = path == "/v1/sign-in" || path.starts_with("/v1/sign-in/");
            assert!(signs_in || !path.starts_with("/v1"), "{id} is open to all");
            expected.push("429");
            // These two take no credential, not even one to be signed in with, and so refuse none.
            let takes_none = ["get_openid_offer", "begin_openid_session"].contains(&id);
            assert_eq!(signs_in && !responses.contains_key("401"), takes_none, "{id}");
            expected.extend((signs_in && id != "get_openid_offer").then_some("503"));
        }
        if path.contains('{') {
            expected.push("404");
        }
        if operation.get("requestBody").is_some() {
            expected.extend(["400", "413", "415", "422"]);
            examples_of(id, &operation["requestBody"]);
        }
        if method == "post" && (responses.contains_key("201") || responses.contains_key("202")) {
            expected.push("409");
        }
        if method == "post"
            && (responses.contains_key("201") || responses.contains_key("202") || id.starts_with("rotate_"))
        {
            let names: Vec<&str> = operation["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|p| p["name"].as_str())
                .collect();
            assert!(names.contains(&"Idempotency-Key"), "{id}");
        }
        for status in expected {
            assert!(responses.contains_key(status), "{id} does not tell of {status}");
        }
        assert!(responses.keys().any(|status| status.starts_with('2')), "{id}");
        for (status, response) in responses {
            if status.starts_with('2') && status != "204" {
                examples_of(id, response);
            }
        }
    }
    assert!(ids.len() > 40, "only {} operations", ids.len());
}

#[test]
fn a_conflict_is_told_of_by_these_and_no_others() {
    let told = operations().into_iter().filter(|(_, _, operation)| !operation["responses"]["409"].is_null());
    let told: BTreeSet<String> = told.map(|(method, path, _)| format!("{method} {path}")).collect();
    insta::assert_snapshot!(told.into_iter().collect::<Vec<_>>().join("\n"), @r"
    delete /v1/members/{id}
    get /v1/campaigns/{id}/report
    get /v1/customers/{id}/recommendations
    get /v1/models/{id}/report
    patch /v1/members/{id}
    post /v1/deliveries/{id}/replay
    post /v1/events
    post /v1/gain-curves
    post /v1/imports
    post /v1/keys
    post /v1/keys/{id}/rotate
    post /v1/members
    post /v1/members/{id}/invitation
    post /v1/models
    post /v1/models/estimate
    post /v1/models/{id}/activate
    post /v1/offers
    post /v1/recommendations
    post /v1/rules
    post /v1/segments
    post /v1/sign-out
    post /v1/tenants
    post /v1/webhooks
    put /v1/customers/{id}
    put /v1/password
    ");
}

#[track_caller]
fn examples_of(id: &str, place: &Value) {
    let content = place["content"].as_object().unwrap_or_else(|| panic!("{id} has a body without content"));
    for (kind, media) in content {
        let example = &media["example"];
        assert!(!example.is_null(), "{id}: {kind} has no example");
        let problems = clew_api::openapi::check_example(&media["schema"], example);
        assert!(problems.is_empty(), "{id}: {kind}: {problems:?}\n{example}");
    }
}

#[test]
fn everything_has_its_bounds() {
    fn walk(value: &Value, place: &str, unbounded: &mut Vec<String>) {
        let Value::Object(fields) = value else {
            for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
                walk(inner, &format!("{place}/{index}"), unbounded);
            }
            return;
        };
        let kinds = match &value["type"] {
            Value::String(one) => vec![one.as_str()],
            many => many.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
        };
        let has = |word: &str| fields.contains_key(word);
        let bounded = kinds.iter().all(|kind| match *kind {
            "integer" => has("minimum") && has("maximum") && has("format"),
            "array" => has("maxItems"),
            "string" => has("enum") || has("const") || has("maxLength") && (has("format") || has("pattern")),
            _ => true,
        });
        if !bounded {
            unbounded.push(place.to_owned());
        }
        for (name, inner) in fields {
            if !matches!(name.as_str(), "example" | "examples" | "default") {
                walk(inner, &format!("{place}/{name}"), unbounded);
            }
        }
    }
    let mut unbounded = Vec::new();
    walk(clew_api::document(), "", &mut unbounded);
    assert!(unbounded.is_empty(), "without bounds:\n{}", unbounded.join("\n"));
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                fields.values().for_each(|inner| walk(inner, document));
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, document)),
            _ => {}
        }
    }
    let document = clew_api::document();
    assert_eq!(document["openapi"], "3.1.0");
    walk(document, document);
}

#[test]
fn the_codes_are_a_closed_list() {
    insta::assert_snapshot!(
        clew_api::document()["components"]["schemas"]["Code"]["enum"],
        @r#"["malformed","unauthenticated","forbidden","not_found","method_not_allowed","timeout","conflict","no_model","too_large","unsupported_media_type","invalid","idempotency_mismatch","too_many_requests","internal","unavailable","storage_full"]"#
    );
}

#[tokio::test]
async fn the_document_and_its_pages_are_served() {
    let api = Api::start().await;
    let served = api.nobody().get("/openapi.json").await.expect(200);
    assert_eq!(&served.body(), clew_api::document());
    api.nobody().get("/docs").await.expect(303);
    let page = api.nobody().get("/docs/").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
    api.nobody().get("/docs/swagger-ui-bundle.js").await.expect(200);
    // The console's place is free.
    assert_eq!(api.nobody().get("/").await.status, 404);
}
