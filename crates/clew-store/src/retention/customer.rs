//! Customers who are in touch no more: erased as if each had been asked for, with a receipt each.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{contact, note_copies};
use crate::erasure;
use crate::error::Result;
use crate::scope::Tenant;

/// Erases up to `limit` customers whose last contact is more than `days` days ago; gives how many. Their receipts name the
/// job that clears what is made of their rows; see [`erasure::finish_all`]. Call it, a transaction each, until it gives 0.
pub async fn erase_inactive(
    tenant: &mut Tenant<'_>,
    job_id: Uuid,
    days: i32,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<u64> {
    let tenant_id = tenant.id();
    // Under the lock of imports: who came back until now is not erased, and who comes later is refused as the erased are.
    crate::tenant::next_batch(tenant).await?;
    contact::learn_contacts(tenant).await?;
    let ids: Vec<String> = sqlx::query_scalar(
        "select customer_id from last_contacts
         where tenant_id = $1 and coalesce(contact_at, since) < now() - make_interval(days => $2)
         order by coalesce(contact_at, since), customer_id limit $3",
    )
    .bind(tenant_id)
    .bind(days)
    .bind(limit)
    .fetch_all(tenant.connection())
    .await?;
    if ids.is_empty() {
        return Ok(0);
    }
    for id in &ids {
        erasure::erase(tenant, id, job_id, now).await?;
    }
    note_copies(tenant).await?;
    Ok(ids.len() as u64)
}
