//! Webhooks: where the tenant wants to hear of what happens, what was told, and telling it again.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use clew_store::Tenant;
use clew_store::webhook::{self as rows, Target};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List, PageQuery};
use crate::caller::{Caller, Owner};
use crate::extract::{Body, Id, Query};
use crate::idempotency::IdempotencyKey;
use crate::patch::Patch;
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// What can be heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
enum WebhookEvent {
    #[serde(rename = "job.succeeded")]
    JobSucceeded,
    #[serde(rename = "job.failed")]
    JobFailed,
    #[serde(rename = "model.activated")]
    ModelActivated,
}

impl WebhookEvent {
    const ALL: [Self; 3] = [Self::JobSucceeded, Self::JobFailed, Self::ModelActivated];
}

impl From<WebhookEvent> for rows::Event {
    fn from(event: WebhookEvent) -> Self {
        match event {
            WebhookEvent::JobSucceeded => Self::JobSucceeded,
            WebhookEvent::JobFailed => Self::JobFailed,
            WebhookEvent::ModelActivated => Self::ModelActivated,
        }
    }
}

/// What a person writes of a webhook.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    /// Where to tell: an HTTPS address that is public. Redirects are not followed.
    #[schema(min_length = 1, max_length = 2048, example = "https://hooks.example.com/clew")]
    url: String,
    /// What to tell; everything when absent.
    #[serde(default = "everything")]
    #[schema(min_items = 1, max_items = 3, example = json!(["job.succeeded", "job.failed", "model.activated"]))]
    events: Vec<WebhookEvent>,
    /// Is it told anything?
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
}

fn everything() -> Vec<WebhookEvent> {
    WebhookEvent::ALL.to_vec()
}

fn yes() -> bool {
    true
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
struct Webhook {
    id: Uuid,
    #[serde(flatten)]
    written: NewWebhook,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A webhook with the secret that signs what it is told.
#[derive(Serialize, ToSchema)]
struct WebhookWithSecret {
    #[serde(flatten)]
    webhook: Webhook,
    /// Standard Webhooks: `whsec_` and 32 bytes in Base64. Shown this once.
    #[schema(example = "whsec_…")]
    secret: String,
}

impl From<rows::Webhook> for Webhook {
    fn from(row: rows::Webhook) -> Self {
        let rows::Webhook { id, created_at, updated_at, .. } = row;
        Self { id, written: NewWebhook::of(row), created_at, updated_at }
    }
}

impl NewWebhook {
    fn of(row: rows::Webhook) -> Self {
        let wanted = |event: &WebhookEvent| {
            let word = rows::Event::from(*event).as_str();
            row.events.iter().any(|found| found == word)
        };
        let events = WebhookEvent::ALL.into_iter().filter(wanted).collect();
        Self { url: row.url, events, enabled: row.enabled }
    }

    fn into_row(self, state: &ApiState) -> Result<rows::NewWebhook> {
        Target::parse(&self.url, &state.config().webhooks).map_err(|fault| Problem::field("/url", fault))?;
        let events = WebhookEvent::ALL.into_iter().filter(|event| self.events.contains(event));
        Ok(rows::NewWebhook {
            url: self.url,
            events: events.map(Into::into).collect(),
            enabled: self.enabled,
        })
    }
}

impl WebhookWithSecret {
    fn of((row, secret): (rows::Webhook, rows::Secret)) -> Self {
        use base64::Engine as _;
        let secret = base64::engine::general_purpose::STANDARD.encode(secret.expose());
        Self { webhook: row.into(), secret: format!("whsec_{secret}") }
    }
}

/// Makes a webhook. What it is told is signed after Standard Webhooks 1.0.0 (`webhook-id`, `webhook-timestamp`,
/// `webhook-signature`), tried again over some three days when it is not taken (anything but a 2xx), and says what
/// happened by ids alone: `{"type": "job.succeeded", "timestamp": …, "data": {"job_id": …, "kind": …}}`.
#[utoipa::path(post, path = "/v1/webhooks", operation_id = "create_webhook", tag = "webhooks",
    security(("key" = ["owner"])), request_body = NewWebhook,
    responses((status = 201, description = "The webhook, and its secret.", body = WebhookWithSecret)))]
async fn create_webhook(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewWebhook>,
) -> Result<Answer> {
    let new = new.into_row(&state)?;
    let mut tenant = caller.open(&state).await?;
    let once = match key.begin(&mut tenant, "create_webhook", digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    let made = WebhookWithSecret::of(rows::insert(&mut tenant, &new).await?);
    let answer = Answer::created(format!("/v1/webhooks/{}", made.webhook.id), &made)?;
    once.keep_secret(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// Lists the webhooks, the newest first, without their secrets.
#[utoipa::path(get, path = "/v1/webhooks", operation_id = "list_webhooks", tag = "webhooks",
    security(("key" = ["owner"])), params(PageQuery),
    responses((status = 200, description = "A page of webhooks.", body = List<Webhook>)))]
async fn list_webhooks(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&List::<Webhook>::of(rows::list(&mut tenant, &page.into()).await?))
}

