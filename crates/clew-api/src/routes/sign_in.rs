//! Signing in, staying signed in, signing out, and one's own password.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use clew_store::session::{self, Opened, Refreshed};
use clew_store::sign_in::{self, Attempt, Places, Tried};
use clew_store::{audit, member, tenant};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::member::Member;
use crate::act::Stranger;
use crate::answer::Answer;
use crate::caller::{Caller, Reader};
use crate::extract::Body;
use crate::password;
use crate::problem::{Code, Problem, Result};
use crate::state::ApiState;
use crate::token::{Subject, TokenConfig};

/// Reads a text that shows in no `Debug`.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    #[schema(min_length = 1, max_length = 254, example = "anna.lenoir@example.com")]
    email: String,
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 256, example = "seven grey herons")]
    password: SecretString,
    /// For members of several tenants; when absent, the tenant in which this e-mail was a member's first.
    #[serde(default)]
    tenant_id: Option<Uuid>,
}

/// A session to go on with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refresh {
    /// What the sign-in, or the refresh before, gave.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, max_length = 256, example = "clew_refresh_0198c6a17a527c3e9d0f3f6f4c3b2a10_…")]
    refresh_token: SecretString,
}

/// An invitation to take up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Invitation {
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, max_length = 256, example = "clew_invite_0198c6a17a527c3e9d0f3f6f4c3b2a10_…")]
    invitation: SecretString,
    /// 15 to 256 characters of any kind; neither common nor made of what others know of you.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password, min_length = 15, max_length = 256, example = "seven grey herons")]
    password: SecretString,
}

/// A password to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 256, example = "seven grey herons")]
    current_password: SecretString,
    /// 15 to 256 characters of any kind; neither common nor made of what others know of you.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password, min_length = 15, max_length = 256, example = "eight marmalade skies")]
    new_password: SecretString,
}

/// Somebody who is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedIn {
    /// For `Authorization: Bearer …`; lasts fifteen minutes.
    #[schema(example = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjZkM2Y5YTFjMGI3ZTI1ODQifQ.eyJ…")]
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token ends.
    #[schema(minimum = 0, example = 900)]
    expires_in: i64,
    /// For `POST /v1/sign-in/refresh`, once.
    #[schema(example = "clew_refresh_0198c6a17a527c3e9d0f3f6f4c3b2a10_…")]
    refresh_token: String,
    /// When the refresh token ends.
    refresh_expires_at: DateTime<Utc>,
    tenant_id: Uuid,
    member: Member,
}

impl SignedIn {
    pub(super) fn answer(
        state: &ApiState,
        tenant_id: Uuid,
        member: member::Member,
        opened: &Opened,
    ) -> Result<Answer> {
        let now = state.now();
        let subject = Subject { tenant_id, member_id: member.id, session_id: opened.id };
        let (access_token, expires_at) = tokens(state)?.issue(subject, now)?;
        Answer::ok(&Self {
            access_token,
            token_type: "Bearer",
            expires_in: (expires_at - now).num_seconds(),
            refresh_token: opened.refresh_token.expose_secret().to_owned(),
            refresh_expires_at: opened.refresh_expires_at,
            tenant_id,
            member: member.into(),
        })
    }
}

pub(super) fn tokens(state: &ApiState) -> Result<&TokenConfig> {
    let tokens = state.config().tokens.as_ref();
    tokens.ok_or_else(|| Problem::unavailable("this server has no secret for tokens; nobody can sign in", 60))
}

fn refused() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "e-mail and password are not those of a member; a member of several tenants names the tenant_id",
    )
}

/// Counts an attempt before it is looked at; 429 when it comes too soon.
async fn count(state: &ApiState, account: &str, stranger: &Stranger) -> Result<Attempt> {
    let (tokens, network) = (tokens(state)?, stranger.network());
    let places = Places {
        pair: tokens.place(&["pair", account, &network]),
        account: tokens.place(&["account", account]),
        address: tokens.place(&["address", &network]),
    };
    match sign_in::attempt(state.store(), &places, state.now()).await? {
        Tried::Counted(attempt) => Ok(attempt),
        Tried::TooSoon(wait) => Err(Problem::too_soon(wait)),
    }
}

