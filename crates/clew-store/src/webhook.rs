//! Webhooks: where a tenant wants to hear of what happens. An event is written down for each of them in the
//! transaction that makes it happen, together with the job that delivers it, so none is lost and none is made up.

mod delivery;
mod target;

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::cursor::{Page, Paged};
use crate::error::{Error, Result};
use crate::scope::Tenant;
use crate::text_enum::text_enum;

pub use delivery::{
    Attempt, Delivery, DeliveryState, JOB_KIND, N_ATTEMPTS, ToDeliver, attempted, emit, emit_to,
    find_delivery, list_deliveries, replay, to_deliver,
};
pub use target::{Reach, Target};

/// The most webhooks of a tenant.
pub const MAX_WEBHOOKS: i64 = 20;

text_enum! {
    /// What can be heard of. Its body names ids and nothing of a customer: who hears it asks the API for the rest.
    pub enum Event {
        /// A job has ended well.
        JobSucceeded = "job.succeeded",
        /// A job has ended badly, and is not tried again.
        JobFailed = "job.failed",
        /// Another model answers from now on.
        ModelActivated = "model.activated",
        /// Somebody wants to see whether it works.
        Test = "webhook.test",
    }
}

/// A secret that signs what is sent. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    pub(crate) fn random() -> Result<Self> {
        Ok(Self(crate::secret::random()?))
    }

    fn stored(bytes: Vec<u8>) -> Result<Self> {
        let bytes = bytes.try_into();
        bytes.map(Self).map_err(|_| Error::corrupt("a webhook's secret", "rotate it"))
    }

    /// Its bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A row of `webhooks`, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Webhook {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// Where it is told.
    pub url: String,
    /// What it wants to hear.
    pub events: Vec<String>,
    /// Is it told anything?
    pub enabled: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a person writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where to tell. Has passed [`Target::parse`].
    pub url: String,
    /// What it wants to hear.
    pub events: Vec<Event>,
    /// Is it told anything?
    pub enabled: bool,
}

fn words(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.as_str()).collect()
}

/// Makes a webhook. The secret is given this once.
pub async fn insert(tenant: &mut Tenant<'_>, new: &NewWebhook) -> Result<(Webhook, Secret)> {
    let tenant_id = tenant.id();
    // The tenant's row puts those in line who would be the last that is allowed.
    let n_webhooks: i64 = sqlx::query_scalar(
        "with own as (select id from tenants where id = $1 for no key update)
         select (select count(*) from webhooks where tenant_id = own.id) from own",
    )
    .bind(tenant_id)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "tenant" })?;
    if n_webhooks >= MAX_WEBHOOKS {
        return Err(Error::Conflict {
            constraint: format!("the limit of {MAX_WEBHOOKS} webhooks of a tenant"),
        });
    }
    let secret = Secret::random()?;
    let webhook = sqlx::query_as(
        "insert into webhooks (tenant_id, id, url, events, enabled, secret) values ($1, $2, $3, $4, $5, $6)
         returning id, url, events, enabled, created_at, updated_at",
    )
    .bind(tenant_id)
    .bind(Uuid::now_v7())
    .bind(&new.url)
    .bind(words(&new.events))
    .bind(new.enabled)
    .bind(&secret.0[..])
    .fetch_one(tenant.connection())
    .await?;
    Ok((webhook, secret))
}

/// A webhook by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Webhook>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "select id, url, events, enabled, created_at, updated_at from webhooks where tenant_id = $1 and id = $2",
    )
    .bind(tenant_id)
    .bind(id)
    .fetch_optional(tenant.connection())
    .await?)
}

/// All webhooks, the newest first.
pub async fn list(tenant: &mut Tenant<'_>, page: &Page) -> Result<Paged<Webhook>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("webhooks", "").await?;
    let rows: Vec<Webhook> = sqlx::query_as(
        "select id, url, events, enabled, created_at, updated_at from webhooks
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
pub async fn update(tenant: &mut Tenant<'_>, id: Uuid, new: &NewWebhook) -> Result<Webhook> {
    let tenant_id = tenant.id();
    sqlx::query_as(
        "update webhooks set url = $3, events = $4, enabled = $5, updated_at = now()
         where tenant_id = $1 and id = $2 returning id, url, events, enabled, created_at, updated_at",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(&new.url)
    .bind(words(&new.events))
    .bind(new.enabled)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "webhook" })
}

/// Gives a webhook another secret, shown this once. For `overlap_seconds` the one before signs beside it.
pub async fn rotate(tenant: &mut Tenant<'_>, id: Uuid, overlap_seconds: i32) -> Result<(Webhook, Secret)> {
    let tenant_id = tenant.id();
    let secret = Secret::random()?;
    let webhook: Option<Webhook> = sqlx::query_as(
        "update webhooks set old_secret = secret, old_until = now() + make_interval(secs => $4), secret = $3,
             updated_at = now()
         where tenant_id = $1 and id = $2 returning id, url, events, enabled, created_at, updated_at",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(&secret.0[..])
    .bind(f64::from(overlap_seconds))
    .fetch_optional(tenant.connection())
    .await?;
    Ok((webhook.ok_or(Error::Missing { what: "webhook" })?, secret))
}

/// Stops telling a webhook anything: its receiver said that it is gone.
pub async fn disable(tenant: &mut Tenant<'_>, id: Uuid) -> Result<()> {
    let tenant_id = tenant.id();
    sqlx::query("update webhooks set enabled = false, updated_at = now() where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .execute(tenant.connection())
        .await?;
    Ok(())
}

/// Deletes a webhook with all that was told to it.
pub async fn delete(tenant: &mut Tenant<'_>, id: Uuid) -> Result<()> {
    let tenant_id = tenant.id();
    let done = sqlx::query("delete from webhooks where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .execute(tenant.connection())
        .await?;
    if done.rows_affected() == 0 { Err(Error::Missing { what: "webhook" }) } else { Ok(()) }
}
