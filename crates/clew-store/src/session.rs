//! Sessions: what a sign-in began. Each is a family of refresh tokens of which one at a time is good; one that is
//! used a second time was stolen, by whoever came first or second, and ends the whole family (RFC 9700, section
//! 4.14.2).

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::error::Result;
use crate::key::Right;
use crate::scope::Tenant;
use crate::secret;

/// How a refresh token begins.
const REFRESH: &str = "clew_refresh";
/// However often it is refreshed, a session ends after so long (NIST SP 800-63B-4, section 2.1.3).
const LIFETIME: TimeDelta = TimeDelta::days(30);
/// A session that is not refreshed for so long has ended.
const IDLE: TimeDelta = TimeDelta::days(7);

/// A session that was opened or refreshed.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub id: Uuid,
    /// Whose it is.
    pub member_id: Uuid,
    /// What the session is refreshed with, once. The string is the only copy.
    pub refresh_token: SecretString,
    /// Until when.
    pub refresh_expires_at: DateTime<Utc>,
}

/// Opens a session, and forgets the member's that are over.
pub async fn open(tenant: &mut Tenant<'_>, member_id: Uuid, now: DateTime<Utc>) -> Result<Opened> {
    let tenant_id = tenant.id();
    sqlx::query(
        "delete from sessions where tenant_id = $1 and member_id = $2 and (expires_at <= $3 or ended_at <= $3)",
    )
    .bind(tenant_id)
    .bind(member_id)
    .bind(now)
    .execute(tenant.connection())
    .await?;
    let id = Uuid::now_v7();
    let expires_at = now + LIFETIME;
    sqlx::query(
        "insert into sessions (tenant_id, id, member_id, created_at, expires_at) values ($1, $2, $3, $4, $5)",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(member_id)
    .bind(now)
    .bind(expires_at)
    .execute(tenant.connection())
    .await?;
    give_token(tenant, id, member_id, expires_at, now).await
}

async fn give_token(
    tenant: &mut Tenant<'_>,
    id: Uuid,
    member_id: Uuid,
    session_expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Opened> {
    let tenant_id = tenant.id();
    let minted = secret::mint(REFRESH, tenant_id)?;
    let refresh_expires_at = session_expires_at.min(now + IDLE);
    sqlx::query(
        "insert into refresh_tokens (tenant_id, hash, session_id, expires_at) values ($1, $2, $3, $4)",
    )
    .bind(tenant_id)
    .bind(&minted.hash[..])
    .bind(id)
    .bind(refresh_expires_at)
    .execute(tenant.connection())
    .await?;
    Ok(Opened { id, member_id, refresh_token: minted.shown, refresh_expires_at })
}

/// The tenant of a refresh token, when it is well-formed: the only thing that it tells.
pub fn tenant_of_refresh_token(token: &SecretString) -> Option<Uuid> {
    secret::public_id(REFRESH, token.expose_secret())
}

/// What became of a refresh token.
#[derive(Debug)]
pub enum Refreshed {
    /// It was good, and is used now; this is the next.
    Next(Opened),
    /// It had been used before: its session is ended. Commit it.
    Reused {
        /// The session.
        session_id: Uuid,
    },
    /// It is none, has expired, or its session has ended.
    Refused,
}

/// Uses a refresh token up and gives the next. Commit it whatever the outcome.
pub async fn refresh(tenant: &mut Tenant<'_>, token: &SecretString, now: DateTime<Utc>) -> Result<Refreshed> {
    let tenant_id = tenant.id();
    let hash = secret::hash(token.expose_secret());
    // Of two at once the second waits for the row and then finds it used.
    let used: Option<Uuid> = sqlx::query_scalar(
        "update refresh_tokens set used_at = $3
         where tenant_id = $1 and hash = $2 and used_at is null and expires_at > $3 returning session_id",
    )
    .bind(tenant_id)
    .bind(&hash[..])
    .bind(now)
    .fetch_optional(tenant.connection())
    .await?;
    let Some(session_id) = used else {
        let reused: Option<Uuid> = sqlx::query_scalar(
            "select session_id from refresh_tokens where tenant_id = $1 and hash = $2 and used_at is not null",
        )
        .bind(tenant_id)
        .bind(&hash[..])
        .fetch_optional(tenant.connection())
        .await?;
        let Some(session_id) = reused else { return Ok(Refreshed::Refused) };
        end(tenant, session_id, now).await?;
        return Ok(Refreshed::Reused { session_id });
    };
    // Locked, so that a sign-out at the same moment comes before or after, never in between.
    let live: Option<(Uuid, DateTime<Utc>)> = sqlx::query_as(
        "select member_id, expires_at from sessions
         where tenant_id = $1 and id = $2 and ended_at is null and expires_at > $3 for update",
    )
    .bind(tenant_id)
    .bind(session_id)
    .bind(now)
    .fetch_optional(tenant.connection())
    .await?;
    let Some((member_id, expires_at)) = live else { return Ok(Refreshed::Refused) };
    Ok(Refreshed::Next(give_token(tenant, session_id, member_id, expires_at, now).await?))
}

/// The right of a member whose session goes on: looked up each time, so that a removed member, a lowered right and a
/// sign-out are felt at once.
pub async fn find_right(
    tenant: &mut Tenant<'_>,
    session_id: Uuid,
    member_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Right>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_scalar(
        r#"select "right" from members join sessions using (tenant_id)
           where tenant_id = $1 and sessions.id = $2 and members.id = $3 and member_id = $3
               and ended_at is null and expires_at > $4"#,
    )
    .bind(tenant_id)
    .bind(session_id)
    .bind(member_id)
    .bind(now)
    .fetch_optional(tenant.connection())
    .await?)
}

/// Ends a session. Ending it again changes nothing.
pub async fn end(tenant: &mut Tenant<'_>, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let tenant_id = tenant.id();
    sqlx::query("update sessions set ended_at = coalesce(ended_at, $3) where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .bind(now)
        .execute(tenant.connection())
        .await?;
    Ok(())
}

/// Ends all sessions of a member but perhaps one.
pub async fn end_all(
    tenant: &mut Tenant<'_>,
    member_id: Uuid,
    but: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant_id = tenant.id();
    sqlx::query(
        "update sessions set ended_at = $4
         where tenant_id = $1 and member_id = $2 and id is distinct from $3 and ended_at is null",
    )
    .bind(tenant_id)
    .bind(member_id)
    .bind(but)
    .bind(now)
    .execute(tenant.connection())
    .await?;
    Ok(())
}
