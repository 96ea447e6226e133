//! The command `clew demo`: a whole clew from nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::Globals;

/// The options of `clew demo`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A folder of own files instead of the sample
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The port to serve on; 0 = any free one
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// End after the report
    #[arg(long)]
    pub(crate) once: bool,
    /// Customers of the sample
    #[arg(long, default_value_t = 50_000)]
    pub(crate) customers: u32,
}

/// Runs the command.
///
/// # Errors
/// Always, until its body is here.
pub(crate) fn run(_args: Args, _globals: &Globals) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`clew demo` is not built yet")
}
