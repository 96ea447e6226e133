//! What a command writes to standard output: results only, so that it can be piped.

use std::fmt;
use std::io::Write as _;

use anyhow::Context as _;
use serde::Serialize;

/// Standard output cannot be written to.
#[derive(Debug)]
pub(crate) struct Unwritable(pub(crate) std::io::Error);

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("could not write to standard output")
    }
}

impl std::error::Error for Unwritable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Writes one line of text to standard output.
///
/// # Errors
/// When standard output cannot be written to (a closed pipe, a full disk).
pub(crate) fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()).map_err(Unwritable)?;
    Ok(())
}

/// Writes one value as one line of JSON to standard output.
///
/// # Errors
/// As [`line()`], and when the value cannot be written as JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value).context("could not write the result as JSON")?)
}
