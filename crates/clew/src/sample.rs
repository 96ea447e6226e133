//! The command `clew sample`: a realistic tenant with its truth beside it.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::Globals;

/// The options of `clew sample`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Always, until its body is here.
pub(crate) fn run(_args: Args, _globals: &Globals) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`clew sample` is not built yet")
}
