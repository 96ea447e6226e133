//! Idempotency records: what was answered to a request with an `Idempotency-Key`, written in the transaction of
//! its effect, so that a repeated request has one effect and gets the same answer.

use std::fmt;

use sqlx::types::Json;

use crate::error::{Error, Result};
use crate::queue::Queue;
use crate::scope::Scope;

/// An answer as it went out.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers worth repeating (`Location`, `Content-Type`), in order.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl fmt::Debug for Answer {
    /// Without the body: it may show a key for the one time that it is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, n_bytes) = (self.status, self.body.len());
        f.debug_struct("Answer").field("status", &status).field("n_bytes", &n_bytes).finish_non_exhaustive()
    }
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is the first of its key: do it, then [`finish`] before the commit.
    New,
    /// It was answered: repeat the answer.
    Replay(Answer),
    /// The key was used for another operation or body: 422.
    Conflict,
}

#[derive(sqlx::FromRow)]
struct Found {
    same: bool,
    status: Option<i16>,
    headers: Json<Vec<(String, String)>>,
    body: Vec<u8>,
}

/// Looks for the key of a request. `operation` is the operation's id and what its path names, `body_hash` a hash
/// of the body. A request with the same key that is still under way is waited for. Records last 24 hours.
pub async fn begin(
    scope: &mut impl Scope,
    key: &str,
    operation: &str,
    body_hash: &[u8; 32],
) -> Result<Begun> {
    let tenant_id = scope.scope_id();
    // The insert waits for another transaction that has inserted the same key and not ended.
    let inserted = sqlx::query(
        "insert into idempotency as record (tenant_id, key, operation, body_hash) values ($1, $2, $3, $4)
         on conflict (tenant_id, key) do update set operation = excluded.operation,
             body_hash = excluded.body_hash, status = null, headers = '[]', body = '', created_at = now()
         where record.created_at < now() - interval '24 hours'",
    )
    .bind(tenant_id)
    .bind(key)
    .bind(operation)
    .bind(&body_hash[..])
    .execute(scope.scope_connection())
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Begun::New);
    }
    let found: Found = sqlx::query_as(
        "select operation = $3 and body_hash = $4 as same, status, headers, body from idempotency
         where tenant_id = $1 and key = $2",
    )
    .bind(tenant_id)
    .bind(key)
    .bind(operation)
    .bind(&body_hash[..])
    .fetch_one(scope.scope_connection())
    .await?;
    if !found.same {
        return Ok(Begun::Conflict);
    }
    let status = found.status.and_then(|status| u16::try_from(status).ok());
    let status =
        status.ok_or_else(|| Error::corrupt("an idempotency record", "send the request with another key"))?;
    Ok(Begun::Replay(Answer { status, headers: found.headers.0, body: found.body }))
}

/// Writes the answer that goes out, in the transaction of the effect.
pub async fn finish(scope: &mut impl Scope, key: &str, answer: &Answer) -> Result<()> {
    let tenant_id = scope.scope_id();
    let status = i16::try_from(answer.status).map_err(|_| Error::input("status", "is not an HTTP status"))?;
    let done = sqlx::query(
        "update idempotency set status = $3, headers = $4, body = $5 where tenant_id = $1 and key = $2",
    )
    .bind(tenant_id)
    .bind(key)
    .bind(status)
    .bind(Json(&answer.headers))
    .bind(&answer.body)
    .execute(scope.scope_connection())
    .await?;
    if done.rows_affected() == 0 { Err(Error::Missing { what: "idempotency record" }) } else { Ok(()) }
}

impl Queue {
    /// Removes the idempotency records that are older than a day; gives their number. Housekeeping of the worker.
    pub async fn purge_idempotency(&self) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("delete from idempotency where created_at < now() - interval '24 hours'")
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }
}
