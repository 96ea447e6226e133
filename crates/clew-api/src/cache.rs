//! What is kept open to answer quickly: models (by memory map), records and scorers, the least recently used
//! ones given up beyond a budget of bytes. Each is opened once, however many requests wait for it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clew_crm::scorer::Scorer;
use clew_crm::{Model, Records};
use tokio::sync::OnceCell;
use tracing::Instrument;
use uuid::Uuid;

use crate::metrics::CACHE_BYTES;
use crate::problem::{Problem, Result};

/// What a thing is kept under. Models and snapshots never change, so neither does what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// Tenant and model.
    Model(Uuid, Uuid),
    /// Tenant and version of the snapshot.
    Records(Uuid, i64),
    /// Tenant, model, version of the snapshot, date in Unix seconds.
    Scorer(Uuid, Uuid, i64, i64),
}

impl Key {
    fn tenant_id(self) -> Uuid {
        match self {
            Key::Model(tenant_id, _) | Key::Records(tenant_id, _) | Key::Scorer(tenant_id, ..) => tenant_id,
        }
    }

    /// Whether the other is of an older history of the same tenant.
    fn supersedes(self, other: &Key) -> bool {
        let version = |key: &Key| match *key {
            Key::Records(tenant_id, version) | Key::Scorer(tenant_id, _, version, _) => {
                Some((tenant_id, version))
            }
            Key::Model(..) => None,
        };
        match (version(&self), version(other)) {
            (Some((tenant_id, version)), Some((other_id, other))) => tenant_id == other_id && other < version,
            _ => false,
        }
    }
}

/// A thing that is kept.
#[derive(Debug, Clone)]
pub(crate) enum Kept {
    Model(Arc<Model>),
    Records(Arc<Records>),
    Scorer(Arc<Scorer>),
}

#[derive(Debug, Default)]
struct Slot {
    cell: Arc<OnceCell<Kept>>,
    size_bytes: u64,
    last_use: u64,
}

#[derive(Debug, Default)]
struct Slots {
    by_key: HashMap<Key, Slot>,
    n_uses: u64,
}

/// The cache. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    slots: Arc<Mutex<Slots>>,
    budget_bytes: u64,
}

impl Cache {
    /// Keeps up to `budget_bytes`, and the thing last asked for in any case.
    pub(crate) fn new(budget_bytes: u64) -> Self {
        Self { slots: Arc::default(), budget_bytes }
    }

    /// A model.
    pub(crate) async fn model<F>(&self, key: Key, open: F) -> Result<Arc<Model>>
    where
        F: Future<Output = Result<(Arc<Model>, u64)>> + Send + 'static,
    {
        match self.get(key, async { open.await.map(|(model, size)| (Kept::Model(model), size)) }).await? {
            Kept::Model(model) => Ok(model),
            other => Err(mixed(&other)),
        }
    }

    /// The records of a snapshot.
    pub(crate) async fn records<F>(&self, key: Key, open: F) -> Result<Arc<Records>>
    where
        F: Future<Output = Result<(Arc<Records>, u64)>> + Send + 'static,
    {
        match self
            .get(key, async { open.await.map(|(records, size)| (Kept::Records(records), size)) })
            .await?
        {
            Kept::Records(records) => Ok(records),
            other => Err(mixed(&other)),
        }
    }

    /// A scorer.
    pub(crate) async fn scorer<F>(&self, key: Key, open: F) -> Result<Arc<Scorer>>
    where
        F: Future<Output = Result<(Arc<Scorer>, u64)>> + Send + 'static,
    {
        match self.get(key, async { open.await.map(|(scorer, size)| (Kept::Scorer(scorer), size)) }).await? {
            Kept::Scorer(scorer) => Ok(scorer),
            other => Err(mixed(&other)),
        }
    }

    /// Whether opening something of the tenant ahead puts nobody else out, or the tenant is answered from here already.
    pub(crate) fn welcomes(&self, tenant_id: Uuid) -> bool {
        let slots = self.lock();
        let total: u64 = slots.by_key.values().map(|slot| slot.size_bytes).sum();
        total <= self.budget_bytes / 2 || slots.by_key.keys().any(|key| key.tenant_id() == tenant_id)
    }

    /// What is kept under the key, opened if need be. Others who ask meanwhile wait for the same opening; when it
    /// fails the next of them tries. It goes on when those who asked have gone: the next one finds it done.
    async fn get<F>(&self, key: Key, open: F) -> Result<Kept>
    where
        F: Future<Output = Result<(Kept, u64)>> + Send + 'static,
    {
        let cell = {
            let mut slots = self.lock();
            slots.n_uses += 1;
            let now = slots.n_uses;
            let slot = slots.by_key.entry(key).or_default();
            slot.last_use = now;
            Arc::clone(&slot.cell)
        };
        if let Some(kept) = cell.get() {
            return Ok(kept.clone());
        }
        let cache = self.clone();
        let opening = async move {
            let mut opened_bytes = None;
            let found = cell
                .get_or_try_init(|| async {
                    let (kept, size_bytes) = open.await?;
                    opened_bytes = Some(size_bytes);
                    Ok::<_, Problem>(kept)
                })
                .await
                .cloned();
            match (&found, opened_bytes) {
                (Ok(_), Some(size_bytes)) => cache.settle(key, &cell, size_bytes),
                (Err(_), _) => cache.forget(key, &cell),
                _ => {}
            }
            found
        };
        tokio::spawn(opening.in_current_span()).await.map_err(Problem::internal)?
    }

