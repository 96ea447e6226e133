//! The compressed columnar copy of a tenant, brought up to date by what changed.

use std::sync::Arc;

use clew_crm::Records;
use clew_learn::Progress;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::object::Objects;
use crate::store::Store;

/// A snapshot: which objects it is made of, and what is in it. Small; kept in the table `snapshots`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotInfo {
    /// The tenant's snapshots are numbered from 1.
    pub version: i64,
    /// The last write that is in it.
    pub batch: i64,
    /// Customers with a row of their own.
    pub n_customers: u64,
    /// Products with a row of their own.
    pub n_products: u64,
    /// Campaigns with a row of their own.
    pub n_campaigns: u64,
    /// Events.
    pub n_events: u64,
    /// Bytes in the object store.
    pub size_bytes: u64,
}

/// Brings the tenant's snapshot up to date: reads only what was written since the last one. Gives the last one
/// when nothing was.
pub async fn refresh(
    _store: &Store,
    _objects: &Objects,
    _tenant_id: Uuid,
    _progress: Arc<dyn Progress + Send + Sync>,
) -> Result<SnapshotInfo> {
    Err(Error::input("snapshot", "snapshots are not built yet"))
}

/// The tenant's latest snapshot, if there is one.
pub async fn latest(_store: &Store, _tenant_id: Uuid) -> Result<Option<SnapshotInfo>> {
    Ok(None)
}

/// Reads a snapshot into memory. Takes seconds and a core: call it from where a blocking task may run.
pub async fn open(_objects: &Objects, _info: &SnapshotInfo) -> Result<Records> {
    Err(Error::input("snapshot", "snapshots are not built yet"))
}
