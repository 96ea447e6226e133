//! Tenants: the operator makes and lists them; a tenant sees itself.

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_store::audit;
use clew_store::key::{self, NewKey, Right};
use clew_store::tenant as rows;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List, PageQuery};
use crate::caller::{Caller, Follower, Operator, Owner};
use crate::extract::{Body, Id, Query};
use crate::idempotency::IdempotencyKey;
use crate::patch::Patch;
use crate::problem::{Code, Problem, Result};
use crate::state::ApiState;

/// Whether real customers stand behind a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Live,
    Test,
}

impl From<Mode> for rows::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Live => Self::Live,
            Mode::Test => Self::Test,
        }
    }
}

impl From<rows::Mode> for Mode {
    fn from(mode: rows::Mode) -> Self {
        match mode {
            rows::Mode::Live => Self::Live,
            rows::Mode::Test => Self::Test,
        }
    }
}

/// A tenant to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, example = "Maison Lenoir")]
    name: String,
    /// ISO 4217 code of the currency its money is in.
    #[serde(default = "euro")]
    #[schema(min_length = 3, max_length = 3, default = "EUR", example = "EUR")]
    currency: String,
    /// `test` for one whose data are made up: its keys begin with `clew_test_`.
    #[serde(default)]
    #[schema(default = "live")]
    mode: Mode,
}

fn euro() -> String {
    "EUR".to_owned()
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
struct Tenant {
    id: Uuid,
    #[schema(example = "Maison Lenoir")]
    name: String,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// Whether real customers stand behind it.
    mode: Mode,
    /// Customers under which nothing is learned of an attribute's value, nor told of a group that closed columns mark off.
    #[schema(example = 20)]
    minimum_support: i32,
    /// Trained models that are kept, the one that answers among them.
    #[schema(example = 10)]
    models_kept: i32,
    created_at: DateTime<Utc>,
}

/// A tenant just made, with its first key.
#[derive(Serialize, ToSchema)]
struct TenantCreated {
    #[serde(flatten)]
    tenant: Tenant,
    /// The tenant's first key, with the right `owner`. Shown this once.
    #[schema(example = "clew_live_0198c6a17a527c3e9d0f3f6f4c3b2a10_…")]
    api_key: String,
}

impl From<rows::TenantRow> for Tenant {
    fn from(row: rows::TenantRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            currency: row.currency,
            mode: row.mode.into(),
            minimum_support: row.minimum_support,
            models_kept: row.models_kept,
            created_at: row.created_at,
        }
    }
}

/// Makes a tenant and its first key.
#[utoipa::path(post, path = "/v1/tenants", operation_id = "create_tenant", tag = "tenants",
    security(("key" = ["operator"])), request_body = NewTenant,
    responses((status = 201, description = "The tenant and its first key.", body = TenantCreated)))]
async fn create_tenant(
    caller: Caller<Operator>,
    State(state): State<ApiState>,
    idempotency: IdempotencyKey,
    Body { value: new, digest }: Body<NewTenant>,
) -> Result<Answer> {
    if !new.currency.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Problem::field("/currency", "expected an ISO 4217 code such as EUR"));
    }
    // The key is the tenant's row and the tenant is the operator's, so three transactions: this one stays open
    // round the others and holds the idempotency key, so that a repeated request waits for its answer.
    let mut record = caller.open_operator(&state).await?;
    let once = match idempotency.begin(&mut record, "create_tenant", digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    let mut operator = state.store().operator().await?;
    let tenant = Tenant::from(rows::insert(&mut operator, &new.name, &new.currency, new.mode.into()).await?);
    operator.commit().await?;
    let mut own = caller.open_new(&state, tenant.id).await?;
    audit::note_made(&mut own, &tenant.id.to_string());
    let first = NewKey { name: "first key".into(), right: Right::Owner, expires_at: None };
    let (_, shown) = key::insert(&mut own, &first).await?;
    own.commit().await?;
    let location = format!("/v1/tenants/{}", tenant.id);
    let answer =
        Answer::created(location, &TenantCreated { tenant, api_key: shown.expose_secret().to_owned() })?;
    once.keep_secret(&mut record, &answer).await?;
    record.commit().await?;
    Ok(answer)
}

/// Lists the tenants, the newest first.
#[utoipa::path(get, path = "/v1/tenants", operation_id = "list_tenants", tag = "tenants",
    security(("key" = ["operator"])), params(PageQuery),
    responses((status = 200, description = "A page of tenants.", body = List<Tenant>)))]
async fn list_tenants(
    _caller: Caller<Operator>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut operator = state.store().operator().await?;
    Answer::ok(&List::<Tenant>::of(rows::list(&mut operator, &page.into()).await?))
}

/// Gets a tenant by its id.
#[utoipa::path(get, path = "/v1/tenants/{id}", operation_id = "find_tenant", tag = "tenants",
    security(("key" = ["operator"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The tenant.", body = Tenant)))]
async fn find_tenant(_caller: Caller<Operator>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut operator = state.store().operator().await?;
    let row =
        rows::find(&mut operator, id).await?.ok_or_else(|| Problem::new(Code::NotFound, "no such tenant"))?;
    Answer::ok(&Tenant::from(row))
}

/// Gets the caller's own tenant.
#[utoipa::path(get, path = "/v1/tenant", operation_id = "get_tenant", tag = "tenants",
    security(("key" = ["ingest", "reader"])),
    responses((status = 200, description = "The tenant of the credential.", body = Tenant)))]
async fn get_tenant(caller: Caller<Follower>, State(state): State<ApiState>) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&Tenant::from(rows::find_own(&mut tenant).await?))
}

/// What a tenant's owner may set of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TenantSettings {
    /// Customers under which nothing is learned of an attribute's value, nor told of a group that closed columns mark
    /// off. Rarer values count with broader ones: a postcode with its department, any other with all rare ones. The next training
    /// goes by it.
    #[serde(default = "twenty")]
    #[schema(minimum = 10, maximum = 100_000, default = 20, example = 20)]
    minimum_support: i32,
    /// Trained models that are kept. When a training ends, the oldest beyond them are removed, but never the one that
    /// answers; a report of a campaign goes by the models that are left.
    #[serde(default = "ten")]
    #[schema(minimum = 2, maximum = 1000, default = 10, example = 10)]
    models_kept: i32,
}

fn twenty() -> i32 {
    20
}

fn ten() -> i32 {
    10
}

/// Changes the caller's own tenant by a merge patch.
#[utoipa::path(patch, path = "/v1/tenant", operation_id = "update_tenant", tag = "tenants",
    security(("key" = ["owner"])), request_body = TenantSettings,
    responses((status = 200, description = "The tenant as it is now.", body = Tenant)))]
async fn update_tenant(caller: Caller<Owner>, State(state): State<ApiState>, patch: Patch) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let rows::TenantRow { minimum_support, models_kept, .. } = rows::find_own(&mut tenant).await?;
    let TenantSettings { minimum_support, models_kept } =
        patch.apply(&TenantSettings { minimum_support, models_kept })?;
    rows::set_minimum_support(&mut tenant, minimum_support).await?;
    let row = rows::set_models_kept(&mut tenant, models_kept).await?;
    audit::note(&mut tenant, Some(row.id.to_string()), Some(1));
    tenant.commit().await?;
    Answer::ok(&Tenant::from(row))
}

/// The routes of tenants.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_tenant, list_tenants))
        .routes(routes!(find_tenant))
        .routes(routes!(get_tenant, update_tenant))
}
