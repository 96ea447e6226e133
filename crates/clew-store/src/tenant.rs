//! Tenants: advertisers whose data is walled off from all others.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::cursor::{Page, Paged, Sealer};
use crate::error::{Error, Result};
use crate::scope::{Operator, Tenant};
use crate::text_enum::text_enum;

text_enum! {
    /// Whether real customers stand behind a tenant.
    pub enum Mode {
        /// They do.
        Live = "live",
        /// The data are made up.
        Test = "test",
    }
}

/// A row of `tenants`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TenantRow {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// ISO 4217 code of the currency its money is in.
    pub currency: String,
    /// Whether real customers stand behind it.
    pub mode: Mode,
    /// The number of the last write to its data.
    pub last_batch: i64,
    /// Customers under which nothing is learned of an attribute's value, nor told of a group that closed columns mark
    /// off; at least 10.
    pub minimum_support: i32,
    /// Trained models that are kept, the one that answers among them; at least 2.
    pub models_kept: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Makes a tenant. `currency` is an ISO 4217 code.
pub async fn insert(
    operator: &mut Operator<'_>,
    name: &str,
    currency: &str,
    mode: Mode,
) -> Result<TenantRow> {
    let secret = crate::secret::random()?;
    Ok(sqlx::query_as(
        "insert into tenants (id, name, currency, secret, mode) values ($1, $2, $3, $4, $5)
         returning id, name, currency, mode, last_batch, minimum_support, models_kept, created_at",
    )
    .bind(Uuid::now_v7())
    .bind(name)
    .bind(currency)
    .bind(&secret[..])
    .bind(mode)
    .fetch_one(operator.connection())
    .await?)
}

/// A tenant by its id.
pub async fn find(operator: &mut Operator<'_>, id: Uuid) -> Result<Option<TenantRow>> {
    Ok(sqlx::query_as(
        "select id, name, currency, mode, last_batch, minimum_support, models_kept, created_at from tenants where id = $1",
    )
    .bind(id)
    .fetch_optional(operator.connection())
    .await?)
}

/// All tenants, the newest first.
pub async fn list(operator: &mut Operator<'_>, page: &Page) -> Result<Paged<TenantRow>> {
    let sealer = Sealer::of_operators("tenants");
    let rows: Vec<TenantRow> = sqlx::query_as(
        "select id, name, currency, mode, last_batch, minimum_support, models_kept, created_at from tenants
         where $1::uuid is null or id < $1 order by id desc limit $2",
    )
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(operator.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// The tenant itself.
pub async fn find_own(tenant: &mut Tenant<'_>) -> Result<TenantRow> {
    let id = tenant.id();
    sqlx::query_as(
        "select id, name, currency, mode, last_batch, minimum_support, models_kept, created_at from tenants where id = $1",
    )
    .bind(id)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "tenant" })
}

/// Sets the least customers of a group; from 10 on.
pub async fn set_minimum_support(tenant: &mut Tenant<'_>, minimum_support: i32) -> Result<TenantRow> {
    let id = tenant.id();
    sqlx::query_as(
        "update tenants set minimum_support = $2 where id = $1
         returning id, name, currency, mode, last_batch, minimum_support, models_kept, created_at",
    )
    .bind(id)
    .bind(minimum_support)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "tenant" })
}

/// Sets how many trained models are kept; from 2 on. Those that are too many go when the next training ends.
pub async fn set_models_kept(tenant: &mut Tenant<'_>, models_kept: i32) -> Result<TenantRow> {
    let id = tenant.id();
    sqlx::query_as(
        "update tenants set models_kept = $2 where id = $1
         returning id, name, currency, mode, last_batch, minimum_support, models_kept, created_at",
    )
    .bind(id)
    .bind(models_kept)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "tenant" })
}

/// Takes the number of the next write to the tenant's data, and with it the lock that makes the order of commits
/// the order of numbers: until the commit, other writers of the tenant wait. So take it as late as can be.
pub async fn next_batch(tenant: &mut Tenant<'_>) -> Result<i64> {
    let id = tenant.id();
    sqlx::query_scalar("update tenants set last_batch = last_batch + 1 where id = $1 returning last_batch")
        .bind(id)
        .fetch_optional(tenant.connection())
        .await?
        .ok_or(Error::Missing { what: "tenant" })
}