    /// Notes the size of what was opened, and gives up the least recently used until all fits.
    fn settle(&self, key: Key, cell: &Arc<OnceCell<Kept>>, size_bytes: u64) {
        let mut slots = self.lock();
        // Another request may have given it up and begun anew.
        if let Some(slot) = slots.by_key.get_mut(&key)
            && Arc::ptr_eq(&slot.cell, cell)
        {
            slot.size_bytes = size_bytes;
        }
        // An older history may hold what was deleted since, and nobody asks for it again.
        slots.by_key.retain(|other, _| !key.supersedes(other));
        loop {
            let total: u64 = slots.by_key.values().map(|slot| slot.size_bytes).sum();
            metrics::gauge!(CACHE_BYTES).set(total as f64);
            if total <= self.budget_bytes {
                return;
            }
            let others = slots.by_key.iter().filter(|(other, slot)| **other != key && slot.size_bytes > 0);
            let Some(oldest) = others.min_by_key(|(_, slot)| slot.last_use).map(|(other, _)| *other) else {
                return;
            };
            slots.by_key.remove(&oldest);
        }
    }

    /// Drops the slot of a failed opening, unless somebody is opening it again.
    fn forget(&self, key: Key, cell: &Arc<OnceCell<Kept>>) {
        let mut slots = self.lock();
        // Two owners: the slot and the caller.
        let unused = Arc::strong_count(cell) <= 2 && cell.get().is_none();
        if unused && slots.by_key.get(&key).is_some_and(|slot| Arc::ptr_eq(&slot.cell, cell)) {
            slots.by_key.remove(&key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mixed(kept: &Kept) -> Problem {
    let kind = match kept {
        Kept::Model(_) => "a model",
        Kept::Records(_) => "records",
        Kept::Scorer(_) => "a scorer",
    };
    Problem::internal(format!("the cache holds {kind} under another kind's key"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use clew_crm::Records;
    use uuid::Uuid;

    use super::*;

    /// The history of a tenant of its own.
    fn key(tenant: u128) -> Key {
        Key::Records(Uuid::from_u128(tenant), 1)
    }

    /// Opens records of ten bytes, and counts.
    async fn open(n_opened: Arc<AtomicUsize>) -> Result<(Arc<Records>, u64)> {
        n_opened.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok((Arc::new(crate::testing::records()), 10))
    }

    #[tokio::test]
    async fn many_who_ask_at_once_open_it_once() {
        let cache = Cache::new(1_000);
        let n_opened = Arc::new(AtomicUsize::new(0));
        let ask = || cache.records(key(1), open(Arc::clone(&n_opened)));
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(n_opened.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn the_least_recently_used_goes_first_and_a_failure_is_not_kept() {
        let cache = Cache::new(25);
        let n_opened = Arc::new(AtomicUsize::new(0));
        let ask = |tenant| cache.records(key(tenant), open(Arc::clone(&n_opened)));
        for tenant in [1, 2, 1, 3] {
            assert!(ask(tenant).await.is_ok());
        }
        assert_eq!(n_opened.load(Ordering::SeqCst), 3);
        assert!(ask(1).await.is_ok(), "1 was used after 2, so 2 went");
        assert_eq!(n_opened.load(Ordering::SeqCst), 3);
        assert!(ask(2).await.is_ok());
        assert_eq!(n_opened.load(Ordering::SeqCst), 4);

        let failed = cache.records(key(9), async { Err(Problem::not_found("snapshot")) }).await;
        assert!(failed.is_err());
        assert!(ask(9).await.is_ok());
    }

    #[tokio::test]
    async fn a_newer_history_puts_the_tenant_s_older_ones_out() {
        let cache = Cache::new(1_000);
        let n_opened = Arc::new(AtomicUsize::new(0));
        let ask = |version| cache.records(Key::Records(Uuid::nil(), version), open(Arc::clone(&n_opened)));
        let other = cache.records(key(7), open(Arc::clone(&n_opened)));
        assert!(other.await.is_ok());
        for version in [1, 2, 2] {
            assert!(ask(version).await.is_ok());
        }
        assert_eq!(n_opened.load(Ordering::SeqCst), 3);
        assert!(cache.lock().by_key.contains_key(&key(7)), "others keep theirs");
        assert!(
            !cache.lock().by_key.contains_key(&Key::Records(Uuid::nil(), 1)),
            "the older one may hold the erased"
        );
    }
    #[tokio::test]
    async fn a_tenant_is_opened_ahead_where_there_is_room_or_it_is_answered_already() {
        let cache = Cache::new(25);
        let n_opened = Arc::new(AtomicUsize::new(0));
        let tenant = Uuid::from_u128;
        assert!(cache.welcomes(tenant(1)));
        for held in [1, 2] {
            assert!(cache.records(key(held), open(Arc::clone(&n_opened))).await.is_ok());
        }
        assert!(cache.welcomes(tenant(1)), "its answers come from here");
        assert!(!cache.welcomes(tenant(3)), "more than half is taken by others");
    }
}
