//! Jobs of kind `train`: snapshot up to date, records into memory, training, model file, and its row in one
//! transaction with the job's end. A model that is to go live is compared with the live one first, and held back
//! when it is worse out of time.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use chrono::DateTime;
use clew_crm::compare::{self, Comparison};
use clew_crm::estimate::{Counts, Limit, Speed, estimate};
use clew_crm::{Model, Records, TrainParams};
use clew_learn::{Part, Run};
use clew_store::audit;
use clew_store::checkpoint::{self, Checkpoints};
use clew_store::model::{self, Model as Row, Trained};
use clew_store::{column, snapshot, tenant};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::checkpoint::Kept;
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
    let (asked, wanted) = asked(task).await?;
    task.report("bringing the snapshot up to date", 0.0);
    let tenant_id = task.job().tenant_id;
    task.unless_stopped(clear_ended(task)).await?;
    // Boxed, since its state is large and would lie in every task.
    let refresh =
        Box::pin(snapshot::refresh(task.store(), task.objects(), tenant_id, task.progress(0.0, 0.2)));
    let info = task.unless_stopped(refresh).await?;

    task.report("reading the history", 0.2);
    let live = live(task).await?;
    let live_id = live.as_ref().map(|live| live.0);
    let (store, objects, limit) = (task.store().clone(), task.objects().clone(), task.config().train_limit);
    let waiting = Handle::current();
    let at = task.config().at.clone();
    at.reach("read");
    let (seed, goes_live) = (asked.seed.cast_unsigned(), asked.params["activate"] == true);
    let kept = Kept {
        checkpoints: Checkpoints::new(objects.clone(), tenant_id, task.job().id),
        waiting: Handle::current(),
        at: at.clone(),
    };
    let checkpoints = kept.checkpoints.clone();
    let (batch, as_of, bytes, report, comparison) = task
        .compute(seed, (0.25, 0.95), move |run| {
            // Reading fills the history's columns: seconds of arithmetic, with waits for the object store between.
            let (read, records) =
                waiting.block_on(snapshot::open_latest(&store, &objects, tenant_id, info))?;
            let records = Arc::new(records);
            run.check()?;
            let params = params(&asked, &records, wanted)?;
            // Some days later than the live model, it is started from.
            let start = live
                .as_ref()
                .map(|(_, live)| live)
                .filter(|live| live.seed == seed && clew_crm::needs_full(live, &params).is_none());
            check_limit(run, &records, &params, &limit, start.is_some())?;
            let rival = live.as_ref().map(|(_, live)| live).filter(|_| goes_live);
            // A comparison may cost as much as the training.
            let share = if rival.is_some() { 0.5 } else { 1.0 };
            let part = Part::new(run.progress, 0.0, share);
            let model = match start {
                Some(start) => clew_crm::train_from_keeping(
                    &run.with_progress(&part),
                    &records,
                    &params,
                    start,
                    Some(&kept),
                )?,
                None => clew_crm::train_keeping(&run.with_progress(&part), &records, &params, Some(&kept))?,
            };
            at.reach("train");
            let report = report(&model)?;
            let rest = Part::new(run.progress, share, 1.0);
            let comparison = rival
                .map(|live| {
                    compare::compare(&run.with_progress(&rest), &records, live, &model, &params, Some(&kept))
                })
                .transpose()?;
            Ok((read.batch, params.as_of, model.to_bytes()?, report, comparison))
        })
        .await?;

    task.report("keeping the model", 0.95);
    let folder = format!("{tenant_id}/models");
    task.config().at.reach("write");
    let bytes = Bytes::from(bytes);
    let stored = task.unless_stopped(task.objects().put(&folder, ".clew", bytes.clone())).await?;
    let as_of = DateTime::from_timestamp(as_of, 0)
        .ok_or_else(|| Failure::internal("keeping the model", "no such date"))?;
    let trained = Trained {
        as_of,
        object: stored.name,
        size_bytes: i64::try_from(stored.size_bytes).unwrap_or(i64::MAX),
        batch,
        report,
        comparison: comparison.as_ref().map(json_of).transpose()?,
    };
    let finished = finish(task, &trained, bytes, live_id.zip(comparison)).await?;
    // What is left behind goes with the next training.
    if let Err(error) = checkpoints.clear().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "checkpoints could not be deleted");
    }
    Ok(finished)
}

/// Deletes the checkpoints of trainings that ended otherwise than well.
async fn clear_ended(task: &Task) -> Result<(), Failure> {
    let mut tenant = task.store().tenant(task.job().tenant_id).await?;
    Ok(checkpoint::clear_ended(&mut tenant, task.objects()).await?)
}

