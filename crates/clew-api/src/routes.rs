//! All routes, one file per noun.

mod audit;
mod campaign;
mod campaign_report;
mod campaign_report_view;
mod column;
mod customer;
mod data;
mod erasure;
mod event;
mod gain_curve;
mod gain_curve_view;
mod import;
mod job;
mod key;
mod member;
mod model;
mod model_estimate;
mod model_report;
mod offer;
mod openid;
mod product;
mod recommendation;
mod reference;
mod retention;
mod row;
mod rule;
mod rule_test;
mod schedule;
mod segment;
mod service;
mod sign_in;
mod tenant;
mod webhook;

use axum::Router;
use axum::routing::any;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::layers;
use crate::state::ApiState;

/// Every documented operation.
pub(crate) fn collect() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(service::routes())
        .merge(tenant::routes())
        .merge(sign_in::routes())
        .merge(openid::routes())
        .merge(member::routes())
        .merge(key::routes())
        .merge(import::routes())
        .merge(event::routes())
        .merge(data::routes())
        .merge(column::routes())
        .merge(customer::routes())
        .merge(erasure::routes())
        .merge(retention::routes())
        .merge(product::routes())
        .merge(model::routes())
        .merge(model_estimate::routes())
        .merge(model_report::routes())
        .merge(schedule::routes())
        .merge(job::routes())
        .merge(offer::routes())
        .merge(gain_curve::routes())
        .merge(segment::routes())
        .merge(rule::routes())
        .merge(rule_test::routes())
        .merge(recommendation::routes())
        .merge(audit::routes())
        .merge(campaign::routes())
        .merge(campaign_report::routes())
        .merge(webhook::routes())
}

/// The API: `/v1/…`, `/healthz`, `/readyz`, `/metrics`, `/openapi.json`, `/docs`. What is not found below `/v1`
/// is a problem; every other path is left to whoever merges this router.
pub fn router(state: ApiState) -> Router {
    let (routes, _) = collect().split_for_parts();
    let docs: Router<ApiState> = SwaggerUi::new("/docs").config(Config::new(["/openapi.json"])).into();
    let routes: Router = routes
        .route("/v1", any(layers::no_such_path))
        .route("/v1/{*path}", any(layers::no_such_path))
        .merge(docs)
        .method_not_allowed_fallback(layers::method_not_allowed)
        .with_state(state.clone());
    layers::surround(routes, &state)
}
