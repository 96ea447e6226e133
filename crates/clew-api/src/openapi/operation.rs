//! What every operation of the document shares: its rights, problems, headers and examples.

use serde_json::{Map, Value, json};

use super::response_name;
use crate::example::example;
use crate::schema::Schemas;

/// Adds what all operations share: their problems, headers and examples.
pub(crate) fn finish(path: &str, method: &str, operation: &mut Value, schemas: &Schemas<'_>) {
    // Sentences that the code breaks into lines are one line here.
    for text in ["summary", "description"] {
        if let Some(Value::String(text)) = operation.get_mut(text) {
            *text = text.replace("\n\n", "\u{0}").replace('\n', " ").replace('\u{0}', "\n\n");
        }
    }
    let rights = rights(operation);
    let secured = !rights.is_empty();
    let described = operation["description"].as_str().map(|text| format!("{text}\n\n")).unwrap_or_default();
    operation["description"] = format!("{described}{}", needs(&rights)).into();
    let responses = operation["responses"].as_object().cloned().unwrap_or_default();
    let creates = method == "post" && (responses.contains_key("201") || responses.contains_key("202"));
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let has_body = operation.get("requestBody").is_some();
    let mut problems: Vec<u16> = vec![500];
    if secured {
        // A parameter that an operation does not know is refused with 422 by every one.
        problems.extend([401, 403, 422, 429, 503]);
    } else {
        problems.push(429);
    }
    if path.contains('{') {
        problems.push(404);
    }
    // Only a body can be such that it is not read at all (400); a query always is.
    if has_body {
        problems.extend([400, 413, 415, 422]);
    }
    if creates {
        problems.push(409);
    }
    // A rotation makes a secret, though no thing of its own.
    if creates || method == "post" && path.ends_with("/rotate") {
        let header = json!({
            "name": "Idempotency-Key", "in": "header", "required": false, "example": "order-2026-11-22-0001",
            "description": "The same key and body replay the first answer for 24 hours; another body is 422.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        });
        operation["parameters"] = parameters.into_iter().chain([header]).collect();
    }
    // A handler names its further problems by their status alone.
    problems.extend(responses.keys().filter_map(|s| s.parse::<u16>().ok()).filter(|s| *s >= 400));
    for status in problems {
        let shared = format!("#/components/responses/{}", response_name(status));
        operation["responses"][status.to_string()] = json!({"$ref": shared});
    }
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if response.get("$ref").is_some() {
            continue;
        }
        response["headers"] = headers();
        if status == "201" || status == "202" && path != "/v1/events" {
            let what = if status == "202" { "The job to follow." } else { "What was made." };
            response["headers"]["Location"] = json!({"description": what, "schema": {"type": "string", "format": "uri-reference", "maxLength": 1024}, "example": "/v1/jobs/0198c6a1-7a52-7c3e-9d0f-3f6f4c3b2a10"});
        }
        if let Some(content) = response.get_mut("content") {
            add_examples(content, schemas);
        }
    }
    if let Some(body) = operation.get_mut("requestBody") {
        add_examples(&mut body["content"], schemas);
    }
    if let Some(content) = operation["responses"].as_object_mut() {
        content.sort_keys();
    }
}

fn add_examples(content: &mut Value, schemas: &Schemas<'_>) {
    let Some(content) = content.as_object_mut() else { return };
    for (kind, media) in content.iter_mut() {
        if kind != "application/json" && !kind.ends_with("+json") {
            // Bytes of their own form, which a schema of JSON values says nothing about.
            media["schema"] = json!({"contentMediaType": kind});
        }
        if media.get("example").is_none() && media.get("examples").is_none() {
            let shown = example(&media["schema"], schemas);
            media["example"] = shown;
        }
    }
}

/// The rights of which each suffices, one scheme each.
fn rights(operation: &mut Value) -> Vec<String> {
    let Some(Value::Array(requirements)) = operation.get_mut("security") else { return Vec::new() };
    let named: Vec<String> = requirements
        .iter()
        .filter_map(|requirement| requirement["key"].as_array())
        .flatten()
        .filter_map(|right| right.as_str().map(str::to_owned))
        .collect();
    *requirements =
        named.iter().map(|right| Value::Object(Map::from_iter([(right.clone(), json!([]))]))).collect();
    named
}

/// In a sentence, who may.
fn needs(rights: &[String]) -> String {
    let above = |right: &str| match right {
        "reader" | "marketer" => format!("`{right}` or above"),
        _ => format!("`{right}`"),
    };
    match rights {
        [] => "Needs no credential.".to_owned(),
        rights => {
            let all: Vec<String> = rights.iter().map(|right| above(right)).collect();
            format!("Needs the right {}.", all.join(", or "))
        }
    }
}

/// The headers of every answer.
pub(super) fn headers() -> Value {
    json!({
        "x-request-id": {
            "description": "The request's id, as in the log.", "schema": {"type": "string", "format": "uuid"},
        },
        "RateLimit": {
            "description": "Requests left (`r`) and seconds until all are there again (`t`), of the credential and of \
                the tenant, or of the sender's address where no credential is asked for; absent from what was refused \
                before it was counted. `RateLimit-Policy` holds the most at once (`q`) and the seconds that they take to \
                come back (`w`).",
            "schema": {"type": "string", "maxLength": 256},
            "example": "\"credential\";r=3999;t=1, \"tenant\";r=7999;t=1",
        },
        "Access-Control-Allow-Origin": {
            "description": "The origin of the page that asks, when the service is configured to answer it; else absent.",
            "schema": {"type": "string", "format": "uri", "maxLength": 256}, "example": "https://app.example.com",
        },
    })
}
