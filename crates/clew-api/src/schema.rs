//! Checks a JSON value against its OpenAPI schema and reports every fault at once, each with its JSON pointer.
//! So what the document promises is what is enforced, and a client gets all field errors in one answer.
//! Only the keywords that the document uses are read: `$ref type enum const properties required
//! additionalProperties items oneOf anyOf allOf minimum maximum exclusiveMinimum minLength maxLength minItems
//! maxItems format`. What a `pattern` says is held by whatever reads the field.

use serde_json::{Map, Value};

use crate::extract::uuid;
use crate::problem::FieldError;

/// More errors than this help nobody.
pub(crate) const MAX_ERRORS: usize = 100;

/// Schemas by name, as in `components.schemas` of the document.
pub(crate) struct Schemas<'a> {
    /// `components.schemas`.
    pub(crate) named: &'a Map<String, Value>,
}

impl Schemas<'_> {
    /// Every fault of `value` under `schema`, in the order of the value.
    pub(crate) fn check(&self, schema: &Value, value: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.walk(schema, value, "", &mut errors);
        errors.truncate(MAX_ERRORS);
        errors
    }

    /// Follows `$ref` to `components.schemas`.
    pub(crate) fn resolve<'s>(&'s self, mut schema: &'s Value) -> &'s Value {
        for _ in 0..16 {
            let Some(name) = schema.get("$ref").and_then(Value::as_str) else { return schema };
            let name = name.trim_start_matches("#/components/schemas/");
            match self.named.get(name) {
                Some(found) => schema = found,
                None => return schema,
            }
        }
        schema
    }

    fn walk(&self, schema: &Value, value: &Value, pointer: &str, errors: &mut Vec<FieldError>) {
        if errors.len() >= MAX_ERRORS {
            return;
        }
        let schema = self.resolve(schema);
        let mut say = |detail: String| errors.push(FieldError { pointer: pointer.to_owned(), detail });
        if let Some(expected) = wrong_type(schema, value) {
            return say(format!("expected {expected}, found {}", describe(value)));
        }
        if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
            && !allowed.contains(value)
        {
            let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            return say(format!("expected one of {}, found {}", allowed.join(", "), describe(value)));
        }
        match value {
            Value::Number(_) => check_number(schema, value, &mut say),
            Value::String(text) => check_text(schema, text, &mut say),
            Value::Array(items) => self.check_items(schema, items, pointer, errors),
            Value::Object(fields) => self.check_fields(schema, fields, pointer, errors),
            Value::Null | Value::Bool(_) => {}
        }
        for part in list(schema, "allOf") {
            self.walk(part, value, pointer, errors);
        }
        self.check_choice(schema, value, pointer, errors);
    }

    fn check_items(&self, schema: &Value, items: &[Value], pointer: &str, errors: &mut Vec<FieldError>) {
        let mut say = |detail: String| errors.push(FieldError { pointer: pointer.to_owned(), detail });
        if let Some(min) = schema.get("minItems").and_then(Value::as_u64)
            && (items.len() as u64) < min
        {
            say(format!("expected at least {min} items, found {}", items.len()));
        }
        if let Some(max) = schema.get("maxItems").and_then(Value::as_u64)
            && items.len() as u64 > max
        {
            say(format!("expected at most {max} items, found {}", items.len()));
        }
        if let Some(each) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.walk(each, item, &format!("{pointer}/{index}"), errors);
            }
        }
    }

    fn check_fields(
        &self,
        schema: &Value,
        fields: &Map<String, Value>,
        pointer: &str,
        errors: &mut Vec<FieldError>,
    ) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for required in list(schema, "required").filter_map(Value::as_str) {
            if !fields.contains_key(required) {
                let pointer = format!("{pointer}/{}", escape(required));
                errors.push(FieldError { pointer, detail: "is missing".into() });
            }
        }
        for (name, value) in fields {
            let place = format!("{pointer}/{}", escape(name));
            match (properties.and_then(|p| p.get(name)), schema.get("additionalProperties")) {
                (Some(property), _) => self.walk(property, value, &place, errors),
                (None, Some(Value::Bool(false))) => {
                    let known: Vec<&str> =
                        properties.into_iter().flatten().map(|(k, _)| k.as_str()).collect();
                    let detail = format!("is not a known field; known are {}", known.join(", "));
                    errors.push(FieldError { pointer: place, detail });
                }
                (None, Some(each @ Value::Object(_))) => self.walk(each, value, &place, errors),
                (None, _) => {}
            }
        }
    }

    /// Of several schemas one must hold. When none does, the errors of the nearest are reported.
    fn check_choice(&self, schema: &Value, value: &Value, pointer: &str, errors: &mut Vec<FieldError>) {
        for keyword in ["oneOf", "anyOf"] {
            let mut nearest: Option<Vec<FieldError>> = None;
            for part in list(schema, keyword) {
                let mut found = Vec::new();
                self.walk(part, value, pointer, &mut found);
                let depth = |e: &Vec<FieldError>| e.iter().map(|e| e.pointer.len()).max().unwrap_or(0);
                if nearest
                    .as_ref()
                    .is_none_or(|n| found.is_empty() || (!n.is_empty() && depth(&found) > depth(n)))
                {
                    nearest = Some(found);
                }
            }
            errors.extend(nearest.unwrap_or_default());
        }
    }
}

