//! What is known of one customer, to be handed over.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::cursor::{Page, Paged};
use crate::error::{Error, Result};
use crate::scope::Tenant;

/// An event as it is kept.
#[derive(Clone, PartialEq, sqlx::FromRow)]
pub struct Event {
    /// The kind.
    pub kind: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The product.
    pub product_id: Option<String>,
    /// How many.
    pub quantity: Option<f64>,
    /// Money paid for all of them together.
    pub revenue: Option<f64>,
    /// The campaign.
    pub campaign_id: Option<String>,
    /// The words searched for.
    pub query: Option<String>,
    /// What ties the events of one order together.
    pub basket_id: Option<String>,
    event_key: Vec<u8>,
}

impl fmt::Debug for Event {
    /// Without what is said of a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The events of a customer, the oldest first.
pub async fn events(tenant: &mut Tenant<'_>, customer_id: &str, page: &Page) -> Result<Paged<Event>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("customer_events", customer_id).await?;
    let (at, key) = match sealer.position(page)? {
        Some(position) => split(&position)?,
        None => (DateTime::<Utc>::UNIX_EPOCH, Vec::new()),
    };
    let rows: Vec<Event> = sqlx::query_as(
        "select kind, occurred_at, product_id, quantity, revenue, campaign_id, query, basket_id, event_key
         from events
         where tenant_id = $1 and customer_id = $2 and (occurred_at, event_key) > ($3, $4)
         order by occurred_at, event_key limit $5",
    )
    .bind(tenant_id)
    .bind(customer_id)
    .bind(at)
    .bind(key)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    let position =
        |row: &Event| format!("{}:{}", row.occurred_at.timestamp_micros(), hex::encode(&row.event_key));
    Ok(sealer.paged(page, rows, position))
}

/// When a customer was last in touch, where the retention keeps that; none too when the customer never was.
pub async fn last_contact(tenant: &mut Tenant<'_>, customer_id: &str) -> Result<Option<DateTime<Utc>>> {
    let tenant_id = tenant.id();
    let found: Option<Option<DateTime<Utc>>> =
        sqlx::query_scalar("select contact_at from last_contacts where tenant_id = $1 and customer_id = $2")
            .bind(tenant_id)
            .bind(customer_id)
            .fetch_optional(tenant.connection())
            .await?;
    Ok(found.flatten())
}

fn split(position: &str) -> Result<(DateTime<Utc>, Vec<u8>)> {
    let parts = position.split_once(':').and_then(|(micros, key)| {
        Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, hex::decode(key).ok()?))
    });
    parts.ok_or_else(|| Error::input("cursor", "holds no position"))
}
