//! Erasures: a customer is taken out of every place, and the receipt says of each when. Rows go at once, in one
//! transaction; what was made of them (snapshots, files that came in) is cleared by a job.

mod take_out;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use self::take_out::take_out;
use crate::cursor::{Page, Paged};
use crate::data::Change;
use crate::entity::Entity;
use crate::erased;
use crate::error::{Error, Result};
use crate::job::{self, NewJob};
use crate::scope::Tenant;

/// The kind of the jobs that clear what was made of an erased customer; their payload is `{"erasure_id": …}`.
pub const JOB_KIND: &str = "erase";

/// Seconds within which the job clears what the request itself does not.
const DUE_SECONDS: i64 = 60;
/// The same for the job that erases many, of whom it clears what is left once, at its end.
const RETENTION_DUE_SECONDS: i64 = 86_400;

/// A place where something of a customer may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its name: `customers`, `events`, `snapshots`, ….
    pub place: String,
    /// How much of the customer was found there; none where it is not looked for, since all of it is cleared.
    pub n_found: Option<i64>,
    /// What is done.
    pub how: String,
    /// When it was cleared.
    pub cleared_at: Option<DateTime<Utc>>,
    /// When it will be cleared at the latest; none when it was, or when it is not for clew to clear.
    pub due_at: Option<DateTime<Utc>>,
}

/// A row of `erasures`: a receipt. It names nobody.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Erasure {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// The job that clears what the request itself does not.
    pub job_id: Uuid,
    /// Each place.
    pub places: Json<Vec<Place>>,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When every place was clear.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Erases a customer: rows and events now, the rest by the job that is enqueued. For one who was erased before, the
/// receipt of then. None when nothing is known of the customer.
pub async fn request(
    tenant: &mut Tenant<'_>,
    customer_id: &str,
    request_id: Option<String>,
    now: DateTime<Utc>,
) -> Result<Option<Erasure>> {
    // The lock that imports take before they write: they see this erasure, or it sees their rows.
    crate::tenant::next_batch(tenant).await?;
    let hash = erased::hash(&erased::key(tenant).await?, customer_id);
    let due = now + TimeDelta::seconds(DUE_SECONDS);
    let Some(places) = take_out(tenant, customer_id, &hash, now, due).await? else {
        return find_by_hash(tenant, &hash).await;
    };
    raise_epoch(tenant).await?;
    let id = Uuid::now_v7();
    let mut new = NewJob::new(JOB_KIND, json!({ "erasure_id": id }));
    new.request_id = request_id;
    let job = job::enqueue(tenant, &new).await?;
    write_receipt(tenant, id, &hash, job.id, &places, now).await.map(Some)
}

/// Erases a customer for a job that clears the rest itself, see [`finish_all`]. Under the lock of
/// [`crate::tenant::next_batch`].
pub(crate) async fn erase(
    tenant: &mut Tenant<'_>,
    customer_id: &str,
    job_id: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    let hash = erased::hash(&erased::key(tenant).await?, customer_id);
    let due = now + TimeDelta::seconds(RETENTION_DUE_SECONDS);
    if let Some(places) = take_out(tenant, customer_id, &hash, now, due).await? {
        write_receipt(tenant, Uuid::now_v7(), &hash, job_id, &places, now).await?;
    }
    Ok(())
}

async fn write_receipt(
    tenant: &mut Tenant<'_>,
    id: Uuid,
    hash: &[u8; 32],
    job_id: Uuid,
    places: &[Place],
    now: DateTime<Utc>,
) -> Result<Erasure> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "insert into erasures (tenant_id, id, customer_hash, job_id, places, requested_at)
         values ($1, $2, $3, $4, $5, $6) returning *",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(&hash[..])
    .bind(job_id)
    .bind(Json(places))
    .bind(now)
    .fetch_one(tenant.connection())
    .await?)
}

/// A receipt by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Erasure>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as("select * from erasures where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .fetch_optional(tenant.connection())
        .await?)
}

/// All receipts, the newest first.
pub async fn list(tenant: &mut Tenant<'_>, page: &Page) -> Result<Paged<Erasure>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("erasures", "").await?;
    let rows: Vec<Erasure> = sqlx::query_as(
        "select * from erasures where tenant_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
    )
    .bind(tenant_id)
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// Notes that every place is clear. Belongs into the transaction of [`job::finish`].
pub async fn finish(tenant: &mut Tenant<'_>, id: Uuid, now: DateTime<Utc>) -> Result<Erasure> {
    let tenant_id = tenant.id();
    let mut row = find(tenant, id).await?.ok_or(Error::Missing { what: "erasure" })?;
    for place in row.places.0.iter_mut().filter(|place| place.due_at.is_some()) {
        place.cleared_at = Some(now);
        place.due_at = None;
    }
    sqlx::query("update erasures set places = $3, finished_at = $4 where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .bind(&row.places)
        .bind(now)
        .execute(tenant.connection())
        .await?;
    row.finished_at = Some(now);
    Ok(row)
}

/// Notes that every place is clear of those whom jobs of this kind erased, an earlier one that failed among them; gives
/// how many they were. Belongs into the transaction of [`job::finish`].
pub async fn finish_all(tenant: &mut Tenant<'_>, job_kind: &str, now: DateTime<Utc>) -> Result<u64> {
    let tenant_id = tenant.id();
    let done = sqlx::query(
        "update erasures set finished_at = $3, places = (
             select jsonb_agg(case when jsonb_typeof(place -> 'due_at') = 'string'
                 then place || jsonb_build_object('cleared_at', $4, 'due_at', null) else place end order by n)
             from jsonb_array_elements(places) with ordinality as listed (place, n))
         from jobs
         where erasures.tenant_id = $1 and jobs.tenant_id = erasures.tenant_id and jobs.id = job_id
             and jobs.kind = $2 and erasures.finished_at is null",
    )
    .bind(tenant_id)
    .bind(job_kind)
    .bind(now)
    .bind(Json(now))
    .execute(tenant.connection())
    .await?;
    Ok(done.rows_affected())
}

async fn find_by_hash(tenant: &mut Tenant<'_>, hash: &[u8; 32]) -> Result<Option<Erasure>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "select * from erasures where tenant_id = $1 and customer_hash = $2 order by id desc limit 1",
    )
    .bind(tenant_id)
    .bind(&hash[..])
    .fetch_optional(tenant.connection())
    .await?)
}

/// Says that rows were taken away: copies of an earlier epoch are worth nothing.
pub(crate) async fn raise_epoch(tenant: &mut Tenant<'_>) -> Result<()> {
    let tenant_id = tenant.id();
    sqlx::query("update tenants set epoch = epoch + 1 where id = $1")
        .bind(tenant_id)
        .execute(tenant.connection())
        .await?;
    Ok(())
}

/// Rows that are gone, for the totals.
pub(crate) fn removed(entity: Entity, kind: String, n_rows: i64) -> Change {
    Change { entity, kind, n_rows: -n_rows, n_duplicates: 0, n_rejected: 0, first_at: None, last_at: None }
}
