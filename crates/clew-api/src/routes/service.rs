//! The service itself: alive, ready, measured, documented.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::openapi;
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// That the service lives, or is ready.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Says that the process lives.
#[utoipa::path(get, path = "/healthz", operation_id = "get_health", tag = "service",
    responses((status = 200, description = "It lives.", body = Health)))]
async fn get_health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Says whether requests will be answered: Postgres and the object store are there, and the process is not about
/// to end.
#[utoipa::path(get, path = "/readyz", operation_id = "get_readiness", tag = "service",
    responses((status = 200, description = "It is ready.", body = Health), (status = 503, description = "It is not.")))]
async fn get_readiness(State(state): State<ApiState>) -> Result<Json<Health>> {
    if state.draining().is_cancelled() {
        return Err(Problem::unavailable("the service is draining", 5));
    }
    state
        .store()
        .ping()
        .await
        .map_err(|error| Problem::unavailable("the database does not answer", 2).caused_by(error))?;
    state
        .objects()
        .ping()
        .await
        .map_err(|error| Problem::unavailable("the object store does not answer", 2).caused_by(error))?;
    Ok(Json(Health { status: "ok" }))
}

/// Gives the metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "service",
    responses((status = 200, description = "Metrics; no label holds a tenant.", body = String, content_type = "text/plain",
        example = "clew_http_requests_in_flight 1")))]
async fn get_metrics(State(state): State<ApiState>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], state.metrics().render()).into_response()
}

/// Gives this document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "get_openapi", tag = "service",
    responses((status = 200, description = "This document.", body = Object, example = json!({"openapi": "3.1.0"}))))]
async fn get_openapi() -> Json<&'static serde_json::Value> {
    Json(openapi::document())
}

/// The routes of the service itself.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get_health))
        .routes(routes!(get_readiness))
        .routes(routes!(get_metrics))
        .routes(routes!(get_openapi))
}
