//! Imports: files that came in, and what became of them. (Their rows; reading the files is `intake` and `ingest`.)

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cursor::{Page, Paged};
use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::job::{self, Job, NewJob, State};
use crate::object::Objects;
use crate::scope::Tenant;
use crate::store::Store;

/// The kind of the jobs that import; their payload is `{"import_id": …}`.
pub const JOB_KIND: &str = "import";

/// A row of `imports`, with the state of its job.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Import {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// Which table its rows go to.
    pub entity: Entity,
    /// The job that reads it.
    pub job_id: Uuid,
    /// The job's state.
    pub state: State,
    /// The file's name in the object store.
    pub object: String,
    /// The file's size as it came.
    pub size_bytes: i64,
    /// `csv`, `ndjson`, `parquet` when its sender said so.
    pub format: Option<String>,
    /// `none`, `gzip`, `zstd` when its sender said so.
    pub compression: Option<String>,
    /// Which columns are renamed, and what is constant.
    pub mapping: Value,
    /// Rows taken.
    pub accepted: Option<i64>,
    /// Rows refused.
    pub rejected: Option<i64>,
    /// Rows that were there already, to the last field.
    pub duplicates: Option<i64>,
    /// Rows taken whose customer or product is not known (yet).
    pub orphans: Option<i64>,
    /// The columns, with the types that were inferred.
    pub columns: Option<Value>,
    /// The list of refused lines, in the object store.
    pub rejected_object: Option<String>,
    /// The number of the write.
    pub batch: Option<i64>,
    /// Whether an owner lets erased customers come back with it.
    pub readmit_erased: bool,
    /// When it came in.
    pub created_at: DateTime<Utc>,
    /// When it was read.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A file that came in and lies in the object store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewImport {
    /// Which table its rows go to.
    pub entity: Entity,
    /// The file's name in the object store.
    pub object: String,
    /// The file's size.
    pub size_bytes: i64,
    /// `csv`, `ndjson`, `parquet` when its sender said so.
    pub format: Option<String>,
    /// `none`, `gzip`, `zstd` when its sender said so.
    pub compression: Option<String>,
    /// Which columns are renamed, and what is constant.
    pub mapping: Value,
    /// Whether an owner lets erased customers come back with it.
    pub readmit_erased: bool,
    /// The request that brought it, for the logs.
    pub request_id: Option<String>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Rows taken.
    pub accepted: i64,
    /// Rows refused.
    pub rejected: i64,
    /// Rows that were there already, to the last field.
    pub duplicates: i64,
    /// Rows taken whose customer or product is not known (yet).
    pub orphans: i64,
    /// The columns, with the types that were inferred.
    pub columns: Value,
    /// The list of refused lines, in the object store.
    pub rejected_object: Option<String>,
    /// The number of the write; none when nothing was written.
    pub batch: Option<i64>,
}

/// Writes an import, and the job that reads its file.
pub async fn enqueue(tenant: &mut Tenant<'_>, new: &NewImport) -> Result<(Import, Job)> {
    let tenant_id = tenant.id();
    let id = Uuid::now_v7();
    let mut job = NewJob::new(JOB_KIND, json!({ "import_id": id }));
    job.request_id.clone_from(&new.request_id);
    let job = job::enqueue(tenant, &job).await?;
    sqlx::query(
        "insert into imports (tenant_id, id, entity, job_id, object, size_bytes, format, compression, mapping,
             readmit_erased)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(new.entity)
    .bind(job.id)
    .bind(&new.object)
    .bind(new.size_bytes)
    .bind(&new.format)
    .bind(&new.compression)
    .bind(&new.mapping)
    .bind(new.readmit_erased)
    .execute(tenant.connection())
    .await?;
    let import = find(tenant, id).await?.ok_or(Error::Missing { what: "import" })?;
    Ok((import, job))
}

/// An import by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Import>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "select imports.*, jobs.state
         from imports join jobs on jobs.tenant_id = imports.tenant_id and jobs.id = imports.job_id
         where imports.tenant_id = $1 and imports.id = $2",
    )
    .bind(tenant_id)
    .bind(id)
    .fetch_optional(tenant.connection())
    .await?)
}

/// All imports, the newest first.
pub async fn list(tenant: &mut Tenant<'_>, page: &Page) -> Result<Paged<Import>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("imports", "").await?;
    let rows: Vec<Import> = sqlx::query_as(
        "select imports.*, jobs.state
         from imports join jobs on jobs.tenant_id = imports.tenant_id and jobs.id = imports.job_id
         where imports.tenant_id = $1 and ($2::uuid is null or imports.id < $2)
         order by imports.id desc limit $3",
    )
    .bind(tenant_id)
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// Writes what became of a file. Belongs into the transaction of [`job::finish`].
pub async fn finish(tenant: &mut Tenant<'_>, id: Uuid, outcome: &Outcome) -> Result<()> {
    let tenant_id = tenant.id();
    let done = sqlx::query(
        "update imports set accepted = $3, rejected = $4, duplicates = $5, orphans = $6, columns = $7,
             rejected_object = $8, batch = $9, finished_at = now()
         where tenant_id = $1 and id = $2",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(outcome.accepted)
    .bind(outcome.rejected)
    .bind(outcome.duplicates)
    .bind(outcome.orphans)
    .bind(&outcome.columns)
    .bind(&outcome.rejected_object)
    .bind(outcome.batch)
    .execute(tenant.connection())
    .await?;
    if done.rows_affected() == 0 { Err(Error::Missing { what: "import" }) } else { Ok(()) }
}

/// Deletes the files of imports that have ended, and their lists of rejected lines; gives how many imports they were of.
/// A file that an import under way still reads stays: the import deletes it at its end, see [`discard`].
pub async fn clear(store: &Store, objects: &Objects, tenant_id: Uuid) -> Result<u64> {
    let mut tenant = store.tenant(tenant_id).await?;
    let ended: Vec<(Uuid, String, Option<String>)> = sqlx::query_as(
        "select imports.id, object, rejected_object
         from imports join jobs on jobs.tenant_id = imports.tenant_id and jobs.id = imports.job_id
         where imports.tenant_id = $1 and cleared_at is null and state in ('succeeded', 'failed', 'cancelled')",
    )
    .bind(tenant_id)
    .fetch_all(tenant.connection())
    .await?;
    drop(tenant);
    let mut ids = Vec::with_capacity(ended.len());
    for (id, object, rejected_object) in ended {
        discard(store, objects, tenant_id, &object).await?;
        if let Some(object) = rejected_object {
            objects.delete(&object).await?;
        }
        ids.push(id);
    }
    let mut tenant = store.tenant(tenant_id).await?;
    sqlx::query(
        "update imports set cleared_at = now(), rejected_object = null where tenant_id = $1 and id = any ($2)",
    )
    .bind(tenant_id)
    .bind(&ids)
    .execute(tenant.connection())
    .await?;
    tenant.commit().await?;
    Ok(ids.len() as u64)
}

/// Deletes the file of an import that has ended, unless another that is under way came with the same one.
pub async fn discard(store: &Store, objects: &Objects, tenant_id: Uuid, object: &str) -> Result<()> {
    let mut tenant = store.tenant(tenant_id).await?;
    let needed: bool = sqlx::query_scalar(
        "select exists (select from imports join jobs on jobs.tenant_id = imports.tenant_id and jobs.id = imports.job_id
             where imports.tenant_id = $1 and object = $2 and state in ('queued', 'running'))",
    )
    .bind(tenant_id)
    .bind(object)
    .fetch_one(tenant.connection())
    .await?;
    if needed { Ok(()) } else { objects.delete(object).await }
}
