//! Models: their rows; the files are in the object store under their content's hash.

mod kept;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cursor::{Page, Paged};
use crate::error::{Error, Result};
use crate::job::{self, Job, NewJob};
use crate::scope::Tenant;
use crate::text_enum::text_enum;
use crate::webhook;

pub use kept::{FORGET_JOB_KIND, forget_one, mark_surplus};

/// The kind of the jobs that train; their payload is `{"model_id": …}`.
pub const JOB_KIND: &str = "train";

text_enum! {
    /// Where a model stands.
    pub enum ModelState {
        /// Its job is queued or running.
        Training = "training",
        /// It can be used.
        Ready = "ready",
        /// Its job failed, and says why.
        Failed = "failed",
        /// Its job was cancelled.
        Cancelled = "cancelled",
    }
}

/// A row of `models`, with the state that its file and its job give it.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Model {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// The job that trains it.
    pub job_id: Uuid,
    /// Where it stands.
    pub state: ModelState,
    /// Knows nothing from this time on. None when asked for "now" and not trained yet.
    pub as_of: Option<DateTime<Utc>>,
    /// Days in which a purchase counts.
    pub horizon_days: i32,
    /// Same seed and history, same bytes.
    pub seed: i64,
    /// What else was asked for.
    pub params: Value,
    /// The file's name in the object store.
    pub object: Option<String>,
    /// The file's size.
    pub size_bytes: Option<i64>,
    /// The last write to the tenant's data that the model has seen.
    pub batch: Option<i64>,
    /// What the training says of itself.
    pub report: Option<Value>,
    /// How it compared with the one that answered when it was trained.
    pub comparison: Option<Value>,
    /// Is it the one that answers?
    pub active: bool,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was trained.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was last made the one that answers.
    pub activated_at: Option<DateTime<Utc>>,
}

/// A model to train.
#[derive(Debug, Clone, PartialEq)]
pub struct NewModel {
    /// Knows nothing from this time on; the worker takes the end of the history when none.
    pub as_of: Option<DateTime<Utc>>,
    /// Days in which a purchase counts.
    pub horizon_days: i32,
    /// Same seed and history, same bytes.
    pub seed: i64,
    /// What else is asked for.
    pub params: Value,
    /// The request that asked, for the logs.
    pub request_id: Option<String>,
}

/// What a training has made.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Knows nothing from this time on.
    pub as_of: DateTime<Utc>,
    /// The file's name in the object store.
    pub object: String,
    /// The file's size.
    pub size_bytes: i64,
    /// The last write to the tenant's data that it has seen.
    pub batch: i64,
    /// What the training says of itself.
    pub report: Value,
    /// How it compared with the one that answers, where they were compared.
    pub comparison: Option<Value>,
}

/// Writes a model that is to be trained, and the job that trains it.
pub async fn enqueue(tenant: &mut Tenant<'_>, new: &NewModel) -> Result<(Model, Job)> {
    let tenant_id = tenant.id();
    let id = Uuid::now_v7();
    let mut job = NewJob::new(JOB_KIND, json!({ "model_id": id }));
    job.request_id.clone_from(&new.request_id);
    let job = job::enqueue(tenant, &job).await?;
    sqlx::query(
        "insert into models (tenant_id, id, job_id, as_of, horizon_days, seed, params)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(job.id)
    .bind(new.as_of)
    .bind(new.horizon_days)
    .bind(new.seed)
    .bind(&new.params)
    .execute(tenant.connection())
    .await?;
    let model = find(tenant, id).await?.ok_or(Error::Missing { what: "model" })?;
    Ok((model, job))
}

/// A model by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Model>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "select models.*, case when models.object is not null then 'ready'
             when jobs.state in ('failed', 'cancelled') then jobs.state else 'training' end as state
         from models join jobs on jobs.tenant_id = models.tenant_id and jobs.id = models.job_id
         where models.tenant_id = $1 and models.id = $2 and removed_at is null",
    )
    .bind(tenant_id)
    .bind(id)
    .fetch_optional(tenant.connection())
    .await?)
}

