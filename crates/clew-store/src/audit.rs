//! The audit log: who did what, when, from where, to how many rows; a chain of hashes per tenant, insert-only.
//!
//! Nobody writes an entry by hand: a transaction that knows its [`Act`] ([`Tenant::acting`]) appends the entry when it
//! is committed, so the entry and the effect are there together or not at all, and a new operation is in the log
//! without anybody remembering it. [`note`] says more of the act: what was touched, how many rows.

mod chain;
mod expire;
mod verify;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::cursor::{Page, Paged};
use crate::error::{Error, Result};
use crate::scope::{Scope, Tenant};
use crate::text_enum::text_enum;

pub use chain::{Broken, Chain, Fault, Head, hash};
pub use expire::{Expired, expire};
pub use verify::{Verdict, verify};

text_enum! {
    /// What kind of party acted.
    pub enum Actor {
        /// An API key of the tenant.
        Key = "key",
        /// A member who is signed in.
        Member = "member",
        /// An operator's key.
        Operator = "operator",
        /// A job, whose own row says who asked for it.
        Job = "job",
        /// The tenant's schedule.
        Schedule = "schedule",
        /// Somebody at the command line of the machine.
        Command = "command",
    }
}

/// What is about to be done, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What kind of party acts.
    pub actor: Actor,
    /// The key's, member's or job's id.
    pub actor_id: Option<Uuid>,
    /// The operation's id in the API document, the kind of a job, or the words of a command.
    pub operation: String,
    /// What it is done to; see [`note`].
    pub resource: Option<String>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// How many rows it wrote or gave out; see [`note`].
    pub n_rows: Option<u64>,
    /// The request's id, as in the log of the service.
    pub request_id: Option<Uuid>,
}

impl Act {
    /// An act of which no more is known than this.
    pub fn new(actor: Actor, operation: impl Into<String>) -> Self {
        Self {
            actor,
            actor_id: None,
            operation: operation.into(),
            resource: None,
            address: None,
            n_rows: None,
            request_id: None,
        }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Entry {
    /// Whose log; nil for the operators'.
    pub tenant_id: Uuid,
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When, by the clock of the database.
    pub at: DateTime<Utc>,
    /// What kind of party acted.
    pub actor: Actor,
    /// The key's, member's or job's id.
    pub actor_id: Option<Uuid>,
    /// What was done.
    pub operation: String,
    /// To what: an id of clew's own, or the keyed hash of a tenant's ([`pseudonym`]).
    pub resource: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// How many rows were written or given out.
    pub n_rows: i64,
    /// The request.
    pub request_id: Option<Uuid>,
    /// The hash of the entry before it; zeros for the first.
    pub prev: Vec<u8>,
    /// SHA-256 of all of the above; see [`Chain`].
    pub hash: Vec<u8>,
}

/// Which entries are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this operation.
    pub operation: Option<String>,
    /// By this key, member or job.
    pub actor_id: Option<Uuid>,
    /// Done to this: as it stands in the log.
    pub resource: Option<String>,
    /// At this moment or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this moment.
    pub until: Option<DateTime<Utc>>,
}

/// Says more of what the transaction does: what it touches, how many rows it writes or gives out. What is `None` stays
/// as it was said before. Nothing happens when the transaction is not one of an act.
pub fn note(scope: &mut impl Scope, resource: Option<String>, n_rows: Option<u64>) {
    if let Some(act) = scope.scope_act() {
        act.resource = resource.or_else(|| act.resource.take());
        act.n_rows = n_rows.or(act.n_rows);
    }
}

/// As [`note`], for the id of something just made, unless the act has named something already.
pub fn note_made(scope: &mut impl Scope, id: &str) {
    if let Some(act) = scope.scope_act() {
        act.resource.get_or_insert_with(|| id.to_owned());
    }
}

/// What stands in the log for one of the tenant's own ids (of a customer, a product): a keyed hash, since the id may be
/// a person's and the log is kept when the person is erased. Who knows the id can still look for it.
pub async fn pseudonym(tenant: &mut Tenant<'_>, id: &str) -> Result<String> {
    let key = blake3::derive_key("clew 2026-11-23 own ids in the audit log", &tenant.secret().await?);
    let hash = blake3::keyed_hash(&key, id.as_bytes()).to_hex();
    Ok(format!("own:{}", &hash[..32]))
}

/// Appends an entry to the scope's chain. Until the end of the transaction other writers of the tenant wait here, which
/// is what makes a chain of their entries; hence it comes last, at the commit.
pub async fn append(scope: &mut impl Scope, act: &Act) -> Result<Entry> {
    let tenant_id = scope.scope_id();
    // The clock is read after the lock is had, so that times rise along the chain.
    let (seq, prev, at): (i64, Vec<u8>, DateTime<Utc>) = sqlx::query_as(
        "insert into audit_heads as head (tenant_id, seq, hash) values ($1, 0, $2)
         on conflict (tenant_id) do update set seq = head.seq returning seq, hash, clock_timestamp()",
    )
    .bind(tenant_id)
    .bind(&chain::START[..])
    .fetch_one(scope.scope_connection())
    .await?;
    let mut entry = Entry {
        tenant_id,
        seq: seq + 1,
        at,
        actor: act.actor,
        actor_id: act.actor_id,
        operation: act.operation.clone(),
        resource: act.resource.clone(),
        address: act.address.map(|address| address.to_string()),
        n_rows: i64::try_from(act.n_rows.unwrap_or(1)).unwrap_or(i64::MAX),
        request_id: act.request_id,
        prev,
        hash: Vec::new(),
    };
    entry.hash = chain::hash(&entry).to_vec();
    sqlx::query(
        "with head as (update audit_heads set seq = $2, hash = $12 where tenant_id = $1)
         insert into audit (tenant_id, seq, at, actor, actor_id, operation, resource, address, n_rows, request_id,
             prev, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(entry.tenant_id)
    .bind(entry.seq)
    .bind(entry.at)
    .bind(entry.actor)
    .bind(entry.actor_id)
    .bind(&entry.operation)
    .bind(&entry.resource)
    .bind(&entry.address)
    .bind(entry.n_rows)
    .bind(entry.request_id)
    .bind(&entry.prev)
    .bind(&entry.hash)
    .execute(scope.scope_connection())
    .await?;
    Ok(entry)
}

/// The tenant's entries, the newest first.
pub async fn list(tenant: &mut Tenant<'_>, filter: &Filter, page: &Page) -> Result<Paged<Entry>> {
    let tenant_id = tenant.id();
    let sealer = tenant.sealer("audit", &format!("{filter:?}")).await?;
    let before = sealer.position(page)?.map(|seq| seq.parse::<i64>()).transpose();
    let before = before.map_err(|_| Error::input("cursor", "holds no place in the log"))?;
    let rows: Vec<Entry> = sqlx::query_as(
        "select * from audit
         where tenant_id = $1 and ($2::bigint is null or seq < $2) and ($3::text is null or operation = $3)
             and ($4::uuid is null or actor_id = $4) and ($5::text is null or resource = $5)
             and ($6::timestamptz is null or at >= $6) and ($7::timestamptz is null or at < $7)
         order by seq desc limit $8",
    )
    .bind(tenant_id)
    .bind(before)
    .bind(&filter.operation)
    .bind(filter.actor_id)
    .bind(&filter.resource)
    .bind(filter.since)
    .bind(filter.until)
    .bind(page.n_read())
    .fetch_all(tenant.connection())
    .await?;
    Ok(sealer.paged(page, rows, |row| row.seq.to_string()))
}
