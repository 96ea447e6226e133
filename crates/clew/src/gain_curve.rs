//! The command `clew gain-curve`: on files, without server or database.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::Globals;

/// The options of `clew gain-curve`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder with customers, products, events and optionally campaigns
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Always, until its body is here.
pub(crate) fn run(_args: Args, _globals: &Globals) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`clew gain-curve` is not built yet")
}
