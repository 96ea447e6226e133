//! The chain of hashes, and how a broken link is found. Anybody who has the rows can check them: an entry's hash is
//! SHA-256 over its fields in the order of the table, each preceded by its length in bytes as eight bytes, the highest
//! first; one that is absent is the length 2⁶⁴ − 1 alone. Numbers are eight bytes, times are microseconds since 1970, ids
//! are their sixteen bytes, and before all of them stands the text `clew audit 1`, with its length too.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Entry;
use crate::error::Error;

/// What the first entry has as the hash of the one before.
pub(super) const START: [u8; 32] = [0; 32];
const DOMAIN: &[u8] = b"clew audit 1";

/// The end of a chain: to be kept elsewhere, and compared later.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Head {
    /// The number of its last entry; 0 when it has none.
    pub seq: i64,
    /// The hash of its last entry.
    pub hash: Vec<u8>,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, hex::encode(&self.hash))
    }
}

impl FromStr for Head {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once(':').and_then(|(seq, hash)| {
            let seq = seq.parse().ok().filter(|seq| *seq >= 0)?;
            let hash = hex::decode(hash).ok().filter(|hash| hash.len() == START.len())?;
            Some(Self { seq, hash })
        });
        parts.ok_or_else(|| Error::input("head", "is not a number, a colon and 64 hexadecimal digits"))
    }
}

/// What is wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The entry is not there.
    Missing,
    /// What the entry says is not what its hash was made of.
    Changed,
    /// The entry was not made after the one that stands before it.
    Unlinked,
    /// The chain does not end where its head says.
    End,
    /// The entry is not the one that was kept elsewhere.
    NotAsKept,
    /// The log begins after this entry, and none that follows says that those up to it were removed.
    Anchor,
    /// The entry was removed by retention: it can no longer be compared with the one that was kept elsewhere.
    Expired,
}

impl Fault {
    /// A word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Unlinked => "unlinked",
            Self::End => "end",
            Self::NotAsKept => "not_as_kept",
            Self::Anchor => "anchor",
            Self::Expired => "expired",
        }
    }
}

/// The first link that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// The number of its entry.
    pub seq: i64,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, fault } = self;
        match fault {
            Fault::Missing => write!(f, "entry {seq} is missing"),
            Fault::Changed => write!(f, "entry {seq} was changed after it was written"),
            Fault::Unlinked => {
                write!(f, "entry {seq} does not follow the one before it: one of the two was replaced")
            }
            Fault::End => write!(f, "the log does not end with entry {seq} as its head says"),
            Fault::NotAsKept => write!(f, "entry {seq} is not the one that was kept elsewhere"),
            Fault::Anchor => write!(
                f,
                "the log begins after entry {seq}, and no entry says that those up to it were removed by retention"
            ),
            Fault::Expired => write!(
                f,
                "entry {seq} was removed by retention and cannot be compared with the one that was kept elsewhere; \
                 give a later head"
            ),
        }
    }
}

/// Follows a chain from its first entry, or from the anchor behind which it begins, to its head.
#[derive(Debug, Clone)]
pub struct Chain {
    tenant_id: Uuid,
    last: Head,
}

impl Chain {
    /// Before the first entry of a tenant's chain.
    pub fn start(tenant_id: Uuid) -> Self {
        Self { tenant_id, last: Head { seq: 0, hash: START.to_vec() } }
    }

    /// Behind the last entry that was removed.
    pub fn behind(tenant_id: Uuid, anchor: Head) -> Self {
        Self { tenant_id, last: anchor }
    }

    /// The entry followed last.
    pub fn last(&self) -> &Head {
        &self.last
    }

    /// Goes on to the next entry, if it is the next.
    ///
    /// # Errors
    /// The link that does not hold.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), Broken> {
        let due = self.last.seq + 1;
        let broken = |seq, fault| Err(Broken { seq, fault });
        if entry.seq != due || entry.tenant_id != self.tenant_id {
            return broken(due, Fault::Missing);
        }
        if entry.hash != hash(entry) {
            return broken(due, Fault::Changed);
        }
        if entry.prev != self.last.hash {
            return broken(due, Fault::Unlinked);
        }
        self.last = Head { seq: due, hash: entry.hash.clone() };
        Ok(())
    }

    /// Ends where the head says.
    ///
    /// # Errors
    /// When entries are missing, or are too many, at the end.
    pub fn end(&self, head: &Head) -> Result<(), Broken> {
        match self.last.seq.cmp(&head.seq) {
            std::cmp::Ordering::Less => Err(Broken { seq: self.last.seq + 1, fault: Fault::Missing }),
            std::cmp::Ordering::Equal if self.last.hash == head.hash => Ok(()),
            _ => Err(Broken { seq: head.seq, fault: Fault::End }),
        }
    }
}

/// The hash of an entry; see the head of this file.
pub fn hash(entry: &Entry) -> [u8; 32] {
    // Named one by one, so that a new column cannot be left out.
    let Entry {
        tenant_id,
        seq,
        at,
        actor,
        actor_id,
        operation,
        resource,
        address,
        n_rows,
        request_id,
        prev,
        hash: _,
    } = entry;
    let mut hasher = Sha256::new();
    let mut field = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        }
        None => hasher.update(u64::MAX.to_be_bytes()),
    };
    field(Some(DOMAIN));
    field(Some(tenant_id.as_bytes()));
    field(Some(&seq.to_be_bytes()));
    field(Some(&at.timestamp_micros().to_be_bytes()));
    field(Some(actor.as_str().as_bytes()));
    field(actor_id.as_ref().map(|id| &id.as_bytes()[..]));
    field(Some(operation.as_bytes()));
    field(resource.as_deref().map(str::as_bytes));
    field(address.as_deref().map(str::as_bytes));
    field(Some(&n_rows.to_be_bytes()));
    field(request_id.as_ref().map(|id| &id.as_bytes()[..]));
    field(Some(prev));
    hasher.finalize().into()
}
