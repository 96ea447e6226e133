//! The OpenAPI 3.1 document: collected from the handlers, then finished in one place — the shared problems,
//! the shared headers, and an example for every body.

use std::collections::HashMap;
use std::sync::OnceLock;

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::openapi::{ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi};
use utoipa::{PartialSchema, ToSchema};

use crate::example::example;
use crate::problem::{Code, FieldError, ProblemBody};
use crate::routes;
use crate::schema::Schemas;

const DESCRIPTION: &str = "clew finds, for an offer, the customers most likely to buy, and how many to contact.\n\n\
Credentials: `Authorization: Bearer …` with an API key, or the access token that `POST /v1/sign-in` gives a member. The tenant comes from the credential. Rights: `reader` < `marketer` < `owner`; \
`ingest` may only send data and follow it; `operator` manages tenants and sees no tenant's data. The security \
requirement of each operation names the least right that suffices.\n\n\
Lists: `?limit=&cursor=` give `{data, next_cursor}`. Long work answers `202` with `Location: /v1/jobs/{id}`. Errors \
are `application/problem+json` with a closed list of codes. `Idempotency-Key` on a creating POST makes it safe to send \
again: the same key and body replay the first answer for 24 hours. Times are RFC 3339 in UTC, money is a decimal in the tenant's currency.";

const TAGS: [(&str, &str); 17] = [
    ("service", "Health, metrics and this document."),
    ("tenants", "The operator's: making tenants; and what a tenant sees of itself."),
    ("sign-in", "Signing in and out, and one's own password."),
    ("members", "The people who sign in."),
    ("keys", "API keys."),
    ("imports", "Files in."),
    ("events", "Events as they happen."),
    ("data", "What is known."),
    ("models", "Trained models and their reports."),
    ("jobs", "Long work."),
    ("offers", "Selections of the catalogue; and the gain curves that tell how many customers to contact."),
    ("segments", "Groups of customers written as expressions."),
    ("rules", "Business rules: each refuses customers or products, with a reason, everywhere alike."),
    ("recommendations", "Products for customers."),
    ("webhooks", "Where you want to hear of what happens."),
    ("audit", "Who did what, when, from where: a log that can be added to and not changed."),
    ("campaigns", "What was sent, and what became of it."),
];

/// The document, as JSON. What `/openapi.json` serves and `openapi/clew.json` holds.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| finish(routes::collect().into_openapi()))
}

/// The document as it is committed: indented, with a line end.
pub fn document_text() -> String {
    // Writing a `Value` to a string cannot fail.
    serde_json::to_string_pretty(document()).unwrap_or_default() + "\n"
}

/// `components.schemas` of the document.
pub(crate) fn schemas() -> &'static Map<String, Value> {
    static EMPTY: OnceLock<Map<String, Value>> = OnceLock::new();
    document()
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .unwrap_or_else(|| EMPTY.get_or_init(Map::new))
}

/// The id of the operation of a method and a path as the document writes it.
pub(crate) fn operation_id(method: &Method, path: &str) -> Option<&'static str> {
    static IDS: OnceLock<HashMap<&'static str, HashMap<String, &'static str>>> = OnceLock::new();
    let ids = IDS.get_or_init(|| {
        let paths = document()["paths"].as_object().into_iter().flatten();
        let ids_of = |item: &'static Value| {
            let methods = item.as_object().into_iter().flatten();
            methods
                .filter_map(|(method, operation)| {
                    Some((method.to_uppercase(), operation["operationId"].as_str()?))
                })
                .collect()
        };
        paths.map(|(path, item)| (path.as_str(), ids_of(item))).collect()
    });
    ids.get(path)?.get(method.as_str()).copied()
}

fn finish(mut open: OpenApi) -> Value {
    open.info = InfoBuilder::new()
        .title("clew")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .contact(Some(ContactBuilder::new().name(Some("clew")).build()))
        .build();
    let mut document = serde_json::to_value(open).unwrap_or_default();
    document["servers"] = json!([{"url": "/", "description": "this server"}]);
    document["tags"] = TAGS.iter().map(|(name, text)| json!({"name": name, "description": text})).collect();
    document["components"]["securitySchemes"] = json!({"key": {
        "type": "http", "scheme": "bearer",
        "description": "An API key, `clew_live_<public id>_<secret>`, or the access token of a signed-in member.",
    }});
    let named =
        document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    merge_all_of(&mut document, &Schemas { named: &named });
    add_problems(&mut document);
    add_patches(&mut document);
    let named =
        document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            finish_operation(path, method, operation, &Schemas { named: &named });
        }
    }
    document
}

/// The schemas of a problem, and a shared response for every status there is.
fn add_problems(document: &mut Value) {
    let components = &mut document["components"];
    let schema = |schema| serde_json::to_value(schema).unwrap_or_default();
    components["schemas"]["Problem"] = schema(ProblemBody::schema());
    components["schemas"][Code::name_of_schema()] = schema(Code::schema());
    components["schemas"]["FieldError"] = schema(FieldError::schema());
    for code in Code::ALL {
        let status = code.status().as_u16();
        let response = &mut components["responses"][response_name(status)];
        if response.is_null() {
            *response = json!({
                "description": "",
                "content": {"application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"}, "examples": {},
                }},
            });
            if matches!(status, 429 | 503) {
                response["headers"]["Retry-After"] = json!({
                    "description": "Seconds after which to come back.", "schema": {"type": "integer"},
                });
            }
            if status == 429 {
                response["headers"]["RateLimit"] = rate_limit_header();
            }
        }
        let said = response["description"].as_str().unwrap_or_default().to_owned();
        let description =
            format!("{said}{}`{}`: {}.", if said.is_empty() { "" } else { " " }, code.name(), code.title());
        response["description"] = description.into();
        let mut shown = json!({
            "type": format!("/docs#problem-{}", code.name()), "title": code.title(), "status": status,
            "detail": code.title(), "code": code.name(), "request_id": "0198c6a1-7a52-7c3e-9d0f-3f6f4c3b2a10",
        });
        if code == Code::Invalid {
            shown["errors"] = json!([{"pointer": "/name", "detail": "is missing"}]);
        }
        response["content"]["application/problem+json"]["examples"][code.name()] = json!({"value": shown});
    }
}

