//! Models: asked for, followed through their job, read with their report, made the one that answers.

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_store::audit;
use clew_store::model as rows;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List, PageQuery};
use crate::caller::{Caller, Marketer, Reader};
use crate::context;
use crate::extract::{Body, Id, Query};
use crate::idempotency::IdempotencyKey;
use crate::limit;
use crate::moment::Moment;
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// A model to train.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewModel {
    /// Nothing at or after this is known to it; the end of the data when absent.
    #[serde(default)]
    #[schema(example = "2026-11-22")]
    pub(super) as_of: Option<Moment>,
    /// Days in which a purchase counts.
    #[serde(default = "four_weeks")]
    #[schema(minimum = 1, maximum = 365, default = 28, example = 28)]
    pub(super) horizon_days: i32,
    /// Same seed and data, same model to the last bit.
    #[serde(default)]
    #[schema(minimum = 0, default = 0, example = 0)]
    pub(super) seed: i64,
    /// Whether it answers as soon as it is ready, unless it is worse, out of time, than the one that answers then;
    /// the comparison may cost as much as the training. The first model of a tenant answers in any case.
    #[serde(default)]
    #[schema(default = false, example = true)]
    pub(super) activate: bool,
}

fn four_weeks() -> i32 {
    28
}

/// Where a model stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ModelState {
    Training,
    Ready,
    Failed,
    Cancelled,
}

impl From<rows::ModelState> for ModelState {
    fn from(state: rows::ModelState) -> Self {
        match state {
            rows::ModelState::Training => Self::Training,
            rows::ModelState::Ready => Self::Ready,
            rows::ModelState::Failed => Self::Failed,
            rows::ModelState::Cancelled => Self::Cancelled,
        }
    }
}

/// A model, without its report.
#[derive(Debug, Serialize, ToSchema)]
struct Model {
    id: Uuid,
    /// The job that trains it.
    job_id: Uuid,
    state: ModelState,
    /// Is it the one that answers?
    active: bool,
    /// Nothing at or after this is known to it.
    as_of: Option<DateTime<Utc>>,
    #[schema(example = 28)]
    horizon_days: i32,
    #[schema(example = 0)]
    seed: i64,
    #[schema(example = 1_572_864)]
    size_bytes: Option<i64>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    activated_at: Option<DateTime<Utc>>,
}

/// A model with what the training says of itself.
#[derive(Debug, Serialize, ToSchema)]
struct ModelReport {
    #[serde(flatten)]
    model: Model,
    /// The protocol, the figures out of time beside the baselines, curves and warnings; null until it is ready.
    #[schema(value_type = Option<Object>, example = json!({
        "as_of": "2026-11-22", "chosen": "boosted_trees",
        "methods": [{"name": "clew", "all": {"auc": 0.82}}, {"name": "most_recent", "all": {"auc": 0.74}}],
        "warnings": [],
    }))]
    report: Option<Value>,
    /// How it compared with the one that answered when it was trained, and why it did or did not go live; null when
    /// nothing was to be compared.
    #[schema(value_type = Option<Object>, example = json!({
        "on": "same_window", "judged_from": "2026-10-25", "judged_to": "2026-11-22", "n_offers": 60,
        "auc_live": 0.811, "auc_new": 0.815, "difference": 0.004, "low": 0.001, "high": 0.007,
        "log_loss": [0.1702, 0.1689], "worse": false, "reason": "not worse than the live model, …",
    }))]
    comparison: Option<Value>,
}

impl Model {
    fn of(row: &rows::Model) -> Self {
        Self {
            id: row.id,
            job_id: row.job_id,
            state: row.state.into(),
            active: row.active,
            as_of: row.as_of,
            horizon_days: row.horizon_days,
            seed: row.seed,
            size_bytes: row.size_bytes,
            created_at: row.created_at,
            finished_at: row.finished_at,
            activated_at: row.activated_at,
        }
    }
}

impl From<rows::Model> for Model {
    fn from(row: rows::Model) -> Self {
        Self::of(&row)
    }
}

impl From<rows::Model> for ModelReport {
    fn from(row: rows::Model) -> Self {
        Self { model: Model::of(&row), report: row.report, comparison: row.comparison }
    }
}

/// Trains a model. Follow its job; the model is `ready` when the job has succeeded.
#[utoipa::path(post, path = "/v1/models", operation_id = "create_model", tag = "models",
    security(("key" = ["marketer"])), request_body = NewModel,
    responses((status = 202, description = "The model, to be trained by the job in Location.", body = Model),
        (status = 507, description = "No room left.")))]
async fn create_model(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewModel>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let once = match key.begin(&mut tenant, "create_model", digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    limit::check_training(&mut tenant, &state.config().quota).await?;
    let new = rows::NewModel {
        as_of: new.as_of.map(|at| at.0),
        horizon_days: new.horizon_days,
        seed: new.seed,
        params: json!({"activate": new.activate}),
        request_id: Some(context::request_id()),
    };
    let (row, job) = rows::enqueue(&mut tenant, &new).await?;
    audit::note(&mut tenant, Some(row.id.to_string()), None);
    let answer = Answer::accepted(Some(format!("/v1/jobs/{}", job.id)), &Model::from(row))?;
    once.keep(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// Lists the models, the newest first, without their reports.
#[utoipa::path(get, path = "/v1/models", operation_id = "list_models", tag = "models",
    security(("key" = ["reader"])), params(PageQuery),
    responses((status = 200, description = "A page of models.", body = List<Model>)))]
async fn list_models(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&List::<Model>::of(rows::list(&mut tenant, &page.into()).await?))
}

/// Gets a model with its report.
#[utoipa::path(get, path = "/v1/models/{id}", operation_id = "get_model", tag = "models",
    security(("key" = ["reader"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The model.", body = ModelReport)))]
async fn get_model(caller: Caller<Reader>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let row = rows::find(&mut tenant, id).await?.ok_or_else(|| Problem::not_found("model"))?;
    Answer::ok(&ModelReport::from(row))
}

/// Makes a model the one that answers.
#[utoipa::path(post, path = "/v1/models/{id}/activate", operation_id = "activate_model", tag = "models",
    security(("key" = ["marketer"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The model, active.", body = Model), (status = 409, description = "It is not ready.")))]
async fn activate_model(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let model = Model::from(rows::activate(&mut tenant, id).await?);
    tenant.commit().await?;
    Answer::ok(&model)
}

/// The routes of models.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_model, list_models))
        .routes(routes!(get_model))
        .routes(routes!(activate_model))
}
