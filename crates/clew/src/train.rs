//! The command `clew train`: learns a model from files, without server or database.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clew_crm::{Counts, Estimate, Limit};
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
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    model: Option<PathBuf>,
    /// A model of an earlier day to start from: much faster than from nothing; one learned from nothing within the week
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// A column of customers or a kind of event to learn from although it looks like a copy of the answer, or a column although it
    /// looks as if it named a person or told what is sensitive; may be given again
    #[arg(long, value_name = "NAME")]
    trust: Vec<String>,
    /// Say how many seconds, how much memory and how much disk the training would need, and do not train
    #[arg(long)]
    dry_run: bool,
    /// Refuse a training that would need more seconds
    #[arg(long, value_name = "SECONDS")]
    max_seconds: Option<u32>,
    /// Refuse a training that would need more memory
    #[arg(long, value_name = "MB")]
    max_memory: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// When the folder cannot be read, holds too little to learn from, or the model cannot be written.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.data, globals)?;
    let mut params = session.params(&args.data);
    params.left_out = session.left_out(args.trust)?;
    let start = match &args.from {
        Some(path) => {
            let start = session.open_model(path)?;
            let why = clew_crm::needs_full(&start, &params);
            if let Some(why) = &why {
                output_file::tell(&format!(
                    "{} is not started from: {why}; training in full",
                    path.display()
                ));
            }
            why.is_none().then_some(start)
        }
        None => None,
    };
    let counts = Counts::of(&session.records.history(session.as_of));
    let [full, warm] = session.estimates(&counts, &params)?;
    let estimate = if start.is_some() { &warm } else { &full };
    let limit = Limit {
        seconds: args.max_seconds.map(f64::from),
        memory_bytes: args.max_memory.map(|mb| mb.saturating_mul(1_000_000)),
        disk_bytes: None,
    };
    let Some(path) = args.model.filter(|_| !args.dry_run) else {
        show(estimate, start.is_some().then_some(&full), globals)?;
        estimate.check(&limit)?;
        return Ok(ExitCode::SUCCESS);
    };
    estimate.check(&limit)?;
    let began = Instant::now();
    let model = session.train(&params, start.as_deref())?;
    let seconds = began.elapsed().as_secs_f64();
    let bytes = model.to_bytes().context("could not lay out the model")?;
    output_file::write_whole(&path, &bytes)?;
    if globals.json {
        output::json(&json!({
            "model": path, "size_bytes": bytes.len(), "horizon_days": model.horizon_days,
            "seed": model.seed, "data": session.data(), "seconds": seconds, "estimate": estimate, "report": model.report,
        }))?;
    } else {
        output::line(figures::table(&model.report))?;
        let megabytes = bytes.len() as f64 / 1e6;
        output::line(format!("model written to {} ({megabytes:.1} MB)", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints an estimate; of a training that starts from a model, what it would take from nothing besides.
fn show(estimate: &Estimate, full: Option<&Estimate>, globals: &Globals) -> anyhow::Result<()> {
    if globals.json {
        let mut told = json!(estimate);
        told["way"] = json!(if full.is_some() { "warm" } else { "full" });
        told["full"] = json!(full.unwrap_or(estimate));
        return output::json(&told);
    }
    for phase in &estimate.phases {
        output::line(format!("{:7.0} s  {}", phase.seconds, phase.name))?;
    }
    output::line(sum(estimate, "in all"))?;
    full.map_or(Ok(()), |full| output::line(sum(full, "if it were trained in full")))
}

fn sum(estimate: &Estimate, of: &str) -> String {
    let mb = |bytes: u64| bytes.div_ceil(1_000_000);
    let (memory, disk) = (mb(estimate.memory_bytes), mb(estimate.disk_bytes));
    format!("{:7.0} s  {of}, {memory} MB of memory at the peak, {disk} MB of disk", estimate.seconds)
}
