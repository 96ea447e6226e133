//! The tenant's schedule: when models are trained without anybody asking.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use clew_store::schedule as rows;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Answer;
use crate::caller::{Caller, Marketer, Reader};
use crate::extract::Body;
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// When models are trained. A model that is trained so goes live unless it is worse, out of time, than the one
/// that answers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSchedule {
    /// Days between two trainings; null or absent when only drift decides.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 365, example = 7)]
    every_days: Option<i32>,
    /// Train as soon as what came no longer looks like what the live model learned from, at most once a day.
    #[serde(default)]
    #[schema(default = false, example = true)]
    at_drift: bool,
    /// Days in which a purchase counts.
    #[serde(default = "four_weeks")]
    #[schema(minimum = 1, maximum = 365, default = 28, example = 28)]
    horizon_days: i32,
}

fn four_weeks() -> i32 {
    28
}

/// The schedule.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Schedule {
    #[serde(flatten)]
    written: NewSchedule,
    /// When the next training is due; null when only drift decides.
    next_at: Option<DateTime<Utc>>,
    /// The last model that it asked for.
    last_model_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<rows::Schedule> for Schedule {
    fn from(row: rows::Schedule) -> Self {
        let rows::Schedule {
            every_days,
            at_drift,
            horizon_days,
            next_at,
            last_model_id,
            created_at,
            updated_at,
        } = row;
        let written = NewSchedule { every_days, at_drift, horizon_days };
        Self { written, next_at, last_model_id, created_at, updated_at }
    }
}

/// Sets the schedule, in place of another. The first training is due `every_days` from now; when the days stay as
/// they were, so does the day.
#[utoipa::path(put, path = "/v1/models/schedule", operation_id = "put_schedule", tag = "models",
    security(("key" = ["marketer"])), request_body = NewSchedule,
    responses((status = 200, description = "The schedule.", body = Schedule)))]
async fn put_schedule(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    Body { value: new, .. }: Body<NewSchedule>,
) -> Result<Answer> {
    let NewSchedule { every_days, at_drift, horizon_days } = new;
    if every_days.is_none() && !at_drift {
        return Err(Problem::field("/every_days", "give days, or at_drift, or both"));
    }
    let mut tenant = caller.open(&state).await?;
    let row = rows::put(&mut tenant, &rows::NewSchedule { every_days, at_drift, horizon_days }).await?;
    tenant.commit().await?;
    Answer::ok(&Schedule::from(row))
}

/// Gets the schedule.
#[utoipa::path(get, path = "/v1/models/schedule", operation_id = "get_schedule", tag = "models",
    security(("key" = ["reader"])),
    responses((status = 200, description = "The schedule.", body = Schedule),
        (status = 404, description = "There is none.")))]
async fn get_schedule(caller: Caller<Reader>, State(state): State<ApiState>) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let row = rows::find(&mut tenant).await?.ok_or_else(|| Problem::not_found("schedule"))?;
    Answer::ok(&Schedule::from(row))
}

/// Deletes the schedule: models are trained when somebody asks.
#[utoipa::path(delete, path = "/v1/models/schedule", operation_id = "delete_schedule", tag = "models",
    security(("key" = ["marketer"])),
    responses((status = 204, description = "It is deleted."), (status = 404, description = "There is none.")))]
async fn delete_schedule(caller: Caller<Marketer>, State(state): State<ApiState>) -> Result<StatusCode> {
    let mut tenant = caller.open(&state).await?;
    rows::delete(&mut tenant).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of the schedule.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(put_schedule, get_schedule, delete_schedule))
}
