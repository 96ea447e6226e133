//! The command `clew recommend`: the best products for every customer, from files.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clew_crm::recommend::RecommendRequest;
use clew_crm::scorer::Scorer;
use clew_crm::{AppliesTo, Predicate, Schema, Scope};
use serde_json::json;

use crate::cli::Globals;
use crate::failure::WrongUse;
use crate::learning::{DataArgs, Session};
use crate::output_file::{Cell, Of, OutputFile};
use crate::{offers_file, output};

/// The options of `clew recommend`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Products for each customer
    #[arg(long, value_name = "K", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// The file to write: customer_id, rank, product_id, score; .csv, .csv.gz, .csv.zst or .parquet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Leave out what a customer bought or viewed before
    #[arg(long)]
    exclude_seen: bool,
    /// Only products of which this is true, for instance 'product.price < 50.0'
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Business rules: CSV with the columns name, scope (customer or product), expression, reason
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Add a column with the reasons, separated by ;
    #[arg(long)]
    explain: bool,
    /// A model that `clew train` wrote; trained now when not given
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, the filter or a rule is not understood, or there is too little to learn
/// from.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let mut columns =
        vec![("customer_id", Of::Text), ("rank", Of::Whole), ("product_id", Of::Text), ("score", Of::Number)];
    if args.explain {
        columns.push(("reasons", Of::Text));
    }
    let mut out = OutputFile::create(&args.out, &columns)?;
    let session = Session::open(&args.data, globals)?;
    let history = session.records.history(session.as_of);
    let rules = offers_file::read_rules(args.rules.as_ref(), AppliesTo::Recommendations, &history)?;
    let filter = args
        .filter
        .as_ref()
        .map(|text| Predicate::parse(text, &Schema::of(Scope::Product, &history)))
        .transpose()
        .map_err(|error| WrongUse::new(format!("--filter: {error}")))?;
    // Without a model only recommendations are wanted: no past windows are needed, so one date of events is enough.
    let model =
        match &args.model {
            Some(_) => session.model(&args.data, args.model.as_ref())?,
            None => Arc::new(session.run("train", |run| {
                Ok(clew_crm::recommend_fit::fit(run, &session.records, session.as_of)?)
            })?),
        };
    let chosen = model.report.recommend.clone();
    let scorer = session
        .run("prepare", |run| Ok(Scorer::new(run, model, Arc::clone(&session.records), session.as_of)?))?;
    let request = RecommendRequest {
        limit: args.limit.into(),
        filter: filter.as_ref(),
        rules: &rules,
        exclude_seen: args.exclude_seen,
        explain: args.explain,
    };
    let customers = session.records.customers();
    // Writing can fail in ways that learning does not know: kept here, told when the run is over.
    let mut written = Ok(());
    let mut n_served = 0_u64;
    session.run("recommend", |run| {
        scorer.recommend_all(run, &request, |customer, products| {
            n_served += u64::from(!products.is_empty());
            for product in &products {
                let reasons = product.reasons.join("; ");
                let cells = [
                    Cell::Text(customers.ids.name(customer)),
                    Cell::Whole(product.rank as u64),
                    Cell::Text(&product.product_id),
                    Cell::Number(product.score),
                    Cell::Text(&reasons),
                ];
                if written.is_ok() {
                    written = out.row(cells.get(..columns.len()).unwrap_or(&cells));
                }
            }
            Ok(())
        })?;
        Ok(())
    })?;
    written?;
    let n_rows = out.finish()?;
    if globals.json {
        output::json(&json!({
            "out": args.out, "n_rows": n_rows, "n_customers": n_served, "data": session.data(),
            "chosen": chosen,
        }))?;
    } else {
        if let Some(chosen) = chosen.filter(|chosen| !chosen.recommenders.is_empty()) {
            output::line(format!(
                "chosen on {} of {} customers, kept aside:",
                chosen.kept_aside, chosen.n_customers
            ))?;
            for figures in &chosen.recommenders {
                output::line(format!(
                    "  NDCG@20 {:.4}  Recall@20 {:.4}  weight {:.2}  {}",
                    figures.ndcg_20, figures.recall_20, figures.weight, figures.name
                ))?;
            }
        }
        output::line(format!("{n_rows} recommendations for {n_served} customers in {}", args.out.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
