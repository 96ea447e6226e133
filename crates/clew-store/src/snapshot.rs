//! The compressed columnar copy of a tenant, brought up to date by what changed.
//!
//! A snapshot is a list of Parquet files in the object store, each named by its content and never changed: files of
//! events (codes, not strings), of dictionaries (the strings of those codes), and of the rows of customers, products
//! and campaigns (their attributes as JSON). [`refresh`] reads from Postgres only what batches later than the last
//! snapshot wrote, and adds a file of each kind; small files are merged when they have become many. [`open`] reads
//! all of them into [`Records`]. The list itself is a row of the table `snapshots`, and an object too.

mod compact;
mod dictionary;
mod keep;
mod open;
mod part;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clew_crm::{ColumnType, Records};
use clew_learn::Progress;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::dictionary::Dictionaries;
pub use self::keep::forget_earlier;
use self::keep::{record, sweep};
use self::part::Kind;
use crate::error::{Error, Result};
use crate::object::Objects;
use crate::scope::Tenant;
use crate::store::Store;

/// How often a snapshot is begun anew because rows were taken away while it was made.
const MAX_TRIES: u32 = 8;

/// The form of the files. A snapshot of another form is made anew.
const FORM: u32 = 1;

/// A snapshot: which objects it is made of, and what is in it. Small; kept in the table `snapshots`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotInfo {
    form: u32,
    /// The tenant's epoch: raised when rows are taken away, which no later part of an earlier epoch can tell.
    #[serde(default)]
    epoch: i64,
    /// The tenant's snapshots are numbered from 1.
    pub version: i64,
    /// The last write that is in it.
    pub batch: i64,
    /// Customers with a row of their own.
    pub n_customers: u64,
    /// Products with a row of their own.
    pub n_products: u64,
    /// Campaigns with a row of their own.
    pub n_campaigns: u64,
    /// Events.
    pub n_events: u64,
    /// Bytes in the object store.
    pub size_bytes: u64,
    dictionaries: Vec<Part>,
    events: Vec<Part>,
    tables: BTreeMap<TableKind, Vec<Part>>,
    types: BTreeMap<TableKind, BTreeMap<String, ColumnType>>,
    weights: BTreeMap<String, f64>,
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Part {
    object: String,
    n_rows: u64,
    size_bytes: u64,
}

/// The tables whose rows have attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TableKind {
    Customers,
    Products,
    Campaigns,
}

impl TableKind {
    const ALL: [TableKind; 3] = [TableKind::Customers, TableKind::Products, TableKind::Campaigns];

    fn name(self) -> &'static str {
        match self {
            TableKind::Customers => "customers",
            TableKind::Products => "products",
            TableKind::Campaigns => "campaigns",
        }
    }
}

impl SnapshotInfo {
    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.dictionaries.iter().chain(&self.events).chain(self.tables.values().flatten())
    }
}

/// What the tenant's tables hold, all as of one moment.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct Totals {
    batch: i64,
    epoch: i64,
    n_customers: i64,
    n_products: i64,
    n_campaigns: i64,
    n_events: i64,
}

/// Brings the tenant's snapshot up to date: reads only what was written since the last one. Gives the last one
/// when nothing was.
pub async fn refresh(
    store: &Store,
    objects: &Objects,
    tenant_id: Uuid,
    progress: Arc<dyn Progress + Send + Sync>,
) -> Result<SnapshotInfo> {
    for _ in 0..MAX_TRIES {
        let latest = latest(store, tenant_id).await?;
        let mut tenant = store.tenant(tenant_id).await?;
        let totals = totals(&mut tenant).await?;
        // Rows were taken away since one of an earlier epoch: adding to it cannot tell which.
        let previous = latest.filter(|latest| latest.epoch == totals.epoch);
        if let Some(previous) = &previous
            && previous.batch == totals.batch
        {
            return Ok(previous.clone());
        }
        let mut added = build(&mut tenant, objects, previous.as_ref(), &totals, &progress).await?;
        if previous.is_some() && added.n_events != totals.n_events.unsigned_abs() {
            added = build(&mut tenant, objects, None, &totals, &progress).await?;
        }
        drop(tenant);
        compact_all(objects, tenant_id, &mut added).await?;
        let Some(info) = record(store, objects, tenant_id, added).await? else {
            // Rows were taken away while they were read: what was written may hold them.
            forget_earlier(store, objects, tenant_id).await?;
            continue;
        };
        sweep(store, objects, tenant_id, info.version).await?;
        progress.report("snapshot", 1.0);
        return Ok(info);
    }
    Err(Error::Conflict { constraint: "rows that are deleted all the time; try again".to_owned() })
}

