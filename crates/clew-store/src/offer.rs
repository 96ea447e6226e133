//! Offers: what is promoted, any selection of the catalogue, written as an expression or a list.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::cursor::{Page, Paged};
use crate::error::{Error, Result};
use crate::scope::Tenant;

/// A row of `offers`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Offer {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// True of its products; none when they are listed.
    pub expression: Option<String>,
    /// Its products; none when an expression tells them.
    pub product_ids: Option<Vec<String>>,
    /// Days in which a purchase counts; the model's when none.
    pub horizon_days: Option<i32>,
    /// Share of the revenue that is profit.
    pub margin: Option<f64>,
    /// Cost of one message, in the tenant's currency.
    pub cost_per_contact: Option<f64>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a person writes. Exactly one of `expression` and `product_ids` is given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewOffer {
    /// What people call it.
    pub name: String,
    /// True of its products.
    pub expression: Option<String>,
    /// Its products.
    pub product_ids: Option<Vec<String>>,
    /// Days in which a purchase counts.
    pub horizon_days: Option<i32>,
    /// Share of the revenue that is profit.
    pub margin: Option<f64>,
    /// Cost of one message, in the tenant's currency.
    pub cost_per_contact: Option<f64>,
}

/// Writes an offer.
pub async fn insert(tenant: &mut Tenant<'_>, new: &NewOffer) -> Result<Offer> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "insert into offers (tenant_id, id, name, expression, product_ids, horizon_days, margin, cost_per_contact)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning *",
    )
    .bind(tenant_id)
    .bind(Uuid::now_v7())
    .bind(&new.name)
    .bind(&new.expression)
    .bind(&new.product_ids)
    .bind(new.horizon_days)
    .bind(new.margin)
    .bind(new.cost_per_contact)
    .fetch_one(tenant.connection())
    .await?)
}

/// An offer by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Offer>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as("select * from offers where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .fetch_optional(tenant.connection())
        .await?)
}

/// All offers, the newest first.
pub async fn list(tenant: &mut Tenant<'_>, page: &Page) -> Result<Paged<Offer>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("offers", "").await?;
    let rows: Vec<Offer> = sqlx::query_as(
        "select * from offers where tenant_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
    )
    .bind(tenant_id)
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// Replaces what a person wrote.
pub async fn update(tenant: &mut Tenant<'_>, id: Uuid, new: &NewOffer) -> Result<Offer> {
    let tenant_id = tenant.id();
    sqlx::query_as(
        "update offers set name = $3, expression = $4, product_ids = $5, horizon_days = $6, margin = $7,
             cost_per_contact = $8, updated_at = now()
         where tenant_id = $1 and id = $2 returning *",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(&new.name)
    .bind(&new.expression)
    .bind(&new.product_ids)
    .bind(new.horizon_days)
    .bind(new.margin)
    .bind(new.cost_per_contact)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "offer" })
}

/// Deletes an offer.
pub async fn delete(tenant: &mut Tenant<'_>, id: Uuid) -> Result<()> {
    let tenant_id = tenant.id();
    let done = sqlx::query("delete from offers where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .execute(tenant.connection())
        .await?;
    if done.rows_affected() == 0 { Err(Error::Missing { what: "offer" }) } else { Ok(()) }
}