/// The model that answers.
pub async fn find_active(tenant: &mut Tenant<'_>) -> Result<Option<Model>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as("select *, 'ready' as state from models where tenant_id = $1 and active")
        .bind(tenant_id)
        .fetch_optional(tenant.connection())
        .await?)
}

/// The ready model that knows most of what was before a time, and nothing of what came after it.
pub async fn find_before(tenant: &mut Tenant<'_>, at: DateTime<Utc>) -> Result<Option<Model>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "select *, 'ready' as state from models
         where tenant_id = $1 and object is not null and removed_at is null and as_of <= $2
         order by as_of desc, id desc limit 1",
    )
    .bind(tenant_id)
    .bind(at)
    .fetch_optional(tenant.connection())
    .await?)
}

/// All models, the newest first.
pub async fn list(tenant: &mut Tenant<'_>, page: &Page) -> Result<Paged<Model>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("models", "").await?;
    let rows: Vec<Model> = sqlx::query_as(
        "select models.*, case when models.object is not null then 'ready'
             when jobs.state in ('failed', 'cancelled') then jobs.state else 'training' end as state
         from models join jobs on jobs.tenant_id = models.tenant_id and jobs.id = models.job_id
         where models.tenant_id = $1 and removed_at is null and ($2::uuid is null or models.id < $2)
         order by models.id desc limit $3",
    )
    .bind(tenant_id)
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// Writes what a training has made. The model becomes the one that answers when there is none yet. Belongs into
/// the transaction of [`job::finish`], which is what refuses a worker whose lease is lost.
pub async fn finish(tenant: &mut Tenant<'_>, id: Uuid, trained: &Trained) -> Result<Model> {
    let tenant_id = tenant.id();
    // The tenant's row orders those who would be the first.
    sqlx::query("select from tenants where id = $1 for no key update")
        .bind(tenant_id)
        .execute(tenant.connection())
        .await?;
    let model: Option<Model> = sqlx::query_as(
        "update models set as_of = $3, object = $4, size_bytes = $5, batch = $6, report = $7,
             comparison = $8, finished_at = now(),
             active = active or not exists (select from models where tenant_id = $1 and active),
             activated_at = case when exists (select from models where tenant_id = $1 and active)
                 then activated_at else now() end
         where tenant_id = $1 and id = $2 returning *, 'ready' as state",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(trained.as_of)
    .bind(&trained.object)
    .bind(trained.size_bytes)
    .bind(trained.batch)
    .bind(&trained.report)
    .bind(&trained.comparison)
    .fetch_optional(tenant.connection())
    .await?;
    let model = model.ok_or(Error::Missing { what: "model" })?;
    if model.active {
        tell_activated(tenant, &model).await?;
    }
    Ok(model)
}

async fn tell_activated(tenant: &mut Tenant<'_>, model: &Model) -> Result<()> {
    let data = json!({ "model_id": model.id, "as_of": model.as_of });
    webhook::emit(tenant, webhook::Event::ModelActivated, &data).await
}

/// Makes a model the one that answers. [`Error::Conflict`] when it is not ready.
pub async fn activate(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Model> {
    let tenant_id = tenant.id();
    sqlx::query("select from tenants where id = $1 for no key update")
        .bind(tenant_id)
        .execute(tenant.connection())
        .await?;
    let model = find(tenant, id).await?.ok_or(Error::Missing { what: "model" })?;
    if model.state != ModelState::Ready {
        return Err(Error::Conflict { constraint: format!("the model's state, {}", model.state) });
    }
    // In two steps, since the unique index is checked row by row.
    sqlx::query("update models set active = false where tenant_id = $1 and active and id <> $2")
        .bind(tenant_id)
        .bind(id)
        .execute(tenant.connection())
        .await?;
    let was_active = model.active;
    let model: Model = sqlx::query_as(
        "update models set active = true, activated_at = case when active then activated_at else now() end
         where tenant_id = $1 and id = $2 returning *, 'ready' as state",
    )
    .bind(tenant_id)
    .bind(id)
    .fetch_one(tenant.connection())
    .await?;
    if !was_active {
        tell_activated(tenant, &model).await?;
    }
    Ok(model)
}
