//! The command `clew openapi`: prints the OpenAPI document.

use std::process::ExitCode;

use crate::cli::Globals;
use crate::output;

/// The options of `clew openapi`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Runs the command.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn run(_args: Args, _globals: &Globals) -> anyhow::Result<ExitCode> {
    output::line(clew_api::document_text().trim_end())?;
    Ok(ExitCode::SUCCESS)
}
