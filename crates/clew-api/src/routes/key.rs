//! API keys of the tenant.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use clew_store::key as rows;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List, PageQuery};
use crate::caller::{Caller, Owner};
use crate::extract::{Body, Id, Query};
use crate::idempotency::IdempotencyKey;
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// What the holder of a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Right {
    Ingest,
    Reader,
    Marketer,
    Owner,
}

impl From<Right> for rows::Right {
    fn from(right: Right) -> Self {
        match right {
            Right::Ingest => Self::Ingest,
            Right::Reader => Self::Reader,
            Right::Marketer => Self::Marketer,
            Right::Owner => Self::Owner,
        }
    }
}

impl From<rows::Right> for Right {
    fn from(right: rows::Right) -> Self {
        match right {
            rows::Right::Ingest => Self::Ingest,
            rows::Right::Reader => Self::Reader,
            rows::Right::Marketer => Self::Marketer,
            rows::Right::Owner => Self::Owner,
        }
    }
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKey {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, example = "nightly import")]
    name: String,
    /// What its holder may do.
    right: Right,
    /// When it ends by itself; never when absent.
    #[serde(default)]
    #[schema(example = "2027-11-22T00:00:00Z")]
    expires_at: Option<DateTime<Utc>>,
}

/// How a key is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// For how long the old key works beside the new one; 0: not at all.
    #[serde(default = "one_day")]
    #[schema(minimum = 0, maximum = 2_592_000, default = 86_400)]
    overlap_seconds: u32,
}

fn one_day() -> u32 {
    86_400
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct Key {
    id: Uuid,
    #[schema(example = "nightly import")]
    name: String,
    right: Option<Right>,
    /// The last four characters of the key, to tell keys apart.
    #[schema(example = "9f3c")]
    last_four: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    /// To a minute.
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    /// The key that was made to take its place.
    successor_id: Option<Uuid>,
}

/// A key just made.
#[derive(Serialize, ToSchema)]
struct KeyCreated {
    #[serde(flatten)]
    key: Key,
    /// The key itself, `clew_live_<public id>_<secret>`; `clew_test_…` of a tenant in test mode. Its last eight
    /// characters are a checksum. Shown this once.
    #[schema(example = "clew_live_0198c6a17a527c3e9d0f3f6f4c3b2a10_…")]
    api_key: String,
}

impl From<rows::Key> for Key {
    fn from(row: rows::Key) -> Self {
        Self {
            id: row.id,
            name: row.name,
            right: row.right.map(Into::into),
            last_four: row.last_four,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            successor_id: row.successor_id,
        }
    }
}

/// Makes a key. It is shown once and stored hashed.
#[utoipa::path(post, path = "/v1/keys", operation_id = "create_key", tag = "keys",
    security(("key" = ["owner"])), request_body = NewKey,
    responses((status = 201, description = "The key.", body = KeyCreated)))]
async fn create_key(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    idempotency: IdempotencyKey,
    Body { value: new, digest }: Body<NewKey>,
) -> Result<Answer> {
    if new.expires_at.is_some_and(|at| at <= state.now()) {
        return Err(Problem::field("/expires_at", "is past; leave it out for a key that does not end"));
    }
    let mut tenant = caller.open(&state).await?;
    let once = match idempotency.begin(&mut tenant, "create_key", digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    let new = rows::NewKey { name: new.name, right: new.right.into(), expires_at: new.expires_at };
    let (row, shown) = rows::insert(&mut tenant, &new).await?;
    let answer = shown_once(row, &shown)?;
    once.keep_secret(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// Makes a key in another's place, with its name, its right and as long a life.
///
/// Both work until the overlap is over; then the old one has expired.
#[utoipa::path(post, path = "/v1/keys/{id}/rotate", operation_id = "rotate_key", tag = "keys",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)), request_body = Rotation,
    responses((status = 201, description = "The new key.", body = KeyCreated)))]
async fn rotate_key(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Id(id): Id,
    idempotency: IdempotencyKey,
    Body { value: rotation, digest }: Body<Rotation>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let once = match idempotency.begin(&mut tenant, &format!("rotate_key {id}"), digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    let (row, shown) = rows::rotate(&mut tenant, id, rotation.overlap_seconds).await?;
    let answer = shown_once(row, &shown)?;
    once.keep_secret(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

fn shown_once(row: rows::Key, shown: &SecretString) -> Result<Answer> {
    let location = format!("/v1/keys/{}", row.id);
    Answer::created(location, &KeyCreated { key: row.into(), api_key: shown.expose_secret().to_owned() })
}

/// Lists the keys, the newest first, revoked ones too.
#[utoipa::path(get, path = "/v1/keys", operation_id = "list_keys", tag = "keys",
    security(("key" = ["owner"])), params(PageQuery),
    responses((status = 200, description = "A page of keys.", body = List<Key>)))]
async fn list_keys(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&List::<Key>::of(rows::list(&mut tenant, &page.into()).await?))
}

/// Gets a key, without its secret.
#[utoipa::path(get, path = "/v1/keys/{id}", operation_id = "get_key", tag = "keys",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The key.", body = Key)))]
async fn get_key(caller: Caller<Owner>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let row = rows::find(&mut tenant, id).await?.ok_or_else(|| Problem::not_found("key"))?;
    Answer::ok(&Key::from(row))
}

/// Revokes a key, at once.
#[utoipa::path(delete, path = "/v1/keys/{id}", operation_id = "delete_key", tag = "keys",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)),
    responses((status = 204, description = "It is revoked.")))]
async fn delete_key(caller: Caller<Owner>, State(state): State<ApiState>, Id(id): Id) -> Result<StatusCode> {
    let mut tenant = caller.open(&state).await?;
    rows::revoke(&mut tenant, id).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of keys.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_key, list_keys))
        .routes(routes!(get_key, delete_key))
        .routes(routes!(rotate_key))
}
