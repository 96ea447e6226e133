//! Single customers: written, read, handed over whole, and erased.

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_store::key::Right;
use clew_store::{Entity, Page, audit, customer as rows, erasure, row as store_row};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::caller::{Caller, Marketer, Owner, Reader, Sender};
use crate::context;
use crate::extract::{Body, OwnId, Query};
use crate::patch::OwnPatch;
use crate::problem::{Code, Problem, Result};
use crate::routes::erasure::Erasure;
use crate::routes::row::{self, Attributes, Row};
use crate::state::ApiState;

/// Events of a page of a customer's copy.
const N_EVENTS: u32 = 1_000;

/// Whether one who was erased may come back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Readmission {
    /// Lets a customer who was erased come back. Only an owner may say so.
    #[serde(default)]
    #[param(default = false)]
    readmit_erased: bool,
}

/// Refuses anybody but an owner who wants to let the erased come back.
pub(crate) fn check_readmission(right: Option<Right>, readmit_erased: bool) -> Result<()> {
    if readmit_erased && right != Some(Right::Owner) {
        return Err(Problem::new(Code::Forbidden, "readmit_erased needs the right owner"));
    }
    Ok(())
}

/// Writes a customer, in place of another of the same id: every attribute, also those that the caller is not shown. To
/// change some and keep the others, patch it.
#[utoipa::path(put, path = "/v1/customers/{id}", operation_id = "put_customer", tag = "customers",
    security(("key" = ["ingest", "marketer"])), params(("id" = String, Path), Readmission), request_body = Attributes,
    responses((status = 200, description = "The customer, who was there before.", body = Row),
        (status = 201, description = "The customer, who is new.", body = Row),
        (status = 409, description = "The customer was erased.")))]
async fn put_customer(
    caller: Caller<Sender>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
    Query(query): Query<Readmission>,
    Body { value: new, .. }: Body<Attributes>,
) -> Result<Answer> {
    check_readmission(caller.right, query.readmit_erased)?;
    let mut tenant = caller.open(&state).await?;
    let (row, is_new) =
        row::put(&mut tenant, Entity::Customers, &id, new.into_map(), query.readmit_erased).await?;
    let row = Row::of_customer(caller.right, &mut tenant, row).await?;
    tenant.commit().await?;
    row::answer(Entity::Customers, row, is_new)
}

/// Changes a customer by a merge patch: what is given replaces, null clears, the rest stays.
#[utoipa::path(patch, path = "/v1/customers/{id}", operation_id = "update_customer", tag = "customers",
    security(("key" = ["marketer"])), params(("id" = String, Path)), request_body = Attributes,
    responses((status = 200, description = "The customer as it is now.", body = Row)))]
async fn update_customer(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
    OwnPatch(patch): OwnPatch<Attributes>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let present = row::find(&mut tenant, Entity::Customers, &id).await?;
    let attributes = row::patched(present, patch);
    let (row, _) = row::put(&mut tenant, Entity::Customers, &id, attributes, false).await?;
    let row = Row::of_customer(caller.right, &mut tenant, row).await?;
    tenant.commit().await?;
    Answer::ok(&row)
}

/// Gets a customer. Of columns that are not plain, values are shown to owners alone.
#[utoipa::path(get, path = "/v1/customers/{id}", operation_id = "get_customer", tag = "customers",
    security(("key" = ["reader"])), params(("id" = String, Path)),
    responses((status = 200, description = "The customer.", body = Row)))]
async fn get_customer(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let row = row::find(&mut tenant, Entity::Customers, &id).await?;
    Answer::ok(&Row::of_customer(caller.right, &mut tenant, row).await?)
}

/// Erases a customer, everywhere. Rows and events go at once; the receipt says of every other place when it was or
/// will be cleared, within a minute. What stays is a keyed hash of the id, so that the customer is refused when a file
/// brings it again. Asked for again, it answers the first receipt.
#[utoipa::path(delete, path = "/v1/customers/{id}", operation_id = "delete_customer", tag = "customers",
    security(("key" = ["owner"])), params(("id" = String, Path)),
    responses((status = 202, description = "The receipt; the job in Location clears the rest.", body = Erasure)))]