/// `~` and `/` in a name are written `~0` and `~1` (RFC 6901, section 3).
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn list<'a>(schema: &'a Value, keyword: &str) -> impl Iterator<Item = &'a Value> {
    schema.get(keyword).and_then(Value::as_array).into_iter().flatten()
}

/// What was expected, when the value's type is not among the schema's.
fn wrong_type(schema: &Value, value: &Value) -> Option<String> {
    let types: Vec<&str> = match schema.get("type")? {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let fits = types.iter().any(|kind| match *kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|x| x.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    });
    (!fits).then(|| types.join(" or "))
}

fn check_number(schema: &Value, value: &Value, say: &mut impl FnMut(String)) {
    let Some(x) = value.as_f64() else { return };
    let bound = |keyword| schema.get(keyword).and_then(Value::as_f64);
    if bound("minimum").is_some_and(|min| x < min) || bound("exclusiveMinimum").is_some_and(|min| x <= min) {
        let than = if schema.get("minimum").is_some() { "at least" } else { "more than" };
        let min =
            schema.get("minimum").or_else(|| schema.get("exclusiveMinimum")).cloned().unwrap_or_default();
        say(format!("expected {than} {min}, found {value}"));
    }
    if let Some(max) = bound("maximum")
        && x > max
    {
        say(format!("expected at most {max}, found {value}"));
    }
}

fn check_text(schema: &Value, text: &str, say: &mut impl FnMut(String)) {
    let n_characters = text.chars().count() as u64;
    if let Some(min) = schema.get("minLength").and_then(Value::as_u64)
        && n_characters < min
    {
        say(if n_characters == 0 {
            "is empty".into()
        } else {
            format!("expected at least {min} characters")
        });
    }
    if let Some(max) = schema.get("maxLength").and_then(Value::as_u64)
        && n_characters > max
    {
        say(format!("expected at most {max} characters, found {n_characters}"));
    }
    if text.contains('\0') {
        // Postgres keeps no such text.
        say("holds the character U+0000; leave it out".into());
    }
    let format = schema.get("format").and_then(Value::as_str);
    let good = match format {
        Some("uuid") => uuid(text).is_some(),
        Some("date-time") => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        Some("date") => text.len() == 10 && text.parse::<chrono::NaiveDate>().is_ok(),
        Some("email") => clew_store::member::email(text).is_some(),
        _ => true,
    };
    if !good {
        let expected = match format {
            Some("uuid") => "a UUID",
            Some("date") => "a date such as 2026-01-31",
            // What was found may be a person's: it is not repeated.
            Some("email") => return say("expected an e-mail address such as anna@example.com".into()),
            _ => "an RFC 3339 time such as 2026-01-31T00:00:00Z",
        };
        say(format!("expected {expected}, found {}", describe(&Value::String(text.to_owned()))));
    }
}

/// A value short enough for a message.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if text.chars().count() <= 40 => format!("{text:?}"),
        Value::String(text) => format!("a text of {} characters", text.chars().count()),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Schemas;

    fn errors(schema: Value, value: Value) -> Vec<String> {
        let named = json!({"Name": {"type": "string", "minLength": 1, "maxLength": 3}});
        let schemas = Schemas { named: named.as_object().unwrap() };
        schemas.check(&schema, &value).iter().map(|e| format!("{} {}", e.pointer, e.detail)).collect()
    }

    #[test]
    fn all_faults_come_at_once_with_their_pointers() {
        let schema = json!({
            "type": "object", "required": ["name", "kind"], "additionalProperties": false,
            "properties": {
                "name": {"$ref": "#/components/schemas/Name"},
                "kind": {"type": "string", "enum": ["a", "b"]},
                "margin": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                "ids": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            }
        });
        let value = json!({"name": "", "margin": 2.5, "ids": ["x", 3, "y"], "a/b": 1});
        insta::assert_snapshot!(errors(schema, value).join("\n"), @r"
        /kind is missing
        /name is empty
        /margin expected at most 1, found 2.5
        /ids expected at most 2 items, found 3
        /ids/1 expected string, found 3
        /a~1b is not a known field; known are name, kind, margin, ids
        ");
    }

    #[test]
    fn what_no_text_can_hold_is_refused() {
        assert_eq!(
            errors(json!({"type": "string"}), json!("a\0b")),
            [" holds the character U+0000; leave it out"]
        );
    }

    #[test]
    fn a_choice_reports_the_nearest_alternative() {
        let schema = json!({"oneOf": [{"type": "null"}, {"type": "object", "required": ["at"],
            "properties": {"at": {"type": "string", "format": "date-time"}}}]});
        assert_eq!(errors(schema.clone(), json!(null)), Vec::<String>::new());
        assert_eq!(
            errors(schema, json!({"at": "yesterday"})),
            ["/at expected an RFC 3339 time such as 2026-01-31T00:00:00Z, found \"yesterday\""]
        );
    }
}
