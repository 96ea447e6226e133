//! The command `clew sample`: a realistic tenant with its truth beside it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::ValueEnum;
use clew_learn::{Progress as _, Stop};
use clew_sample::{Compression, DEFAULT_END, SampleParams, Shop, folder};

use crate::cli::Globals;
use crate::failure::WrongUse;
use crate::learning::{Moment, stop_on_signal};
use crate::progress::Bar;
use crate::{output, runtime};

/// The options of `clew sample`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Customers
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    customers: u32,
    /// Products of the catalogue
    #[arg(long, value_name = "M", default_value_t = 5_000)]
    products: u32,
    /// Events in all
    #[arg(long, value_name = "K", default_value_t = 2_000_000)]
    events: u64,
    /// The seed of all chance: the same one gives the same files
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Days that the history spans
    #[arg(long, value_name = "N", default_value_t = 500)]
    days: u32,
    /// The end of the history; nothing is at or after it [default: 2026-11-01]
    #[arg(long, value_name = "DATE")]
    end: Option<Moment>,
    /// How the tables are compressed
    #[arg(long, value_enum, default_value_t = Packing::Gzip)]
    compression: Packing,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Packing {
    /// Plain .csv
    None,
    /// .csv.gz
    Gzip,
    /// .csv.zst
    Zstd,
}

/// Runs the command.
///
/// # Errors
/// When no shop can be made with these numbers, or the folder cannot be written to.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let params = SampleParams {
        n_customers: args.customers,
        n_products: args.products,
        n_events: args.events,
        seed: args.seed,
        end: args.end.map_or(DEFAULT_END, |end| end.0),
        n_days: args.days,
    };
    let shop = Shop::new(params).map_err(|error| WrongUse::new(error.to_string()))?;
    let compression = match args.compression {
        Packing::None => Compression::None,
        Packing::Gzip => Compression::Gzip,
        Packing::Zstd => Compression::Zstd,
    };
    let pool = runtime::pool(globals.threads.unwrap_or(0))?;
    let stop = Arc::new(Stop::new());
    stop_on_signal(&stop)?;
    let bar = Bar::new("sample", globals.json);
    let summary = folder::write(&pool, &shop, &args.out, compression, &mut |share| {
        bar.report("making customers and their lives", share);
        !stop.is_stopped()
    })?;
    let seconds = bar.finish().as_secs_f64();
    if globals.json {
        let mut told = serde_json::to_value(&summary)?;
        told["seconds"] = seconds.into();
        output::json(&told)?;
    } else {
        output::line(format!(
            "{} customers, {} products, {} campaigns, {} events in {} ({:.1} MB, {seconds:.1} s); the truth is in truth.*",
            summary.n_customers,
            summary.n_products,
            summary.n_campaigns,
            summary.n_events,
            args.out.display(),
            summary.size_bytes as f64 / 1e6,
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
