//! The command `clew migrate`: brings the database to this version's schema.

use std::process::ExitCode;

use crate::cli::Globals;
use crate::database::Database;
use crate::{config, output, runtime, telemetry};

/// The options of `clew migrate`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Runs the command.
///
/// # Errors
/// When the database cannot be reached, or a migration fails.
pub(crate) fn run(_args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let config = config::load(globals.config.as_deref())?;
    telemetry::init(&config, globals.json);
    runtime::block_on(async {
        Database::open_migrated(&config).await?.close().await;
        Ok(())
    })?;
    if globals.json {
        output::json(&serde_json::json!({ "migrated": true }))?;
    } else {
        output::line("the database has this version's schema")?;
    }
    Ok(ExitCode::SUCCESS)
}
