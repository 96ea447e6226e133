//! Expressions of offers, rules, segments and filters: the syntax of CEL, checked against the tenant's columns and
//! evaluated over whole columns at once.
//!
//! Understood: `== != < <= > >=`, `&& || !`, `c ? a : b`, `+ - * / %` on numbers, `in` a list or a column of tags,
//! `has(x)`, `size()` of tags and text, and `startsWith endsWith contains` of text. A day is written as text,
//! `"2026-01-31"`. Everything else of CEL is refused with its place.
//!
//! A cell without a value makes every comparison with it false, `!=` too; ask `x == null` or `!has(x)` for it.

mod bound;
mod check;
mod check_call;
mod evaluate;
mod guard;
mod nearest;
mod operand;
mod predicate;
mod schema;
mod syntax;
mod tree;

pub use predicate::{Predicate, Unmatched};
pub use schema::{Schema, SchemaEntry, Scope};

pub(crate) use nearest::{nearest, one_of};

/// The longest expression that is read, in characters.
pub const MAX_LENGTH: usize = 4096;
/// How deep an expression may nest.
pub const MAX_DEPTH: usize = 64;

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ExpressionError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What was found, and what was expected.
    pub message: String,
}

impl ExpressionError {
    /// An error at the character of that number (from 0) of `source`.
    fn at(source: &str, offset: usize, message: impl Into<String>) -> ExpressionError {
        let (mut line, mut column) = (1, 1);
        for c in source.chars().take(offset) {
            if c == '\n' {
                (line, column) = (line + 1, 1);
            } else {
                column += 1;
            }
        }
        ExpressionError { line, column, message: message.into() }
    }
}