/// Signs a member in.
///
/// Whatever is wrong gets the same answer in the same time. After some failures each further one doubles the time
/// before the next attempt, which until then is 429 with `Retry-After`; nobody is ever locked out.
#[utoipa::path(post, path = "/v1/sign-in", operation_id = "create_session", tag = "sign-in", request_body = SignIn,
    responses((status = 200, description = "Tokens of a new session.", body = SignedIn),
        (status = 401), (status = 429), (status = 503)))]
async fn create_session(
    State(state): State<ApiState>,
    stranger: Stranger,
    Body { value: asked, .. }: Body<SignIn>,
) -> Result<Answer> {
    let (store, now) = (state.store(), state.now());
    let email = asked.email.trim().to_lowercase();
    let attempt = count(&state, &email, &stranger).await?;
    let found = sign_in::find_member(store, &email, asked.tenant_id).await?;
    // Nobody is looked up in no tenant, which takes as long as somebody.
    let (tenant_id, member_id) = found.unwrap_or_default();
    let hash = member::find_password_hash(&mut store.tenant(tenant_id).await?, member_id).await?;
    let is_good = state.passwords().verify(&asked.password, hash.clone()).await?;
    let (true, Some(mut hash)) = (is_good, hash) else { return Err(refused()) };
    let renewed = if password::is_outdated(&hash) {
        Some(state.passwords().hash(&asked.password).await?)
    } else {
        None
    };
    let mut tenant = store.tenant(tenant_id).await?.acting(stranger.acting_as(member_id));
    if let Some(renewed) = renewed
        && member::replace_password_hash(&mut tenant, member_id, &hash, &renewed).await?
    {
        hash = renewed;
    }
    let row = member::signed_in(&mut tenant, member_id, &hash, now).await?.ok_or_else(refused)?;
    let opened = session::open(&mut tenant, member_id, now).await?;
    tenant.commit().await?;
    sign_in::succeeded(store, &attempt, now).await?;
    SignedIn::answer(&state, tenant_id, row, &opened)
}

/// Goes on with a session: uses the refresh token up and gives the next, with a new access token.
///
/// A refresh token that is used a second time was stolen: its whole session ends.
#[utoipa::path(post, path = "/v1/sign-in/refresh", operation_id = "refresh_session", tag = "sign-in",
    request_body = Refresh, responses((status = 200, description = "The next tokens of the session.", body = SignedIn),
        (status = 401), (status = 503)))]
async fn refresh_session(
    State(state): State<ApiState>,
    stranger: Stranger,
    Body { value: asked, .. }: Body<Refresh>,
) -> Result<Answer> {
    tokens(&state)?;
    let refused =
        || Problem::new(Code::Unauthenticated, "the session has ended, or was never one; sign in again");
    let tenant_id = session::tenant_of_refresh_token(&asked.refresh_token).ok_or_else(refused)?;
    let mut tenant = state.store().tenant(tenant_id).await?;
    let refreshed = session::refresh(&mut tenant, &asked.refresh_token, state.now()).await?;
    match refreshed {
        Refreshed::Next(opened) => {
            let row = member::find(&mut tenant, opened.member_id).await?.ok_or_else(refused)?;
            tenant.acting(stranger.acting_as(row.id)).commit().await?;
            SignedIn::answer(&state, tenant_id, row, &opened)
        }
        Refreshed::Reused { session_id } => {
            let mut tenant = tenant.acting(stranger.act());
            audit::note_made(&mut tenant, &session_id.to_string());
            tenant.commit().await?;
            tracing::warn!(tenant.id = %tenant_id, session.id = %session_id, "a refresh token was used again; its session is ended");
            Err(refused())
        }
        Refreshed::Refused => Err(refused()),
    }
}

/// Takes an invitation up: sets the password and signs in. Sessions that an older password opened end.
#[utoipa::path(post, path = "/v1/sign-in/invitation", operation_id = "accept_invitation", tag = "sign-in",
    request_body = Invitation, responses((status = 200, description = "Tokens of a new session.", body = SignedIn),
        (status = 401), (status = 503)))]