/// Reads a snapshot into memory as [`open`] does, or the latest one if that has taken its place meanwhile; says which.
pub async fn open_latest(
    store: &Store,
    objects: &Objects,
    tenant_id: Uuid,
    info: SnapshotInfo,
) -> Result<(SnapshotInfo, Records)> {
    let error = match open(objects, &info).await {
        Ok(records) => return Ok((info, records)),
        Err(error) => error,
    };
    match latest(store, tenant_id).await? {
        Some(newer) if newer.version > info.version => {
            let records = open(objects, &newer).await?;
            Ok((newer, records))
        }
        _ => Err(error),
    }
}

/// The tenant's latest snapshot, if there is one.
pub async fn latest(store: &Store, tenant_id: Uuid) -> Result<Option<SnapshotInfo>> {
    let mut tenant = store.tenant(tenant_id).await?;
    let found: Option<(i64, serde_json::Value)> = sqlx::query_as(
        "select version, info from snapshots where tenant_id = $1 order by version desc limit 1",
    )
    .bind(tenant_id)
    .fetch_optional(tenant.connection())
    .await?;
    // One of another form is as good as none: the next refresh makes it anew.
    Ok(found.and_then(|(version, info)| {
        let info: SnapshotInfo = serde_json::from_value(info).ok()?;
        (info.form == FORM).then_some(SnapshotInfo { version, ..info })
    }))
}

/// Reads a snapshot into memory: seconds of one core, on a thread for blocking work.
pub async fn open(objects: &Objects, info: &SnapshotInfo) -> Result<Records> {
    let mut tables: [(Vec<PathBuf>, BTreeMap<String, ColumnType>); 3] = Default::default();
    for (kind, table) in TableKind::ALL.iter().zip(&mut tables) {
        let parts = info.tables.get(kind).map_or(&[][..], Vec::as_slice);
        *table = (local(objects, parts).await?, info.types.get(kind).cloned().unwrap_or_default());
    }
    let opening = open::Opening {
        dictionaries: local(objects, &info.dictionaries).await?,
        events: local(objects, &info.events).await?,
        n_events: info.n_events,
        tables,
        weights: info.weights.clone(),
    };
    blocking(move || opening.records()).await
}

async fn local(objects: &Objects, parts: &[Part]) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::with_capacity(parts.len());
    for part in parts {
        paths.push(objects.local(&part.object).await?);
    }
    Ok(paths)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(panic) => match panic.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            Err(error) => Err(Error::corrupt("snapshot", format!("was not read to its end: {error}"))),
        },
    }
}

async fn totals(tenant: &mut Tenant<'_>) -> Result<Totals> {
    let tenant_id = tenant.id();
    sqlx::query_as(
        "select last_batch as batch, epoch,
             coalesce(sum(n_rows) filter (where entity = 'customers'), 0)::bigint as n_customers,
             coalesce(sum(n_rows) filter (where entity = 'products'), 0)::bigint as n_products,
             coalesce(sum(n_rows) filter (where entity = 'campaigns'), 0)::bigint as n_campaigns,
             coalesce(sum(n_rows) filter (where entity = 'events'), 0)::bigint as n_events
         from tenants left join data_counts on tenant_id = id
         where id = $1 group by last_batch, epoch",
    )
    .bind(tenant_id)
    .fetch_optional(tenant.connection())
    .await?
    .ok_or(Error::Missing { what: "tenant" })
}

