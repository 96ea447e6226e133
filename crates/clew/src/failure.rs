//! How a command's failure is told: once, on standard error, with the whole chain of causes, and as an exit code.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

/// A fault of the person at the keyboard (an option, a configuration value, a missing file): exit code 2.
#[derive(Debug)]
pub(crate) struct WrongUse(String);

impl WrongUse {
    /// A fault of use, told with its place and its remedy.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The fault of use that this error stands for, with the whole chain of its causes.
    pub(crate) fn of(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        Self(text)
    }
}

impl fmt::Display for WrongUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUse {}

/// The exit code that this error stands for: 2 when somewhere in its chain is a [`WrongUse`], else 1.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    if error.chain().any(|cause| cause.is::<WrongUse>()) { 2 } else { 1 }
}

/// Prints the error with its chain to standard error and gives the exit code.
///
/// As text: `error: …`, then one indented line per cause. As JSON: one line `{"error", "causes", "exit_code"}`.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    if reader_left(error) {
        return ExitCode::SUCCESS;
    }
    let code = code(error);
    // Standard error may be closed: then there is nobody left to tell.
    let _ = std::io::stderr().lock().write_all(text(error, json).as_bytes());
    ExitCode::from(code)
}

/// Whoever reads standard output has had enough (`clew openapi | head`): that is no failure.
fn reader_left(error: &anyhow::Error) -> bool {
    let pipe = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    error.downcast_ref::<crate::output::Unwritable>().is_some_and(|unwritable| pipe(&unwritable.0))
}

fn text(error: &anyhow::Error, json: bool) -> String {
    // A cause that its parent's text already ends with would only be read twice.
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !said.last().is_some_and(|last| last.ends_with(&cause)) {
            said.push(cause);
        }
    }
    if json {
        let first = said.first().cloned().unwrap_or_default();
        let causes = said.get(1..).unwrap_or_default();
        let line = serde_json::json!({ "error": first, "causes": causes, "exit_code": code(error) });
        return format!("{line}\n");
    }
    let mut text = String::new();
    for (depth, cause) in said.iter().enumerate() {
        text.push_str(if depth == 0 { "error: " } else { "  because: " });
        text.push_str(cause);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    fn nested() -> anyhow::Error {
        Err::<(), _>(std::io::Error::other("disk full")).context("could not write model.clew").unwrap_err()
    }

    #[test]
    fn the_whole_chain_is_told_once() {
        assert_eq!(text(&nested(), false), "error: could not write model.clew\n  because: disk full\n");
        let json: serde_json::Value = serde_json::from_str(&text(&nested(), true)).unwrap();
        assert_eq!(json["error"], "could not write model.clew");
        assert_eq!(json["causes"], serde_json::json!(["disk full"]));
        assert_eq!(json["exit_code"], 1);
    }

    #[test]
    fn wrong_use_is_two_wherever_it_stands_in_the_chain() {
        let error = anyhow::Error::new(WrongUse::new("no such folder")).context("could not read the data");
        assert_eq!(code(&error), 2);
        assert_eq!(code(&nested()), 1);
    }
}
