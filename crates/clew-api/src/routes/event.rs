//! Events as they happen, up to a thousand at a time.

use std::borrow::Cow;

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_store::audit;
use clew_store::ingest::{self, NewEvent as Row};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{ArrayBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::caller::{Caller, Sender};
use crate::extract::Body;
use crate::idempotency::IdempotencyKey;
use crate::limit;
use crate::problem::{FieldError, Problem, Result};
use crate::state::ApiState;

/// An event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEvent {
    /// `purchase`, `view`, `add_to_cart`, `search`, `message_sent`, `message_opened`, `message_clicked`,
    /// `unsubscribe`, `return`, a name of the Segment e-commerce spec, or one of your own.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$",
        example = "purchase"
    )]
    kind: String,
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$",
        example = "c-20817"
    )]
    customer_id: String,
    /// The time of the request when absent.
    #[serde(default)]
    #[schema(example = "2026-11-22T18:00:00Z")]
    occurred_at: Option<DateTime<Utc>>,
    #[serde(default)]
    #[schema(min_length = 1, max_length = 512, example = "p-1042")]
    product_id: Option<String>,
    #[serde(default)]
    #[schema(minimum = -1e15, maximum = 1e15, example = 1.0)]
    quantity: Option<f64>,
    /// Money paid for all of them together, in the tenant's currency.
    #[serde(default)]
    #[schema(minimum = -1e15, maximum = 1e15, example = 19.9)]
    revenue: Option<f64>,
    #[serde(default)]
    #[schema(min_length = 1, max_length = 512, example = json!(null))]
    campaign_id: Option<String>,
    /// The words searched for; what is over 512 bytes is cut off.
    #[serde(default)]
    #[schema(max_length = 1000, example = json!(null))]
    query: Option<String>,
    /// What ties the events of one order together.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 512, example = "order-881")]
    basket_id: Option<String>,
    /// Your own id of the event: the same id at the same time is the same event.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 512, example = "e-1")]
    event_id: Option<String>,
}

/// Events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EventBatch {
    #[schema(min_items = 1, max_items = 1000)]
    events: Vec<NewEvent>,
}

/// Events, as a list alone.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct EventList(Vec<NewEvent>);

impl PartialSchema for EventList {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(Ref::from_schema_name(NewEvent::name()))
            .min_items(Some(1))
            .max_items(Some(1_000))
            .into()
    }
}

impl ToSchema for EventList {
    fn name() -> Cow<'static, str> {
        "EventList".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((NewEvent::name().into_owned(), NewEvent::schema()));
        NewEvent::schemas(schemas);
    }
}

/// Events: an object, or the list alone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum NewEvents {
    Batch(EventBatch),
    List(EventList),
}

/// What became of events.
#[derive(Debug, Serialize, ToSchema)]
struct EventsTaken {
    /// Events that are new.
    #[schema(example = 1)]
    accepted: u64,
    /// Events that were there already.
    #[schema(example = 0)]
    duplicates: u64,
    /// Events of erased customers, which are passed over.
    #[schema(example = 0)]
    refused: u64,
}

impl From<NewEvent> for Row {
    fn from(event: NewEvent) -> Self {
        Self {
            kind: event.kind,
            customer_id: event.customer_id,
            occurred_at: event.occurred_at,
            product_id: event.product_id,
            quantity: event.quantity,
            revenue: event.revenue,
            campaign_id: event.campaign_id,
            query: event.query,
            basket_id: event.basket_id,
            event_id: event.event_id,
        }
    }
}

/// Takes events in, all or none. Sending the same events again changes nothing.
#[utoipa::path(post, path = "/v1/events", operation_id = "create_events", tag = "events",
    security(("key" = ["ingest", "marketer"])), request_body = NewEvents,
    responses((status = 202, description = "They are taken.", body = EventsTaken),
        (status = 507, description = "No room left.")))]
async fn create_events(
    caller: Caller<Sender>,
    State(state): State<ApiState>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewEvents>,
) -> Result<Answer> {
    let (events, at) = match new {
        NewEvents::Batch(batch) => (batch.events, "/events"),
        NewEvents::List(EventList(events)) => (events, ""),
    };
    if events.is_empty() || events.len() > 1_000 {
        return Err(Problem::field(at, format!("expected 1 to 1000 events, found {}", events.len())));
    }
    let events: Vec<Row> = events.into_iter().map(Into::into).collect();
    let now = state.now();
    let faults = ingest::check_events(&events, now);
    if !faults.is_empty() {
        let error = |f: ingest::Fault| FieldError {
            pointer: format!("{at}/{}/{}", f.index, f.field),
            detail: f.detail,
        };
        return Err(Problem::invalid(faults.into_iter().map(error).collect()));
    }
    let mut tenant = caller.open(&state).await?;
    let once = match key.begin(&mut tenant, "create_events", digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    limit::check_room(&mut tenant, &state.config().quota).await?;
    let taken = ingest::insert_events(&mut tenant, &events, now).await?;
    audit::note(&mut tenant, None, Some(taken.n_accepted));
    let (accepted, duplicates, refused) = (taken.n_accepted, taken.n_duplicates, taken.n_refused);
    let body = EventsTaken { accepted, duplicates, refused };
    let answer = Answer::accepted(None, &body)?;
    once.keep(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// The route of events.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create_events))
}
