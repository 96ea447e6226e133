//! How a job can fail to end well, and what that means for the queue.

use std::any::Any;

/// Why a job did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Something outside was away; the same job may succeed later.
    #[error("{place}; it is tried again")]
    Retry {
        /// What was being done.
        place: String,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody else did not do their part; the same job is tried again after a while that the job knows best.
    #[error("{detail}")]
    Again {
        /// A word for programs.
        code: &'static str,
        /// What was not done, for the one who asked for the job.
        detail: String,
        /// How long to wait.
        after: std::time::Duration,
    },
    /// The job cannot succeed as it is: its input is at fault, or this program.
    #[error("{detail}")]
    Fail {
        /// A word for programs, as in the API's problems.
        code: &'static str,
        /// What is wrong and what to do, for the one who asked for the job.
        detail: String,
        /// What went wrong underneath; for the log only.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The stop flag was up.
    #[error("stopped")]
    Stopped,
}

impl Failure {
    /// A fault of the input, told to the one who asked.
    pub(crate) fn fail(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Fail { code, detail: detail.into(), source: None }
    }

    /// A fault of ours: the one who asked hears that it is, the log hears what.
    pub(crate) fn internal(place: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Fail {
            code: "internal",
            detail: format!(
                "the service failed while doing this: {place}; its log holds the cause under this job's id"
            ),
            source: Some(source.into()),
        }
    }

    /// A panic, contained: it names the phase it happened in.
    pub(crate) fn panic(phase: &str, panic: &(dyn Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        Self::internal(phase, message)
    }
}

impl From<clew_store::Error> for Failure {
    fn from(error: clew_store::Error) -> Self {
        use clew_store::Error;
        match error {
            Error::LeaseLost => Self::Stopped,
            Error::Input { place, remedy } => Self::fail("invalid_input", format!("{place}: {remedy}")),
            Error::Object(_) | Error::Io { .. } => {
                Self::Retry { place: "reaching the object store".to_owned(), source: error.into() }
            }
            error if error.is_unavailable() => {
                Self::Retry { place: "reaching the database".to_owned(), source: error.into() }
            }
            error => Self::internal("storing", error),
        }
    }
}

impl From<clew_crm::Error> for Failure {
    fn from(error: clew_crm::Error) -> Self {
        use clew_crm::Error;
        match error {
            Error::Learn(error) => error.into(),
            error @ Error::NotEnoughData { .. } => Self::fail("not_enough_data", error.to_string()),
            error => Self::fail("invalid_input", chain(&error)),
        }
    }
}

impl From<clew_learn::Error> for Failure {
    fn from(error: clew_learn::Error) -> Self {
        match error {
            clew_learn::Error::Stopped => Self::Stopped,
            error => Self::fail("invalid_input", chain(&error)),
        }
    }
}

/// An error and its causes, in a line: they say place and remedy and hold no person's data.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
