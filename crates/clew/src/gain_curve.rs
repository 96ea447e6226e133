//! The command `clew gain-curve`: expected buyers against volume for every offer, from files.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clew_crm::gain_request::GainRequest;
use clew_crm::scorer::Scorer;
use clew_crm::{AppliesTo, Segment};
use clew_learn::{Part, Progress as _};
use serde_json::json;

use crate::cli::Globals;
use crate::failure::WrongUse;
use crate::learning::{DataArgs, Session};
use crate::offers_file::{self, OfferArgs};
use crate::output;
use crate::output_file::{Cell, Of, OutputFile};

/// The options of `clew gain-curve`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    offers: OfferArgs,
    /// The file to write, a row a point: offer_id, volume, share_of_customers, expected_buyers, low, high,
    /// share_of_buyers, lift, expected_revenue, expected_profit; .csv, .csv.gz, .csv.zst or .parquet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A model that `clew train` wrote; trained now when not given
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Business rules: CSV with the columns name, scope (customer or product), expression, reason
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Only customers of whom this is true, for instance 'customer.age >= 18'
    #[arg(long, value_name = "EXPRESSION")]
    segment: Option<String>,
    /// Share of the revenue that is profit
    #[arg(long, value_name = "SHARE", value_parser = share)]
    margin: Option<f64>,
    /// Cost of one message
    #[arg(long, value_name = "MONEY", value_parser = money)]
    cost_per_contact: Option<f64>,
}

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "is no number".to_owned())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("is not between 0 and 1".to_owned()) }
}

fn money(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "is no number".to_owned())?;
    if (0.0..=1e6).contains(&value) { Ok(value) } else { Err("is not between 0 and 1,000,000".to_owned()) }
}

const COLUMNS: [(&str, Of); 10] = [
    ("offer_id", Of::Text),
    ("volume", Of::Whole),
    ("share_of_customers", Of::Number),
    ("expected_buyers", Of::Number),
    ("low", Of::Number),
    ("high", Of::Number),
    ("share_of_buyers", Of::Number),
    ("lift", Of::Number),
    ("expected_revenue", Of::Number),
    ("expected_profit", Of::Number),
];

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, an offer has no products, a rule or the segment is not understood, or
/// there is too little to learn from.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let mut out = OutputFile::create(&args.out, &COLUMNS)?;
    let session = Session::open(&args.data, globals)?;
    let offers = args.offers.resolve(&session.records)?;
    let history = session.records.history(session.as_of);
    let rules = offers_file::read_rules(args.rules.as_ref(), AppliesTo::GainCurves, &history)?;
    let segment = args
        .segment
        .as_ref()
        .map(|text| Segment { name: "--segment".to_owned(), expression: text.clone() }.compile(&history))
        .transpose()
        .map_err(|error| WrongUse::new(error.to_string()))?;
    let model = session.model(&args.data, args.model.as_ref())?;
    let scorer = session
        .run("prepare", |run| Ok(Scorer::new(run, model, Arc::clone(&session.records), session.as_of)?))?;
    let mut curves = Vec::with_capacity(offers.len());
    session.run("draw", |run| {
        for (n, offer) in offers.iter().enumerate() {
            let part =
                Part::new(run.progress, n as f64 / offers.len() as f64, (n + 1) as f64 / offers.len() as f64);
            part.report(&offer.id, 0.0);
            let request = GainRequest {
                products: &offer.products,
                rules: &rules,
                segment: segment.as_ref(),
                margin: args.margin,
                cost_per_contact: args.cost_per_contact,
            };
            let curve = scorer.gain_curve(&run.with_progress(&part), &request)?;
            for point in &curve.points {
                out.row(&[
                    Cell::Text(&offer.id),
                    Cell::Whole(point.volume as u64),
                    Cell::Number(point.share_of_customers),
                    Cell::Number(point.expected_buyers),
                    Cell::Number(point.low),
                    Cell::Number(point.high),
                    Cell::Number(point.share_of_buyers),
                    Cell::Number(point.lift),
                    Cell::Number(point.expected_revenue),
                    point.expected_profit.map_or(Cell::Empty, Cell::Number),
                ])?;
            }
            curves.push((offer, curve));
        }
        Ok(())
    })?;
    out.finish()?;
    if globals.json {
        let told: Vec<_> = curves
            .iter()
            .map(|(offer, curve)| {
                json!({
                    "offer_id": offer.id, "n_products": curve.n_products, "n_customers": curve.n_customers,
                    "named_volumes": curve.named_volumes, "sentence": curve.sentence,
                    "waterfall": curve.waterfall, "comparable_backtest": curve.comparable_backtest,
                    "warnings": curve.warnings,
                })
            })
            .collect();
        output::json(&json!({ "out": args.out, "offers": told, "data": session.data() }))?;
    } else {
        for (offer, curve) in &curves {
            output::line(format!("{}: {}", offer.id, curve.sentence))?;
            for step in curve.waterfall.steps.iter().filter(|step| step.n_customers > 0) {
                output::line(format!(
                    "  {} took away {} customers, {:.1} expected buyers",
                    step.rule, step.n_customers, step.expected_buyers
                ))?;
            }
            for warning in &curve.warnings {
                output::line(format!("  note: {warning}"))?;
            }
        }
        output::line(format!("the curves are in {}", args.out.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
