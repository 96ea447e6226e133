//! The command `clew train`: learns a model from files, without server or database.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use crate::cli::Globals;
use crate::learning::{DataArgs, Session};
use crate::{figures, output, output_file};

/// The options of `clew train`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// The file to write the model to
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When the folder cannot be read, holds too little to learn from, or the model cannot be written.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.data, globals)?;
    let model = session.model(&args.data, None)?;
    let bytes = model.to_bytes().context("could not lay out the model")?;
    output_file::write_whole(&args.model, &bytes)?;
    if globals.json {
        output::json(&json!({
            "model": args.model, "size_bytes": bytes.len(), "horizon_days": model.horizon_days,
            "seed": model.seed, "data": session.data(), "report": model.report,
        }))?;
    } else {
        output::line(figures::table(&model.report))?;
        let megabytes = bytes.len() as f64 / 1e6;
        output::line(format!("model written to {} ({megabytes:.1} MB)", args.model.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
