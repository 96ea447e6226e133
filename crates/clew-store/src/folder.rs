//! Reads a folder of files (customers, products, events, campaigns and mapping.toml) without a database.
//!
//! `customers`, `products`, `campaigns` and `events`, each `.csv`, `.tsv`, `.ndjson`, `.jsonl` or `.parquet`, plain,
//! `.gz` or `.zst`; only events have to be there. The same rules hold as for imports, so that the same files give the
//! same records here and through the service.

use std::path::{Path, PathBuf};

use clew_crm::{EventTable, Records, Table, TableBuilder};
use clew_learn::{Part, Progress};
use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use crate::basket;
use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::event_key;
use crate::intake::{EventFile, File, FileReport, TableFile};
use crate::mapping::{EntityMapping, Mapping};

const ENDINGS: [&str; 5] = ["csv", "tsv", "ndjson", "jsonl", "parquet"];
const COMPRESSIONS: [&str; 3] = ["", ".gz", ".zst"];

/// What was read from a folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FolderReport {
    /// A report a file, in the order of reading.
    pub files: Vec<FileReport>,
}

/// The files of a folder, found by their names.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// What `mapping.toml` says.
    pub mapping: Mapping,
    /// The files that are there, in the order of reading: events last.
    pub files: Vec<(Entity, PathBuf)>,
}

