//! Jobs of kind `drift`: after an import, does what came still look like what the live model learned from? If not,
//! and the tenant's schedule says so, a training is asked for in the same transaction.

use clew_store::schedule::{self, Reason};
use clew_store::{column, drift, model, snapshot};
use serde_json::json;
use tokio::runtime::Handle;

use crate::failure::Failure;
use crate::kind::{Kind, Outcome};
use crate::task::{Finished, Task};

/// Looks for drift.
pub(crate) struct Drift;

impl Kind for Drift {
    fn name(&self) -> &'static str {
        drift::JOB_KIND
    }

    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a> {
        Box::pin(look(task))
    }
}

async fn look(task: &Task) -> Result<Finished, Failure> {
    let mut tenant = task.tenant().await?;
    let live = model::find_active(&mut tenant).await?;
    let left_out = column::left_out(&mut tenant).await?;
    drop(tenant);
    let live = live.and_then(|live| Some((live.id, live.as_of?.timestamp())));
    let Some((model_id, as_of)) = live else {
        // It was there when the look was asked for.
        return task.finish(task.tenant().await?, &json!({ "model_id": null })).await;
    };
    task.report("bringing the snapshot up to date", 0.0);
    let refresh = Box::pin(snapshot::refresh(
        task.store(),
        task.objects(),
        task.job().tenant_id,
        task.progress(0.0, 0.4),
    ));
    let info = task.unless_stopped(refresh).await?;
    task.report("reading the history", 0.4);
    let (store, objects, tenant_id) = (task.store().clone(), task.objects().clone(), task.job().tenant_id);
    let waiting = Handle::current();
    let (batch, found) = task
        .compute(0, (0.4, 0.95), move |run| {
            let (read, records) =
                waiting.block_on(snapshot::open_latest(&store, &objects, tenant_id, info))?;
            run.check()?;
            Ok((read.batch, clew_crm::drift::drift(run, &records, as_of, &left_out)?))
        })
        .await?;
    let json = serde_json::to_value(&found).map_err(|error| Failure::internal("writing the drift", error))?;
    let mut tenant = task.tenant().await?;
    drift::put(&mut tenant, model_id, batch, &json).await?;
    let asked = if found.retrain { schedule::ask(&mut tenant, Reason::Drift).await? } else { None };
    let result = json!({
        "model_id": model_id, "retrain": found.retrain, "trains_model_id": asked.map(|model| model.id),
    });
    task.finish(tenant, &result).await
}
