//! Single products: written, read and deleted.

use axum::extract::State;
use axum::http::StatusCode;
use clew_store::{Entity, row as store_row};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::caller::{Caller, Marketer, Reader, Sender};
use crate::extract::{Body, OwnId};
use crate::patch::OwnPatch;
use crate::problem::Result;
use crate::routes::row::{self, Attributes, Row};
use crate::state::ApiState;

/// Writes a product, in place of another of the same id.
#[utoipa::path(put, path = "/v1/products/{id}", operation_id = "put_product", tag = "products",
    security(("key" = ["ingest", "marketer"])), params(("id" = String, Path)), request_body = Attributes,
    responses((status = 200, description = "The product, which was there before.", body = Row),
        (status = 201, description = "The product, which is new.", body = Row)))]
async fn put_product(
    caller: Caller<Sender>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
    Body { value: new, .. }: Body<Attributes>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let (row, is_new) = row::put(&mut tenant, Entity::Products, &id, new.into_map(), false).await?;
    tenant.commit().await?;
    row::answer(Entity::Products, row.into(), is_new)
}

/// Changes a product by a merge patch: what is given replaces, null clears, the rest stays.
#[utoipa::path(patch, path = "/v1/products/{id}", operation_id = "update_product", tag = "products",
    security(("key" = ["marketer"])), params(("id" = String, Path)), request_body = Attributes,
    responses((status = 200, description = "The product as it is now.", body = Row)))]
async fn update_product(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
    OwnPatch(patch): OwnPatch<Attributes>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let present = row::find(&mut tenant, Entity::Products, &id).await?;
    let attributes = row::patched(present, patch);
    let (row, _) = row::put(&mut tenant, Entity::Products, &id, attributes, false).await?;
    tenant.commit().await?;
    Answer::ok(&Row::from(row))
}

/// Gets a product.
#[utoipa::path(get, path = "/v1/products/{id}", operation_id = "get_product", tag = "products",
    security(("key" = ["reader"])), params(("id" = String, Path)),
    responses((status = 200, description = "The product.", body = Row)))]
async fn get_product(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&Row::from(row::find(&mut tenant, Entity::Products, &id).await?))
}

/// Deletes a product. Events that speak of it stay.
#[utoipa::path(delete, path = "/v1/products/{id}", operation_id = "delete_product", tag = "products",
    security(("key" = ["marketer"])), params(("id" = String, Path)),
    responses((status = 204, description = "It is gone.")))]
async fn delete_product(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
) -> Result<StatusCode> {
    let mut tenant = caller.open(&state).await?;
    store_row::delete_product(&mut tenant, &id).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of products.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(put_product, get_product, update_product, delete_product))
}
