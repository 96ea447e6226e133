//! Reads a whole chain and names the first link that does not hold.

use futures_util::TryStreamExt as _;

use super::Entry;
use super::chain::{Broken, Chain, Fault, Head};
use crate::error::Result;
use crate::scope::Scope;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The last entry that was reached. Keep it elsewhere: it tells later whether all of the log was rewritten.
    pub head: Head,
    /// The first link that does not hold; none when the log is whole.
    pub broken: Option<Broken>,
}

/// Follows the scope's chain from its first entry to its head, in one pass and bounded memory. `kept` is a head that was
/// kept elsewhere earlier: with it, a log that was rewritten from some entry on, head and all, is found too.
pub async fn verify(scope: &mut impl Scope, kept: Option<&Head>) -> Result<Verdict> {
    let tenant_id = scope.scope_id();
    let head: Option<Head> = sqlx::query_as("select seq, hash from audit_heads where tenant_id = $1")
        .bind(tenant_id)
        .fetch_optional(scope.scope_connection())
        .await?;
    let mut chain = Chain::start(tenant_id);
    let head = head.unwrap_or_else(|| chain.last().clone());
    let mut seen = kept.filter(|kept| kept.seq == 0).cloned();
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
        if let Some(kept) = kept.filter(|kept| kept.seq == entry.seq) {
            if kept.hash != entry.hash {
                let broken = Broken { seq: entry.seq, fault: Fault::NotAsKept };
                return Ok(Verdict { head: chain.last().clone(), broken: Some(broken) });
            }
            seen = Some(kept.clone());
        }
    }
    drop(entries);
    let broken = match (chain.end(&head), kept) {
        (Err(broken), _) => Some(broken),
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
