//! Signing in, before the tenant is known: whose an e-mail is, and how soon somebody who failed may try again.
//!
//! Delays grow with failures and stay bounded, so that guessing is slow and nobody is locked out: by others, at
//! most for a minute at a time, and not at all from an address where they signed in before.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::error::Result;
use crate::store::Store;

/// What failures are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One account from one address.
    Pair,
    /// One account, from wherever.
    Account,
    /// One address, to whatever account.
    Address,
}

impl Kind {
    /// Failures that cost nothing, and the longest delay, in seconds. Each further failure doubles the delay.
    fn patience(self) -> (i32, f64) {
        match self {
            Self::Pair => (5, 900.0),
            Self::Account => (20, 60.0),
            Self::Address => (50, 60.0),
        }
    }
}

/// Who tries to sign in: keyed hashes, which tell neither e-mail nor address.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// Of account and address.
    pub pair: [u8; 32],
    /// Of the account.
    pub account: [u8; 32],
    /// Of the address.
    pub address: [u8; 32],
}

/// Whose an e-mail is, among those with a password: the tenant and the member. When no tenant is named, the one in
/// which somebody of this e-mail was a member first, so that nobody who comes later can stand in the way.
pub async fn find_member(
    store: &Store,
    email: &str,
    tenant_id: Option<Uuid>,
) -> Result<Option<(Uuid, Uuid)>> {
    let mut transaction = begin(store).await?;
    Ok(sqlx::query_as(
        "select tenant_id, id from members
         where email = $1 and ($2::uuid is null or tenant_id = $2) and password_hash is not null
         order by id limit 1",
    )
    .bind(email)
    .bind(tenant_id)
    .fetch_optional(&mut *transaction)
    .await?)
}

/// An attempt that may be looked at.
#[derive(Debug)]
pub struct Attempt {
    pair: [u8; 32],
    counted: Vec<[u8; 32]>,
}

/// What became of an attempt.
#[derive(Debug)]
pub enum Tried {
    /// It may be looked at, and counts as failed until [`succeeded`] takes it back.
    Counted(Attempt),
    /// It comes too soon by so much. It is not counted, nor may it be looked at.
    TooSoon(TimeDelta),
}

/// Counts an attempt as failed before it is looked at, so that a thousand at once are a thousand.
pub async fn attempt(store: &Store, places: &Places, now: DateTime<Utc>) -> Result<Tried> {
    let mut transaction = begin(store).await?;
    let known: Option<bool> = sqlx::query_scalar("select known from sign_in_attempts where place = $1")
        .bind(&places.pair[..])
        .fetch_optional(&mut *transaction)
        .await?;
    let mut counted = vec![(places.pair, Kind::Pair)];
    if known != Some(true) {
        counted.extend([(places.account, Kind::Account), (places.address, Kind::Address)]);
    }
    // In one order, lest two wait for each other.
    counted.sort_unstable_by_key(|(place, _)| *place);
    for (place, kind) in &counted {
        if let Some(wait) = count(&mut transaction, place, *kind, now).await? {
            return Ok(Tried::TooSoon(wait));
        }
    }
    forget(&mut transaction, now).await?;
    transaction.commit().await?;
    let counted = counted.into_iter().map(|(place, _)| place).collect();
    Ok(Tried::Counted(Attempt { pair: places.pair, counted }))
}

/// Counts one failure, unless it comes too soon: then it gives the time to wait.
async fn count(
    connection: &mut PgConnection,
    place: &[u8; 32],
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<Option<TimeDelta>> {
    let (n_free, longest_s) = kind.patience();
    let n_failed: Option<i32> = sqlx::query_scalar(
        "insert into sign_in_attempts as found (place, n_failed, last_at, next_at) values ($1, 1, $2, $2)
         on conflict (place) do update set last_at = $2,
             n_failed = case when found.last_at < $2 - interval '1 day' then 1 else found.n_failed + 1 end
         where found.next_at <= $2 returning n_failed",
    )
    .bind(&place[..])
    .bind(now)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(n_failed) = n_failed else {
        let next_at: DateTime<Utc> =
            sqlx::query_scalar("select next_at from sign_in_attempts where place = $1")
                .bind(&place[..])
                .fetch_one(connection)
                .await?;
        return Ok(Some(next_at - now));
    };
    let delay_s = (f64::from((n_failed - n_free).clamp(0, 30)).exp2() - 1.0).min(longest_s);
    sqlx::query("update sign_in_attempts set next_at = $2 + make_interval(secs => $3) where place = $1")
        .bind(&place[..])
        .bind(now)
        .bind(delay_s)
        .execute(connection)
        .await?;
    Ok(None)
}

/// Takes an attempt back that was a good one, and remembers that the account's owner is at this address.
pub async fn succeeded(store: &Store, attempt: &Attempt, now: DateTime<Utc>) -> Result<()> {
    let mut transaction = begin(store).await?;
    // Only the pair starts anew: else whoever owns one account could clear the address before each guess at another.
    sqlx::query(
        "update sign_in_attempts set known = known or place = $1,
             next_at = case when place = $1 then $3 else next_at end,
             n_failed = case when place = $1 then 0 else greatest(n_failed - 1, 0) end
         where place in (select place from sign_in_attempts where place = any ($2) order by place for update)",
    )
    .bind(&attempt.pair[..])
    .bind(attempt.counted.iter().map(|place| place.to_vec()).collect::<Vec<_>>())
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Removes some of what is over: failures after a day, known addresses after ninety.
async fn forget(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<()> {
    sqlx::query(
        "delete from sign_in_attempts where place in (
             select place from sign_in_attempts
             where last_at < $1 - interval '1 day' and (not known or last_at < $1 - interval '90 days')
             order by last_at limit 10 for update skip locked)",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn begin(store: &Store) -> Result<Transaction<'static, Postgres>> {
    let mut transaction = store.pool.begin().await?;
    sqlx::query("select set_config('role', 'clew_auth', true), set_config('clew.tenant', '', true)")
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}
