//! Jobs of kind `forget`: deletes the models that are more than their tenant keeps, files and rows. Killed at any point and
//! run again, it goes on with what is left; what one job did not come to, the next one does.

use clew_store::{audit, model};
use serde_json::json;

use crate::failure::Failure;
use crate::kind::{Kind, Outcome};
use crate::task::{Finished, Task};

/// Deletes models that are too many.
pub(crate) struct Forget;

impl Kind for Forget {
    fn name(&self) -> &'static str {
        model::FORGET_JOB_KIND
    }

    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a> {
        Box::pin(forget(task))
    }
}

async fn forget(task: &Task) -> Result<Finished, Failure> {
    task.report("deleting older models", 0.0);
    task.config().at.reach("read");
    let mut n_models = 0_u64;
    loop {
        let mut tenant = task.tenant().await?;
        let forgotten = model::forget_one(&mut tenant, task.objects(), || task.config().at.reach("write"));
        let Some(model_id) = task.unless_stopped(forgotten).await? else { break };
        audit::note(&mut tenant, Some(model_id.to_string()), Some(1));
        tenant.commit().await?;
        n_models += 1;
    }
    task.finish(task.tenant().await?, &json!({ "n_models": n_models })).await
}
