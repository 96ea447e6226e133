//! Single customers and products, as both kinds of rows are asked for and shown.

use chrono::{DateTime, Utc};
use clew_store::key::Right;
use clew_store::row::{self as rows, Put};
use clew_store::{Entity, Tenant, column};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::problem::{Code, Problem, Result};
use crate::schema::escape;

/// A row's attributes by name: strings, numbers, booleans, dates as strings, lists of strings. Also understood as
/// `{"attributes": {…}}`, the form in which rows are shown.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object, example = json!({"age": 34, "city": "Lyon", "tags": ["loyal"]}))]
pub(crate) struct Attributes(Map<String, Value>);

/// A customer or a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Row {
    /// The tenant's own id of it.
    #[schema(example = "c-20817")]
    id: String,
    /// By name; those without a value are left out.
    #[schema(value_type = Object, example = json!({"age": 34, "city": "Lyon", "tags": ["loyal"]}))]
    attributes: Value,
    /// Attributes that are left out, since their columns are not plain and the credential is no owner's; absent when
    /// nothing is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["email"]))]
    hidden: Vec<String>,
    /// When it was last written.
    updated_at: DateTime<Utc>,
}

impl From<rows::Row> for Row {
    fn from(row: rows::Row) -> Self {
        Self { id: row.id, attributes: row.attributes, hidden: Vec::new(), updated_at: row.updated_at }
    }
}

impl Row {
    /// A customer as the holder of a right may see it: to those who are not owners only plain columns are shown.
    pub(crate) async fn of_customer(
        right: Option<Right>,
        tenant: &mut Tenant<'_>,
        row: rows::Row,
    ) -> Result<Self> {
        let mut row = Self::from(row);
        if right != Some(Right::Owner)
            && let Value::Object(attributes) = &mut row.attributes
        {
            let columns = column::all(tenant, Entity::Customers).await?;
            let is_shown = |name: &String| columns.get(name).is_some_and(|column| column.usable().is_shown());
            row.hidden = attributes.keys().filter(|name| !is_shown(name)).cloned().collect();
            row.hidden.sort_unstable();
            attributes.retain(|name, _| is_shown(name));
        }
        Ok(row)
    }
}

impl Attributes {
    /// The attributes, whichever way they were written.
    pub(crate) fn into_map(self) -> Map<String, Value> {
        let mut map = self.0;
        let is_shown = map.get("attributes").is_some_and(Value::is_object)
            && map.keys().all(|key| matches!(key.as_str(), "attributes" | "id" | "updated_at"));
        match map.remove("attributes") {
            Some(Value::Object(inner)) if is_shown => inner,
            Some(other) => {
                map.insert("attributes".to_owned(), other);
                map
            }
            None => map,
        }
    }
}

/// The noun of an entity's row.
fn noun(entity: Entity) -> &'static str {
    if entity == Entity::Products { "product" } else { "customer" }
}

/// A row, or 404.
pub(crate) async fn find(tenant: &mut Tenant<'_>, entity: Entity, id: &str) -> Result<rows::Row> {
    rows::find(tenant, entity, id).await?.ok_or_else(|| Problem::not_found(noun(entity)))
}

/// Writes a row and says what it is now.
pub(crate) async fn put(
    tenant: &mut Tenant<'_>,
    entity: Entity,
    id: &str,
    attributes: Map<String, Value>,
    readmit: bool,
) -> Result<(rows::Row, bool)> {
    match rows::put(tenant, entity, id, attributes, readmit).await? {
        Put::Written { row, is_new } => Ok((row, is_new)),
        Put::Erased => Err(Problem::new(
            Code::Conflict,
            "this customer was erased; an owner may let it come back with readmit_erased=true",
        )),
        Put::Fault { column: Some(column), reason } => {
            Err(Problem::field(format!("/{}", escape(&column)), reason))
        }
        Put::Fault { column: None, reason } => Err(Problem::field("", reason)),
    }
}

/// 201 for a new row, 200 for one that was there.
pub(crate) fn answer(entity: Entity, row: Row, is_new: bool) -> Result<Answer> {
    if !is_new {
        return Answer::ok(&row);
    }
    Answer::created(format!("/v1/{}/{}", entity.as_str(), in_path(&row.id)), &row)
}

/// An id as a segment of a path: what is not a letter, a figure or one of `-._~` is escaped (RFC 3986, section 2.3).
fn in_path(id: &str) -> String {
    let mut path = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// A row's attributes after a merge patch.
pub(crate) fn patched(row: rows::Row, patch: Attributes) -> Map<String, Value> {
    let mut attributes = match row.attributes {
        Value::Object(attributes) => attributes,
        _ => Map::new(),
    };
    for (name, value) in patch.into_map() {
        if value.is_null() {
            attributes.remove(&name);
        } else {
            attributes.insert(name, value);
        }
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::in_path;

    #[test]
    fn an_id_is_one_segment_of_a_path() {
        assert_eq!(in_path("c-1_A.~"), "c-1_A.~");
        assert_eq!(in_path("a/b c?é"), "a%2Fb%20c%3F%C3%A9");
    }
}
