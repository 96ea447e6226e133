//! JSON merge patches (RFC 7396): a field that is given replaces, null clears, what is not given stays. The
//! result is checked against the same schema as a new one.

use axum::extract::{FromRequest, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::extract::{check_and_read, read_json};
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// What a patch may be sent as.
const KINDS: [&str; 2] = ["application/json", "application/merge-patch+json"];

/// A patch, not yet applied.
#[derive(Debug)]
pub(crate) struct Patch(Map<String, Value>);

impl FromRequest<ApiState> for Patch {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self> {
        let (value, _) = read_json(request, state, &KINDS).await?;
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Problem::field("", "expected an object of the fields to change")),
        }
    }
}

/// A patch whose fields are the tenant's own, read as they are.
#[derive(Debug)]
pub(crate) struct OwnPatch<T>(pub(crate) T);

impl<T: DeserializeOwned + ToSchema> FromRequest<ApiState> for OwnPatch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self> {
        let (value, _) = read_json(request, state, &KINDS).await?;
        Ok(Self(check_and_read(value)?))
    }
}

impl Patch {
    /// The thing as it is after the patch.
    ///
    /// # Errors
    /// 422 with every field that would be wrong.
    pub(crate) fn apply<T>(self, present: &T) -> Result<T>
    where
        T: Serialize + DeserializeOwned + ToSchema,
    {
        let mut whole = serde_json::to_value(present).map_err(Problem::internal)?;
        merge(&mut whole, Value::Object(self.0));
        check_and_read(whole)
    }
}

fn merge(target: &mut Value, patch: Value) {
    let Value::Object(fields) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(present) = target else { return };
    for (name, value) in fields {
        if value.is_null() {
            present.remove(&name);
        } else {
            merge(present.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;

    #[test]
    fn the_cases_of_rfc_7396_appendix_a() {
        for (target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, patch);
            assert_eq!(merged, expected, "{target}");
        }
    }
}