/// Writes every `allOf` as one object. A part that admits no further fields (what a person writes) would else
/// refuse the fields of the others (what the service adds).
fn merge_all_of(value: &mut Value, schemas: &Schemas<'_>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| merge_all_of(item, schemas)),
        Value::Object(fields) => {
            if let Some(Value::Array(parts)) = fields.remove("allOf") {
                let (mut properties, mut required) = (Map::new(), Vec::new());
                for part in &parts {
                    let mut part = schemas.resolve(part).clone();
                    merge_all_of(&mut part, schemas);
                    properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
                    required.extend(part["required"].as_array().cloned().unwrap_or_default());
                }
                fields.insert("type".into(), "object".into());
                fields.insert("required".into(), required.into());
                fields.insert("properties".into(), properties.into());
            }
            fields.values_mut().for_each(|inner| merge_all_of(inner, schemas));
        }
        _ => {}
    }
}

/// The body of a PATCH is what a new one's is, with nothing required.
fn add_patches(document: &mut Value) {
    let mut patches = Map::new();
    let named =
        document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    for item in document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
        let Some(content) = item.pointer_mut("/patch/requestBody/content/application~1json") else {
            continue;
        };
        let reference = content["schema"]["$ref"].as_str().unwrap_or_default();
        let name = reference.trim_start_matches("#/components/schemas/").to_owned();
        let mut schema = named.get(&name).cloned().unwrap_or_default();
        schema["required"] = json!([]);
        schema["description"] =
            "A merge patch (RFC 7396): what is given replaces, null clears, what is absent stays.".into();
        content["schema"] = json!({"$ref": format!("#/components/schemas/{name}Patch")});
        let content = content.clone();
        item["patch"]["requestBody"]["content"]["application/merge-patch+json"] = content;
        patches.insert(format!("{name}Patch"), schema);
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(patches);
        schemas.sort_keys();
    }
}

/// The header that says what the caller may still ask for.
fn rate_limit_header() -> Value {
    json!({
        "description": "Requests left (`r`) and seconds until all are there again (`t`), of the credential and of the \
            tenant; `RateLimit-Policy` holds the most at once (`q`) and the seconds that they take to come back (`w`).",
        "schema": {"type": "string"}, "example": "\"credential\";r=3999;t=1, \"tenant\";r=7999;t=1",
    })
}

fn response_name(status: u16) -> String {
    format!("problem_{status}")
}

/// Adds what all operations share: their problems, headers and examples.
fn finish_operation(path: &str, method: &str, operation: &mut Value, schemas: &Schemas<'_>) {
    // Sentences that the code breaks into lines are one line here.
    for text in ["summary", "description"] {
        if let Some(Value::String(text)) = operation.get_mut(text) {
            *text = text.replace("\n\n", "\u{0}").replace('\n', " ").replace('\u{0}', "\n\n");
        }
    }
    let secured = operation.get("security").is_some();
    let responses = operation["responses"].as_object().cloned().unwrap_or_default();
    let creates = method == "post" && (responses.contains_key("201") || responses.contains_key("202"));
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let has_body = operation.get("requestBody").is_some();
    let mut problems: Vec<u16> = vec![500];
    if secured {
        problems.extend([401, 403, 429, 503]);
    }
    if path.contains('{') {
        problems.push(404);
    }
    if parameters.iter().any(|p| p["in"] == "query") || has_body {
        problems.extend([400, 422]);
    }
    if has_body {
        problems.extend([413, 415]);
    }
    if creates {
        problems.push(409);
    }
    // A rotation makes a secret, though no thing of its own.
    if creates || method == "post" && path.ends_with("/rotate") {
        let header = json!({
            "name": "Idempotency-Key", "in": "header", "required": false, "example": "order-2026-11-22-0001",
            "description": "The same key and body replay the first answer for 24 hours; another body is 422.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
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
        response["headers"]["x-request-id"] = json!({"description": "The request's id, as in the log.", "schema": {"type": "string", "format": "uuid"}});
        if secured {
            response["headers"]["RateLimit"] = rate_limit_header();
        }
        if status == "201" || status == "202" && path != "/v1/events" {
            let what = if status == "202" { "The job to follow." } else { "What was made." };
            response["headers"]["Location"] = json!({"description": what, "schema": {"type": "string"}, "example": "/v1/jobs/0198c6a1-7a52-7c3e-9d0f-3f6f4c3b2a10"});
        }
        add_examples(&mut response["content"], schemas);
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
    for media in content.values_mut() {
        if media.get("example").is_none() && media.get("examples").is_none() {
            let shown = example(&media["schema"], schemas);
            media["example"] = shown;
        }
    }
}

impl Code {
    fn name_of_schema() -> String {
        <Self as ToSchema>::name().into_owned()
    }
}

/// What is wrong with an example under its schema; for the tests of the document.
#[doc(hidden)]
pub fn check_example(schema: &Value, shown: &Value) -> Vec<FieldError> {
    Schemas { named: schemas() }.check(schema, shown)
}