async fn accept_invitation(
    State(state): State<ApiState>,
    stranger: Stranger,
    Body { value: asked, .. }: Body<Invitation>,
) -> Result<Answer> {
    tokens(&state)?;
    let now = state.now();
    let refused = || {
        Problem::new(
            Code::Unauthenticated,
            "the invitation was taken up, has expired, or was never one; ask for another",
        )
    };
    let tenant_id = member::tenant_of_invitation(&asked.invitation).ok_or_else(refused)?;
    let mut tenant = state.store().tenant(tenant_id).await?;
    let row = member::find_invited(&mut tenant, &asked.invitation, now).await?.ok_or_else(refused)?;
    let own = tenant::find_own(&mut tenant).await?;
    drop(tenant);
    check(&asked.password, "/password", &row, &own.name)?;
    let hash = state.passwords().hash(&asked.password).await?;
    let mut tenant = state.store().tenant(tenant_id).await?.acting(stranger.acting_as(row.id));
    member::take_up(&mut tenant, &asked.invitation, &hash, now).await?.ok_or_else(refused)?;
    let row = member::signed_in(&mut tenant, row.id, &hash, now).await?.ok_or_else(refused)?;
    let opened = session::open(&mut tenant, row.id, now).await?;
    tenant.commit().await?;
    SignedIn::answer(&state, tenant_id, row, &opened)
}

fn check(password: &SecretString, pointer: &str, member: &member::Member, tenant: &str) -> Result<()> {
    let about = [member.email.as_str(), member.name.as_deref().unwrap_or_default(), tenant];
    match password::fault(password.expose_secret(), &about) {
        None => Ok(()),
        Some(fault) => Err(Problem::field(pointer, fault)),
    }
}

/// Ends the caller's session, at once.
#[utoipa::path(post, path = "/v1/sign-out", operation_id = "delete_session", tag = "sign-in",
    security(("key" = ["reader"])),
    responses((status = 204, description = "The session has ended."), (status = 409)))]
async fn delete_session(caller: Caller<Reader>, State(state): State<ApiState>) -> Result<StatusCode> {
    let session_id = caller.session_id.ok_or_else(no_session)?;
    let mut tenant = caller.open(&state).await?;
    session::end(&mut tenant, session_id, state.now()).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn no_session() -> Problem {
    Problem::new(Code::Conflict, "an API key has neither session nor password; this is for signed-in members")
}

/// Changes the caller's own password. Their other sessions end.
#[utoipa::path(put, path = "/v1/password", operation_id = "update_password", tag = "sign-in",
    security(("key" = ["reader"])), request_body = PasswordChange,
    responses((status = 204, description = "The new password holds."), (status = 409)))]
async fn update_password(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    stranger: Stranger,
    Body { value: asked, .. }: Body<PasswordChange>,
) -> Result<StatusCode> {
    let session_id = caller.session_id.ok_or_else(no_session)?;
    let mut tenant = caller.open(&state).await?;
    let row = member::find(&mut tenant, caller.id).await?.ok_or_else(|| Problem::not_found("member"))?;
    let hash = member::find_password_hash(&mut tenant, caller.id).await?;
    let own = tenant::find_own(&mut tenant).await?;
    drop(tenant);
    check(&asked.new_password, "/new_password", &row, &own.name)?;
    let attempt = count(&state, &caller.id.to_string(), &stranger).await?;
    let wrong = || Problem::field("/current_password", "is not the present one");
    let is_good = state.passwords().verify(&asked.current_password, hash.clone()).await?;
    let (true, Some(hash)) = (is_good, hash) else { return Err(wrong()) };
    let new = state.passwords().hash(&asked.new_password).await?;
    let mut tenant = caller.open(&state).await?;
    if !member::replace_password_hash(&mut tenant, caller.id, &hash, &new).await? {
        return Err(wrong());
    }
    session::end_all(&mut tenant, caller.id, Some(session_id), state.now()).await?;
    tenant.commit().await?;
    sign_in::succeeded(state.store(), &attempt, state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of signing in.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_session))
        .routes(routes!(refresh_session))
        .routes(routes!(accept_invitation))
        .routes(routes!(delete_session))
        .routes(routes!(update_password))
}