/// Reads what was written after `previous`, and puts it behind that.
async fn build(
    tenant: &mut Tenant<'_>,
    objects: &Objects,
    previous: Option<&SnapshotInfo>,
    totals: &Totals,
    progress: &Arc<dyn Progress + Send + Sync>,
) -> Result<SnapshotInfo> {
    let tenant_id = tenant.id();
    let folder = parts_folder(tenant_id, totals.epoch);
    let work = tempfile::tempdir().map_err(|error| Error::io(std::env::temp_dir(), error))?;
    let after = previous.map_or(0, |previous| previous.batch);
    sqlx::query("select set_config('clew.after_batch', $1::bigint::text, true), set_config('clew.until_batch', $2::bigint::text, true)")
        .bind(after)
        .bind(totals.batch)
        .execute(tenant.connection())
        .await?;
    let mut info = previous.cloned().unwrap_or(SnapshotInfo {
        form: FORM,
        epoch: totals.epoch,
        version: 0,
        batch: 0,
        n_customers: 0,
        n_products: 0,
        n_campaigns: 0,
        n_events: 0,
        size_bytes: 0,
        dictionaries: Vec::new(),
        events: Vec::new(),
        tables: BTreeMap::new(),
        types: BTreeMap::new(),
        weights: BTreeMap::new(),
    });
    let strings = local(objects, &info.dictionaries).await?;
    let dictionaries = blocking(move || {
        let mut dictionaries = Dictionaries::new();
        strings.iter().try_for_each(|path| dictionaries.read(path))?;
        Ok(dictionaries)
    })
    .await?;

    let path = work.path().join("events");
    let expected = totals.n_events.unsigned_abs().saturating_sub(info.n_events).max(1) as f64;
    let told = Arc::clone(progress);
    let on_rows = move |n: u64| told.report("snapshot", (0.8 * n as f64 / expected).min(0.8));
    let (n_events, mut dictionaries) =
        write::events(tenant.connection(), path.clone(), dictionaries, on_rows).await?;
    if n_events > 0 {
        info.events.push(put(objects, &folder, &path, n_events).await?);
        let path = work.path().join("dictionaries");
        let to = path.clone();
        let n_strings = blocking(move || dictionaries.write_new(&to)).await?;
        if n_strings > 0 {
            info.dictionaries.push(put(objects, &folder, &path, n_strings).await?);
        }
    }
    info.n_events += n_events;
    for table in TableKind::ALL {
        progress.report("snapshot", 0.8);
        let path = work.path().join(table.name());
        let n_rows = write::rows(tenant.connection(), write::rows_statement(table), path.clone()).await?;
        if n_rows > 0 {
            info.tables.entry(table).or_default().push(put(objects, &folder, &path, n_rows).await?);
        }
        info.types.insert(table, types(tenant, table).await?);
    }
    let weights: Vec<(String, f64)> =
        sqlx::query_as("select kind, weight from event_kinds where tenant_id = $1")
            .bind(tenant_id)
            .fetch_all(tenant.connection())
            .await?;
    info.weights = weights.into_iter().collect();
    info.batch = totals.batch;
    info.n_customers = totals.n_customers.unsigned_abs();
    info.n_products = totals.n_products.unsigned_abs();
    info.n_campaigns = totals.n_campaigns.unsigned_abs();
    Ok(info)
}

async fn types(tenant: &mut Tenant<'_>, table: TableKind) -> Result<BTreeMap<String, ColumnType>> {
    let tenant_id = tenant.id();
    let rows: Vec<(String, String)> =
        sqlx::query_as("select name, type from attributes where tenant_id = $1 and entity = $2")
            .bind(tenant_id)
            .bind(table.name())
            .fetch_all(tenant.connection())
            .await?;
    Ok(rows
        .into_iter()
        .map(|(name, column_type)| {
            (name, crate::ingest::column_type_of(&column_type).unwrap_or(ColumnType::Text))
        })
        .collect())
}

/// Each epoch has its folder, the first the one above the others, so that what is deleted with one is never another's.
fn parts_folder(tenant_id: Uuid, epoch: i64) -> String {
    if epoch == 0 { format!("{tenant_id}/snapshot") } else { format!("{tenant_id}/snapshot/{epoch}") }
}

async fn put(objects: &Objects, folder: &str, path: &std::path::Path, n_rows: u64) -> Result<Part> {
    let stored = objects.put_file(folder, ".parquet", path).await?;
    Ok(Part { object: stored.name, n_rows, size_bytes: stored.size_bytes })
}

/// Merges small files where they have become many.
async fn compact_all(objects: &Objects, tenant_id: Uuid, info: &mut SnapshotInfo) -> Result<()> {
    let folder = parts_folder(tenant_id, info.epoch);
    let SnapshotInfo { dictionaries, events, tables, .. } = info;
    let lists = [(Kind::Dictionary, dictionaries), (Kind::Events, events)];
    for (kind, parts) in lists.into_iter().chain(tables.values_mut().map(|parts| (Kind::Rows, parts))) {
        let n_rows: Vec<u64> = parts.iter().map(|part| part.n_rows).collect();
        let Some(from) = compact::merge_from(&n_rows) else { continue };
        let young = parts.split_off(from);
        let files = local(objects, &young).await?;
        let work = tempfile::tempdir().map_err(|error| Error::io(std::env::temp_dir(), error))?;
        let into = work.path().join("merged");
        let to = into.clone();
        let n_rows = blocking(move || compact::merge(kind, &files, &to)).await?;
        parts.push(put(objects, &folder, &into, n_rows).await?);
    }
    info.size_bytes = info.parts().map(|part| part.size_bytes).sum();
    Ok(())
}
