//! The command line: every command, the options all of them share, and which file runs which.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    audit, backtest, campaign_report, config, demo, gain_curve, health, import, key, member, migrate,
    openapi, predict, recommend, sample, serve, tenant, train, work,
};

/// Predictive CRM: who will buy from an offer, whom to write to, what to show to whom.
#[derive(Parser, Debug)]
#[command(name = "clew", version, propagate_version = true, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "Exit codes: 0 done, 1 failed, 2 wrong use. Results go to standard output, everything \
                          else to standard error.";

/// The options that every command understands.
#[derive(clap::Args, Debug, Clone, Default)]
pub(crate) struct Globals {
    /// Write results for machines: JSON on standard output, logs and errors as JSON on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The configuration file; `clew.toml` of the working folder when it is there
    #[arg(long, global = true, value_name = "FILE", env = "CLEW_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Threads for arithmetic; as many as the machine has cores when not given. Results do not depend on it
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

impl Globals {
    /// What the command line says goes before the configuration.
    pub(crate) fn apply(&self, config: &mut config::Config) {
        if let Some(threads) = self.threads {
            config.threads = threads;
        }
    }
}

/// What `clew` can be asked to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// A whole clew from nothing: private Postgres, tenant, data, model, gain curve, console
    Demo(demo::Args),
    /// Serve the API and the console
    Serve(serve::Args),
    /// Run jobs: imports and trainings
    Work(work::Args),
    /// Ask a running server or worker whether it lives
    Health(health::Args),
    /// Bring the database to this version's schema
    Migrate(migrate::Args),
    /// Create and list tenants
    Tenant(tenant::Args),
    /// Create, list, rotate and revoke API keys
    Key(key::Args),
    /// Invite, list and remove the people who sign in
    Member(member::Args),
    /// Check the audit log
    Audit(audit::Args),
    /// Send a folder of files to a running server through its API
    Import(import::Args),
    /// Learn a model from files, without server or database
    Train(train::Args),
    /// Every customer's propensity for every offer, from files
    Predict(predict::Args),
    /// Expected buyers against volume for every offer, from files
    GainCurve(gain_curve::Args),
    /// The best products for every customer, from files
    Recommend(recommend::Args),
    /// How well would it have worked: an out-of-time report on one's own files
    Backtest(backtest::Args),
    /// What became of a campaign: predicted against realised, and what its messages caused, from files
    CampaignReport(campaign_report::Args),
    /// Write a realistic tenant with its truth beside it
    Sample(sample::Args),
    /// Print the OpenAPI document
    Openapi(openapi::Args),
    /// Look at the configuration
    Config(config::Args),
}

impl Command {
    /// Runs the command to its end.
    pub(crate) fn run(self, globals: &Globals) -> anyhow::Result<ExitCode> {
        match self {
            Self::Demo(args) => demo::run(args, globals),
            Self::Audit(args) => audit::run(args, globals),
            Self::Serve(args) => serve::run(args, globals),
            Self::Work(args) => work::run(args, globals),
            Self::Health(args) => health::run(args, globals),
            Self::Migrate(args) => migrate::run(args, globals),
            Self::Tenant(args) => tenant::run(args, globals),
            Self::Key(args) => key::run(args, globals),
            Self::Member(args) => member::run(args, globals),
            Self::Import(args) => import::run(args, globals),
            Self::Train(args) => train::run(args, globals),
            Self::Predict(args) => predict::run(args, globals),
            Self::GainCurve(args) => gain_curve::run(args, globals),
            Self::Recommend(args) => recommend::run(args, globals),
            Self::Backtest(args) => backtest::run(args, globals),
            Self::CampaignReport(args) => campaign_report::run(args, globals),
            Self::Sample(args) => sample::run(args, globals),
            Self::Openapi(args) => openapi::run(args, globals),
            Self::Config(args) => config::run(args, globals),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
