//! The command `clew predict`: every customer's propensity for every offer, from files.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clew_crm::scorer::Scorer;
use clew_learn::{Part, Progress as _};
use serde_json::json;

use crate::cli::Globals;
use crate::learning::{DataArgs, Session};
use crate::offers_file::OfferArgs;
use crate::output;
use crate::output_file::{Cell, Of, OutputFile};

/// The options of `clew predict`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    offers: OfferArgs,
    /// The file to write: offer_id, customer_id, propensity; .csv, .csv.gz, .csv.zst or .parquet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A model that `clew train` wrote; trained now when not given
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, an offer has no products, or there is too little to learn from.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let columns = [("offer_id", Of::Text), ("customer_id", Of::Text), ("propensity", Of::Single)];
    let mut out = OutputFile::create(&args.out, &columns)?;
    let session = Session::open(&args.data, globals)?;
    let offers = args.offers.resolve(&session.records)?;
    let model = session.model(&args.data, args.model.as_ref())?;
    let (horizon_days, model_as_of) = (model.horizon_days, model.as_of);
    let scorer = session
        .run("prepare", |run| Ok(Scorer::new(run, model, Arc::clone(&session.records), session.as_of)?))?;
    let customers = session.records.customers();
    let summary = session.run("predict", |run| {
        let mut summary = Vec::with_capacity(offers.len());
        for (n, offer) in offers.iter().enumerate() {
            let part =
                Part::new(run.progress, n as f64 / offers.len() as f64, (n + 1) as f64 / offers.len() as f64);
            part.report(&offer.id, 0.0);
            let propensities = scorer.propensities(&run.with_progress(&part), &offer.products)?;
            let mut expected_buyers = 0.0;
            for (&customer, &propensity) in scorer.customers().iter().zip(&propensities) {
                let customer_id = customers.ids.name(customer);
                out.row(&[Cell::Text(&offer.id), Cell::Text(customer_id), Cell::Single(propensity)])?;
                expected_buyers += f64::from(propensity);
            }
            summary.push(json!({
                "offer_id": offer.id, "n_products": offer.products.len(), "expected_buyers": expected_buyers,
            }));
        }
        Ok(summary)
    })?;
    let n_rows = out.finish()?;
    let n_customers = scorer.customers().len();
    if globals.json {
        output::json(&json!({
            "out": args.out, "n_rows": n_rows, "n_customers": n_customers, "horizon_days": horizon_days,
            "model_as_of": crate::learning::Moment(model_as_of).to_string(), "offers": summary,
            "data": session.data(),
        }))?;
    } else {
        let n_offers = offers.len();
        output::line(format!(
            "{n_offers} offers × {n_customers} customers in {} ({n_rows} rows, {horizon_days} days)",
            args.out.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
