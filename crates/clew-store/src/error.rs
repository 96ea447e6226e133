//! What can go wrong at the border to Postgres, files and objects.

use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong at the border to Postgres, files and objects. A message does not repeat its source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The row is not there, or is another tenant's: the two cannot be told apart.
    #[error("{what} is not there")]
    Missing {
        /// The noun that was looked for.
        what: &'static str,
    },
    /// A constraint of the schema, or the present state of a row, stands against it.
    #[error("stands against {constraint}")]
    Conflict {
        /// The name of the constraint, or what of the row's state forbids it.
        constraint: String,
    },
    /// The worker no longer holds the job: its attempt was superseded, or the job has ended.
    #[error("the lease on the job is lost; drop what was computed")]
    LeaseLost,
    /// What was handed in cannot be taken (a file, a cursor, a mapping).
    #[error("{place}: {remedy}")]
    Input {
        /// Where: file, line, column or parameter.
        place: String,
        /// What is wrong and what to do.
        remedy: String,
    },
    /// Something of our own that was stored is not as it was written.
    #[error("{place} is damaged; {remedy}")]
    Corrupt {
        /// Which object or row.
        place: String,
        /// What to do.
        remedy: String,
    },
    /// The private Postgres cannot be had.
    #[error("private Postgres: {place}: {remedy}")]
    Private {
        /// Which step or folder.
        place: String,
        /// What to do.
        remedy: String,
    },
    /// The schema cannot be brought up to date.
    #[error("the migrations of the database failed")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Postgres refused, or is away.
    #[error("the database did not answer as it should")]
    Database(#[source] sqlx::Error),
    /// The object store refused, or is away.
    #[error("the object store did not answer as it should")]
    Object(#[from] object_store::Error),
    /// A file could not be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl Error {
    /// An [`Error::Input`].
    pub fn input(place: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Input { place: place.into(), remedy: remedy.into() }
    }

    /// An [`Error::Corrupt`].
    pub fn corrupt(place: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Corrupt { place: place.into(), remedy: remedy.into() }
    }

    /// An [`Error::Private`].
    pub(crate) fn private(place: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Private { place: place.into(), remedy: remedy.into() }
    }

    /// An [`Error::Io`] of a path.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    /// Is the database away, starting, stopping or out of connections, so that a later try may succeed?
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Database(error) => is_unavailable(error),
            Self::Migrate(sqlx::migrate::MigrateError::Execute(error)) => is_unavailable(error),
            _ => false,
        }
    }
}

fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // 08 connection lost, 53 out of resources, 57P0x shutting down or starting.
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| code.starts_with("08") || code.starts_with("53") || code.starts_with("57P")),
        _ => false,
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(database) = &error {
            // 23xxx: a constraint of the schema.
            let constraint = database.constraint().map(str::to_owned);
            if let Some(constraint) = constraint
                && database.code().is_some_and(|code| code.starts_with("23"))
            {
                return Self::Conflict { constraint };
            }
        }
        Self::Database(error)
    }
}