impl Folder {
    /// Looks into a folder. Refuses one without events, and two files for the same entity.
    pub fn open(dir: &Path) -> Result<Folder> {
        if !dir.is_dir() {
            return Err(Error::input(
                dir.display().to_string(),
                "is not a folder; name the one that holds the files",
            ));
        }
        let path = dir.join("mapping.toml");
        let mapping = match std::fs::read_to_string(&path) {
            Ok(text) => Mapping::from_toml(&text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Mapping::default(),
            Err(error) => return Err(Error::io(path, error)),
        };
        let mut files = Vec::new();
        for entity in [Entity::Customers, Entity::Products, Entity::Campaigns, Entity::Events] {
            if let Some(path) = find(dir, entity, &mapping)? {
                files.push((entity, path));
            } else if entity == Entity::Events {
                return Err(Error::input(
                    dir.display().to_string(),
                    "has no file of events; expected events.csv, .ndjson or .parquet, plain, .gz or .zst, or another \
                     name in mapping.toml: [events.options] file = \"transactions.csv\"",
                ));
            }
        }
        Ok(Folder { mapping, files })
    }
}

fn find(dir: &Path, entity: Entity, mapping: &Mapping) -> Result<Option<PathBuf>> {
    if let Some(name) = mapping.of(entity).file {
        let path = dir.join(&name);
        if !path.is_file() {
            return Err(Error::input(
                format!("mapping: {entity}.options.file"),
                format!("{} is not there; correct the name", path.display()),
            ));
        }
        return Ok(Some(path));
    }
    let names =
        ENDINGS.iter().flat_map(|ending| COMPRESSIONS.iter().map(move |c| format!("{entity}.{ending}{c}")));
    let found: Vec<String> = names.filter(|name| dir.join(name).is_file()).collect();
    match found.as_slice() {
        [] => Ok(None),
        [name] => Ok(Some(dir.join(name))),
        _ => Err(Error::input(
            dir.display().to_string(),
            format!("has several files of {entity} ({}); leave one of them", found.join(", ")),
        )),
    }
}

/// Reads the folder, leaving out the events at or after `until` (unix seconds, UTC).
pub fn read(dir: &Path, until: Option<i64>) -> Result<(Records, FolderReport)> {
    read_with(dir, until, &clew_learn::Silent)
}

/// The same, reporting progress; shares are of the whole folder.
pub fn read_with(dir: &Path, until: Option<i64>, progress: &dyn Progress) -> Result<(Records, FolderReport)> {
    let folder = Folder::open(dir)?;
    let sizes: Vec<f64> = folder
        .files
        .iter()
        .map(|(_, path)| 1.0 + std::fs::metadata(path).map_or(0.0, |m| m.len() as f64))
        .collect();
    // The last tenth is for putting the events in order.
    let total = sizes.iter().sum::<f64>() / 0.9;
    let mut report = FolderReport::default();
    let mut tables = [Table::default(), Table::default(), Table::default()];
    let mut events = EventTable::new();
    let mut done = 0.0;
    for ((entity, path), size) in folder.files.iter().zip(sizes) {
        let part = Part::new(progress, done / total, (done + size) / total);
        done += size;
        let file = File::open(path, None)?;
        let mapping = folder.mapping.of(*entity);
        let phase = format!("reading {}", file.name);
        let on_share = |share: f64| part.report(&phase, share);
        let table = match entity {
            Entity::Customers => &mut tables[0],
            Entity::Products => &mut tables[1],
            Entity::Campaigns => &mut tables[2],
            Entity::Events => {
                let (read, file_report) = read_events(&file, &mapping, until, &on_share)?;
                events = read;
                report.files.push(file_report);
                continue;
            }
        };
        let (read, file_report) = read_table(&file, *entity, &mapping, &on_share)?;
        *table = read;
        report.files.push(file_report);
    }
    progress.report("putting events in order", 0.9);
    let [customers, products, campaigns] = tables;
    let records = Records::new(customers, products, campaigns, events)
        .map_err(|error| Error::input(dir.display().to_string(), error.to_string()))?;
    note_orphans(&records, &mut report);
    progress.report("putting events in order", 1.0);
    Ok((records, report))
}

fn read_table(
    file: &File,
    entity: Entity,
    mapping: &EntityMapping,
    on_share: &dyn Fn(f64),
) -> Result<(Table, FileReport)> {
    let mut rows = TableFile::open(file, entity, mapping)?;
    let mut table = TableBuilder::new(rows.schema());
    let mut n = 0_u64;
    while let Some(row) = rows.next()? {
        table.row(row.id);
        for (column, value) in row.attributes.values().enumerate() {
            table.set(column, value).map_err(|error| {
                Error::input(format!("{}, line {}", file.name, row.line), error.to_string())
            })?;
        }
        n += 1;
        if n.is_multiple_of(1 << 14) {
            on_share(rows.share());
        }
    }
    let mut report = rows.finish()?;
    report.n_duplicates = table.n_replaced() as u64;
    if report.n_duplicates > 0 {
        let message = format!("{} rows have the id of an earlier row and replace it", report.n_duplicates);
        report.note("duplicates", report.n_duplicates, message);
    }
    Ok((table.finish(), report))
}

fn read_events(
    file: &File,
    mapping: &EntityMapping,
    until: Option<i64>,
    on_share: &dyn Fn(f64),
) -> Result<(EventTable, FileReport)> {
    let mut rows = EventFile::open(file, mapping, None)?;
    let mut events = EventTable::new();
    for (kind, weight) in &mapping.weights {
        events
            .set_kind_weight(kind, *weight as f32)
            .map_err(|error| Error::input("mapping: events.weights", error.to_string()))?;
    }
    let until = until.map(|until| until.saturating_mul(1_000_000));
    let mut seen: HashSet<u64, ahash::RandomState> = HashSet::default();
    let (mut n, mut n_after, mut n_duplicates) = (0_u64, 0, 0);
    loop {
        if n.is_multiple_of(1 << 16) {
            on_share(rows.share());
        }
        n += 1;
        let Some(row) = rows.next()? else { break };
        if until.is_some_and(|until| row.occurred_at >= until) {
            n_after += 1;
            continue;
        }
        if !seen.insert(event_key::short(&row)) {
            n_duplicates += 1;
            continue;
        }
        let basket = row.basket_id.map(|name| basket::name(basket::hash(name)));
        let pushed = events.push(&clew_crm::EventRow {
            kind: row.kind,
            customer: row.customer_id,
            at: row.occurred_at.div_euclid(1_000_000),
            product: row.product_id,
            quantity: row.quantity.map(|value| value as f32),
            revenue: row.revenue.map(|value| value as f32),
            campaign: row.campaign_id,
            query: row.query,
            basket: basket.as_ref().and_then(|name| std::str::from_utf8(name).ok()),
        });
        pushed
            .map_err(|error| Error::input(format!("{}, line {}", file.name, row.line), error.to_string()))?;
    }
    let mut report = rows.finish()?;
    (report.n_after_until, report.n_duplicates) = (n_after, n_duplicates);
    if n_after > 0 {
        report.note("after_date", n_after, format!("{n_after} events at or after the date are left out"));
    }
    if n_duplicates > 0 {
        let message = format!("{n_duplicates} events repeat another one in every field and are taken once");
        report.note("duplicates", n_duplicates, message);
    }
    Ok((events, report))
}

fn note_orphans(records: &Records, report: &mut FolderReport) {
    let orphans = records.orphans();
    let Some(events) = report.files.last_mut() else { return };
    events.n_orphans = orphans.n_customer_events.max(orphans.n_product_events) as u64;
    for (what, n, n_events) in [
        ("products", orphans.n_products, orphans.n_product_events),
        ("customers", orphans.n_customers, orphans.n_customer_events),
    ] {
        if n > 0 {
            let message =
                format!("{n_events} events are of {n} {what} that the file of {what} lacks; they are kept");
            events.note("orphans", n_events as u64, message);
        }
    }
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
