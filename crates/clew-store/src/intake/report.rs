//! What was read from a file: counts, columns with their inferred types, rejected lines, notes.

use std::collections::BTreeMap;

use clew_crm::ColumnType;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How many rejected lines a [`FileReport`] lists; the others are only counted (and given to the sink).
pub const N_LISTED: usize = 100;

/// A line that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The line in the file, the first being 1; in Parquet the row, the first being 1.
    pub line: u64,
    /// The file's column that is to blame, if one is.
    pub column: Option<String>,
    /// What was found, what was expected, and where it helps the mapping option that would accept it.
    pub reason: String,
}

/// Something worth knowing about a file that was nevertheless read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A fixed word for machines: `delimiter`, `ignored_columns`, `outliers`, `orphans`, `duplicates`, ….
    pub code: String,
    /// The note in a sentence.
    pub message: String,
    /// How many rows it concerns, 0 when it concerns the file.
    pub n_rows: u64,
}

/// A column of a file and what it was taken for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// The name under which it is known here.
    pub name: String,
    /// The file's own name of it, or the constant in quotes.
    pub source: String,
    /// Its type, inferred or given by the mapping; ids and kinds are text.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// How many rows have no value in it.
    pub n_nulls: u64,
}

/// What was read from a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// The file's name without its folder.
    pub file: String,
    /// Rows accepted, among them those that later turned out to be duplicates.
    pub n_accepted: u64,
    /// Rows left out for being at or after the date asked for.
    pub n_after_until: u64,
    /// Rows rejected.
    pub n_rejected: u64,
    /// Rows that repeat another one exactly (events), or replace an earlier one of the same id (all others).
    pub n_duplicates: u64,
    /// Events of customers or about products that the tables lack; they are kept.
    pub n_orphans: u64,
    /// The columns that are kept.
    pub columns: Vec<ColumnReport>,
    /// Worth knowing.
    pub notes: Vec<Note>,
    /// The first [`N_LISTED`] rejected lines.
    pub rejected: Vec<Rejected>,
    /// Rejected lines by column.
    pub n_rejected_by_column: BTreeMap<String, u64>,
}

impl FileReport {
    pub(crate) fn note(&mut self, code: &str, n_rows: u64, message: impl Into<String>) {
        self.notes.push(Note { code: code.to_owned(), message: message.into(), n_rows });
    }

    /// Counts rows that were taken out after they had been read, being of customers erased meanwhile.
    pub(crate) fn refuse_late(&mut self, n: u64) {
        self.n_accepted = self.n_accepted.saturating_sub(n);
        self.n_rejected += n;
    }

    /// Takes over what was rejected. An error when nothing at all was accepted.
    pub(crate) fn take(&mut self, rejections: &mut Rejections, n_accepted: u64) -> Result<()> {
        self.n_accepted = n_accepted;
        self.n_rejected = rejections.n;
        self.rejected = std::mem::take(&mut rejections.first);
        self.n_rejected_by_column = std::mem::take(&mut rejections.by_column);
        match self.rejected.first() {
            Some(first) if n_accepted == 0 && rejections.n_erased < rejections.n => {
                let column =
                    first.column.as_ref().map_or_else(String::new, |column| format!(", column '{column}'"));
                Err(Error::input(
                    format!("{}, line {}{column}", self.file, first.line),
                    format!("{} (all of the file's {} lines are rejected)", first.reason, self.n_rejected),
                ))
            }
            _ => Ok(()),
        }
    }
}

/// Where rejected lines go one by one, for those who want more than the first [`N_LISTED`].
pub type RejectedSink = Box<dyn FnMut(&Rejected) + Send>;

/// Counts rejected lines, keeps the first ones and hands all to the sink.
#[derive(Default)]
pub(crate) struct Rejections {
    pub(crate) n: u64,
    /// Those of them whose customer was erased: nothing is wrong with their file.
    pub(crate) n_erased: u64,
    pub(crate) first: Vec<Rejected>,
    pub(crate) by_column: BTreeMap<String, u64>,
    pub(crate) sink: Option<RejectedSink>,
}

impl Rejections {
    pub(crate) fn add(&mut self, line: u64, column: Option<&str>, reason: String) {
        let rejected = Rejected { line, column: column.map(str::to_owned), reason };
        self.n += 1;
        if let Some(column) = column {
            match self.by_column.get_mut(column) {
                Some(n) => *n += 1,
                None => drop(self.by_column.insert(column.to_owned(), 1)),
            }
        }
        if let Some(sink) = &mut self.sink {
            sink(&rejected);
        }
        if self.first.len() < N_LISTED {
            self.first.push(rejected);
        }
    }
}
