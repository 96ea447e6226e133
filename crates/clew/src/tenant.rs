//! The command `clew tenant`.

use std::process::ExitCode;

use crate::cli::Globals;

/// The options of `clew tenant`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Runs the command.
///
/// # Errors
/// Always, until its body is here.
pub(crate) fn run(_args: Args, _globals: &Globals) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`clew tenant` is not built yet")
}
