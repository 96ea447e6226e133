//! The command `clew campaign-report`: what became of a campaign, from files.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clew_crm::campaign::{Promoted, PromotedBy, began, promoted};
use clew_crm::scorer::Scorer;
use clew_crm::{CampaignReport, History, Offer, TrainParams};
use serde_json::json;

use crate::cli::Globals;
use crate::failure::WrongUse;
use crate::learning::{DataArgs, Moment, Session};
use crate::output;

/// The options of `clew campaign-report`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// The campaign's id
    #[arg(long, value_name = "ID")]
    campaign: String,
    /// What it promoted, for instance 'product.category == "wine"'; what its row names when not given, else the products of its category
    /// and brand, else everything
    #[arg(long, value_name = "EXPRESSION")]
    offer: Option<String>,
    /// A model that `clew train` wrote as of a day before the first message; trained now when not given
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read, the campaign is not known or was sent to nobody, its offer has no products, or there is too little before it
/// to learn from.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.data, globals)?;
    let known = session.records.history(session.as_of);
    let wrong = |error: clew_crm::Error| WrongUse::of(&error);
    let first_at = began(&known, &args.campaign).map_err(wrong)?.ok_or_else(|| {
        WrongUse::new(format!(
            "no event says who was sent the campaign '{}' or held out; give events of the kinds message_sent and held_out with its \
             campaign_id",
            args.campaign
        ))
    })?;
    let promoted = what(&known, &args.campaign, args.offer).map_err(wrong)?;
    let model = if args.model.is_some() {
        session.model(&args.data, args.model.as_ref())?
    } else {
        Arc::new(session.train(&TrainParams { as_of: first_at, ..session.params(&args.data) }, None)?)
    };
    let model_as_of = model.as_of;
    let mut report = session.run("report", |run| {
        let scorer = Scorer::new(run, model, Arc::clone(&session.records), first_at)?;
        Ok(scorer.campaign_report(run, &known, &args.campaign, &promoted.products)?)
    })?;
    if model_as_of > first_at {
        report.warnings.push(
            "the model has learned from days after the first message: its predictions flatter themselves here".to_owned(),
        );
    }
    if globals.json {
        output::json(&json!({
            "campaign_id": args.campaign,
            "promoted": {
                "by": promoted.by, "expression": promoted.expression, "n_products": promoted.products.len(),
            },
            "model_as_of": Moment(model_as_of).to_string(), "data": session.data(), "report": report,
        }))?;
    } else {
        show(&args.campaign, &promoted, &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What was promoted: what was asked for, else what is known of the campaign.
fn what(known: &History<'_>, campaign: &str, asked: Option<String>) -> clew_crm::Result<Promoted> {
    let Some(expression) = asked else { return promoted(known, campaign) };
    let products = Offer::by_expression(campaign, expression.clone()).resolve_in(known.products())?;
    Ok(Promoted { products, expression: Some(expression), by: PromotedBy::Asked })
}

fn show(campaign: &str, promoted: &Promoted, report: &CampaignReport) -> anyhow::Result<()> {
    let products = match (&promoted.expression, promoted.by) {
        (Some(expression), _) => expression.clone(),
        (None, PromotedBy::Everything) => "the whole catalogue".to_owned(),
        (None, _) => format!("{} products", promoted.products.len()),
    };
    let treated = &report.treated;
    output::line(format!("{campaign}: {products}, within {} days of the message", report.horizon_days))?;
    output::line(format!(
        "{} were sent it: {:.0} buyers expected (80 %: {:.0} to {:.0}), {} bought",
        treated.n_customers, treated.expected_buyers, treated.low, treated.high, treated.n_buyers
    ))?;
    output::line(format!("{:>7} {:>10} {:>10} {:>8}", "tenth", "customers", "expected", "bought"))?;
    for (tenth, place) in report.deciles.iter().zip(1..) {
        output::line(format!(
            "{place:>7} {:>10} {:>10.1} {:>8}",
            tenth.n_customers, tenth.expected_buyers, tenth.n_buyers
        ))?;
    }
    if let Some(effect) = &report.effect {
        output::line(&effect.sentence)?;
    }
    if let Some(coefficient) = report.qini.as_ref().and_then(|qini| qini.coefficient) {
        output::line(format!("Qini {coefficient:.2} (0 is chance, 1 is the best order there could be)"))?;
    }
    let effects = report.effect.iter().flat_map(|effect| &effect.warnings);
    for warning in report.warnings.iter().chain(effects) {
        output::line(format!("  note: {warning}"))?;
    }
    Ok(())
}
