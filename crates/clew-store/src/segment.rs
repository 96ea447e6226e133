//! Segments: groups of customers written by a person as an expression.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::cursor::{Page, Paged};
use crate::error::{Error, Result};
use crate::scope::Tenant;

/// A row of `segments`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Segment {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// True of its customers.
    pub expression: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a person writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSegment {
    /// What people call it.
    pub name: String,
    /// True of its customers.
    pub expression: String,
}

/// Writes a segment.
pub async fn insert(tenant: &mut Tenant<'_>, new: &NewSegment) -> Result<Segment> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "insert into segments (tenant_id, id, name, expression) values ($1, $2, $3, $4)
         returning id, name, expression, created_at, updated_at",
    )
    .bind(tenant_id)
    .bind(Uuid::now_v7())
    .bind(&new.name)
    .bind(&new.expression)
    .fetch_one(tenant.connection())
    .await?)
}

/// A segment by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Segment>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "select id, name, expression, created_at, updated_at from segments where tenant_id = $1 and id = $2",
    )
    .bind(tenant_id)
    .bind(id)
    .fetch_optional(tenant.connection())
    .await?)
}

/// All segments, the newest first.
pub async fn list(tenant: &mut Tenant<'_>, page: &Page) -> Result<Paged<Segment>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("segments", "").await?;
    let rows: Vec<Segment> = sqlx::query_as(
        "select id, name, expression, created_at, updated_at from segments
         where tenant_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
    )
    .bind(tenant_id)
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// Replaces what a person wrote.
pub async fn update(tenant: &mut Tenant<'_>, id: Uuid, new: &NewSegment) -> Result<Segment> {
    let tenant_id = tenant.id();
    sqlx::query_as(
        "update segments set name = $3, expression = $4, updated_at = now() where tenant_id = $1 and id = $2
         returning id, name, expression, created_at, updated_at",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(&new.name)
    .bind(&new.expression)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "segment" })
}

/// Deletes a segment.
pub async fn delete(tenant: &mut Tenant<'_>, id: Uuid) -> Result<()> {
    let tenant_id = tenant.id();
    let done = sqlx::query("delete from segments where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .execute(tenant.connection())
        .await?;
    if done.rows_affected() == 0 { Err(Error::Missing { what: "segment" }) } else { Ok(()) }
}
