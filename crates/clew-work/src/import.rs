//! Jobs of kind `import`: a file that came in goes into the tenant's tables, all of it or nothing, in one
//! transaction with the job's end.

use clew_store::audit;
use clew_store::drift;
use clew_store::import::{self, Import as Row};
use clew_store::ingest::{self, Incoming};
use clew_store::intake::Format;
use clew_store::mapping::Mapping;
use serde_json::json;

use crate::failure::Failure;
use crate::kind::{Kind, Outcome};
use crate::payload;
use crate::task::{Finished, Task};

/// Reads a file in.
pub(crate) struct Import;

impl Kind for Import {
    fn name(&self) -> &'static str {
        import::JOB_KIND
    }

    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a> {
        Box::pin(read_in(task))
    }
}

async fn read_in(task: &Task) -> Result<Finished, Failure> {
    let row = asked(task).await?;
    task.report("fetching the file", 0.0);
    let path = task.unless_stopped(task.objects().local(&row.object)).await?;
    let incoming = Incoming {
        entity: row.entity,
        path,
        name: row.entity.to_string(),
        format: row.format.as_deref().and_then(Format::parse),
        mapping: Mapping::from_json(&row.mapping, row.entity)?,
        readmit_erased: row.readmit_erased,
    };
    task.report("reading the file", 0.02);
    task.config().at.reach("read");
    let mut tenant = task.tenant().await?;
    // Dropped half-way, the transaction is undone, and with it everything the file brought.
    let progress = task.progress(0.02, 0.99);
    let ingested = task
        .unless_stopped(ingest::run(&mut tenant, task.objects(), &incoming, task.now(), progress))
        .await?;
    task.config().at.reach("write");
    let outcome = ingested.outcome;
    import::finish(&mut tenant, row.id, &outcome).await?;
    if outcome.batch.is_some() {
        drift::enqueue(&mut tenant).await?;
    }
    let n_rows = u64::try_from(outcome.accepted).unwrap_or_default();
    audit::note(&mut tenant, Some(row.id.to_string()), Some(n_rows));
    let result = json!({
        "import_id": row.id,
        "entity": row.entity.as_str(),
        "accepted": outcome.accepted,
        "rejected": outcome.rejected,
        "duplicates": outcome.duplicates,
        "orphans": outcome.orphans,
        "columns": outcome.columns,
        "notes": ingested.report.notes,
    });
    let finished = task.finish(tenant, &result).await?;
    // What came in is in the tables now: its file is one copy of persons' data fewer to look after. One that is left
    // behind here goes with the next erasure, or at its term.
    if let Err(error) = import::discard(task.store(), task.objects(), task.job().tenant_id, &row.object).await
    {
        tracing::warn!(import.id = %row.id, error = &error as &dyn std::error::Error, "the file of an import was not deleted");
    }
    Ok(finished)
}

/// What was asked for.
async fn asked(task: &Task) -> Result<Row, Failure> {
    let import_id = payload::id(task.job(), "import_id")?;
    let mut tenant = task.tenant().await?;
    let row = import::find(&mut tenant, import_id).await?;
    row.ok_or_else(|| Failure::fail("missing", "the import is not there any more; send the file again"))
}