async fn delete_customer(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let receipt = erasure::request(&mut tenant, &id, Some(context::request_id()), state.now()).await?;
    let receipt = receipt.ok_or_else(|| Problem::not_found("customer"))?;
    let n_rows = receipt.places.iter().filter(|place| matches!(place.place.as_str(), "customers" | "events"));
    let n_rows = n_rows.filter_map(|place| place.n_found).sum::<i64>();
    audit::note(&mut tenant, None, Some(n_rows.unsigned_abs()));
    tenant.commit().await?;
    Answer::accepted(Some(format!("/v1/jobs/{}", receipt.job_id)), &Erasure::from(receipt))
}

/// All that is known of a customer, to be handed over.
#[derive(Debug, Serialize, ToSchema)]
struct CustomerData {
    #[schema(example = "c-20817")]
    id: String,
    /// What the customer's row says; empty when only events tell of the customer.
    #[schema(value_type = Object, example = json!({"age": 34, "city": "Lyon", "tags": ["loyal"]}))]
    attributes: Value,
    /// When the row was last written.
    updated_at: Option<DateTime<Utc>>,
    /// When the customer was last in touch, where the retention keeps that beyond the events.
    last_contact_at: Option<DateTime<Utc>>,
    /// The oldest first, up to a thousand a page.
    events: Vec<Event>,
    /// Ask for the next page of events with it; null on the last.
    next_cursor: Option<String>,
}

/// An event of a customer.
#[derive(Debug, Serialize, ToSchema)]
struct Event {
    #[schema(example = "purchase")]
    kind: String,
    occurred_at: DateTime<Utc>,
    #[schema(example = "p-1042")]
    product_id: Option<String>,
    quantity: Option<f64>,
    revenue: Option<f64>,
    campaign_id: Option<String>,
    query: Option<String>,
    basket_id: Option<String>,
}

impl From<rows::Event> for Event {
    fn from(row: rows::Event) -> Self {
        let rows::Event {
            kind,
            occurred_at,
            product_id,
            quantity,
            revenue,
            campaign_id,
            query,
            basket_id,
            ..
        } = row;
        Self { kind, occurred_at, product_id, quantity, revenue, campaign_id, query, basket_id }
    }
}

/// Which page of events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct EventsCursor {
    /// The `next_cursor` of the page before.
    #[param(max_length = 2048)]
    cursor: Option<String>,
}

/// Gets the portable copy of all that is known of a customer: the row with every attribute, and every event.
#[utoipa::path(get, path = "/v1/customers/{id}/data", operation_id = "get_customer_data", tag = "customers",
    security(("key" = ["owner"])), params(("id" = String, Path), EventsCursor),
    responses((status = 200, description = "The copy.", body = CustomerData)))]
async fn get_customer_data(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
    Query(query): Query<EventsCursor>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let page = Page { limit: N_EVENTS, cursor: query.cursor };
    let row = store_row::find(&mut tenant, Entity::Customers, &id).await?;
    let events = rows::events(&mut tenant, &id, &page).await?;
    let last_contact_at = rows::last_contact(&mut tenant, &id).await?;
    let is_known = row.is_some() || last_contact_at.is_some() || !events.data.is_empty();
    if !is_known && page.cursor.is_none() {
        return Err(Problem::not_found("customer"));
    }
    audit::note(&mut tenant, None, Some(events.data.len() as u64 + u64::from(row.is_some())));
    tenant.commit().await?;
    let (attributes, updated_at) = match row {
        Some(row) => (row.attributes, Some(row.updated_at)),
        None => (Value::Object(serde_json::Map::new()), None),
    };
    let next_cursor = events.next_cursor;
    let events = events.data.into_iter().map(Into::into).collect();
    Answer::ok(&CustomerData { id, attributes, updated_at, last_contact_at, events, next_cursor })
}

/// The routes of customers.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(put_customer, get_customer, update_customer, delete_customer))
        .routes(routes!(get_customer_data))
}
