//! Reads a whole chain and names the first link that does not hold.

use futures_util::TryStreamExt as _;

use super::chain::{Broken, Chain, Fault, Head};
use super::{Actor, Entry, expire};
use crate::error::Result;
use crate::retention::JOB_KIND;
use crate::scope::Scope;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The last entry that was reached. Keep it elsewhere: it tells later whether all of the log was rewritten.
    pub head: Head,
    /// The first link that does not hold; none when the log is whole.
    pub broken: Option<Broken>,
}

/// A row of `audit_heads`.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct Ends {
    seq: i64,
    hash: Vec<u8>,
    anchor_seq: i64,
    anchor_hash: Vec<u8>,
}

/// Follows the scope's chain from its first entry, or from the anchor that retention left, to its head, in one pass and
/// bounded memory. `kept` is a head that was kept elsewhere earlier: with it, a log that was rewritten from some entry
/// on, head and all, is found too.
pub async fn verify(scope: &mut impl Scope, kept: Option<&Head>) -> Result<Verdict> {
    loop {
        let before = ends(scope).await?;
        let verdict = follow(scope, before.as_ref(), kept).await?;
        // Whoever removed entries meanwhile took them from under this very reading.
        let anchor = |ends: &Option<Ends>| ends.as_ref().map(|ends| ends.anchor_seq);
        if verdict.broken.is_none() || anchor(&ends(scope).await?) == anchor(&before) {
            return Ok(verdict);
        }
    }
}

async fn ends(scope: &mut impl Scope) -> Result<Option<Ends>> {
    let tenant_id = scope.scope_id();
    Ok(sqlx::query_as("select seq, hash, anchor_seq, anchor_hash from audit_heads where tenant_id = $1")
        .bind(tenant_id)
        .fetch_optional(scope.scope_connection())
        .await?)
}

async fn follow(scope: &mut impl Scope, ends: Option<&Ends>, kept: Option<&Head>) -> Result<Verdict> {
    let tenant_id = scope.scope_id();
    let mut chain = Chain::start(tenant_id);
    if let Some(Ends { anchor_seq, anchor_hash, .. }) = ends {
        chain = Chain::behind(tenant_id, Head { seq: *anchor_seq, hash: anchor_hash.clone() });
    }
    let anchor = chain.last().clone();
    let broken_at = |chain: &Chain, seq, fault| {
        Ok(Verdict { head: chain.last().clone(), broken: Some(Broken { seq, fault }) })
    };
    if let Some(kept) = kept.filter(|kept| 0 < kept.seq && kept.seq < anchor.seq) {
        return broken_at(&chain, kept.seq, Fault::Expired);
    }
    if let Some(kept) = kept.filter(|kept| 0 < kept.seq && kept.seq == anchor.seq && kept.hash != anchor.hash)
    {
        return broken_at(&chain, kept.seq, Fault::NotAsKept);
    }
    let head = ends.map_or_else(|| anchor.clone(), |ends| Head { seq: ends.seq, hash: ends.hash.clone() });
    let mut seen = kept.filter(|kept| kept.seq == 0 || kept.seq == anchor.seq).cloned();
    // What moved the anchor is itself in the log; an anchor that somebody else moved is not.
    let mut is_told = anchor.seq == 0;
    let resource = expire::resource(&anchor);
    // What others append meanwhile comes after the head.
    let mut entries =
        sqlx::query_as::<_, Entry>("select * from audit where tenant_id = $1 and seq <= $2 order by seq")
            .bind(tenant_id)
            .bind(head.seq)
            .fetch(scope.scope_connection());
    while let Some(entry) = entries.try_next().await? {
        if let Err(broken) = chain.follow(&entry) {
            return Ok(Verdict { head: chain.last().clone(), broken: Some(broken) });
        }
        is_told |= entry.actor == Actor::Job
            && entry.operation == JOB_KIND
            && entry.resource.as_deref() == Some(&resource);
        if let Some(kept) = kept.filter(|kept| kept.seq == entry.seq) {
            if kept.hash != entry.hash {
                return broken_at(&chain, entry.seq, Fault::NotAsKept);
            }
            seen = Some(kept.clone());
        }
    }
    drop(entries);
    let broken = match (chain.end(&head), kept) {
        (Err(broken), _) => Some(broken),
        (Ok(()), _) if !is_told => Some(Broken { seq: anchor.seq, fault: Fault::Anchor }),
        (Ok(()), Some(kept)) if seen.is_none() => Some(Broken { seq: kept.seq, fault: Fault::Missing }),
        (Ok(()), _) => stray(scope).await?,
    };
    Ok(Verdict { head: chain.last().clone(), broken })
}

/// An entry beyond the head, looked for in one statement: head and entries are committed together.
async fn stray(scope: &mut impl Scope) -> Result<Option<Broken>> {
    let tenant_id = scope.scope_id();
    let head: Option<i64> = sqlx::query_scalar(
        "select coalesce((select seq from audit_heads where tenant_id = $1), 0) from audit
         where tenant_id = $1 and seq > coalesce((select seq from audit_heads where tenant_id = $1), 0) limit 1",
    )
    .bind(tenant_id)
    .fetch_optional(scope.scope_connection())
    .await?;
    Ok(head.map(|seq| Broken { seq, fault: Fault::End }))
}
