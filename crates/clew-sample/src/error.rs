//! What can go wrong when a sample is made.

use std::path::PathBuf;

/// What can go wrong when a sample is made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter that no shop can be made with.
    #[error("{place}; {remedy}")]
    Input {
        /// Which parameter, and what was given.
        place: String,
        /// What to give instead.
        remedy: String,
    },
    /// A file that could not be written.
    #[error("could not write {path}; free some space or choose another folder", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The stop flag was raised.
    #[error("stopped; the unfinished files were removed")]
    Stopped,
    /// The rows were not accepted as records.
    #[error("could not hold the sample in memory")]
    Records(#[source] clew_crm::Error),
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;