/// Gets a webhook, without its secret.
#[utoipa::path(get, path = "/v1/webhooks/{id}", operation_id = "get_webhook", tag = "webhooks",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The webhook.", body = Webhook)))]
async fn get_webhook(caller: Caller<Owner>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&Webhook::from(find(&mut tenant, id).await?))
}

/// Changes a webhook by a merge patch.
#[utoipa::path(patch, path = "/v1/webhooks/{id}", operation_id = "update_webhook", tag = "webhooks",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)), request_body = NewWebhook,
    responses((status = 200, description = "The webhook as it is now.", body = Webhook)))]
async fn update_webhook(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Id(id): Id,
    patch: Patch,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let new = patch.apply(&NewWebhook::of(find(&mut tenant, id).await?))?.into_row(&state)?;
    let webhook = Webhook::from(rows::update(&mut tenant, id, &new).await?);
    tenant.commit().await?;
    Answer::ok(&webhook)
}

/// Deletes a webhook, with the list of what it was told.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", operation_id = "delete_webhook", tag = "webhooks",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
async fn delete_webhook(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<StatusCode> {
    let mut tenant = caller.open(&state).await?;
    rows::delete(&mut tenant, id).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a secret is changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookRotation {
    /// How long the secret before goes on signing too, so that the receiver can be changed at leisure.
    #[serde(default = "a_day")]
    #[schema(minimum = 0, maximum = 604_800, default = 86_400, example = 86_400)]
    overlap_seconds: i32,
}

fn a_day() -> i32 {
    86_400
}

/// Gives a webhook another secret.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate", operation_id = "rotate_webhook", tag = "webhooks",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)), request_body = WebhookRotation,
    responses((status = 200, description = "The webhook, and its new secret.", body = WebhookWithSecret)))]
async fn rotate_webhook(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Id(id): Id,
    key: IdempotencyKey,
    Body { value: rotation, digest }: Body<WebhookRotation>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let once = match key.begin(&mut tenant, &format!("rotate_webhook {id}"), digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    let rotated = WebhookWithSecret::of(rows::rotate(&mut tenant, id, rotation.overlap_seconds).await?);
    let answer = Answer::ok(&rotated)?;
    once.keep_secret(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// Something that a webhook was, or is to be, told.
#[derive(Debug, Serialize, ToSchema)]
struct Delivery {
    /// What the receiver sees as `webhook-id`, behind `msg_` and without hyphens: the same at every try.
    id: Uuid,
    webhook_id: Uuid,
    #[schema(example = "job.succeeded")]
    event: String,
    /// `pending`, `delivered` or `failed`.
    #[schema(example = "delivered")]
    state: &'static str,
    #[schema(example = 1)]
    n_attempts: i32,
    /// The status of the last answer.
    #[schema(example = 200)]
    status: Option<i16>,
    /// Why there was none, or it was not taken.
    #[schema(example = json!(null))]
    error: Option<String>,
    created_at: DateTime<Utc>,
    attempted_at: Option<DateTime<Utc>>,
}

impl From<rows::Delivery> for Delivery {
    fn from(row: rows::Delivery) -> Self {
        Self {
            id: row.id,
            webhook_id: row.webhook_id,
            event: row.event,
            state: row.state.as_str(),
            n_attempts: row.n_attempts,
            status: row.status,
            error: row.error,
            created_at: row.created_at,
            attempted_at: row.attempted_at,
        }
    }
}

/// Tells a webhook `webhook.test`, to see whether it works.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", operation_id = "test_webhook", tag = "webhooks",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "What it is about to be told.", body = Delivery)))]
async fn test_webhook(caller: Caller<Owner>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    find(&mut tenant, id).await?;
    let data = json!({ "webhook_id": id });
    let told = Delivery::from(rows::emit_to(&mut tenant, id, rows::Event::Test, &data).await?);
    tenant.commit().await?;
    Answer::ok(&told)
}

/// Lists what a webhook was told in the last thirty days, the newest first.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", operation_id = "list_deliveries", tag = "webhooks",
    security(("key" = ["owner"])), params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, description = "A page of deliveries.", body = List<Delivery>)))]
async fn list_deliveries(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Id(id): Id,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    find(&mut tenant, id).await?;
    Answer::ok(&List::<Delivery>::of(rows::list_deliveries(&mut tenant, id, &page.into()).await?))
}

/// Tells it once more, with the same `webhook-id` and body.
#[utoipa::path(post, path = "/v1/deliveries/{id}/replay", operation_id = "replay_delivery", tag = "webhooks",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The delivery, pending.", body = Delivery),
        (status = 409, description = "It is still being tried.")))]
async fn replay_delivery(caller: Caller<Owner>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let delivery = Delivery::from(rows::replay(&mut tenant, id).await?);
    tenant.commit().await?;
    Answer::ok(&delivery)
}

async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<rows::Webhook> {
    rows::find(tenant, id).await?.ok_or_else(|| Problem::not_found("webhook"))
}

/// The routes of webhooks.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_webhook, list_webhooks))
        .routes(routes!(get_webhook, update_webhook, delete_webhook))
        .routes(routes!(rotate_webhook))
        .routes(routes!(test_webhook))
        .routes(routes!(list_deliveries))
        .routes(routes!(replay_delivery))
}
