//! API keys: `clew_live_<public id>_<secret><checksum>` (`clew_test_…` of a tenant whose data are made up), 256
//! random bits, shown once, stored as SHA-256. Keys of the first format, `clew_<public id>_<secret>`, are taken
//! as long as they last; none is made any more.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::cursor::{Page, Paged, Sealer};
use crate::error::{Error, Result};
use crate::scope::{Operator, Tenant};
use crate::secret::{self, Minted};
use crate::store::Store;
use crate::tenant::Mode;
use crate::text_enum::text_enum;

text_enum! {
    /// What the holder of a tenant's key may do. `Ingest` may only send data; each other may do all that those
    /// before it may.
    pub enum Right {
        /// May only send data.
        Ingest = "ingest",
        /// May read.
        Reader = "reader",
        /// May write what marketers write.
        Marketer = "marketer",
        /// May do all.
        Owner = "owner",
    }
}

/// A row of `keys` or `operator_keys`, without its hash.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Key {
    /// Its id, a UUID v7; the public part of the key.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// What it may do; none for an operator's.
    pub right: Option<Right>,
    /// The last four characters of the secret, to tell keys apart.
    pub last_four: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to a minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The key that was made to take its place.
    pub successor_id: Option<Uuid>,
}

/// A key to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub right: Right,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Whose key was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A tenant's.
    Tenant {
        /// The tenant.
        tenant_id: Uuid,
        /// The key.
        key_id: Uuid,
        /// What it may do.
        right: Right,
    },
    /// An operator's.
    Operator {
        /// The key.
        key_id: Uuid,
    },
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "clew_live",
        Mode::Test => "clew_test",
    }
}

fn mint(mode: Mode) -> Result<(Uuid, Minted)> {
    let id = Uuid::now_v7();
    Ok((id, secret::mint(word(mode), id)?))
}

/// The public id of a key that is well-formed, without a look at the database.
fn public_id(key: &str) -> Option<Uuid> {
    let by_mode = |mode| secret::public_id(word(mode), key);
    by_mode(Mode::Live).or_else(|| by_mode(Mode::Test)).or_else(|| first_format(key))
}

/// The public id of a key of the first format, which had no checksum.
fn first_format(key: &str) -> Option<Uuid> {
    let (id, secret) = key.strip_prefix("clew_")?.split_once('_')?;
    let well_formed =
        id.len() == 32 && secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
    if well_formed { Uuid::try_parse(id).ok() } else { None }
}

/// Makes a tenant's key. The string is the only copy of the secret.
pub async fn insert(tenant: &mut Tenant<'_>, new: &NewKey) -> Result<(Key, SecretString)> {
    let tenant_id = tenant.id();
    let mode: Option<Mode> = sqlx::query_scalar("select mode from tenants where id = $1")
        .bind(tenant_id)
        .fetch_optional(tenant.connection())
        .await?;
    let (id, minted) = mint(mode.ok_or(Error::Missing { what: "tenant" })?)?;
    let key = sqlx::query_as(
        r#"insert into keys (tenant_id, id, name, "right", hash, last_four, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7) returning *"#,
    )
    .bind(tenant_id)
    .bind(id)
    .bind(&new.name)
    .bind(new.right)
    .bind(&minted.hash[..])
    .bind(&minted.last_four)
    .bind(new.expires_at)
    .fetch_one(tenant.connection())
    .await?;
    Ok((key, minted.shown))
}

/// A tenant's key by its id.
pub async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Key>> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as("select * from keys where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .fetch_optional(tenant.connection())
        .await?)
}

/// A tenant's keys, the newest first, revoked ones too.
pub async fn list(tenant: &mut Tenant<'_>, page: &Page) -> Result<Paged<Key>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("keys", "").await?;
    let rows: Vec<Key> = sqlx::query_as(
        "select * from keys where tenant_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
    )
    .bind(tenant_id)
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// Revokes a tenant's key, from the commit on. Revoking it again changes nothing.
pub async fn revoke(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Key> {
    let tenant_id = tenant.id();
    sqlx::query_as(
        "update keys set revoked_at = coalesce(revoked_at, now()) where tenant_id = $1 and id = $2 returning *",
    )
    .bind(tenant_id)
    .bind(id)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "key" })
}

