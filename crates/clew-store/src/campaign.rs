//! Campaigns: their rows, as the tenant sent them. Who was sent one and who was held out is told by events.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::cursor::{Page, Paged};
use crate::error::Result;
use crate::scope::Tenant;

/// A row of `campaigns`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Campaign {
    /// The tenant's own id of it.
    pub id: String,
    /// When it was sent, by its row.
    pub sent_at: Option<DateTime<Utc>>,
    /// Its other columns: an object.
    pub attributes: Value,
    /// When the row was last written.
    pub updated_at: DateTime<Utc>,
}

/// A campaign by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: &str) -> Result<Option<Campaign>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "select id, sent_at, attributes, updated_at from campaigns where tenant_id = $1 and id = $2",
    )
    .bind(tenant_id)
    .bind(id)
    .fetch_optional(tenant.connection())
    .await?)
}

/// All campaigns, in the order of their ids' bytes.
pub async fn list(tenant: &mut Tenant<'_>, page: &Page) -> Result<Paged<Campaign>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("campaigns", "").await?;
    let rows: Vec<Campaign> = sqlx::query_as(
        "select id, sent_at, attributes, updated_at from campaigns
         where tenant_id = $1 and ($2::text is null or id collate \"C\" > $2)
         order by id collate \"C\" limit $3",
    )
    .bind(tenant_id)
    .bind(sealer.position(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.clone()))
}
