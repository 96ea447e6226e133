//! The end of old entries: the oldest are removed, the last of them is kept as the anchor behind which the chain begins,
//! and the removal is an entry itself. Nothing is removed from a chain that does not hold, since that would hide where
//! it was broken.

use futures_util::TryStreamExt as _;

use super::chain::{Broken, Chain, Head};
use super::{Act, Entry, note};
use crate::error::{Error, Result};
use crate::scope::Tenant;

/// What became of old entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expired {
    /// None are older.
    Nothing,
    /// So many were removed; there may be more.
    Removed(u64),
    /// A link does not hold, so nothing was removed.
    Broken(Broken),
}

/// What the entry of a removal names: the last entry that was removed.
pub(super) fn resource(anchor: &Head) -> String {
    format!("audit:{anchor}")
}

/// Removes up to `limit` of the oldest entries that are older than `days` days, and commits with the entry of that, which
/// is `act`'s. Call it until nothing is older. Entries are removed as a worker, whom Postgres lets remove none that is
/// younger than [`crate::retention::MIN_AUDIT_DAYS`]; the application itself only ever adds.
pub async fn expire(mut tenant: Tenant<'_>, days: i32, limit: i64, act: Act) -> Result<Expired> {
    let tenant_id = tenant.id();
    // The lock that writers of the log take.
    let anchor: Option<Head> = sqlx::query_as(
        "select anchor_seq as seq, anchor_hash as hash from audit_heads where tenant_id = $1 for update",
    )
    .bind(tenant_id)
    .fetch_optional(tenant.connection())
    .await?;
    let Some(anchor) = anchor else { return Ok(Expired::Nothing) };
    let mut chain = Chain::behind(tenant_id, anchor.clone());
    // All before the first that is young enough, however the clock went.
    let mut entries = sqlx::query_as::<_, Entry>(
        "select * from audit
         where tenant_id = $1 and seq < coalesce(
             (select min(seq) from audit where tenant_id = $1 and at >= now() - make_interval(days => $2)),
             9223372036854775807)
         order by seq limit $3",
    )
    .bind(tenant_id)
    .bind(days)
    .bind(limit)
    .fetch(tenant.connection());
    while let Some(entry) = entries.try_next().await? {
        if let Err(broken) = chain.follow(&entry) {
            return Ok(Expired::Broken(broken));
        }
    }
    drop(entries);
    let last = chain.last().clone();
    let n_removed = last.seq.saturating_sub(anchor.seq).unsigned_abs();
    if n_removed == 0 {
        return Ok(Expired::Nothing);
    }
    let store = tenant.store;
    let mut transaction = tenant.leave();
    sqlx::query("select set_config('role', 'clew_worker', true)").execute(&mut *transaction).await?;
    let done = sqlx::query("delete from audit where tenant_id = $1 and seq <= $2")
        .bind(tenant_id)
        .bind(last.seq)
        .execute(&mut *transaction)
        .await?;
    if done.rows_affected() != n_removed {
        return Err(Error::Conflict { constraint: "entries of the audit log that must be kept".to_owned() });
    }
    sqlx::query("update audit_heads set anchor_seq = $2, anchor_hash = $3 where tenant_id = $1")
        .bind(tenant_id)
        .bind(last.seq)
        .bind(&last.hash)
        .execute(&mut *transaction)
        .await?;
    let mut tenant = Tenant::enter(store, transaction, tenant_id).await?.acting(act);
    note(&mut tenant, Some(resource(&last)), Some(n_removed));
    tenant.commit().await?;
    Ok(Expired::Removed(n_removed))
}
