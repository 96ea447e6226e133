//! Columns of customers and products: their types, and what each may be used for, as it was declared or as it was
//! guessed when it came in. Products are no persons: their columns are plain, unless declared identifiers.

use std::collections::BTreeMap;

use clew_crm::{ColumnClass, ColumnType, ColumnUse, LeftOut};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::cursor::{Page, Paged};
use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::mapping::{EntityMapping, Origin};
use crate::scope::Tenant;

/// Rows whose values are looked at for a guess.
const N_LOOKED_AT: i64 = 1_000;

/// The tables whose columns are told of.
pub const ENTITIES: [Entity; 2] = [Entity::Customers, Entity::Products];

/// A column of customers or products.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Which table it is of.
    pub entity: Entity,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub column_type: ColumnType,
    /// What it looks like, by its name and values.
    pub guess: ColumnClass,
    /// What was declared of it.
    pub declared: Option<ColumnUse>,
}

impl Column {
    /// What it may be used for: what was declared, else the guess.
    pub fn usable(&self) -> ColumnUse {
        self.declared.unwrap_or(self.guess.into())
    }

    fn of(row: &PgRow) -> Result<Self> {
        let name: String = row.try_get("name")?;
        let corrupt = || Error::corrupt(format!("column {name}"), "import it again");
        let entity = row.try_get("entity")?;
        let column_type =
            serde_json::from_value(Value::String(row.try_get("type")?)).map_err(|_| corrupt())?;
        let class =
            |word: Option<String>| word.map(|word| ColumnClass::parse(&word).ok_or_else(corrupt)).transpose();
        let by_name = || match entity {
            Entity::Customers => ColumnClass::guess_by_name(&name, column_type),
            _ => ColumnClass::Plain,
        };
        let guess = class(row.try_get("guess")?)?.unwrap_or_else(by_name);
        let learn = row.try_get("learn")?;
        let declared = class(row.try_get("class")?)?.map(|class| ColumnUse { class, learn });
        Ok(Self { entity, column_type, guess, declared, name })
    }
}

/// The columns of a table by name.
pub async fn all(tenant: &mut Tenant<'_>, entity: Entity) -> Result<BTreeMap<String, Column>> {
    let tenant_id = tenant.id();
    let rows = sqlx::query(
        "select entity, name, type, guess, class, learn from attributes where tenant_id = $1 and entity = $2",
    )
    .bind(tenant_id)
    .bind(entity)
    .fetch_all(tenant.connection())
    .await?;
    rows.iter().map(Column::of).map(|column| column.map(|column| (column.name.clone(), column))).collect()
}

