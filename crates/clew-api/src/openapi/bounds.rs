//! Bounds of everything in the document: each integer has a format, a least and a greatest value, each text a greatest
//! length and a form, each list a greatest length. A field's own attributes say so where its bound is its own; what is
//! said here holds for all of a kind.

use serde_json::{Map, Value, json};

/// The greatest integer that every reader of JSON takes as it is (RFC 8259, section 6).
const MAX_INTEGER: i64 = (1 << 53) - 1;
/// No text is longer than the longest record that an import reads, in characters.
const MAX_TEXT: u64 = 1 << 20;
/// No list is longer, unless it says so.
const MAX_ITEMS: u64 = 100_000;
/// A text of any characters but U+0000, which Postgres does not keep.
const ANY_TEXT: &str = "^[^\\u0000]*$";
/// Keywords that hold values, not schemas.
const VALUES: [&str; 5] = ["example", "examples", "default", "enum", "const"];

/// Gives every schema in a part of the document the bounds that it does not have yet.
pub(crate) fn apply(part: &mut Value) {
    match part {
        Value::Array(items) => items.iter_mut().for_each(apply),
        Value::Object(fields) => {
            if is(fields, "integer") {
                bound_integer(fields);
            }
            if is(fields, "string") {
                bound_text(fields);
            }
            if is(fields, "array") {
                default(fields, "maxItems", MAX_ITEMS.into());
            }
            // A field may be called `example` or `default`: the names of properties are not keywords.
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                properties.values_mut().for_each(apply);
            }
            for (name, inner) in fields.iter_mut() {
                if name != "properties" && !VALUES.contains(&name.as_str()) {
                    apply(inner);
                }
            }
        }
        _ => {}
    }
}

/// Whether a schema admits a type, alone or among others.
fn is(fields: &Map<String, Value>, kind: &str) -> bool {
    match fields.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(many)) => many.iter().any(|one| one == kind),
        _ => false,
    }
}

fn default(fields: &mut Map<String, Value>, keyword: &str, value: Value) {
    if !fields.contains_key(keyword) {
        fields.insert(keyword.to_owned(), value);
    }
}

fn bound_integer(fields: &mut Map<String, Value>) {
    default(fields, "format", json!("int64"));
    let (least, greatest) = match fields["format"].as_str() {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (-MAX_INTEGER, MAX_INTEGER),
    };
    if !fields.contains_key("exclusiveMinimum") {
        default(fields, "minimum", least.into());
    }
    if !fields.contains_key("exclusiveMaximum") {
        default(fields, "maximum", greatest.into());
    }
}

fn bound_text(fields: &mut Map<String, Value>) {
    if fields.contains_key("enum") || fields.contains_key("const") {
        return;
    }
    let n_characters = match fields.get("format").and_then(Value::as_str) {
        Some("uuid") => 36,
        Some("date") => 10,
        Some("date-time") => 64,
        Some("email") => 254,
        _ => MAX_TEXT,
    };
    default(fields, "maxLength", n_characters.into());
    if !fields.contains_key("format") {
        default(fields, "pattern", ANY_TEXT.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::apply;

    #[test]
    fn what_has_a_bound_keeps_it_and_the_rest_gets_one() {
        let mut schema = json!({"type": "object", "example": {"type": "string"}, "properties": {
            "type": {"type": "string", "maxLength": 5},
            "default": {"type": ["integer", "null"], "minimum": 1, "format": "int32"},
            "ids": {"type": "array", "items": {"type": "string", "format": "uuid"}},
            "kind": {"type": "string", "enum": ["a"]},
        }});
        apply(&mut schema);
        assert_eq!(
            schema,
            json!({"type": "object", "example": {"type": "string"}, "properties": {
                "type": {"type": "string", "maxLength": 5, "pattern": "^[^\\u0000]*$"},
                "default": {"type": ["integer", "null"], "minimum": 1, "maximum": 2_147_483_647, "format": "int32"},
                "ids": {"type": "array", "maxItems": 100_000,
                    "items": {"type": "string", "format": "uuid", "maxLength": 36}},
                "kind": {"type": "string", "enum": ["a"]},
            }})
        );
    }
}
