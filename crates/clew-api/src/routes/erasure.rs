//! Receipts of erasures: of each place, when it was or will be cleared. They name nobody.

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_store::erasure as rows;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List, PageQuery};
use crate::caller::{Caller, Owner};
use crate::extract::{Id, Query};
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// A receipt.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Erasure {
    id: Uuid,
    /// The job that clears what the request itself did not.
    job_id: Uuid,
    /// Every place where something of a customer may be.
    places: Vec<Place>,
    requested_at: DateTime<Utc>,
    /// When every place was clear; null until then.
    finished_at: Option<DateTime<Utc>>,
}

/// A place where something of a customer may be.
#[derive(Debug, Serialize, ToSchema)]
struct Place {
    /// `customers`, `events`, `last_contacts`, `idempotency`, `jobs`, `models`, `snapshots`, `caches`, `imports`,
    /// `expressions`, `backups`.
    #[schema(example = "events")]
    place: String,
    /// How much was found; null where all is cleared without looking.
    #[schema(example = 42)]
    n_found: Option<i64>,
    /// What is done there.
    #[schema(example = "all are deleted")]
    how: String,
    /// When it was cleared.
    cleared_at: Option<DateTime<Utc>>,
    /// When it will be cleared at the latest; null when it was, or when it is not for clew to clear.
    #[schema(example = json!(null))]
    due_at: Option<DateTime<Utc>>,
}

impl From<rows::Place> for Place {
    fn from(row: rows::Place) -> Self {
        let rows::Place { place, n_found, how, cleared_at, due_at } = row;
        Self { place, n_found, how, cleared_at, due_at }
    }
}

impl From<rows::Erasure> for Erasure {
    fn from(row: rows::Erasure) -> Self {
        Self {
            id: row.id,
            job_id: row.job_id,
            places: row.places.0.into_iter().map(Into::into).collect(),
            requested_at: row.requested_at,
            finished_at: row.finished_at,
        }
    }
}

/// Lists the receipts of erasures, the newest first.
#[utoipa::path(get, path = "/v1/erasures", operation_id = "list_erasures", tag = "customers",
    security(("key" = ["owner"])), params(PageQuery),
    responses((status = 200, description = "A page of receipts.", body = List<Erasure>)))]
async fn list_erasures(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&List::<Erasure>::of(rows::list(&mut tenant, &page.into()).await?))
}

/// Gets the receipt of an erasure.
#[utoipa::path(get, path = "/v1/erasures/{id}", operation_id = "get_erasure", tag = "customers",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The receipt.", body = Erasure)))]
async fn get_erasure(caller: Caller<Owner>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let row = rows::find(&mut tenant, id).await?.ok_or_else(|| Problem::not_found("erasure"))?;
    Answer::ok(&Erasure::from(row))
}

/// The routes of receipts.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list_erasures)).routes(routes!(get_erasure))
}
