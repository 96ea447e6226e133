//! The report of a model as a page: the same one that the command line writes.

use std::sync::OnceLock;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clew_crm::{Report, report_html};
use clew_store::model as rows;
use sha2::{Digest as _, Sha256};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::{Caller, Reader};
use crate::extract::Id;
use crate::problem::{Code, Problem, Result};
use crate::state::ApiState;

/// Gets a model's report as a page of HTML, with its curves drawn: for people. `get_model` gives the same figures
/// as JSON.
#[utoipa::path(get, path = "/v1/models/{id}/report", operation_id = "get_model_report", tag = "models",
    security(("key" = ["reader"])), params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "A page that needs nothing else and runs no script.", body = String,
            content_type = "text/html", example = "<!doctype html>\n<html lang=\"en\">…</html>\n"),
        (status = 409, description = "The model is not ready.")))]
async fn get_model_report(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<Response> {
    let mut tenant = caller.open(&state).await?;
    let row = rows::find(&mut tenant, id).await?.ok_or_else(|| Problem::not_found("model"))?;
    drop(tenant);
    let not_ready = || Problem::new(Code::Conflict, "the model is not ready; follow its job");
    let report: Report =
        serde_json::from_value(row.report.ok_or_else(not_ready)?).map_err(Problem::internal)?;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let policy = policy().ok_or_else(|| Problem::internal("the policy is no header"))?;
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)];
    Ok((headers, report_html::page(&report)).into_response())
}

/// What the page may do: be looked at in its own style, and nothing else.
fn policy() -> Option<HeaderValue> {
    static POLICY: OnceLock<Option<HeaderValue>> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        let hash = STANDARD.encode(Sha256::digest(report_html::STYLE));
        let text = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        HeaderValue::from_str(&text).ok()
    });
    policy.clone()
}

/// The route of a model's report.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_model_report))
}
