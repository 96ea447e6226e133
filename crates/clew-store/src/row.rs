//! Single customers and products: written, read and deleted one by one. A row that is written is read as a file of
//! one line would be, so that its types are found, checked and widened alike.

use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use clew_crm::ColumnType;
use serde_json::{Map, Value};

use crate::column;
use crate::data::{self, Change};
use crate::entity::Entity;
use crate::erased::Gate;
use crate::erasure;
use crate::error::{Error, Result};
use crate::ingest::write_types;
use crate::intake::{File, Format, Rejected, TableFile, key_columns};
use crate::mapping::EntityMapping;
use crate::scope::Tenant;

/// A customer or a product as it is kept.
#[derive(Clone, PartialEq, sqlx::FromRow)]
pub struct Row {
    /// The tenant's own id of it.
    pub id: String,
    /// Its attributes, by name; those without a value are not there.
    pub attributes: Value,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
}

impl fmt::Debug for Row {
    /// Without what is said of a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("updated_at", &self.updated_at).finish_non_exhaustive()
    }
}

/// What became of a row that was to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Put {
    /// It is there; `is_new` when it was not before.
    Written {
        /// The row as it is now.
        row: Row,
        /// Whether it was not there before.
        is_new: bool,
    },
    /// The customer was erased, and is not let in.
    Erased,
    /// It cannot be taken.
    Fault {
        /// The attribute that is to blame, if one is.
        column: Option<String>,
        /// What is wrong, and what is expected.
        reason: String,
    },
}

/// A row by its id. `entity` is customers or products.
pub async fn find(tenant: &mut Tenant<'_>, entity: Entity, id: &str) -> Result<Option<Row>> {
    let statement = match entity {
        Entity::Customers => {
            "select id, attributes, updated_at from customers where tenant_id = $1 and id = $2"
        }
        Entity::Products => {
            "select id, attributes, updated_at from products where tenant_id = $1 and id = $2"
        }
        Entity::Events | Entity::Campaigns => return Err(neither(entity)),
    };
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(statement).bind(tenant_id).bind(id).fetch_optional(tenant.connection()).await?)
}

/// Writes a row, in place of another of the same id. `entity` is customers or products. With `readmit`, an owner lets
/// an erased customer come back.
pub async fn put(
    tenant: &mut Tenant<'_>,
    entity: Entity,
    id: &str,
    attributes: Map<String, Value>,
    readmit: bool,
) -> Result<Put> {
    let statement = match entity {
        Entity::Customers => {
            "insert into customers as known (tenant_id, id, attributes, batch) values ($1, $2, $3, $4)
             on conflict (tenant_id, id) do update
                 set attributes = excluded.attributes, batch = excluded.batch, updated_at = now()
             returning id, attributes, updated_at, (known.xmax = 0) as is_new"
        }
        Entity::Products => {
            "insert into products as known (tenant_id, id, attributes, batch) values ($1, $2, $3, $4)
             on conflict (tenant_id, id) do update
                 set attributes = excluded.attributes, batch = excluded.batch, updated_at = now()
             returning id, attributes, updated_at, (known.xmax = 0) as is_new"
        }
        Entity::Events | Entity::Campaigns => return Err(neither(entity)),
    };
    let known = data::attributes(tenant, entity).await?;
    let line = line(entity, id, attributes);
    let read = tokio::task::spawn_blocking(move || read(entity, &line, &known)).await;
    let read = read.map_err(|error| Error::corrupt("a row", error.to_string()))??;
    let (json, schema) = match read {
        Ok(row) => row,
        Err(Rejected { column, reason, .. }) => return Ok(Put::Fault { column, reason }),
    };
    let tenant_id = tenant.id();
    let batch = crate::tenant::next_batch(tenant).await?;
    if entity == Entity::Customers {
        let gate = Gate::open(tenant, readmit).await?;
        if gate.refuses(id) {
            return Ok(Put::Erased);
        }
        gate.readmit(tenant).await?;
    }
    let (id, attributes, updated_at, is_new): (String, Value, DateTime<Utc>, bool) =
        sqlx::query_as(statement)
            .bind(tenant_id)
            .bind(id)
            .bind(json)
            .bind(batch)
            .fetch_one(tenant.connection())
            .await?;
    write_types(tenant, entity, schema).await?;
    if entity == Entity::Customers {
        column::guess_of_row(tenant, &attributes).await?;
    }
    let change = Change {
        entity,
        kind: String::new(),
        n_rows: i64::from(is_new),
        n_duplicates: 0,
        n_rejected: 0,
        first_at: None,
        last_at: None,
    };
    data::add(tenant, &change).await?;
    Ok(Put::Written { row: Row { id, attributes, updated_at }, is_new })
}

/// Deletes a product. Events that speak of it stay.
pub async fn delete_product(tenant: &mut Tenant<'_>, id: &str) -> Result<()> {
    let tenant_id = tenant.id();
    crate::tenant::next_batch(tenant).await?;
    let done = sqlx::query("delete from products where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .execute(tenant.connection())
        .await?;
    if done.rows_affected() == 0 {
        return Err(Error::Missing { what: "product" });
    }
    data::add(tenant, &erasure::removed(Entity::Products, String::new(), 1)).await?;
    erasure::raise_epoch(tenant).await
}

fn neither(entity: Entity) -> Error {
    Error::input(entity.to_string(), "have no rows that are written one by one")
}

/// The row as a line of NDJSON.
fn line(entity: Entity, id: &str, mut attributes: Map<String, Value>) -> Vec<u8> {
    let key = key_columns(entity).first().copied().unwrap_or("id");
    attributes.insert(key.to_owned(), Value::from(id));
    let mut line = Value::Object(attributes).to_string().into_bytes();
    line.push(b'\n');
    line
}

type Typed = (Value, Vec<(String, ColumnType)>);

/// Reads the line as a file of its own: the attributes in the form they are kept in, and their types.
fn read(entity: Entity, line: &[u8], known: &[(String, ColumnType)]) -> Result<Result<Typed, Rejected>> {
    let io = |error| Error::io(std::env::temp_dir(), error);
    let mut written = tempfile::NamedTempFile::new().map_err(io)?;
    written.write_all(line).and_then(|()| written.flush()).map_err(io)?;
    let file = File::named(written.path(), "row", Some(Format::Ndjson))?;
    let mut table = TableFile::open(&file, entity, &EntityMapping::default())?;
    for (name, column_type) in known {
        table.widen(name, *column_type);
    }
    let refused: Arc<Mutex<Option<Rejected>>> = Arc::default();
    let sink = Arc::clone(&refused);
    table.reject_to(Box::new(move |rejected| {
        *sink.lock().unwrap_or_else(PoisonError::into_inner) = Some(rejected.clone());
    }));
    let mut json = Vec::new();
    let found = match table.next()? {
        Some(row) => {
            row.attributes.write_json(&mut json);
            true
        }
        None => false,
    };
    if !found {
        let rejected = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
        let unread = || Rejected { line: 1, column: None, reason: "cannot be read".to_owned() };
        return Ok(Err(rejected.unwrap_or_else(unread)));
    }
    let json = serde_json::from_slice(&json).map_err(|error| Error::corrupt("a row", error.to_string()))?;
    Ok(Ok((json, table.schema())))
}
