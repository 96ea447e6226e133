//! What is told to webhooks: an event for each that wants it, with the job that delivers it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Event, Secret};
use crate::cursor::{Page, Paged};
use crate::error::{Error, Result};
use crate::job::{self, NewJob};
use crate::scope::Tenant;
use crate::text_enum::text_enum;

/// The kind of the jobs that deliver.
pub const JOB_KIND: &str = "webhook";
/// How often a delivery is tried: over some three days.
pub const N_ATTEMPTS: i32 = 10;

text_enum! {
    /// Where a delivery stands.
    pub enum DeliveryState {
        /// It is to be tried, for the first time or again.
        Pending = "pending",
        /// The receiver has taken it.
        Delivered = "delivered",
        /// It was tried in vain, to the last time.
        Failed = "failed",
    }
}

/// A row of `deliveries`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    /// Its id, a UUID v7: what the receiver sees as `webhook-id`, the same at every try.
    pub id: Uuid,
    /// Whom it is for.
    pub webhook_id: Uuid,
    /// What happened.
    pub event: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub n_attempts: i32,
    /// The status of the last answer.
    pub status: Option<i16>,
    /// Why there was none, or it was not taken.
    pub error: Option<String>,
    /// When it happened.
    pub created_at: DateTime<Utc>,
    /// When it was last tried.
    pub attempted_at: Option<DateTime<Utc>>,
}

/// What a try met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Where the delivery stands after it.
    pub state: DeliveryState,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there was none, or it was not taken.
    pub error: Option<String>,
}

/// What is needed to deliver.
#[derive(Debug, Clone)]
pub struct ToDeliver {
    /// Whom it is for.
    pub webhook_id: Uuid,
    /// Where to.
    pub url: String,
    /// Is the webhook still told anything?
    pub enabled: bool,
    /// What to send.
    pub body: String,
    /// What to sign it with: the secret, and for a while the one before.
    pub secrets: Vec<Secret>,
}

/// Writes an event down for every webhook of the tenant that wants it, in the transaction that makes it happen.
/// `data` holds ids and words, nothing of a customer.
pub async fn emit(tenant: &mut Tenant<'_>, event: Event, data: &Value) -> Result<()> {
    let tenant_id = tenant.id();
    let webhooks: Vec<Uuid> = sqlx::query_scalar(
        "select id from webhooks where tenant_id = $1 and enabled and $2 = any (events) order by id",
    )
    .bind(tenant_id)
    .bind(event)
    .fetch_all(tenant.connection())
    .await?;
    for webhook_id in webhooks {
        emit_to(tenant, webhook_id, event, data).await?;
    }
    Ok(())
}

/// As [`emit`], for one webhook, whatever it wants to hear. Gives the delivery.
pub async fn emit_to(
    tenant: &mut Tenant<'_>,
    webhook_id: Uuid,
    event: Event,
    data: &Value,
) -> Result<Delivery> {
    let tenant_id = tenant.id();
    // What was told long ago is forgotten.
    sqlx::query("delete from deliveries where tenant_id = $1 and created_at < now() - interval '30 days'")
        .bind(tenant_id)
        .execute(tenant.connection())
        .await?;
    let at: DateTime<Utc> = sqlx::query_scalar("select now()").fetch_one(tenant.connection()).await?;
    let body = json!({ "type": event.as_str(), "timestamp": at, "data": data }).to_string();
    let delivery: Delivery = sqlx::query_as(
        "insert into deliveries (tenant_id, id, webhook_id, event, body) values ($1, $2, $3, $4, $5) returning *",
    )
    .bind(tenant_id)
    .bind(Uuid::now_v7())
    .bind(webhook_id)
    .bind(event)
    .bind(body)
    .fetch_one(tenant.connection())
    .await?;
    enqueue(tenant, delivery.id).await?;
    Ok(delivery)
}

async fn enqueue(tenant: &mut Tenant<'_>, delivery_id: Uuid) -> Result<()> {
    let new = NewJob::new(JOB_KIND, json!({ "delivery_id": delivery_id }));
    job::enqueue(tenant, &NewJob { max_attempts: N_ATTEMPTS, ..new }).await?;
    Ok(())
}

/// A delivery with what it needs; none when it, or its webhook, is not there any more.
pub async fn to_deliver(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<ToDeliver>> {
    type Row = (Uuid, String, bool, String, Vec<u8>, Option<Vec<u8>>);
    let tenant_id = tenant.id();
    let row: Option<Row> = sqlx::query_as(
        "select webhooks.id, url, enabled, body, secret, case when old_until > now() then old_secret end
         from deliveries join webhooks on webhooks.tenant_id = deliveries.tenant_id and webhooks.id = webhook_id
         where deliveries.tenant_id = $1 and deliveries.id = $2",
    )
    .bind(tenant_id)
    .bind(id)
    .fetch_optional(tenant.connection())
    .await?;
    let Some((webhook_id, url, enabled, body, secret, old)) = row else { return Ok(None) };
    let secrets = std::iter::once(secret).chain(old).map(Secret::stored).collect::<Result<_>>()?;
    Ok(Some(ToDeliver { webhook_id, url, enabled, body, secrets }))
}

/// Notes a try.
pub async fn attempted(tenant: &mut Tenant<'_>, id: Uuid, attempt: &Attempt) -> Result<()> {
    let tenant_id = tenant.id();
    sqlx::query(
        "update deliveries set n_attempts = n_attempts + 1, attempted_at = now(), state = $3, status = $4, error = $5
         where tenant_id = $1 and id = $2",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(attempt.state)
    .bind(attempt.status.and_then(|status| i16::try_from(status).ok()))
    .bind(&attempt.error)
    .execute(tenant.connection())
    .await?;
    Ok(())
}

/// A delivery by its id.
pub async fn find_delivery(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Delivery>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as("select * from deliveries where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .fetch_optional(tenant.connection())
        .await?)
}

/// What was told to a webhook, the newest first.
pub async fn list_deliveries(
    tenant: &mut Tenant<'_>,
    webhook_id: Uuid,
    page: &Page,
) -> Result<Paged<Delivery>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("deliveries", &webhook_id.to_string()).await?;
    let rows: Vec<Delivery> = sqlx::query_as(
        "select * from deliveries where tenant_id = $1 and webhook_id = $2 and ($3::uuid is null or id < $3)
         order by id desc limit $4",
    )
    .bind(tenant_id)
    .bind(webhook_id)
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// Tells it once more, with the same id and body. [`Error::Conflict`] while it is still being tried.
pub async fn replay(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Delivery> {
    let tenant_id = tenant.id();
    let found = find_delivery(tenant, id).await?.ok_or(Error::Missing { what: "delivery" })?;
    let again: Option<Delivery> = sqlx::query_as(
        "update deliveries set state = 'pending' where tenant_id = $1 and id = $2 and state <> 'pending' returning *",
    )
    .bind(tenant_id)
    .bind(found.id)
    .fetch_optional(tenant.connection())
    .await?;
    let again =
        again.ok_or_else(|| Error::Conflict { constraint: "the delivery's state, pending".to_owned() })?;
    enqueue(tenant, again.id).await?;
    Ok(again)
}
