//! Which snapshots are kept: the last ones of the present epoch, and no object that only others are made of.

use std::collections::BTreeSet;

use sqlx::types::Json;
use uuid::Uuid;

use super::{SnapshotInfo, parts_folder, totals};
use crate::error::{Error, Result};
use crate::object::Objects;
use crate::store::Store;

/// Versions of a tenant's snapshot that are kept: a reader may still be opening the last but one.
const N_KEPT: i64 = 3;

/// Deletes every snapshot that was made before rows were last taken away, and every object that such a one may be
/// made of, whoever left it. Whoever is opening one finds a file missing, and opens the latest: see [`super::open_latest`].
pub async fn forget_earlier(store: &Store, objects: &Objects, tenant_id: Uuid) -> Result<()> {
    let mut tenant = store.tenant(tenant_id).await?;
    let epoch = totals(&mut tenant).await?.epoch;
    sqlx::query(
        "delete from snapshots where tenant_id = $1 and coalesce((info ->> 'epoch')::bigint, 0) < $2",
    )
    .bind(tenant_id)
    .bind(epoch)
    .execute(tenant.connection())
    .await?;
    tenant.commit().await?;
    let current = format!("{}/", parts_folder(tenant_id, epoch));
    for object in objects.list(&parts_folder(tenant_id, 0)).await? {
        if epoch > 0 && !object.starts_with(&current) && !is_later(&object, tenant_id, epoch) {
            objects.delete(&object).await?;
        }
    }
    Ok(())
}

/// Whether an object is of an epoch after this one: rows were taken away again meanwhile.
fn is_later(object: &str, tenant_id: Uuid, epoch: i64) -> bool {
    let below = object.strip_prefix(&format!("{}/", parts_folder(tenant_id, 0)));
    let folder = below.and_then(|below| below.split_once('/'));
    folder.and_then(|(folder, _)| folder.parse::<i64>().ok()).is_some_and(|other| other > epoch)
}

/// Makes a snapshot the tenant's latest. None when rows were taken away since it was begun.
pub(super) async fn record(
    store: &Store,
    objects: &Objects,
    tenant_id: Uuid,
    mut info: SnapshotInfo,
) -> Result<Option<SnapshotInfo>> {
    let json = serde_json::to_vec(&info).map_err(|error| Error::corrupt("snapshot", error.to_string()))?;
    let object = objects.put(&parts_folder(tenant_id, info.epoch), ".json", json).await?.name;
    let mut n_tries = 0;
    loop {
        let mut tenant = store.tenant(tenant_id).await?;
        // Locked, so that nothing is taken away before the commit.
        let epoch: Option<i64> = sqlx::query_scalar("select epoch from tenants where id = $1 for share")
            .bind(tenant_id)
            .fetch_optional(tenant.connection())
            .await?;
        if epoch != Some(info.epoch) {
            return Ok(None);
        }
        let written = sqlx::query_scalar(
            "insert into snapshots (tenant_id, version, batch, object, size_bytes, info)
             select $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5 from snapshots where tenant_id = $1
             returning version",
        )
        .bind(tenant_id)
        .bind(info.batch)
        .bind(&object)
        .bind(info.size_bytes as i64)
        .bind(Json(&info))
        .fetch_one(tenant.connection())
        .await;
        match written.map_err(Error::from) {
            Ok(version) => {
                tenant.commit().await?;
                info.version = version;
                return Ok(Some(info));
            }
            // Another worker took the number at the same moment.
            Err(Error::Conflict { .. }) if n_tries < 3 => n_tries += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Removes versions that nobody opens any more, with the objects that only they had.
pub(super) async fn sweep(store: &Store, objects: &Objects, tenant_id: Uuid, version: i64) -> Result<()> {
    let mut tenant = store.tenant(tenant_id).await?;
    let rows: Vec<(i64, String, serde_json::Value)> =
        sqlx::query_as("select version, object, info from snapshots where tenant_id = $1")
            .bind(tenant_id)
            .fetch_all(tenant.connection())
            .await?;
    sqlx::query("delete from snapshots where tenant_id = $1 and version <= $2")
        .bind(tenant_id)
        .bind(version - N_KEPT)
        .execute(tenant.connection())
        .await?;
    tenant.commit().await?;
    let (mut kept, mut old) = (BTreeSet::new(), BTreeSet::new());
    for (row, object, info) in rows {
        let set = if row > version - N_KEPT { &mut kept } else { &mut old };
        set.insert(object);
        if let Ok(info) = serde_json::from_value::<SnapshotInfo>(info) {
            set.extend(info.parts().map(|part| part.object.clone()));
        }
    }
    for object in old.difference(&kept) {
        objects.delete(object).await?;
    }
    Ok(())
}
