//! What is known of a tenant's data: counts, dates, freshness. Running totals, kept with each write.

use chrono::{DateTime, Utc};
use clew_crm::ColumnType;

use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::scope::Tenant;

/// What a write has done to the totals of one entity, or of one kind of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub entity: Entity,
    /// The kind of event; empty for what has none.
    pub kind: String,
    /// Rows that are there now and were not before (rows that replaced others do not count); negative when deleted.
    pub n_rows: i64,
    /// Rows that were there already.
    pub n_duplicates: i64,
    /// Rows refused.
    pub n_rejected: i64,
    /// The earliest of the rows, if they have a time.
    pub first_at: Option<DateTime<Utc>>,
    /// The latest of the rows, if they have a time.
    pub last_at: Option<DateTime<Utc>>,
}

/// The totals of one entity, or of one kind of events.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Total {
    /// The table.
    pub entity: Entity,
    /// The kind of event; empty for what has none.
    pub kind: String,
    /// Rows.
    pub n_rows: i64,
    /// Rows that came again, over all time.
    pub n_duplicates: i64,
    /// Rows refused, over all time.
    pub n_rejected: i64,
    /// The earliest row's time.
    pub first_at: Option<DateTime<Utc>>,
    /// The latest row's time.
    pub last_at: Option<DateTime<Utc>>,
    /// When it was last written to.
    pub updated_at: DateTime<Utc>,
}

/// What is known of a tenant's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// Per entity and kind, in order.
    pub totals: Vec<Total>,
    /// The number of the last write.
    pub last_batch: i64,
}

impl Data {
    /// Rows of an entity, over all kinds.
    pub fn n_rows(&self, entity: Entity) -> i64 {
        self.totals.iter().filter(|total| total.entity == entity).map(|total| total.n_rows).sum()
    }

    /// The first and the last event's time.
    pub fn event_range(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let events = || self.totals.iter().filter(|total| total.entity == Entity::Events);
        Some((
            events().filter_map(|total| total.first_at).min()?,
            events().filter_map(|total| total.last_at).max()?,
        ))
    }

    /// When anything was last written.
    pub fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.totals.iter().map(|total| total.updated_at).max()
    }
}

/// Adds what a write has done, in its transaction, after [`crate::tenant::next_batch`] (whose lock keeps two
/// writers of the same totals apart).
pub async fn add(tenant: &mut Tenant<'_>, change: &Change) -> Result<()> {
    let tenant_id = tenant.id();
    sqlx::query(
        "insert into data_counts as total
             (tenant_id, entity, kind, n_rows, n_duplicates, n_rejected, first_at, last_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (tenant_id, entity, kind) do update set
             n_rows = total.n_rows + excluded.n_rows,
             n_duplicates = total.n_duplicates + excluded.n_duplicates,
             n_rejected = total.n_rejected + excluded.n_rejected,
             first_at = least(total.first_at, excluded.first_at),
             last_at = greatest(total.last_at, excluded.last_at),
             updated_at = now()",
    )
    .bind(tenant_id)
    .bind(change.entity)
    .bind(&change.kind)
    .bind(change.n_rows)
    .bind(change.n_duplicates)
    .bind(change.n_rejected)
    .bind(change.first_at)
    .bind(change.last_at)
    .execute(tenant.connection())
    .await?;
    Ok(())
}

/// What is known of the tenant's data.
pub async fn find(tenant: &mut Tenant<'_>) -> Result<Data> {
    let last_batch = crate::tenant::find_own(tenant).await?.last_batch;
    let tenant_id = tenant.id();
    let totals = sqlx::query_as(
        "select entity, kind, n_rows, n_duplicates, n_rejected, first_at, last_at, updated_at
         from data_counts where tenant_id = $1 order by entity, kind",
    )
    .bind(tenant_id)
    .fetch_all(tenant.connection())
    .await?;
    Ok(Data { totals, last_batch })
}

/// The attributes that the rows of an entity were found to have, by name, each with its type.
pub async fn attributes(tenant: &mut Tenant<'_>, entity: Entity) -> Result<Vec<(String, ColumnType)>> {
    let tenant_id = tenant.id();
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select name, type from attributes where tenant_id = $1 and entity = $2 order by name",
    )
    .bind(tenant_id)
    .bind(entity)
    .fetch_all(tenant.connection())
    .await?;
    let typed = |(name, word): (String, String)| {
        let column_type = serde_json::from_value(serde_json::Value::String(word));
        let column_type =
            column_type.map_err(|_| Error::corrupt(format!("attribute {name}"), "import it again"))?;
        Ok((name, column_type))
    };
    rows.into_iter().map(typed).collect()
}
