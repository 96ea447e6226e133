//! The configuration, and the command `clew config` that shows it, checks it and documents it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::Globals;
use crate::failure::WrongUse;
use crate::output;

mod load;
mod settings;
mod value;

pub(crate) use settings::Config;
pub(crate) use value::LogFormat;

/// The options of `clew config`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Check every source and print the effective configuration, without secrets
    Check,
    /// Print the table of all settings (Markdown)
    Document,
}

/// Runs the command.
///
/// # Errors
/// When the configuration has faults: all of them, as wrong use.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Check => {
            let shown = load(globals.config.as_deref())?.shown();
            if globals.json {
                let map: serde_json::Map<_, _> =
                    shown.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
                output::json(&map)?;
            } else {
                for (name, value) in shown {
                    // A line of clew.toml as one would write it; what is unset stays a comment.
                    let line =
                        if value.is_empty() { format!("# {name} =") } else { format!("{name} = {value:?}") };
                    output::line(line)?;
                }
            }
        }
        Action::Document => output::line(document().trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The effective configuration.
///
/// # Errors
/// A [`WrongUse`] with every fault on its own line.
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Config> {
    load::load(file).map_err(|faults| {
        let count = if faults.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", faults.len()) };
        WrongUse::new(format!("the configuration has {count}:\n  {}", faults.join("\n  "))).into()
    })
}

/// The table of all settings in Markdown, one row per setting.
fn document() -> String {
    let mut table =
        "| in `clew.toml` | in the environment | form | default | meaning |\n|---|---|---|---|---|\n"
            .to_owned();
    for setting in settings::SETTINGS {
        let default =
            if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        let secret = if setting.secret { " Never shown or logged." } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| `{}` | `CLEW_{}` | {} | {default} | {}{secret} |",
            setting.name,
            setting.name.to_uppercase(),
            setting.form,
            setting.meaning.trim(),
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::document;

    #[test]
    fn the_committed_table_is_the_code_s() {
        let committed = include_str!("../../../deploy/CONFIGURATION.md");
        assert!(
            committed.contains(&document()),
            "deploy/CONFIGURATION.md is behind; put the output of `clew config document` in the place of its table"
        );
    }
}
