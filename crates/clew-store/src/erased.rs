//! The erased: customers who must not come back, known by a keyed hash of their ids alone.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::scope::Tenant;

/// Why a line of an erased customer is refused. It does not repeat the id.
pub(crate) const REASON: &str = "is of a customer who was erased; an owner may let erased customers come back with \
                                 readmit_erased=true";

/// Says of a customer's id whether it is refused.
pub(crate) type Refuser = Box<dyn FnMut(&str) -> bool + Send>;

/// What stands between a file and the tenant's tables: refuses the erased, or lets them come back.
pub(crate) struct Gate {
    key: [u8; 32],
    hashes: Arc<HashSet<[u8; 32]>>,
    epoch: i64,
    readmit: bool,
    /// The erased who were let in.
    met: Arc<Mutex<HashSet<[u8; 32]>>>,
}

/// How a file's rows are asked for their customers, before they are written.
pub(crate) struct Incoming {
    /// The ids of its customers, each once.
    pub(crate) ids: &'static str,
    /// Takes out the rows of the customers whose ids are `$1`.
    pub(crate) delete: &'static str,
}

impl fmt::Debug for Gate {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("n_erased", &self.hashes.len()).finish_non_exhaustive()
    }
}

impl Gate {
    /// Reads who is erased. With `readmit`, an owner lets them come back.
    pub(crate) async fn open(tenant: &mut Tenant<'_>, readmit: bool) -> Result<Gate> {
        let key = key(tenant).await?;
        let (hashes, epoch) = load(tenant).await?;
        Ok(Gate { key, hashes: Arc::new(hashes), epoch, readmit, met: Arc::default() })
    }

    /// Whether an id is refused; one that is let in is noted.
    pub(crate) fn refuses(&self, id: &str) -> bool {
        if self.hashes.is_empty() {
            return false;
        }
        let hash = hash(&self.key, id);
        let erased = self.hashes.contains(&hash);
        if erased && self.readmit {
            self.met.lock().unwrap_or_else(PoisonError::into_inner).insert(hash);
        }
        erased && !self.readmit
    }

    /// The same for a reader's thread.
    pub(crate) fn refuser(&self) -> Refuser {
        let (key, hashes, readmit) = (self.key, Arc::clone(&self.hashes), self.readmit);
        let gate = Gate { key, hashes, epoch: self.epoch, readmit, met: Arc::clone(&self.met) };
        Box::new(move |id| gate.refuses(id))
    }

    /// Takes out of a file's rows, not yet written, those of customers who were erased since the gate was opened, and
    /// lets those in who may come back; gives how many rows were taken out. Call it under the lock of
    /// [`crate::tenant::next_batch`], which erasures take too.
    pub(crate) async fn turn_away(&self, tenant: &mut Tenant<'_>, incoming: &Incoming) -> Result<u64> {
        let (hashes, epoch) = load(tenant).await?;
        let mut late: Vec<String> = Vec::new();
        if epoch != self.epoch {
            late = sqlx::query_scalar(incoming.ids).fetch_all(tenant.connection()).await?;
            late.retain(|id| {
                let hash = hash(&self.key, id);
                hashes.contains(&hash) && !self.hashes.contains(&hash)
            });
        }
        self.readmit(tenant).await?;
        if late.is_empty() {
            return Ok(0);
        }
        let done = sqlx::query(incoming.delete).bind(&late).execute(tenant.connection()).await?;
        Ok(done.rows_affected())
    }

    /// Forgets that those were erased who were let in.
    pub(crate) async fn readmit(&self, tenant: &mut Tenant<'_>) -> Result<()> {
        let met: Vec<Vec<u8>> =
            self.met.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|h| h.to_vec()).collect();
        if met.is_empty() {
            return Ok(());
        }
        let tenant_id = tenant.id();
        sqlx::query("delete from erased_customers where tenant_id = $1 and hash = any ($2)")
            .bind(tenant_id)
            .bind(&met)
            .execute(tenant.connection())
            .await?;
        Ok(())
    }
}

/// The tenant's key of such hashes.
pub(crate) async fn key(tenant: &mut Tenant<'_>) -> Result<[u8; 32]> {
    Ok(blake3::derive_key("clew 2026-11 hashes of erased customers", &tenant.secret().await?))
}

pub(crate) fn hash(key: &[u8; 32], customer_id: &str) -> [u8; 32] {
    *blake3::keyed_hash(key, customer_id.as_bytes()).as_bytes()
}

async fn load(tenant: &mut Tenant<'_>) -> Result<(HashSet<[u8; 32]>, i64)> {
    let tenant_id = tenant.id();
    let epoch: i64 = sqlx::query_scalar("select epoch from tenants where id = $1")
        .bind(tenant_id)
        .fetch_optional(tenant.connection())
        .await?
        .ok_or(Error::Missing { what: "tenant" })?;
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select hash from erased_customers where tenant_id = $1")
        .bind(tenant_id)
        .fetch_all(tenant.connection())
        .await?;
    Ok((rows.into_iter().filter_map(|hash| hash.try_into().ok()).collect(), epoch))
}
