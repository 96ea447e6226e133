//! The one error of this crate: what is wrong, where, and the remedy.

use crate::expression::ExpressionError;

/// What predictive CRM refuses to do, with its place and the remedy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Data or a parameter cannot be used.
    #[error("{place}; {remedy}")]
    Input {
        /// Where and what: "column 'price' of product 'A1' is infinite".
        place: String,
        /// What the caller can do: "leave the cell empty".
        remedy: String,
    },
    /// An expression is wrong.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    /// The expression of a named rule, segment or offer is wrong.
    #[error("{what} '{name}'")]
    Named {
        /// "rule", "segment" or "offer".
        what: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// An offer or a segment matches nothing.
    #[error("{what} matches nothing; {remedy}")]
    Nothing {
        /// What matched nothing: "the offer 'Spring wines'".
        what: String,
        /// What the caller can do, with the nearest values where there are some.
        remedy: String,
    },
    /// There is too little data to learn from.
    #[error("not enough data yet: {have} of {need} {what}")]
    NotEnoughData {
        /// How many there are.
        have: u64,
        /// How many are needed.
        need: u64,
        /// Of what: "buyers", "events", "days".
        what: String,
    },
    /// Learning itself failed, or was stopped.
    #[error(transparent)]
    Learn(#[from] clew_learn::Error),
}

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An [`Error::Input`] from its place and remedy.
    pub fn input(place: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::Input { place: place.into(), remedy: remedy.into() }
    }

    /// This error, said of the rule, segment or offer of that name.
    #[must_use]
    pub fn of(self, what: &'static str, name: &str) -> Error {
        Error::Named { what, name: name.to_owned(), source: Box::new(self) }
    }
}
