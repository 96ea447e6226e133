//! Members of the tenant: the people who sign in.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use clew_store::member as rows;
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
use crate::patch::Patch;
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// How long an invitation may be taken up.
const INVITED_FOR: TimeDelta = TimeDelta::days(7);

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MemberRight {
    Reader,
    Marketer,
    Owner,
}

impl From<MemberRight> for clew_store::key::Right {
    fn from(right: MemberRight) -> Self {
        match right {
            MemberRight::Reader => Self::Reader,
            MemberRight::Marketer => Self::Marketer,
            MemberRight::Owner => Self::Owner,
        }
    }
}

impl From<clew_store::key::Right> for MemberRight {
    /// No member sends data only; the schema holds it.
    fn from(right: clew_store::key::Right) -> Self {
        use clew_store::key::Right;
        match right {
            Right::Ingest | Right::Reader => Self::Reader,
            Right::Marketer => Self::Marketer,
            Right::Owner => Self::Owner,
        }
    }
}

/// A member to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMember {
    /// What they sign in with; kept in lower case.
    #[schema(min_length = 3, max_length = 254, format = "email", example = "anna.lenoir@example.com")]
    email: String,
    /// What people call them.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200, example = "Anna Lenoir")]
    name: Option<String>,
    /// What they may do.
    right: MemberRight,
}

/// What may be changed of a member.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberChange {
    /// What people call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, example = "Anna Lenoir")]
    name: Option<String>,
    /// What they may do, from the next request on.
    right: MemberRight,
}

/// A member, without password and invitation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Member {
    id: Uuid,
    #[schema(example = "anna.lenoir@example.com")]
    email: String,
    #[schema(example = "Anna Lenoir")]
    name: Option<String>,
    right: MemberRight,
    /// Whether they have set a password, without which nobody signs in.
    has_password: bool,
    /// Until when their invitation may be taken up.
    invitation_expires_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    last_sign_in_at: Option<DateTime<Utc>>,
}

/// A member with an invitation just made.
#[derive(Serialize, ToSchema)]
struct MemberInvited {
    #[serde(flatten)]
    member: Member,
    /// For the member alone, who sets a password with it at `POST /v1/sign-in/invitation`: once, within seven
    /// days. Shown this once.
    #[schema(example = "clew_invite_0198c6a17a527c3e9d0f3f6f4c3b2a10_…")]
    invitation: String,
}

impl From<rows::Member> for Member {
    fn from(row: rows::Member) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            right: row.right.into(),
            has_password: row.has_password,
            invitation_expires_at: row.invitation_expires_at,
            created_at: row.created_at,
            last_sign_in_at: row.last_sign_in_at,
        }
    }
}

fn invited((row, invitation): (rows::Member, SecretString)) -> Result<Answer> {
    let location = format!("/v1/members/{}", row.id);
    let invitation = invitation.expose_secret().to_owned();
    Answer::created(location, &MemberInvited { member: row.into(), invitation })
}

/// Makes a member, with an invitation to set a password.
///
/// Nobody but the member ever knows the password: the invitation is for handing over.
#[utoipa::path(post, path = "/v1/members", operation_id = "create_member", tag = "members",
    security(("key" = ["owner"])), request_body = NewMember,
    responses((status = 201, description = "The member and the invitation.", body = MemberInvited)))]
async fn create_member(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    idempotency: IdempotencyKey,
    Body { value: new, digest }: Body<NewMember>,
) -> Result<Answer> {
    let email = rows::email(&new.email)
        .ok_or_else(|| Problem::field("/email", "expected an e-mail address such as anna@example.com"))?;
    let mut tenant = caller.open(&state).await?;
    let once = match idempotency.begin(&mut tenant, "create_member", digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    let new = rows::NewMember { email, name: new.name, right: new.right.into() };
    let row = rows::insert(&mut tenant, &new).await?;
    let answer = invited(rows::invite(&mut tenant, row.id, state.now() + INVITED_FOR).await?)?;
    once.keep_secret(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// Lists the members, the newest first.
#[utoipa::path(get, path = "/v1/members", operation_id = "list_members", tag = "members",
    security(("key" = ["owner"])), params(PageQuery),
    responses((status = 200, description = "A page of members.", body = List<Member>)))]
async fn list_members(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&List::<Member>::of(rows::list(&mut tenant, &page.into()).await?))
}

/// Gets a member.
#[utoipa::path(get, path = "/v1/members/{id}", operation_id = "get_member", tag = "members",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The member.", body = Member)))]
async fn get_member(caller: Caller<Owner>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let row = rows::find(&mut tenant, id).await?.ok_or_else(|| Problem::not_found("member"))?;
    Answer::ok(&Member::from(row))
}

/// Changes a member's name or right, in open sessions too. The last owner stays one (409).
#[utoipa::path(patch, path = "/v1/members/{id}", operation_id = "update_member", tag = "members",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)), request_body = MemberChange,
    responses((status = 200, description = "The member as it is now.", body = Member),
        (status = 409, description = "It is the last owner.")))]
async fn update_member(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Id(id): Id,
    patch: Patch,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let row = rows::find(&mut tenant, id).await?.ok_or_else(|| Problem::not_found("member"))?;
    let change = patch.apply(&MemberChange { name: row.name, right: row.right.into() })?;
    let row = rows::update(&mut tenant, id, change.name.as_deref(), change.right.into()).await?;
    tenant.commit().await?;
    Answer::ok(&Member::from(row))
}

/// Removes a member and ends their sessions, at once. The last owner stays (409).
#[utoipa::path(delete, path = "/v1/members/{id}", operation_id = "delete_member", tag = "members",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)),
    responses((status = 204, description = "They are no member any more."),
        (status = 409, description = "It is the last owner.")))]
async fn delete_member(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<StatusCode> {
    let mut tenant = caller.open(&state).await?;
    rows::delete(&mut tenant, id).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a new invitation, for who has lost a password or an earlier one.
///
/// The present password works until the invitation is taken up; an earlier invitation does not.
#[utoipa::path(post, path = "/v1/members/{id}/invitation", operation_id = "invite_member", tag = "members",
    security(("key" = ["owner"])), params(("id" = Uuid, Path)),
    responses((status = 201, description = "The member and the invitation.", body = MemberInvited)))]
async fn invite_member(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Id(id): Id,
    idempotency: IdempotencyKey,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let once = match idempotency.begin(&mut tenant, &format!("invite_member {id}"), [0; 32]).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    let answer = invited(rows::invite(&mut tenant, id, state.now() + INVITED_FOR).await?)?;
    once.keep_secret(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// The routes of members.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_member, list_members))
        .routes(routes!(get_member, update_member, delete_member))
        .routes(routes!(invite_member))
}
