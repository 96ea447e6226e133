//! Business rules: each refuses customers, products or pairs, with a reason.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::cursor::{Page, Paged};
use crate::error::{Error, Result};
use crate::scope::Tenant;

/// A row of `rules`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Rule {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// `customer`, `product` or `pair`.
    pub scope: String,
    /// True of what is refused.
    pub expression: String,
    /// What people are told.
    pub reason: String,
    /// Is it in force?
    pub enabled: bool,
    /// Where it is in force: `gain_curves`, `segments`, `recommendations`.
    pub applies_to: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a person writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule {
    /// What people call it.
    pub name: String,
    /// `customer`, `product` or `pair`.
    pub scope: String,
    /// True of what is refused.
    pub expression: String,
    /// What people are told.
    pub reason: String,
    /// Is it in force?
    pub enabled: bool,
    /// Where it is in force: `gain_curves`, `segments`, `recommendations`.
    pub applies_to: Vec<String>,
}

/// Writes a rule.
pub async fn insert(tenant: &mut Tenant<'_>, new: &NewRule) -> Result<Rule> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "insert into rules (tenant_id, id, name, scope, expression, reason, enabled, applies_to)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning *",
    )
    .bind(tenant_id)
    .bind(Uuid::now_v7())
    .bind(&new.name)
    .bind(&new.scope)
    .bind(&new.expression)
    .bind(&new.reason)
    .bind(new.enabled)
    .bind(&new.applies_to)
    .fetch_one(tenant.connection())
    .await?)
}

/// A rule by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Rule>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as("select * from rules where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .fetch_optional(tenant.connection())
        .await?)
}

/// All rules, the newest first.
pub async fn list(tenant: &mut Tenant<'_>, page: &Page) -> Result<Paged<Rule>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("rules", "").await?;
    let rows: Vec<Rule> = sqlx::query_as(
        "select * from rules where tenant_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
    )
    .bind(tenant_id)
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// The rules in force somewhere (`gain_curves`, `segments`, `recommendations`), the oldest first: the order of
/// the waterfall.
pub async fn list_enabled(tenant: &mut Tenant<'_>, applies_to: &str) -> Result<Vec<Rule>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "select * from rules where tenant_id = $1 and enabled and $2 = any (applies_to) order by id",
    )
    .bind(tenant_id)
    .bind(applies_to)
    .fetch_all(tenant.connection())
    .await?)
}

/// Replaces what a person wrote.
pub async fn update(tenant: &mut Tenant<'_>, id: Uuid, new: &NewRule) -> Result<Rule> {
    let tenant_id = tenant.id();
    sqlx::query_as(
        "update rules set name = $3, scope = $4, expression = $5, reason = $6, enabled = $7, applies_to = $8,
             updated_at = now()
         where tenant_id = $1 and id = $2 returning *",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(&new.name)
    .bind(&new.scope)
    .bind(&new.expression)
    .bind(&new.reason)
    .bind(new.enabled)
    .bind(&new.applies_to)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "rule" })
}

/// Deletes a rule.
pub async fn delete(tenant: &mut Tenant<'_>, id: Uuid) -> Result<()> {
    let tenant_id = tenant.id();
    let done = sqlx::query("delete from rules where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .execute(tenant.connection())
        .await?;
    if done.rows_affected() == 0 { Err(Error::Missing { what: "rule" }) } else { Ok(()) }
}
