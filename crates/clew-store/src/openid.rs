//! Accounts at an outside OpenID provider, and whose they are.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::Result;
use crate::scope::Tenant;
use crate::sign_in;
use crate::store::Store;

/// An account as the provider vouches for it. Issuer and subject are its name, which nobody else ever gets
/// (OpenID Connect Core 1.0, section 5.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The provider.
    pub issuer: String,
    /// The provider's name for it; at most 255 characters.
    pub subject: String,
    /// Its e-mail in lower case, when the provider has verified it.
    pub email: Option<String>,
}

/// Whose an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The tenant.
    pub tenant_id: Uuid,
    /// The member.
    pub member_id: Uuid,
    /// Whether the member has signed in with it before; else it is known by its e-mail alone, and to be [`link`]ed.
    pub is_linked: bool,
}

/// Whose an account is: the member's who signed in with it before, else the member's of its verified e-mail. When no
/// tenant is named, a linked one goes first, then the one in which the member was first.
pub async fn find_member(store: &Store, account: &Account, tenant_id: Option<Uuid>) -> Result<Option<Found>> {
    let mut transaction = sign_in::begin(store).await?;
    let found: Option<(Uuid, Uuid, bool)> = sqlx::query_as(
        "select tenant_id, id, is_linked from (
             select tenant_id, member_id as id, true as is_linked from openid_accounts
                 where issuer = $1 and subject = $2
             union all
             select tenant_id, id, false from members
                 where email = $3 and not exists (select from openid_accounts
                     where openid_accounts.tenant_id = members.tenant_id and member_id = members.id and issuer = $1)
                     and not exists (select from openid_accounts
                     where openid_accounts.tenant_id = members.tenant_id and issuer = $1 and subject = $2)) as found
         where $4::uuid is null or tenant_id = $4
         order by is_linked desc, id limit 1",
    )
    .bind(&account.issuer)
    .bind(&account.subject)
    .bind(&account.email)
    .bind(tenant_id)
    .fetch_optional(&mut *transaction)
    .await?;
    Ok(found.map(|(tenant_id, member_id, is_linked)| Found { tenant_id, member_id, is_linked }))
}

/// Makes the account a member's for good. False when the member has another one at this provider, or the account is
/// another member's: of two at once the first counts.
pub async fn link(
    tenant: &mut Tenant<'_>,
    member_id: Uuid,
    account: &Account,
    now: DateTime<Utc>,
) -> Result<bool> {
    let tenant_id = tenant.id();
    let done = sqlx::query(
        "insert into openid_accounts (tenant_id, issuer, subject, member_id, created_at)
         select $1, $2, $3, id, $6 from members where tenant_id = $1 and id = $4 and email = $5
         on conflict do nothing",
    )
    .bind(tenant_id)
    .bind(&account.issuer)
    .bind(&account.subject)
    .bind(member_id)
    .bind(&account.email)
    .bind(now)
    .execute(tenant.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}