/// Makes a key in another's place, with its name, its right and as long a life. The old one works on for
/// `overlap_seconds`, or until it would have ended by itself.
///
/// # Errors
/// [`Error::Conflict`] when the old one is revoked, has expired or has been replaced.
pub async fn rotate(tenant: &mut Tenant<'_>, id: Uuid, overlap_seconds: u32) -> Result<(Key, SecretString)> {
    let tenant_id = tenant.id();
    let mode: Option<Mode> = sqlx::query_scalar(
        "select mode from keys join tenants on tenants.id = tenant_id
         where tenant_id = $1 and keys.id = $2 for update of keys",
    )
    .bind(tenant_id)
    .bind(id)
    .fetch_optional(tenant.connection())
    .await?;
    let (new_id, minted) = mint(mode.ok_or(Error::Missing { what: "key" })?)?;
    let made: Option<Key> = sqlx::query_as(
        r#"insert into keys (tenant_id, id, name, "right", hash, last_four, expires_at)
           select tenant_id, $3, name, "right", $4, $5, now() + (expires_at - created_at) from keys
           where tenant_id = $1 and id = $2 and successor_id is null and revoked_at is null
               and (expires_at is null or expires_at > now())
           returning *"#,
    )
    .bind(tenant_id)
    .bind(id)
    .bind(new_id)
    .bind(&minted.hash[..])
    .bind(&minted.last_four)
    .fetch_optional(tenant.connection())
    .await?;
    let made = made.ok_or_else(not_in_use)?;
    sqlx::query(
        "update keys set successor_id = $3, expires_at = least(expires_at, now() + make_interval(secs => $4))
         where tenant_id = $1 and id = $2",
    )
    .bind(tenant_id)
    .bind(id)
    .bind(new_id)
    .bind(f64::from(overlap_seconds))
    .execute(tenant.connection())
    .await?;
    Ok((made, minted.shown))
}

fn not_in_use() -> Error {
    Error::Conflict { constraint: "its state: it is revoked, has expired or has been replaced".to_owned() }
}

/// Makes an operator's key in another's place, as [`rotate`] does a tenant's.
///
/// # Errors
/// [`Error::Conflict`] when the old one is revoked, has expired or has been replaced.
pub async fn rotate_operator(
    operator: &mut Operator<'_>,
    id: Uuid,
    overlap_seconds: u32,
) -> Result<(Key, SecretString)> {
    let old: Option<Uuid> = sqlx::query_scalar("select id from operator_keys where id = $1 for update")
        .bind(id)
        .fetch_optional(operator.connection())
        .await?;
    let old = old.ok_or(Error::Missing { what: "key" })?;
    let (new_id, minted) = mint(Mode::Live)?;
    let made: Option<Key> = sqlx::query_as(
        r#"insert into operator_keys (id, name, hash, last_four, expires_at)
           select $2, name, $3, $4, now() + (expires_at - created_at) from operator_keys
           where id = $1 and successor_id is null and revoked_at is null
               and (expires_at is null or expires_at > now())
           returning *, null::text as "right""#,
    )
    .bind(old)
    .bind(new_id)
    .bind(&minted.hash[..])
    .bind(&minted.last_four)
    .fetch_optional(operator.connection())
    .await?;
    let made = made.ok_or_else(not_in_use)?;
    sqlx::query(
        "update operator_keys set successor_id = $2,
             expires_at = least(expires_at, now() + make_interval(secs => $3)) where id = $1",
    )
    .bind(old)
    .bind(new_id)
    .bind(f64::from(overlap_seconds))
    .execute(operator.connection())
    .await?;
    Ok((made, minted.shown))
}

