//! Members: people who sign in for a tenant. They are invited by an owner and set their password themselves, with
//! an invitation that is shown once and works once.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::cursor::{Page, Paged};
use crate::error::{Error, Result};
use crate::key::Right;
use crate::openid::Account;
use crate::scope::Tenant;
use crate::{secret, session};

/// How an invitation begins.
const INVITATION: &str = "clew_invite";

/// A row of `members`, without its hashes.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// In lower case; unique within the tenant.
    pub email: String,
    /// What people call them.
    pub name: Option<String>,
    /// What they may do; never `Ingest`.
    pub right: Right,
    /// Whether a password was set.
    pub has_password: bool,
    /// Until when an invitation may be taken up; none when there is none.
    pub invitation_expires_at: Option<DateTime<Utc>>,
    /// When they became a member.
    pub created_at: DateTime<Utc>,
    /// When they last signed in.
    pub last_sign_in_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Member {
    /// Without e-mail and name, which are nobody's business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("id", &self.id).field("right", &self.right).finish_non_exhaustive()
    }
}

/// What may be written of a member.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMember {
    /// As [`email`] gives it.
    pub email: String,
    /// What people call them.
    pub name: Option<String>,
    /// What they may do; never `Ingest`.
    pub right: Right,
}

/// An e-mail address in the form in which it is kept and compared, or none if it is not one: one `@` with something
/// on both sides, 254 bytes at most (RFC 5321, section 4.5.3.1.3), neither spaces nor control characters.
pub fn email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (local, domain) = email.rsplit_once('@')?;
    let well_formed = !local.is_empty()
        && !domain.is_empty()
        && !local.contains('@')
        && email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    well_formed.then_some(email)
}

/// The columns of [`Member`].
macro_rules! columns {
    () => {
        r#"id, email, name, "right", password_hash is not null as has_password, invitation_expires_at, created_at,
           last_sign_in_at"#
    };
}

/// Makes a member, who cannot sign in before a password is set.
///
/// # Errors
/// [`Error::Conflict`] with `members_email` when the tenant has one of this e-mail.
pub async fn insert(tenant: &mut Tenant<'_>, new: &NewMember) -> Result<Member> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(concat!(
        r#"insert into members (tenant_id, id, email, name, "right") values ($1, $2, $3, $4, $5) returning "#,
        columns!()
    ))
    .bind(tenant_id)
    .bind(Uuid::now_v7())
    .bind(&new.email)
    .bind(&new.name)
    .bind(new.right)
    .fetch_one(tenant.connection())
    .await?)
}

/// A member by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Member>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(concat!("select ", columns!(), " from members where tenant_id = $1 and id = $2"))
        .bind(tenant_id)
        .bind(id)
        .fetch_optional(tenant.connection())
        .await?)
}

/// The tenant's members, the newest first.
pub async fn list(tenant: &mut Tenant<'_>, page: &Page) -> Result<Paged<Member>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("members", "").await?;
    let rows: Vec<Member> = sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from members where tenant_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3"
    ))
    .bind(tenant_id)
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// Writes name and right anew. The right holds from the commit on, in open sessions too.
///
/// # Errors
/// A conflict when no owner would be left.
pub async fn update(tenant: &mut Tenant<'_>, id: Uuid, name: Option<&str>, right: Right) -> Result<Member> {
    let tenant_id = tenant.id();
    if right != Right::Owner {
        leave_an_owner(tenant, id).await?;
    }
    sqlx::query_as(concat!(
        r#"update members set name = $3, "right" = $4 where tenant_id = $1 and id = $2 returning "#,
        columns!()
    ))
    .bind(tenant_id)
    .bind(id)
    .bind(name)
    .bind(right)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "member" })
}

/// Removes a member with all sessions, from the commit on.
///
/// # Errors
/// A conflict when no owner would be left.
pub async fn delete(tenant: &mut Tenant<'_>, id: Uuid) -> Result<()> {
    let tenant_id = tenant.id();
    leave_an_owner(tenant, id).await?;
    let done = sqlx::query("delete from members where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .execute(tenant.connection())
        .await?;
    if done.rows_affected() == 0 { Err(Error::Missing { what: "member" }) } else { Ok(()) }
}

/// Refuses when this member is the tenant's only owner: nobody could then invite another. The owners' rows are held
/// until the end of the transaction, lest two owners remove each other.
async fn leave_an_owner(tenant: &mut Tenant<'_>, id: Uuid) -> Result<()> {
    let tenant_id = tenant.id();
    let owners: Vec<Uuid> = sqlx::query_scalar(
        r#"select id from members where tenant_id = $1 and "right" = 'owner' order by id for update"#,
    )
    .bind(tenant_id)
    .fetch_all(tenant.connection())
    .await?;
    if owners != [id] {
        return Ok(());
    }
    Err(Error::Conflict {
        constraint: "the last owner's right: make another member an owner first".to_owned(),
    })
}

/// Makes an invitation to set a password, in place of any before it. The string is the only copy.
pub async fn invite(
    tenant: &mut Tenant<'_>,
    id: Uuid,
    expires_at: DateTime<Utc>,
) -> Result<(Member, SecretString)> {
    let tenant_id = tenant.id();
    let minted = secret::mint(INVITATION, tenant_id)?;
    let row: Option<Member> = sqlx::query_as(concat!(
        "update members set invitation_hash = $3, invitation_expires_at = $4
         where tenant_id = $1 and id = $2 returning ",
        columns!()
    ))
    .bind(tenant_id)
    .bind(id)
    .bind(&minted.hash[..])
    .bind(expires_at)
    .fetch_optional(tenant.connection())
    .await?;
    Ok((row.ok_or(Error::Missing { what: "member" })?, minted.shown))
}

/// The tenant that an invitation is to, when it is well-formed: the only thing that it tells.
pub fn tenant_of_invitation(invitation: &SecretString) -> Option<Uuid> {
    secret::public_id(INVITATION, invitation.expose_secret())
}

/// Who is invited by it, if it still may be taken up.
pub async fn find_invited(
    tenant: &mut Tenant<'_>,
    invitation: &SecretString,
    now: DateTime<Utc>,
) -> Result<Option<Member>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from members where tenant_id = $1 and invitation_hash = $2 and invitation_expires_at > $3"
    ))
    .bind(tenant_id)
    .bind(&secret::hash(invitation.expose_secret())[..])
    .bind(now)
    .fetch_optional(tenant.connection())
    .await?)
}