/// The columns of a table, or of both, in the order of table and name.
pub async fn list(tenant: &mut Tenant<'_>, entity: Option<Entity>, page: &Page) -> Result<Paged<Column>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("columns", entity.map_or("", Entity::as_str)).await?;
    let rows = sqlx::query(
        "select entity, name, type, guess, class, learn from attributes
         where tenant_id = $1 and entity in ('customers', 'products') and ($2::text is null or entity = $2)
           and ($3::text is null or entity || '.' || name collate \"C\" > $3)
         order by entity || '.' || name collate \"C\" limit $4",
    )
    .bind(tenant_id)
    .bind(entity)
    .bind(sealer.position(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    let columns: Vec<Column> = rows.iter().map(Column::of).collect::<Result<_>>()?;
    Ok(sealer.paged(page, columns, |column| format!("{}.{}", column.entity, column.name)))
}

/// A column.
pub async fn find(tenant: &mut Tenant<'_>, entity: Entity, name: &str) -> Result<Option<Column>> {
    let tenant_id = tenant.id();
    let row = sqlx::query(
        "select entity, name, type, guess, class, learn from attributes
         where tenant_id = $1 and entity = $2 and name = $3 for update",
    )
    .bind(tenant_id)
    .bind(entity)
    .bind(name)
    .fetch_optional(tenant.connection())
    .await?;
    row.as_ref().map(Column::of).transpose()
}

/// Says what a column may be used for, or leaves it to the guess again.
pub async fn declare(
    tenant: &mut Tenant<'_>,
    entity: Entity,
    name: &str,
    declared: Option<ColumnUse>,
) -> Result<Column> {
    let tenant_id = tenant.id();
    let row = sqlx::query(
        "update attributes set class = $4, learn = $5, updated_at = now()
         where tenant_id = $1 and entity = $2 and name = $3
         returning entity, name, type, guess, class, learn",
    )
    .bind(tenant_id)
    .bind(entity)
    .bind(name)
    .bind(declared.map(|declared| declared.class.name()))
    .bind(declared.is_some_and(|declared| declared.learn))
    .fetch_optional(tenant.connection())
    .await?;
    Column::of(&row.ok_or(Error::Missing { what: "column" })?)
}

/// What a training leaves out.
pub async fn left_out(tenant: &mut Tenant<'_>) -> Result<LeftOut> {
    let mut out = LeftOut::default();
    let [customers, products] = ENTITIES;
    for (entity, names) in [(customers, &mut out.customer_columns), (products, &mut out.product_columns)] {
        let columns = all(tenant, entity).await?.into_values();
        names.extend(columns.filter(|column| !column.usable().is_learned()).map(|column| column.name));
    }
    Ok(out)
}

/// Guesses anew what the customers' columns are, from the values that came last: a guess becomes stricter, never more
/// open, so that nothing is shown because other values came.
pub async fn guess(tenant: &mut Tenant<'_>) -> Result<()> {
    let tenant_id = tenant.id();
    let columns = all(tenant, Entity::Customers).await?;
    let rows: Vec<Value> = sqlx::query_scalar(
        "select attributes from customers where tenant_id = $1 order by batch desc limit $2",
    )
    .bind(tenant_id)
    .bind(N_LOOKED_AT)
    .fetch_all(tenant.connection())
    .await?;
    let found = columns.values().map(|column| guess_from(column, &rows).max(column.guess).name());
    let classes: Vec<&str> = found.collect();
    let names: Vec<&String> = columns.keys().collect();
    sqlx::query(
        "update attributes set guess = found.class, updated_at = now()
         from unnest($2::text[], $3::text[]) as found (name, class)
         where attributes.tenant_id = $1 and attributes.entity = 'customers' and attributes.name = found.name
           and attributes.guess is distinct from found.class",
    )
    .bind(tenant_id)
    .bind(&names)
    .bind(&classes)
    .execute(tenant.connection())
    .await?;
    Ok(())
}

/// The same when a single row came: the others are looked at only where it says more than was known.
pub(crate) async fn guess_of_row(tenant: &mut Tenant<'_>, attributes: &Value) -> Result<()> {
    let columns = all(tenant, Entity::Customers).await?;
    let row = std::slice::from_ref(attributes);
    if columns.values().any(|column| guess_from(column, row) > column.guess) {
        guess(tenant).await?;
    }
    Ok(())
}

/// What a column looks like by its values in these rows.
fn guess_from(column: &Column, rows: &[Value]) -> ColumnClass {
    let values = rows.iter().filter_map(|row| row.get(&column.name)).flat_map(|value| match value {
        Value::Array(tags) => tags.as_slice(),
        one => std::slice::from_ref(one),
    });
    ColumnClass::guess(&column.name, column.column_type, values.filter_map(Value::as_str))
}

/// The columns of a file of customers whose values its list of rejected lines must not quote.
pub(crate) struct Unquoted {
    known: BTreeMap<String, Column>,
    /// The file's column → ours, where the mapping gives it another name.
    named: BTreeMap<String, String>,
}

impl Unquoted {
    /// As things are known before the file is read.
    pub(crate) async fn of(tenant: &mut Tenant<'_>, mapping: &EntityMapping) -> Result<Self> {
        let renamed =
            mapping.shared.iter().chain(&mapping.columns).filter_map(|(name, origin)| match origin {
                Origin::Column(source) => Some((source.clone(), name.clone())),
                Origin::Constant(_) => None,
            });
        Ok(Self { known: all(tenant, Entity::Customers).await?, named: renamed.collect() })
    }

    /// Whether this column of the file is one.
    pub(crate) fn contains(&self, source: &str) -> bool {
        let name = self.named.get(source).map_or(source, String::as_str);
        match self.known.get(name) {
            Some(column) => !column.usable().is_shown(),
            None => ColumnClass::guess_by_name(name, ColumnType::Text) != ColumnClass::Plain,
        }
    }
}
