//! The one error of this crate: what is wrong, where, and what to do about it.

/// What an estimator or a file refuses, with its place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data handed in cannot be used.
    #[error("{place}; {remedy}")]
    Input {
        /// Where and what: "row 12 is not finite".
        place: String,
        /// What the caller can do: "drop or fill it".
        remedy: String,
    },
    /// The run was asked to stop and did.
    #[error("stopped on request")]
    Stopped,
    /// A saved model cannot be read.
    #[error("{place}; {remedy}")]
    Format {
        /// Where and what: "section 'rows' is damaged".
        place: String,
        /// What the caller can do: "train again".
        remedy: String,
    },
}

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An [`Error::Input`] from its place and remedy.
    pub fn input(place: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::Input { place: place.into(), remedy: remedy.into() }
    }

    /// An [`Error::Format`] from its place and remedy.
    pub fn format(place: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::Format { place: place.into(), remedy: remedy.into() }
    }
}
