//! Jobs of kind `retain`: removes, once a day, what is past the days for which its tenant keeps it: customers who are in
//! touch no more, events, old entries of the audit log; then what was made of them. Every batch is a transaction of its
//! own with its entry of the audit log. Killed at any point and run again, it goes on with what is left, and clears the
//! copies of what was removed before.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use clew_store::audit::{self, Act, Actor, Expired};
use clew_store::job::Job;
use clew_store::retention::{self, Days, PastDays, Position};
use clew_store::{Result as StoreResult, Store, erasure};
use serde_json::json;
use uuid::Uuid;

use crate::erase;
use crate::failure::Failure;
use crate::kind::{Kind, Outcome};
use crate::task::{Finished, Task};

/// Events that a batch removes: the lock of imports is held for as long.
const EVENTS_PER_BATCH: i64 = 20_000;
/// Customers that a batch erases.
const CUSTOMERS_PER_BATCH: i64 = 100;
/// Entries of the audit log that a batch removes.
const ENTRIES_PER_BATCH: i64 = 10_000;

/// Removes what is past its days.
pub(crate) struct Retain;

impl Kind for Retain {
    fn name(&self) -> &'static str {
        retention::JOB_KIND
    }

    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a> {
        Box::pin(retain(task))
    }
}

/// What a job has removed.
#[derive(Debug, Default)]
struct Counts {
    n_customers: u64,
    n_events: u64,
    n_entries: u64,
    months: BTreeSet<NaiveDate>,
}

async fn retain(task: &Task) -> Result<Finished, Failure> {
    let retention = retention::find(&mut task.tenant().await?).await?;
    let days = retention.removing();
    let mut counts = Counts::default();
    task.config().at.reach("read");
    if days.removes_events() || days.inactive_customers_days.is_some() {
        task.report("looking who was in touch", 0.0);
        let mut tenant = task.store().tenant(task.job().tenant_id).await?;
        task.unless_stopped(retention::learn_contacts(&mut tenant)).await?;
        tenant.commit().await?;
    }
    erase_inactive(task, &days, &mut counts).await?;
    remove_events(task, &days, &mut counts).await?;
    let broken = expire_audit(task, &days, &mut counts).await?;
    task.config().at.reach("write");
    let n_imports = clear_copies(task).await?;
    let months: Vec<NaiveDate> = counts.months.iter().copied().collect();
    if !months.is_empty() {
        task.report("giving room back", 0.95);
        // What was not given back today is tried again with the next removal; the rows are gone.
        if let Err(error) = task.store().drop_months(&months).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the months of removed events were not cleaned up"
            );
        }
    }
    let mut tenant = task.tenant().await?;
    let n_receipts = erasure::finish_all(&mut tenant, retention::JOB_KIND, task.now()).await?;
    retention::finish(&mut tenant).await?;
    let result = json!({
        "n_customers": counts.n_customers,
        "n_events": counts.n_events,
        "n_audit_entries": counts.n_entries,
        "n_imports": n_imports,
        "n_receipts": n_receipts,
        "audit_broken": broken,
    });
    task.finish(tenant, &result).await
}

async fn erase_inactive(task: &Task, days: &Days, counts: &mut Counts) -> Result<(), Failure> {
    let Some(days) = days.inactive_customers_days else { return Ok(()) };
    task.report("erasing customers who are in touch no more", 0.1);
    loop {
        let mut tenant = task.tenant().await?;
        let erase =
            retention::erase_inactive(&mut tenant, task.job().id, days, CUSTOMERS_PER_BATCH, task.now());
        let n = task.unless_stopped(erase).await?;
        if n == 0 {
            return Ok(());
        }
        audit::note(&mut tenant, Some("customers".to_owned()), Some(n));
        tenant.commit().await?;
        counts.n_customers += n;
    }
}

async fn remove_events(task: &Task, days: &Days, counts: &mut Counts) -> Result<(), Failure> {
    let past = retention::past_days(&mut task.tenant().await?, days).await?;
    for (index, past) in past.iter().enumerate() {
        task.report("removing events", 0.3 + 0.2 * index as f64);
        remove_kinds(task, past, counts).await?;
    }
    Ok(())
}

async fn remove_kinds(task: &Task, past: &PastDays, counts: &mut Counts) -> Result<(), Failure> {
    let mut position = Position::start();
    loop {
        let mut tenant = task.tenant().await?;
        let remove = retention::remove_events(&mut tenant, past, &position, EVENTS_PER_BATCH);
        let Some(removed) = task.unless_stopped(remove).await? else { break };
        audit::note(&mut tenant, Some("events".to_owned()), Some(removed.n_events));
        tenant.commit().await?;
        counts.n_events += removed.n_events;
        counts.months.extend(removed.months);
        position = removed.last;
    }
    let mut tenant = task.store().tenant(task.job().tenant_id).await?;
    retention::count_again(&mut tenant, past).await?;
    Ok(tenant.commit().await?)
}

/// Gives the link that does not hold, if one does not: then nothing of the log is removed until somebody has looked.
async fn expire_audit(task: &Task, days: &Days, counts: &mut Counts) -> Result<Option<String>, Failure> {
    let Some(days) = days.audit_days else { return Ok(None) };
    task.report("removing old entries of the audit log", 0.7);
    loop {
        let tenant = task.store().tenant(task.job().tenant_id).await?;
        let expire = audit::expire(tenant, days, ENTRIES_PER_BATCH, task.act());
        match task.unless_stopped(expire).await? {
            Expired::Nothing => return Ok(None),
            Expired::Removed(n) => counts.n_entries += n,
            Expired::Broken(broken) => {
                tracing::error!(audit.seq = broken.seq, "the audit log is not whole: {broken}");
                return Ok(Some(broken.to_string()));
            }
        }
    }
}

/// Clears what was made of rows that this job or one before it removed; gives of how many imports files were cleared.
async fn clear_copies(task: &Task) -> Result<u64, Failure> {
    let mut tenant = task.store().tenant(task.job().tenant_id).await?;
    if !retention::find(&mut tenant).await?.has_copies {
        return Ok(0);
    }
    retention::outdate_copies(&mut tenant).await?;
    tenant.commit().await?;
    erase::clear_copies(task, (0.8, 0.95)).await
}

/// Enqueues the removals that are due, of all tenants. Every worker may, at any time: two ask for one. What does not
/// succeed is asked for again at the next round.
pub(crate) async fn ask(store: &Store) {
    let due = match store.queue().due_retentions().await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not look for what is past its days"
            );
            return;
        }
    };
    for tenant_id in due {
        if let Err(error) = ask_for(store, tenant_id).await {
            tracing::warn!(tenant.id = %tenant_id, error = &error as &dyn std::error::Error, "could not ask for the removal of what is past its days");
        }
    }
}

async fn ask_for(store: &Store, tenant_id: Uuid) -> StoreResult<()> {
    let mut tenant = store.tenant(tenant_id).await?;
    let asked: Option<Job> = retention::ask(&mut tenant).await?;
    if let Some(job) = &asked {
        let mut act = Act::new(Actor::Schedule, retention::JOB_KIND);
        act.resource = Some(job.id.to_string());
        tenant = tenant.acting(act);
    }
    tenant.commit().await
}
