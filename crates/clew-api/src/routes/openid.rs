//! Signing in with an account at an outside OpenID provider.

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_store::openid::{self as accounts, Found};
use clew_store::{member, session};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::sign_in::{SignedIn, tokens};
use crate::act::Stranger;
use crate::answer::Answer;
use crate::extract::Body;
use crate::openid::{Attempts, Provider, Returned, Unsigned};
use crate::problem::{Code, Problem, Result};
use crate::state::ApiState;

/// Whether members may sign in with an account elsewhere.
#[derive(Serialize, ToSchema)]
struct OpenIdOffer {
    /// Whether this server has a provider.
    #[schema(example = true)]
    offered: bool,
    /// What people call it.
    #[schema(example = "Example Login")]
    name: Option<String>,
}

/// A sign-in that has begun.
#[derive(Serialize, ToSchema)]
struct OpenIdAttempt {
    /// Where the browser is to go.
    #[schema(example = "https://id.example.com/authorize?response_type=code&client_id=clew&…")]
    authorization_url: String,
    /// To be kept by the page that began, and sent with what the provider answers.
    #[schema(example = "AQAAAABpIf3YLq…")]
    attempt: String,
    /// Until when the answer is taken.
    expires_at: DateTime<Utc>,
}

/// What the provider answered, and to what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenIdAnswer {
    /// What the beginning gave.
    #[schema(min_length = 1, max_length = 256, example = "AQAAAABpIf3YLq…")]
    attempt: String,
    /// `code` of the query that the provider sent the browser back with.
    #[schema(min_length = 1, max_length = 4096, example = "SplxlOBeZQQYbYS6WxSbIA")]
    code: String,
    /// `state` of that query.
    #[schema(min_length = 1, max_length = 256, example = "af0ifjsldkj")]
    state: String,
    /// `iss` of that query, where it has one.
    #[serde(default)]
    #[schema(max_length = 500, example = "https://id.example.com")]
    iss: Option<String>,
    /// For members of several tenants; when absent, one in which they signed in so before, else their first.
    #[serde(default)]
    tenant_id: Option<Uuid>,
}

fn provider(state: &ApiState) -> Result<&Provider> {
    let none = || Problem::unavailable("this server has no OpenID provider; sign in with a password", 60);
    state.openid().ok_or_else(none)
}

fn attempts(state: &ApiState) -> Result<Attempts> {
    Ok(Attempts::new(tokens(state)?.attempt_key()))
}

fn refused() -> Problem {
    let detail =
        "the sign-in was not begun here, was answered already or took longer than ten minutes; begin again";
    Problem::new(Code::Unauthenticated, detail)
}

fn nobody() -> Problem {
    let detail = "the account at the provider is no member's; ask an owner to invite its e-mail, and let the provider \
                  verify that e-mail";
    Problem::new(Code::Unauthenticated, detail)
}

fn away() -> Problem {
    Problem::unavailable(
        "the OpenID provider does not answer as it should; try again, or sign in with a password",
        10,
    )
}

/// Says whether members may sign in with an account elsewhere.
#[utoipa::path(get, path = "/v1/sign-in/openid", operation_id = "get_openid_offer", tag = "sign-in",
    responses((status = 200, description = "Whether, and with whose.", body = OpenIdOffer)))]
async fn get_openid_offer(State(state): State<ApiState>) -> Result<Answer> {
    let name = state.config().openid.as_ref().map(|config| config.name().to_owned());
    Answer::ok(&OpenIdOffer { offered: name.is_some(), name })
}

/// Begins a sign-in with an account at the provider: where the browser goes, and what the page keeps meanwhile.
#[utoipa::path(post, path = "/v1/sign-in/openid", operation_id = "begin_openid_session", tag = "sign-in",
    responses((status = 200, description = "It has begun.", body = OpenIdAttempt), (status = 503)))]
async fn begin_openid_session(State(state): State<ApiState>) -> Result<Answer> {
    let provider = provider(&state)?;
    let attempt = attempts(&state)?.begin(&clew_store::secret::random()?, state.now());
    let url = provider.authorization_url(&attempt, state.now()).await.map_err(|failed| {
        tracing::warn!(error = &failed as &dyn std::error::Error, "nobody can sign in with OpenID");
        away()
    })?;
    Answer::ok(&OpenIdAttempt {
        authorization_url: url.into(),
        attempt: attempt.shown,
        expires_at: attempt.expires_at,
    })
}

/// Signs the member in whose account it is.
///
/// The first time it is the member of the account's verified e-mail; from then on the member who signed in with the
/// account, whatever becomes of the e-mail.
#[utoipa::path(post, path = "/v1/sign-in/openid/session", operation_id = "create_openid_session", tag = "sign-in",
    request_body = OpenIdAnswer, responses((status = 200, description = "Tokens of a new session.", body = SignedIn),
        (status = 401), (status = 503)))]
async fn create_openid_session(
    State(state): State<ApiState>,
    stranger: Stranger,
    Body { value: asked, .. }: Body<OpenIdAnswer>,
) -> Result<Answer> {
    let (provider, now) = (provider(&state)?, state.now());
    let attempt = attempts(&state)?.open(&asked.attempt, now).ok_or_else(refused)?;
    if !attempt.is_answered_by(&asked.state) {
        return Err(refused());
    }
    let returned = Returned { code: &asked.code, issuer: asked.iss.as_deref() };
    let account = provider.account(&attempt, &returned, now).await.map_err(|unsigned| {
        tracing::warn!(error = &unsigned as &dyn std::error::Error, "a sign-in with OpenID failed");
        if matches!(unsigned, Unsigned::Provider(_)) { away() } else { refused() }
    })?;
    let found = accounts::find_member(state.store(), &account, asked.tenant_id).await?;
    let Found { tenant_id, member_id, is_linked } = found.ok_or_else(nobody)?;
    let mut tenant = state.store().tenant(tenant_id).await?.acting(stranger.acting_as(member_id));
    if !is_linked && !accounts::link(&mut tenant, member_id, &account, now).await? {
        return Err(nobody());
    }
    let row = member::signed_in_with(&mut tenant, member_id, &account, now).await?.ok_or_else(nobody)?;
    let opened = session::open(&mut tenant, member_id, now).await?;
    tenant.commit().await?;
    SignedIn::answer(&state, tenant_id, row, &opened)
}

/// The routes of signing in with OpenID.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get_openid_offer, begin_openid_session))
        .routes(routes!(create_openid_session))
}
