//! Measures the way of the data: `cargo run -p clew-store --example rates -- 2000000`.
//!
//! Writes a file of so many events, brings it in beside what `psql \copy` takes for the same rows into the same table
//! and indexes, then makes a snapshot and opens it. Prints seconds, rows a second, and the peak of memory of each.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use chrono::DateTime;
use clew_learn::Silent;
use clew_store::ingest::{self, Incoming};
use clew_store::mapping::Mapping;
use clew_store::object::Objects;
use clew_store::{Entity, snapshot, testing};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const FIRST: i64 = 1_420_070_400;
const DAYS: i64 = 730;

#[tokio::main]
async fn main() -> Outcome<()> {
    let n: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |n| n.parse())?;
    let dir = tempfile::tempdir()?;
    let (ours, theirs) = (dir.path().join("events.csv"), dir.path().join("copy.csv"));
    write_files(n, &ours, &theirs)?;
    println!("{n} events, {} MB", std::fs::metadata(&ours)?.len() / 1_000_000);

    let test = testing::database().await?;
    let tenant_id = test.tenant("copy").await?;
    let months: Vec<_> = (0..DAYS + 31)
        .step_by(28)
        .filter_map(|day| DateTime::from_timestamp(FIRST + day * 86_400, 0))
        .map(|time| time.date_naive())
        .collect();
    test.store.ensure_months(&months).await?;
    let start = Instant::now();
    let copy = format!(
        "\\copy events (tenant_id, batch, occurred_at, event_key, kind, customer_id, product_id, quantity, revenue, \
         basket_id) from '{}' (format csv)",
        theirs.display()
    );
    let rows = std::fs::read_to_string(&theirs)?.replace("TENANT", &tenant_id.to_string());
    std::fs::write(&theirs, rows)?;
    let status = Command::new("psql").arg(&test.url).args(["-qc", &copy]).status()?;
    say("psql \\copy", n, start);
    if !status.success() {
        return Err("psql failed".into());
    }

    let test = testing::database().await?;
    let tenant_id = test.tenant("import").await?;
    let objects = Objects::open(&test.objects_dir().display().to_string())?;
    let incoming = Incoming {
        entity: Entity::Events,
        path: ours,
        name: "events.csv".to_owned(),
        format: None,
        mapping: Mapping::default(),
        readmit_erased: false,
    };
    let now = DateTime::from_timestamp(FIRST + DAYS * 86_400, 0).unwrap_or_default();
    forget_peak();
    let start = Instant::now();
    let mut tenant = test.store.tenant(tenant_id).await?;
    let ingested = ingest::run(&mut tenant, &objects, &incoming, now, Arc::new(Silent)).await?;
    tenant.commit().await?;
    say("import", n, start);
    println!("    {:?}", ingested.report.notes);

    forget_peak();
    let start = Instant::now();
    let info = snapshot::refresh(&test.store, &objects, tenant_id, Arc::new(Silent)).await?;
    say("snapshot made", n, start);
    println!("    {} MB", info.size_bytes / 1_000_000);
    forget_peak();
    let start = Instant::now();
    let records = snapshot::open(&objects, &info).await?;
    say("snapshot opened", records.n_events() as u64, start);
    Ok(())
}

fn say(what: &str, n: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim();
    println!("{what}: {seconds:.1} s, {:.0} rows/s, peak of memory {peak}", n as f64 / seconds);
}

/// Lets the peak of memory begin anew.
fn forget_peak() {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}

/// The same rows as a file of ours and as one for the table itself.
fn write_files(n: u64, ours: &Path, theirs: &Path) -> Outcome<()> {
    let mut ours = BufWriter::new(std::fs::File::create(ours)?);
    let mut theirs = BufWriter::new(std::fs::File::create(theirs)?);
    writeln!(ours, "kind,customer_id,product_id,occurred_at,quantity,revenue,basket_id")?;
    let mut state = 1_u64;
    for i in 0..n {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (a, b) = ((state >> 33) % 300_000, (state >> 20) % 50_000);
        let at = FIRST + (i as i64 * DAYS * 86_400) / n as i64;
        let at = DateTime::from_timestamp(at, 0).unwrap_or_default().format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let kind = if i % 4 == 0 { "purchase" } else { "view" };
        let (quantity, cents) = (1 + state % 3, (state >> 40) % 9900);
        let basket = i / 3;
        writeln!(ours, "{kind},c{a},p{b},{at},{quantity},{}.{:02},b{basket}", cents / 100, cents % 100)?;
        let key = blake3::hash(&state.to_le_bytes()).to_hex();
        let key = key.get(..32).unwrap_or("");
        let revenue = format!("{}.{:02}", cents / 100, cents % 100);
        writeln!(theirs, "TENANT,1,{at},\\x{key},{kind},c{a},p{b},{quantity},{revenue},b{basket}")?;
    }
    ours.flush()?;
    theirs.flush()?;
    Ok(())
}