/// Makes an operator's key. The string is the only copy of the secret.
pub async fn insert_operator(
    operator: &mut Operator<'_>,
    name: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(Key, SecretString)> {
    let (id, minted) = mint(Mode::Live)?;
    let key = sqlx::query_as(
        r#"insert into operator_keys (id, name, hash, last_four, expires_at)
           values ($1, $2, $3, $4, $5) returning *, null::text as "right""#,
    )
    .bind(id)
    .bind(name)
    .bind(&minted.hash[..])
    .bind(&minted.last_four)
    .bind(expires_at)
    .fetch_one(operator.connection())
    .await?;
    Ok((key, minted.shown))
}

/// The operators' keys, the newest first, revoked ones too.
pub async fn list_operator(operator: &mut Operator<'_>, page: &Page) -> Result<Paged<Key>> {
    let sealer = Sealer::of_operators("operator_keys");
    let rows: Vec<Key> = sqlx::query_as(
        r#"select *, null::text as "right" from operator_keys
           where $1::uuid is null or id < $1 order by id desc limit $2"#,
    )
    .bind(sealer.position_uuid(page)?)
    .bind(page.n_read())
    .fetch_all(operator.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.id.to_string()))
}

/// Revokes an operator's key, from the commit on.
pub async fn revoke_operator(operator: &mut Operator<'_>, id: Uuid) -> Result<Key> {
    sqlx::query_as(
        r#"update operator_keys set revoked_at = coalesce(revoked_at, now()) where id = $1
           returning *, null::text as "right""#,
    )
    .bind(id)
    .fetch_optional(operator.connection())
    .await?
    .ok_or(Error::Missing { what: "key" })
}

#[derive(sqlx::FromRow)]
struct Stored {
    tenant_id: Option<Uuid>,
    id: Uuid,
    right: Option<Right>,
    hash: Vec<u8>,
    stale: bool,
}

/// Whose key this is, if it is one, is not revoked and has not expired. Looks the key up each time, so that a
/// revocation is felt at once.
pub async fn verify(store: &Store, key: &SecretString) -> Result<Option<Credential>> {
    let key = key.expose_secret();
    let Some(id) = public_id(key) else { return Ok(None) };
    let mut transaction = store.pool.begin().await?;
    sqlx::query("select set_config('role', 'clew_auth', true), set_config('clew.tenant', '', true)")
        .execute(&mut *transaction)
        .await?;
    let candidates: Vec<Stored> = sqlx::query_as(
        r#"select tenant_id, id, "right", hash,
               (last_used_at is null or last_used_at < now() - interval '1 minute') as stale
           from keys where id = $1 and revoked_at is null and (expires_at is null or expires_at > now())
           union all
           select null, id, null, hash,
               (last_used_at is null or last_used_at < now() - interval '1 minute') as stale
           from operator_keys where id = $1 and revoked_at is null and (expires_at is null or expires_at > now())"#,
    )
    .bind(id)
    .fetch_all(&mut *transaction)
    .await?;
    let presented = secret::hash(key);
    let found = candidates.into_iter().find(|stored| presented[..].ct_eq(&stored.hash).into());
    if let Some(Stored { stale: true, tenant_id, id, .. }) = &found {
        // Once a minute, lest every request write.
        match tenant_id {
            Some(tenant_id) => {
                sqlx::query("update keys set last_used_at = now() where tenant_id = $1 and id = $2")
                    .bind(tenant_id)
                    .bind(id)
                    .execute(&mut *transaction)
                    .await?
            }
            None => {
                sqlx::query("update operator_keys set last_used_at = now() where id = $1")
                    .bind(id)
                    .execute(&mut *transaction)
                    .await?
            }
        };
    }
    transaction.commit().await?;
    Ok(found.and_then(|stored| match (stored.tenant_id, stored.right) {
        (Some(tenant_id), Some(right)) => Some(Credential::Tenant { tenant_id, key_id: stored.id, right }),
        (None, None) => Some(Credential::Operator { key_id: stored.id }),
        _ => None,
    }))
}
