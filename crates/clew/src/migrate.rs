//! The command `clew migrate`.

use std::process::ExitCode;

use crate::cli::Globals;

/// The options of `clew migrate`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Runs the command.
///
/// # Errors
/// Always, until its body is here.
pub(crate) fn run(_args: Args, _globals: &Globals) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`clew migrate` is not built yet")
}
