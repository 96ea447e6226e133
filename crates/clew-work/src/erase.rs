//! Jobs of kind `erase`: clears what was made of a customer whose rows are gone: snapshots, files that came in, lists of
//! rejected lines. Run again, it does nothing twice.

use clew_store::{erasure, import, snapshot};
use serde_json::json;

use crate::failure::Failure;
use crate::kind::{Kind, Outcome};
use crate::payload;
use crate::task::{Finished, Task};

/// Clears what was made of an erased customer.
pub(crate) struct Erase;

impl Kind for Erase {
    fn name(&self) -> &'static str {
        erasure::JOB_KIND
    }

    fn is_urgent(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a> {
        Box::pin(erase(task))
    }
}

async fn erase(task: &Task) -> Result<Finished, Failure> {
    let erasure_id = payload::id(task.job(), "erasure_id")?;
    let n_imports = clear_copies(task, (0.0, 1.0)).await?;
    let mut tenant = task.tenant().await?;
    erasure::finish(&mut tenant, erasure_id, task.now()).await?;
    task.finish(tenant, &json!({ "erasure_id": erasure_id, "n_imports": n_imports })).await
}

/// Clears what was made of rows that are gone, the share `from..=to` of a job: snapshots of before, files that came in.
/// Gives of how many imports.
pub(crate) async fn clear_copies(task: &Task, (from, to): (f64, f64)) -> Result<u64, Failure> {
    let (store, objects, tenant_id) = (task.store(), task.objects(), task.job().tenant_id);
    let most = from + 0.8 * (to - from);
    task.report("making the snapshot anew", from);
    // The new one first: until it is there, the old one answers. Several erasures wait for one.
    if snapshot::latest(store, tenant_id).await?.is_some() {
        let refresh = Box::pin(snapshot::refresh(store, objects, tenant_id, task.progress(from, most)));
        task.unless_stopped(refresh).await?;
    }
    task.report("deleting what was made before", most);
    task.unless_stopped(snapshot::forget_earlier(store, objects, tenant_id)).await?;
    task.unless_stopped(import::clear(store, objects, tenant_id)).await
}
