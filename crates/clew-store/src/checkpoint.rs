//! Checkpoints of jobs: what a long job has done so far, kept in the object store until it ends.
//!
//! They lie under `<tenant>/checkpoints/<job>/` and are named by what they were made from, not by what they are.

use std::collections::BTreeSet;

use bytes::Bytes;
use uuid::Uuid;

use crate::error::Result;
use crate::job;
use crate::object::Objects;
use crate::scope::Tenant;

/// What one job keeps.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    objects: Objects,
    folder: String,
}

impl Checkpoints {
    /// Of a job.
    pub fn new(objects: Objects, tenant_id: Uuid, job_id: Uuid) -> Checkpoints {
        Checkpoints { objects, folder: format!("{}/{job_id}", folder(tenant_id)) }
    }

    /// What was kept under a name.
    pub async fn find(&self, name: &str) -> Result<Option<Bytes>> {
        let object = self.object(name);
        if self.objects.exists(&object).await? { self.objects.get(&object).await.map(Some) } else { Ok(None) }
    }

    /// Keeps bytes under a name; they are there whole or not at all.
    pub async fn keep(&self, name: &str, bytes: Bytes) -> Result<()> {
        self.objects.put_as(&self.object(name), bytes).await
    }

    /// Deletes all that the job has kept.
    pub async fn clear(&self) -> Result<()> {
        for object in self.objects.list(&self.folder).await? {
            self.objects.delete(&object).await?;
        }
        Ok(())
    }

    fn object(&self, name: &str) -> String {
        format!("{}/{name}.clew", self.folder)
    }
}

/// Deletes what jobs have left that ended without doing so: those that failed, were cancelled, or lost their worker too often.
pub async fn clear_ended(tenant: &mut Tenant<'_>, objects: &Objects) -> Result<()> {
    let folder = folder(tenant.id());
    let names = objects.list(&folder).await?;
    let job_of = |name: &str| Uuid::parse_str(name.strip_prefix(&folder)?.split('/').nth(1)?).ok();
    let job_ids: BTreeSet<Uuid> = names.iter().filter_map(|name| job_of(name)).collect();
    for job_id in job_ids {
        if job::find(tenant, job_id).await?.is_none_or(|job| job.state.is_final()) {
            Checkpoints::new(objects.clone(), tenant.id(), job_id).clear().await?;
        }
    }
    Ok(())
}

fn folder(tenant_id: Uuid) -> String {
    format!("{tenant_id}/checkpoints")
}
