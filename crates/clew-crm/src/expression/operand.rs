//! The parts of an expression as the checker meets them, each with its type, and what is said of them in messages.

use chrono::NaiveDate;

use crate::expression::tree::{ColumnIndex, Number, Test};

/// A part of an expression whose type is known.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Test(Test),
    Number(Number),
    Day(Number),
    Text(String),
    TextColumn(ColumnIndex),
    Tags(ColumnIndex),
    /// A column of bools, still with its nulls.
    BoolColumn(ColumnIndex),
    Null,
    List(Vec<(Operand, usize)>),
}

impl Operand {
    /// What it is, for "found …".
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Operand::Test(_) => "true or false",
            Operand::Number(_) => "a number",
            Operand::Day(_) => "a day",
            Operand::Text(_) | Operand::TextColumn(_) => "text",
            Operand::Tags(_) => "tags",
            Operand::BoolColumn(_) => "true or false",
            Operand::Null => "null",
            Operand::List(_) => "a list",
        }
    }
}

/// Days since 1970-01-01 of a day written `2026-01-31`.
pub(super) fn day(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    // `%Y` reads more than four digits and signs; a day as it is written here does not.
    if text.len() != 10 {
        return None;
    }
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}
