//! The command `clew backtest`: how well would it have worked, on one's own files.
//!
//! Trains on what was known at several cutoffs, a horizon apart, judges each on the horizon after it, beside what a marketer has today.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clew_crm::{BacktestParams, backtest};
use serde_json::json;

use crate::cli::Globals;
use crate::learning::{DataArgs, Session};
use crate::{figures, offers_file, output, output_file};

/// Tenants drawn for each number of buyers that `--shrink` names.
const N_TENANTS: usize = 3;

/// The options of `clew backtest`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// The offers to judge: CSV with the columns offer_id and expression; groupings of the catalogue when not given
    #[arg(long, value_name = "FILE")]
    offers: Option<PathBuf>,
    /// The offers to judge as if they had never been sold (masked launches), in the same form; groupings of the catalogue when not given
    #[arg(long, value_name = "FILE")]
    launches: Option<PathBuf>,
    /// Judges no launches, which takes about half as long
    #[arg(long, conflicts_with = "launches")]
    no_launches: bool,
    /// Windows to judge, at most, one before the other, each by a model that knows nothing of it; the history may allow fewer
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=24))]
    cutoffs: u8,
    /// Also cut the tenant down to so many buyers, three times each, and judge what is learned from those: 100,300,1000
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    shrink: Vec<usize>,
    /// A folder for report.txt, report.json and report.html
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Permutes the labels among customers, of all windows: the proof that nothing leaks is an AUC of 0.5
    #[arg(long)]
    permute_labels: bool,
    /// Learns without each set of features in turn besides, to say what each is worth
    #[arg(long)]
    ablation: bool,
    /// A column of customers or a kind of event to learn from although it looks like a copy of the answer, or a column although it
    /// looks as if it named a person or told what is sensitive; may be given again
    #[arg(long, value_name = "NAME")]
    trust: Vec<String>,
    /// Also train on an eighth, a quarter and half of the customers: what more data would bring. Takes about twice as long again
    #[arg(long)]
    learning_curve: bool,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, an offer has no products, or there is too little to judge by.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    if let Some(dir) = &args.out {
        std::fs::create_dir_all(dir)
            .with_context(|| format!("could not make the folder {}", dir.display()))?;
    }
    let session = Session::open(&args.data, globals)?;
    let mut params = BacktestParams::new(session.as_of, args.data.horizon_days.unwrap_or(28));
    params.train.permute_labels = args.permute_labels;
    params.train.ablate = args.ablation;
    params.train.left_out = session.left_out(args.trust)?;
    if let Some(path) = &args.offers {
        let offers = offers_file::read(path, &session.records)?;
        params.offers = Some(offers.into_iter().map(|offer| (offer.id, offer.products)).collect());
    }
    params.n_cutoffs = usize::from(args.cutoffs);
    if let Some(path) = &args.launches {
        let launches = offers_file::read(path, &session.records)?;
        params.launches = Some(launches.into_iter().map(|offer| (offer.id, offer.products)).collect());
    } else if args.no_launches {
        params.launches = Some(Vec::new());
    }
    let mut report = session.run("backtest", |run| Ok(backtest(run, &session.records, &params)?))?;
    if args.learning_curve {
        report.learning_curve = session.run("learning curve", |run| {
            Ok(clew_crm::learning_curve::learning_curve(run, &session.records, &params)?)
        })?;
    }
    for &n_buyers in &args.shrink {
        report.shrunk.push(session.run("cut down", |run| {
            Ok(clew_crm::backtest_shrunk(run, &session.records, &params, n_buyers, N_TENANTS)?)
        })?);
    }
    let text = figures::table(&report);
    if let Some(dir) = &args.out {
        let json = serde_json::to_vec_pretty(&report).context("could not write the report as JSON")?;
        output_file::write_whole(&dir.join("report.txt"), text.as_bytes())?;
        output_file::write_whole(&dir.join("report.json"), &json)?;
        output_file::write_whole(&dir.join("report.html"), clew_crm::report_html::page(&report).as_bytes())?;
    }
    if globals.json {
        output::json(&json!({ "out": args.out, "data": session.data(), "report": report }))?;
    } else {
        output::line(text.trim_end())?;
        if let Some(dir) = &args.out {
            output::line(format!("the report is in {}", dir.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
