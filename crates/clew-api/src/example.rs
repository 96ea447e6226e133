//! An example of a schema, put together from the examples of its fields.

use serde_json::{Map, Value, json};

use crate::schema::Schemas;

/// An example that satisfies the schema: its own, else one made of its fields' own.
pub(crate) fn example(schema: &Value, schemas: &Schemas<'_>) -> Value {
    build(schema, schemas, 0)
}

fn build(schema: &Value, schemas: &Schemas<'_>, depth: usize) -> Value {
    let schema = schemas.resolve(schema);
    if let Some(own) = own(schema) {
        return own.clone();
    }
    if depth > 12 {
        return Value::Null;
    }
    for keyword in ["oneOf", "anyOf"] {
        let parts = schema.get(keyword).and_then(Value::as_array).into_iter().flatten();
        if let Some(part) = parts.into_iter().find(|part| part["type"] != "null") {
            return build(part, schemas, depth + 1);
        }
    }
    let mut merged = Map::new();
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        if let Value::Object(fields) = build(part, schemas, depth + 1) {
            merged.extend(fields);
        }
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        merged.insert(name.clone(), build(property, schemas, depth + 1));
    }
    if !merged.is_empty() {
        return Value::Object(merged);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").cloned().unwrap_or_default(),
        kind => kind.clone(),
    };
    match kind.as_str().unwrap_or_default() {
        "array" => Value::Array(vec![build(&schema["items"], schemas, depth + 1)]),
        "boolean" => json!(true),
        "integer" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(0.5)),
        "string" => match schema["format"].as_str() {
            Some("uuid") => json!("0198c6a1-7a52-7c3e-9d0f-3f6f4c3b2a10"),
            Some("date-time") => json!("2026-11-22T18:00:00Z"),
            Some("date") => json!("2026-11-22"),
            _ => json!("text"),
        },
        "object" => json!({}),
        _ => Value::Null,
    }
}

fn own(schema: &Value) -> Option<&Value> {
    let first =
        |keyword| schema.get(keyword).and_then(Value::as_array).and_then(|all: &Vec<Value>| all.first());
    schema
        .get("example")
        .or_else(|| first("examples"))
        .or_else(|| schema.get("const"))
        .or_else(|| schema.get("default").filter(|default| !default.is_null()))
        .or_else(|| first("enum"))
}
