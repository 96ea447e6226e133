//! Brings a file into the tenant's tables: COPY into a temporary table, then one insert, all or nothing.

pub(crate) mod binary;
mod event;
pub(crate) mod pipe;
mod small;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clew_learn::Progress;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::column::{self, Unquoted};
use crate::entity::Entity;
use crate::erased::Gate;
use crate::error::{Error, Result};
use crate::import::Outcome;
use crate::intake::{File, FileReport, Format};
use crate::mapping::Mapping;
use crate::object::Objects;
use crate::scope::Tenant;

pub(crate) use table::{column_type_of, write_types};

/// A file to bring in.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Which table its rows go to.
    pub entity: Entity,
    /// Where it lies on this machine (see [`Objects::local`]).
    pub path: PathBuf,
    /// What it is called in messages.
    pub name: String,
    /// What its rows are written in, when its sender said so; else it is read off its first bytes.
    pub format: Option<Format>,
    /// Which columns are renamed, and what is constant.
    pub mapping: Mapping,
    /// Whether an owner lets erased customers come back.
    pub readmit_erased: bool,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Ingested {
    /// What `imports` keeps of it; hand it to [`crate::import::finish`].
    pub outcome: Outcome,
    /// All that is worth telling of it.
    pub report: FileReport,
}

/// Brings a file in, within the caller's transaction: nothing of it is there until the caller commits, and nothing
/// at all after an error. The list of rejected lines goes to the object store.
pub async fn run(
    tenant: &mut Tenant<'_>,
    objects: &Objects,
    incoming: &Incoming,
    now: DateTime<Utc>,
    progress: Arc<dyn Progress + Send + Sync>,
) -> Result<Ingested> {
    let file = File::named(&incoming.path, &incoming.name, incoming.format)?;
    let mapping = incoming.mapping.of(incoming.entity);
    let unquoted = match incoming.entity {
        Entity::Customers => Some(Unquoted::of(tenant, &mapping).await?),
        _ => None,
    };
    let listing = pipe::Listing::new(unquoted)?;
    let gate = Gate::open(tenant, incoming.readmit_erased).await?;
    let (report, orphans, batch) = match incoming.entity {
        Entity::Events => {
            let written = event::run(tenant, file, mapping, &listing, &gate, now, progress).await?;
            (written.report, written.n_orphans, (written.n_new > 0).then_some(written.batch))
        }
        entity => {
            let written = table::run(tenant, entity, file, mapping, &listing, &gate, progress).await?;
            (written.report, 0, written.is_changed.then_some(written.batch))
        }
    };
    let rejected_object = match listing.file()? {
        Some(path) => {
            // A name of its own: one list is deleted without another that happens to say the same.
            let ending = format!("-{}.csv", Uuid::now_v7().simple());
            Some(objects.put_file(&format!("{}/rejected", tenant.id()), &ending, &path).await?.name)
        }
        None => None,
    };
    let mut columns = serde_json::to_value(&report.columns).map_err(|error| {
        Error::input(incoming.name.clone(), format!("its columns cannot be shown: {error}"))
    })?;
    if column::ENTITIES.contains(&incoming.entity) {
        // For correction: what each is taken for.
        let known = column::all(tenant, incoming.entity).await?;
        for shown in columns.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            let column = shown.get("name").and_then(Value::as_str).and_then(|name| known.get(name));
            if let Some(class) = column.map(|column| column.usable().class.name()) {
                shown.insert("class".to_owned(), class.into());
            }
        }
    }
    let outcome = Outcome {
        accepted: report.n_accepted as i64,
        rejected: report.n_rejected as i64,
        duplicates: report.n_duplicates as i64,
        orphans: orphans as i64,
        columns,
        rejected_object,
        batch,
    };
    Ok(Ingested { outcome, report })
}

/// An event of a request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// The kind: a well-known one, a name of the Segment spec, or the tenant's own.
    pub kind: String,
    /// The customer.
    pub customer_id: String,
    /// When it happened; the time of the request when absent.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The product, if the event is about one.
    pub product_id: Option<String>,
    /// How many.
    pub quantity: Option<f64>,
    /// Money paid for all of them together.
    pub revenue: Option<f64>,
    /// The campaign.
    pub campaign_id: Option<String>,
    /// The words searched for.
    pub query: Option<String>,
    /// What ties the events of one order together.
    pub basket_id: Option<String>,
    /// The sender's own id of the event: the same id at the same time is the same event.
    pub event_id: Option<String>,
}

/// What is wrong with an event of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which of the events, the first being 0.
    pub index: usize,
    /// Which field of it.
    pub field: &'static str,
    /// What is wrong, and what is expected.
    pub detail: String,
}

/// How many events of a request were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Events that are new.
    pub n_accepted: u64,
    /// Events that were there already.
    pub n_duplicates: u64,
    /// Events of erased customers, which are passed over.
    pub n_refused: u64,
}

/// All that is wrong with the events of a request.
pub fn check_events(events: &[NewEvent], now: DateTime<Utc>) -> Vec<Fault> {
    small::check(events, now)
}

/// Writes the events of a request, all or none: those of the request that were there already are passed over.
pub async fn insert_events(
    tenant: &mut Tenant<'_>,
    events: &[NewEvent],
    now: DateTime<Utc>,
) -> Result<Taken> {
    small::insert(tenant, events, now).await
}
