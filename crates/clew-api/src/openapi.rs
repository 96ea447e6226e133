//! The OpenAPI 3.1 document: collected from the handlers, then finished in one place — the shared problems,
//! the shared headers, and an example for every body.

mod bounds;
mod operation;

use std::collections::HashMap;
use std::sync::OnceLock;

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::openapi::{ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::{Code, FieldError, ProblemBody};
use crate::routes;
use crate::schema::Schemas;

pub(crate) use bounds::apply as bound;

const DESCRIPTION: &str = "clew finds, for an offer, the customers most likely to buy, and how many to contact.\n\n\
Credentials: `Authorization: Bearer …` with an API key, or the access token that `POST /v1/sign-in` gives a member. The tenant comes from the credential. Rights: `reader` < `marketer` < `owner`; \
`ingest` may only send data and follow it; `operator` manages tenants and sees no tenant's data. The security \
requirement of each operation names the least right that suffices, or several, each of which does.\n\n\
Lists: `?limit=&cursor=` give `{data, next_cursor}`. Long work answers `202` with `Location: /v1/jobs/{id}`. Errors \
are `application/problem+json` with a closed list of codes. `Idempotency-Key` on a creating POST makes it safe to send \
again: the same key and body replay the first answer for 24 hours. Times are RFC 3339 in UTC, money is a decimal in the tenant's currency.";

const TAGS: [(&str, &str); 19] = [
    ("service", "Health, metrics and this document."),
    ("tenants", "The operator's: making tenants; and what a tenant sees of itself."),
    ("sign-in", "Signing in and out, and one's own password."),
    ("members", "The people who sign in."),
    ("keys", "API keys."),
    ("imports", "Files in."),
    ("events", "Events as they happen."),
    ("customers", "The people in the tenant's file, one by one; what is known of one, and its erasure."),
    ("products", "The catalogue, one by one."),
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

/// What the document says of an operation, as far as every request needs it.
#[derive(Debug)]
pub(crate) struct Known {
    /// Its id.
    pub(crate) id: &'static str,
    /// It needs no credential.
    pub(crate) is_open: bool,
    /// It reads parameters of the query.
    pub(crate) has_query: bool,
}

/// The operation of a method and a path as the document writes it. HEAD is GET without its body.
pub(crate) fn operation(method: &Method, path: &str) -> Option<&'static Known> {
    static KNOWN: OnceLock<HashMap<&'static str, HashMap<String, Known>>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let paths = document()["paths"].as_object().into_iter().flatten();
        let of = |item: &'static Value| {
            let methods = item.as_object().into_iter().flatten();
            methods
                .filter_map(|(method, operation)| Some((method.to_uppercase(), read(operation)?)))
                .collect()
        };
        paths.map(|(path, item)| (path.as_str(), of(item))).collect()
    });
    let method = if method == Method::HEAD { &Method::GET } else { method };
    known.get(path)?.get(method.as_str())
}

fn read(operation: &'static Value) -> Option<Known> {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    Some(Known {
        id: operation["operationId"].as_str()?,
        is_open: operation.get("security").is_none(),
        has_query: parameters.any(|parameter| parameter["in"] == "query"),
    })
}

/// A scheme for each right. All are the same header; what differs is what the credential may do.
fn rights() -> Value {
    let scheme = |may: &str| {
        json!({"type": "http", "scheme": "bearer", "description": format!(
            "An API key, `clew_live_<public id>_<secret>`, or the access token of a signed-in member, that {may}.",
        )})
    };
    json!({
        "reader": scheme("sees everything of its tenant that is not closed to its right, and changes nothing"),
        "marketer": scheme("works with offers, segments, rules and models, too"),
        "owner": scheme("does everything in its tenant"),
        "ingest": scheme("sends data and follows what became of it, and sees nothing else"),
        "operator": scheme("manages tenants, and sees no tenant's data"),
    })
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
    document["servers"] = json!([{"url": "/", "description": "This server: production, or wherever it runs.", "x-internal": false}]);
    document["tags"] = TAGS.iter().map(|(name, text)| json!({"name": name, "description": text})).collect();
    document["components"]["securitySchemes"] = rights();
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
            operation::finish(path, method, operation, &Schemas { named: &named });
        }
    }
    drop_unused(&mut document);
    bounds::apply(&mut document);
    document
}

/// Takes away what nothing refers to: the schemas that others were put together from, and the answers to methods that
/// no operation has.
fn drop_unused(document: &mut Value) {
    loop {
        let text = document.to_string();
        let mut n_dropped = 0;
        for kind in ["schemas", "responses"] {
            let named = document["components"][kind].as_object_mut();
            let Some(named) = named else { continue };
            let n_before = named.len();
            named.retain(|name, _| text.contains(&format!("\"#/components/{kind}/{name}\"")));
            n_dropped += n_before - named.len();
        }
        if n_dropped == 0 {
            return;
        }
    }
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
            response["headers"] = operation::headers();
            if matches!(status, 429 | 503) {
                response["headers"]["Retry-After"] = json!({
                    "description": "Seconds after which to come back.",
                    "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 86_400},
                });
            }
            if status == 401 {
                response["headers"]["WWW-Authenticate"] = json!({
                    "description": "How to say who one is (RFC 6750).", "schema": {"type": "string", "maxLength": 64},
                });
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
        let required = schema["required"].take();
        let is_required =
            |name: &str| required.as_array().is_some_and(|all| all.iter().any(|one| one == name));
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (field, inner) in properties.into_iter().flatten() {
            if !is_required(field) {
                clearable(inner);
            }
        }
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

/// Lets a field be null, which clears it.
fn clearable(schema: &mut Value) {
    if let Some(Value::String(kind)) = schema.get("type") {
        let kinds = json!([kind, "null"]);
        schema["type"] = kinds;
        if let Some(Value::Array(allowed)) = schema.get_mut("enum") {
            allowed.push(Value::Null);
        }
    } else if schema.get("$ref").is_some() {
        *schema = json!({"oneOf": [{"type": "null"}, schema.take()]});
    }
}

fn response_name(status: u16) -> String {
    format!("problem_{status}")
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
