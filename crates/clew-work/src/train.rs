//! Jobs of kind `train`: snapshot up to date, records into memory, training, model file, and its row in one
//! transaction with the job's end.

use std::sync::Arc;

use chrono::DateTime;
use clew_crm::{Model, Records, TrainParams};
use clew_store::model::{self, Model as Row, Trained};
use clew_store::snapshot;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::failure::Failure;
use crate::kind::{Kind, Outcome};
use crate::payload;
use crate::task::{Finished, Task};

/// Trains a model.
pub(crate) struct Train;

impl Kind for Train {
    fn name(&self) -> &'static str {
        model::JOB_KIND
    }

    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a> {
        Box::pin(train(task))
    }
}

async fn train(task: &Task) -> Result<Finished, Failure> {
    let asked = asked(task).await?;
    task.report("bringing the snapshot up to date", 0.0);
    let tenant_id = task.job().tenant_id;
    // Boxed, since its state is large and would lie in every task.
    let refresh =
        Box::pin(snapshot::refresh(task.store(), task.objects(), tenant_id, task.progress(0.0, 0.2)));
    let info = task.unless_stopped(refresh).await?;

    task.report("reading the history", 0.2);
    let start = start(task, asked.seed.cast_unsigned()).await?;
    let (objects, read) = (task.objects().clone(), info.clone());
    let waiting = Handle::current();
    let seed = asked.seed.cast_unsigned();
    let (as_of, bytes, report) = task
        .compute(seed, (0.25, 0.95), move |run| {
            // Reading fills the history's columns: seconds of arithmetic, with waits for the object store between.
            let records = waiting.block_on(snapshot::open(&objects, &read))?;
            run.check()?;
            let params = params(&asked, &records)?;
            let model = match start.filter(|start| clew_crm::needs_full(start, &params).is_none()) {
                Some(start) => clew_crm::train_from(run, &records, &params, &start)?,
                None => clew_crm::train(run, &records, &params)?,
            };
            let report = report(&model)?;
            Ok((params.as_of, model.to_bytes()?, report))
        })
        .await?;

    task.report("keeping the model", 0.95);
    let folder = format!("{tenant_id}/models");
    let stored = task.unless_stopped(task.objects().put(&folder, ".clew", bytes)).await?;
    let as_of = DateTime::from_timestamp(as_of, 0)
        .ok_or_else(|| Failure::internal("keeping the model", "no such date"))?;
    let trained = Trained {
        as_of,
        object: stored.name,
        size_bytes: i64::try_from(stored.size_bytes).unwrap_or(i64::MAX),
        batch: info.batch,
        report,
    };
    finish(task, &trained).await
}

/// The active model, for a training of some days later to start from; none where there is none, or one of another seed or version.
async fn start(task: &Task, seed: u64) -> Result<Option<Model>, Failure> {
    let mut tenant = task.tenant().await?;
    let active = model::find_active(&mut tenant).await?;
    drop(tenant);
    let Some(object) = active.and_then(|active| active.object) else { return Ok(None) };
    let bytes = task.unless_stopped(task.objects().get(&object)).await?;
    Ok(Model::open(Arc::new(bytes)).ok().filter(|model| model.seed == seed))
}

/// Writes the model's row and the job's end, or neither.
async fn finish(task: &Task, trained: &Trained) -> Result<Finished, Failure> {
    let model_id = payload::id(task.job(), "model_id")?;
    let mut tenant = task.tenant().await?;
    let mut row = model::finish(&mut tenant, model_id, trained).await?;
    if row.params["activate"] == true && !row.active {
        row = model::activate(&mut tenant, model_id).await?;
    }
    let result = json!({ "model_id": model_id, "as_of": trained.as_of, "active": row.active });
    task.finish(tenant, &result).await
}

/// What was asked for.
async fn asked(task: &Task) -> Result<Row, Failure> {
    let model_id = payload::id(task.job(), "model_id")?;
    let mut tenant = task.tenant().await?;
    let row = model::find(&mut tenant, model_id).await?;
    row.ok_or_else(|| Failure::fail("missing", "the model is not there any more; ask for a new one"))
}

fn params(asked: &Row, records: &Records) -> Result<TrainParams, Failure> {
    let as_of = match asked.as_of {
        Some(as_of) => as_of.timestamp(),
        // Everything that is known: the history shows what is before the date.
        None => records.end_of_data().map(|(end, _)| end).ok_or_else(|| {
            Failure::fail("not_enough_data", "there are no events yet; import events, then train again")
        })?,
    };
    let mut params = TrainParams::new(as_of);
    params.horizon_days = u32::try_from(asked.horizon_days)
        .map_err(|_| Failure::fail("invalid_input", "horizon_days must be above 0"))?;
    Ok(params)
}

fn report(model: &Model) -> Result<Value, Failure> {
    serde_json::to_value(&model.report).map_err(|error| Failure::internal("writing the report", error))
}
