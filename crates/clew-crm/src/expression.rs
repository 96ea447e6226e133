//! Expressions of offers, rules, segments and filters: the syntax of CEL, checked against the tenant's columns.

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
