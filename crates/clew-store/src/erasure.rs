//! Erasures: a customer is taken out of every place, and the receipt says of each when. Rows go at once, in one
//! transaction; what was made of them (snapshots, files that came in) is cleared by a job.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::cursor::{Page, Paged};
use crate::data::{self, Change};
use crate::entity::Entity;
use crate::erased;
use crate::error::{Error, Result};
use crate::job::{self, NewJob};
use crate::scope::Tenant;

/// The kind of the jobs that clear what was made of an erased customer; their payload is `{"erasure_id": …}`.
pub const JOB_KIND: &str = "erase";

/// Seconds within which the job clears what the request itself does not.
const DUE_SECONDS: i64 = 60;

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
    let tenant_id = tenant.id();
    // The lock that imports take before they write: they see this erasure, or it sees their rows.
    crate::tenant::next_batch(tenant).await?;
    let hash = erased::hash(&erased::key(tenant).await?, customer_id);
    let n_rows = delete_row(tenant, customer_id).await?;
    let n_events = delete_events(tenant, customer_id).await?;
    if n_rows + n_events == 0 {
        return find_by_hash(tenant, &hash).await;
    }
    let (n_answers, n_jobs, n_named) = clear_mentions(tenant, customer_id).await?;
    raise_epoch(tenant).await?;
    sqlx::query("insert into erased_customers (tenant_id, hash) values ($1, $2) on conflict do nothing")
        .bind(tenant_id)
        .bind(&hash[..])
        .execute(tenant.connection())
        .await?;
    let done = |place: &str, n: i64, how: &str| Place {
        place: place.to_owned(),
        n_found: Some(n),
        how: how.to_owned(),
        cleared_at: Some(now),
        due_at: None,
    };
    let due = |place: &str, how: &str| Place {
        place: place.to_owned(),
        n_found: None,
        how: how.to_owned(),
        cleared_at: None,
        due_at: Some(now + TimeDelta::seconds(DUE_SECONDS)),
    };
    let elsewhere = |place: &str, n_found: Option<i64>, how: &str| Place {
        place: place.to_owned(),
        n_found,
        how: how.to_owned(),
        cleared_at: None,
        due_at: None,
    };
    let mut places = vec![
        done("customers", n_rows, "the row is deleted"),
        done("events", n_events, "all are deleted"),
        done("idempotency", n_answers, "kept answers that name the customer are deleted"),
        done("jobs", n_jobs, "what jobs kept that names the customer, or quotes lines of files, is deleted"),
        done(
            "models",
            0,
            "no customer's id or row is in a model's file, but the ids of products are; later ones do not learn from it",
        ),
        due("snapshots", "made anew from the rows that are left; earlier ones are deleted"),
        due("caches", "histories and scores kept in memory are those of the new snapshot"),
        due(
            "imports",
            "files that came in and lists of rejected lines are deleted, of all imports that have ended",
        ),
    ];
    if n_named > 0 {
        let how = "offers, rules and segments that name the customer were written by a person: change them";
        places.push(elsewhere("expressions", Some(n_named), how));
    }
    places.push(elsewhere(
        "backups",
        None,
        "those of the database and of the object store end with their own term",
    ));
    let id = Uuid::now_v7();
    let mut new = NewJob::new(JOB_KIND, json!({ "erasure_id": id }));
    new.request_id = request_id;
    let job = job::enqueue(tenant, &new).await?;
    Ok(Some(
        sqlx::query_as(
            "insert into erasures (tenant_id, id, customer_hash, job_id, places, requested_at)
             values ($1, $2, $3, $4, $5, $6) returning *",
        )
        .bind(tenant_id)
        .bind(id)
        .bind(&hash[..])
        .bind(job.id)
        .bind(Json(&places))
        .bind(now)
        .fetch_one(tenant.connection())
        .await?,
    ))
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

async fn delete_row(tenant: &mut Tenant<'_>, customer_id: &str) -> Result<i64> {
    let tenant_id = tenant.id();
    let done = sqlx::query("delete from customers where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(customer_id)
        .execute(tenant.connection())
        .await?;
    let n_rows = done.rows_affected() as i64;
    if n_rows > 0 {
        data::add(tenant, &removed(Entity::Customers, String::new(), n_rows)).await?;
    }
    Ok(n_rows)
}

async fn delete_events(tenant: &mut Tenant<'_>, customer_id: &str) -> Result<i64> {
    let tenant_id = tenant.id();
    let kinds: Vec<(String, i64)> = sqlx::query_as(
        "with gone as (delete from events where tenant_id = $1 and customer_id = $2 returning kind)
         select kind, count(*) from gone group by kind order by kind",
    )
    .bind(tenant_id)
    .bind(customer_id)
    .fetch_all(tenant.connection())
    .await?;
    let mut n_events = 0;
    for (kind, n_rows) in kinds {
        n_events += n_rows;
        data::add(tenant, &removed(Entity::Events, kind, n_rows)).await?;
    }
    Ok(n_events)
}

/// Rows that are gone, for the totals.
pub(crate) fn removed(entity: Entity, kind: String, n_rows: i64) -> Change {
    Change { entity, kind, n_rows: -n_rows, n_duplicates: 0, n_rejected: 0, first_at: None, last_at: None }
}

/// Takes the customer out of kept answers and of what jobs kept, and counts the expressions that name it.
async fn clear_mentions(tenant: &mut Tenant<'_>, customer_id: &str) -> Result<(i64, i64, i64)> {
    let tenant_id = tenant.id();
    // As it stands in JSON, and in an expression.
    let quoted = Value::from(customer_id).to_string();
    let answers = sqlx::query("delete from idempotency where tenant_id = $1 and position($2 in body) > 0")
        .bind(tenant_id)
        .bind(quoted.as_bytes())
        .execute(tenant.connection())
        .await?;
    let jobs = sqlx::query(
        "update jobs set payload = case when position($2 in payload::text) > 0 then '{}' else payload end,
             result = case when position($2 in result::text) > 0 then null else result end,
             error = case when error is null then null
                 else jsonb_build_object('code', error ->> 'code', 'detail', 'cleared by the erasure of a customer') end
         where tenant_id = $1 and state in ('succeeded', 'failed', 'cancelled')
             and (position($2 in payload::text) > 0 or position($2 in result::text) > 0
                 or (kind = 'import' and error is not null))",
    )
    .bind(tenant_id)
    .bind(&quoted)
    .execute(tenant.connection())
    .await?;
    let n_named: i64 = sqlx::query_scalar(
        "select (select count(*) from segments where tenant_id = $1 and position($2 in expression) > 0)
             + (select count(*) from rules where tenant_id = $1 and position($2 in expression) > 0)
             + (select count(*) from offers where tenant_id = $1 and position($2 in expression) > 0)",
    )
    .bind(tenant_id)
    .bind(&quoted)
    .fetch_one(tenant.connection())
    .await?;
    Ok((answers.rows_affected() as i64, jobs.rows_affected() as i64, n_named))
}
