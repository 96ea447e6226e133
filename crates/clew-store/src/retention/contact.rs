//! When each customer was last in touch: kept by itself, brought up to date from what was written since, so that neither
//! the import nor the daily job reads all events for it, and so that it outlives the events that told it.

use crate::error::Result;
use crate::scope::Tenant;

use super::NO_CONTACT;

/// Brings `last_contacts` up to the last write, before events are removed. The first time it reads all events, later only
/// what came since. Does nothing for a tenant without a retention.
pub async fn learn_contacts(tenant: &mut Tenant<'_>) -> Result<()> {
    let tenant_id = tenant.id();
    // The lock keeps two apart who learn at once. Commits come in the order of batches, so none up to the last is missing.
    let batches: Option<(i64, i64)> = sqlx::query_as(
        "select contacts_batch, last_batch from retentions join tenants on id = tenant_id
         where tenant_id = $1 for update of retentions",
    )
    .bind(tenant_id)
    .fetch_optional(tenant.connection())
    .await?;
    let Some((after, last)) = batches.filter(|(after, last)| after < last) else { return Ok(()) };
    // An event whose clock ran ahead is a contact of today.
    sqlx::query(
        "insert into last_contacts as known (tenant_id, customer_id, since, contact_at)
         select $1, customer_id, min(least(occurred_at, now())),
             max(least(occurred_at, now())) filter (where kind <> all ($4))
         from events where tenant_id = $1 and batch > $2 and batch <= $3 group by customer_id
         on conflict (tenant_id, customer_id) do update set
             since = least(known.since, excluded.since),
             contact_at = greatest(known.contact_at, excluded.contact_at)
         where known.since > excluded.since or excluded.contact_at > coalesce(known.contact_at, '-infinity')",
    )
    .bind(tenant_id)
    .bind(after)
    .bind(last)
    .bind(&NO_CONTACT[..])
    .execute(tenant.connection())
    .await?;
    // Who has a row and no event is known since the row came, or was last another.
    sqlx::query(
        "insert into last_contacts (tenant_id, customer_id, since)
         select tenant_id, id, updated_at from customers where tenant_id = $1 and batch > $2 and batch <= $3
         on conflict (tenant_id, customer_id) do nothing",
    )
    .bind(tenant_id)
    .bind(after)
    .bind(last)
    .execute(tenant.connection())
    .await?;
    sqlx::query("update retentions set contacts_batch = $2 where tenant_id = $1")
        .bind(tenant_id)
        .bind(last)
        .execute(tenant.connection())
        .await?;
    Ok(())
}