/// Takes an invitation up: sets the password (a PHC string) and ends the sessions that an older one opened. Gives
/// nothing when somebody else was faster.
pub async fn take_up(
    tenant: &mut Tenant<'_>,
    invitation: &SecretString,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<Member>> {
    let tenant_id = tenant.id();
    let row: Option<Member> = sqlx::query_as(concat!(
        "update members set password_hash = $3, invitation_hash = null, invitation_expires_at = null
         where tenant_id = $1 and invitation_hash = $2 and invitation_expires_at > $4 returning ",
        columns!()
    ))
    .bind(tenant_id)
    .bind(&secret::hash(invitation.expose_secret())[..])
    .bind(password_hash)
    .bind(now)
    .fetch_optional(tenant.connection())
    .await?;
    if let Some(row) = &row {
        session::end_all(tenant, row.id, None, now).await?;
    }
    Ok(row)
}

/// The PHC string of a member's password, if there are such a member and a password.
pub async fn find_password_hash(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<String>> {
    let tenant_id = tenant.id();
    let found: Option<Option<String>> =
        sqlx::query_scalar("select password_hash from members where tenant_id = $1 and id = $2")
            .bind(tenant_id)
            .bind(id)
            .fetch_optional(tenant.connection())
            .await?;
    Ok(found.flatten())
}

/// Replaces one password hash by another, unless it was replaced meanwhile; gives whether it did. Any invitation
/// ends with it.
pub async fn replace_password_hash(
    tenant: &mut Tenant<'_>,
    id: Uuid,
    present: &str,
    new: &str,
) -> Result<bool> {
    let tenant_id = tenant.id();
    let done = sqlx::query(
        "update members set password_hash = $4, invitation_hash = null, invitation_expires_at = null
         where tenant_id = $1 and id = $2 and password_hash = $3",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(present)
    .bind(new)
    .execute(tenant.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes a sign-in with the password of this hash; nothing when it was replaced meanwhile.
pub async fn signed_in(
    tenant: &mut Tenant<'_>,
    id: Uuid,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<Member>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(concat!(
        "update members set last_sign_in_at = $4 where tenant_id = $1 and id = $2 and password_hash = $3 returning ",
        columns!()
    ))
    .bind(tenant_id)
    .bind(id)
    .bind(password_hash)
    .bind(now)
    .fetch_optional(tenant.connection())
    .await?)
}

/// Notes a sign-in with the member's account at an OpenID provider; nothing when the account is not the member's any
/// more.
pub async fn signed_in_with(
    tenant: &mut Tenant<'_>,
    id: Uuid,
    account: &Account,
    now: DateTime<Utc>,
) -> Result<Option<Member>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(concat!(
        "update members set last_sign_in_at = $5 where tenant_id = $1 and id = $2
             and exists (select from openid_accounts
                 where tenant_id = $1 and member_id = $2 and issuer = $3 and subject = $4) returning ",
        columns!()
    ))
    .bind(tenant_id)
    .bind(id)
    .bind(&account.issuer)
    .bind(&account.subject)
    .bind(now)
    .fetch_optional(tenant.connection())
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_have_one_form() {
        for (text, expected) in [
            (" Anna.Lenoir@Example.COM ", Some("anna.lenoir@example.com")),
            ("a@b", Some("a@b")),
            ("a", None),
            ("@b", None),
            ("a@", None),
            ("a@b@c", None),
            ("a b@c", None),
            ("a\0@c", None),
            ("", None),
        ] {
            assert_eq!(email(text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(email(&format!("{}@b", "a".repeat(253))), None);
    }

    #[test]
    fn debug_tells_nobody_who_it_is() {
        let member = Member {
            id: Uuid::nil(),
            email: "anna@example.com".into(),
            name: Some("Anna".into()),
            right: Right::Owner,
            has_password: true,
            invitation_expires_at: None,
            created_at: DateTime::UNIX_EPOCH,
            last_sign_in_at: None,
        };
        assert_eq!(
            format!("{member:?}"),
            "Member { id: 00000000-0000-0000-0000-000000000000, right: Owner, .. }"
        );
    }
}
