//! The command `clew audit`: checks the audit log, straight in the database.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use clew_store::audit::{Head, Verdict, verify};
use clew_store::{Page, Store, tenant};
use serde_json::json;
use uuid::Uuid;

use crate::cli::Globals;
use crate::database::Database;
use crate::{config, output, runtime, telemetry};

/// The options of `clew audit`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Follow the chain of every log, or of one, and name the first link that does not hold; exit 1 when there is one
    Verify {
        /// The tenant's id; all tenants and the operators when not given
        #[arg(long, value_name = "ID")]
        tenant: Option<Uuid>,
        /// What an earlier check printed as the head of this tenant's log, kept elsewhere since: finds a log that was
        /// rewritten as a whole
        #[arg(long, value_name = "SEQ:HASH", requires = "tenant")]
        head: Option<Head>,
    },
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be reached.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let config = config::load(globals.config.as_deref())?;
    telemetry::init(&config, globals.json);
    let Action::Verify { tenant, head } = args.action;
    let whole = runtime::block_on(async {
        let database = Database::open_migrated(&config).await?;
        let done = match tenant {
            Some(id) => of_tenant(&database.store, id, head.as_ref(), globals.json).await,
            None => of_all(&database.store, globals.json).await,
        };
        database.close().await;
        done
    })?;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn of_all(store: &Store, json: bool) -> anyhow::Result<bool> {
    let verdict = verify(&mut store.operator().await?, None).await?;
    let mut whole = tell(None, &verdict, json)?;
    let mut page = Page::first(1_000);
    loop {
        let rows = tenant::list(&mut store.operator().await?, &page).await?;
        for row in &rows.data {
            whole &= of_tenant(store, row.id, None, json).await?;
        }
        match rows.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => return Ok(whole),
        }
    }
}

async fn of_tenant(store: &Store, id: Uuid, kept: Option<&Head>, json: bool) -> anyhow::Result<bool> {
    let verdict = verify(&mut store.tenant(id).await?, kept).await;
    tell(Some(id), &verdict.with_context(|| format!("could not read the log of {id}"))?, json)
}

/// Prints a verdict; gives whether the log is whole.
fn tell(tenant_id: Option<Uuid>, verdict: &Verdict, json: bool) -> anyhow::Result<bool> {
    let Verdict { head, broken } = verdict;
    if json {
        let broken =
            broken.map(|b| json!({ "seq": b.seq, "fault": b.fault.as_str(), "detail": b.to_string() }));
        output::json(&json!({
            "tenant_id": tenant_id, "whole": broken.is_none(), "head": head.to_string(), "broken": broken,
        }))?;
    } else {
        let whose = tenant_id.map_or_else(|| "the operators".to_owned(), |id| id.to_string());
        let found = broken.map_or_else(|| "whole".to_owned(), |broken| format!("BROKEN: {broken}"));
        output::line(format!("{whose}  {found}  head {head}"))?;
    }
    Ok(broken.is_none())
}