/// Refuses a training that would need more than is allowed, with the figures, rather than have it killed half-way.
fn check_limit(
    run: &Run<'_>,
    records: &Records,
    params: &TrainParams,
    limit: &Limit,
    warm: bool,
) -> Result<(), Failure> {
    if *limit == Limit::default() {
        return Ok(());
    }
    let begun = Instant::now();
    let speed = Speed::probe(run, &|| begun.elapsed().as_secs_f64())?;
    let counts = Counts::of(&records.history(params.as_of));
    let needed = estimate(&counts, params, &speed, warm);
    needed.check(limit).map_err(|error| Failure::fail("too_large", error.to_string()))
}

/// The model that answers: to start from, and to compare with when the new one is to take its place. One that cannot be
/// read any more, being of another version, is neither.
async fn live(task: &Task) -> Result<Option<(Uuid, Arc<Model>)>, Failure> {
    let mut tenant = task.tenant().await?;
    let Some(row) = model::find_active(&mut tenant).await? else { return Ok(None) };
    drop(tenant);
    let Some(object) = row.object else { return Ok(None) };
    let bytes = task.unless_stopped(task.objects().get(&object)).await?;
    match Model::open(Arc::new(bytes)) {
        Ok(model) => Ok(Some((row.id, Arc::new(model)))),
        Err(error) => {
            tracing::warn!(model.id = %row.id, error = &error as &dyn std::error::Error, "the live model cannot be read");
            Ok(None)
        }
    }
}

/// Writes the model's row and the job's end, or neither. It goes live when that was asked for, unless it was found
/// worse than the live one, or another than the one it was compared with has become that meanwhile.
async fn finish(
    task: &Task,
    trained: &Trained,
    bytes: Bytes,
    compared: Option<(Uuid, Comparison)>,
) -> Result<Finished, Failure> {
    let model_id = payload::id(task.job(), "model_id")?;
    let mut tenant = task.tenant().await?;
    let mut row = model::finish(&mut tenant, model_id, trained).await?;
    // An older model of the very same bytes may have been removed since the file was put; now that this one is written,
    // its file stays.
    if !task.objects().exists(&trained.object).await? {
        task.objects().put(&format!("{}/models", task.job().tenant_id), ".clew", bytes).await?;
    }
    audit::note(&mut tenant, Some(model_id.to_string()), Some(1));
    let mut held_back = None;
    if row.params["activate"] == true && !row.active {
        let live_id = model::find_active(&mut tenant).await?.map(|live| live.id);
        held_back = match compared {
            Some((_, comparison)) if comparison.worse => Some(comparison.reason),
            Some((id, _)) if live_id.is_some_and(|live_id| live_id != id) => {
                Some("another model went live while this one was trained".to_owned())
            }
            _ => None,
        };
        if held_back.is_none() {
            row = model::activate(&mut tenant, model_id).await?;
        }
    }
    let removed = model::mark_surplus(&mut tenant).await?;
    if !removed.is_empty() {
        tracing::info!(models.removed = removed.len(), "older models are removed");
    }
    let result = json!({
        "model_id": model_id, "as_of": trained.as_of, "active": row.active, "held_back": held_back,
    });
    task.finish(tenant, &result).await
}

/// What was asked for; and how the tenant wants it learned: what must not be learned from, and the minimum support.
async fn asked(task: &Task) -> Result<(Row, TrainParams), Failure> {
    let model_id = payload::id(task.job(), "model_id")?;
    let mut tenant = task.tenant().await?;
    let row = model::find(&mut tenant, model_id).await?;
    let row =
        row.ok_or_else(|| Failure::fail("missing", "the model is not there any more; ask for a new one"))?;
    drop(tenant);
    // Rows that came one by one are looked at all together here. Nothing of the tenant's is written, so no act is noted.
    let mut tenant = task.store().tenant(task.job().tenant_id).await?;
    column::guess(&mut tenant).await?;
    let left_out = column::left_out(&mut tenant).await?;
    let minimum_support = tenant::find_own(&mut tenant).await?.minimum_support.unsigned_abs() as usize;
    tenant.commit().await?;
    Ok((row, TrainParams { left_out, minimum_support, ..TrainParams::new(0) }))
}

fn params(asked: &Row, records: &Records, wanted: TrainParams) -> Result<TrainParams, Failure> {
    let as_of = match asked.as_of {
        Some(as_of) => as_of.timestamp(),
        // Everything that is known: the history shows what is before the date.
        None => records.end_of_data().map(|(end, _)| end).ok_or_else(|| {
            Failure::fail("not_enough_data", "there are no events yet; import events, then train again")
        })?,
    };
    let mut params = TrainParams { as_of, ..wanted };
    params.horizon_days = u32::try_from(asked.horizon_days)
        .map_err(|_| Failure::fail("invalid_input", "horizon_days must be above 0"))?;
    Ok(params)
}

fn report(model: &Model) -> Result<Value, Failure> {
    json_of(&model.report)
}

fn json_of(value: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::internal("writing the report", error))
}
