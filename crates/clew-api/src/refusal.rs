//! What the crates below refuse, as problems. The one place where their errors meet HTTP.

use crate::problem::{Code, Problem};

impl From<clew_store::Error> for Problem {
    fn from(error: clew_store::Error) -> Self {
        use clew_store::Error;
        if error.is_unavailable() {
            return Self::unavailable("the database is away or busy", 2).caused_by(error);
        }
        match error {
            Error::Missing { what } => Self::not_found(what),
            Error::Conflict { ref constraint } => {
                Self::new(Code::Conflict, format!("this stands against {constraint}")).caused_by(error)
            }
            Error::Input { place, remedy } if place == "cursor" => Self::field("?cursor", remedy),
            Error::Input { place, remedy } => Self::field("", format!("{place}: {remedy}")),
            other if is_full(&other) => {
                Self::new(Code::StorageFull, "the object store is full; nothing was kept").caused_by(other)
            }
            other => Self::internal(other),
        }
    }
}

/// Whether the disk is full, anywhere in the chain of causes.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        {
            return true;
        }
        next = error.source();
    }
    false
}

impl From<clew_crm::Error> for Problem {
    fn from(error: clew_crm::Error) -> Self {
        crm(error, "")
    }
}

/// An error of the CRM, said of one field of the request.
pub(crate) fn crm(error: clew_crm::Error, pointer: &str) -> Problem {
    use clew_crm::Error;
    match error {
        Error::Learn(error) => error.into(),
        Error::NotEnoughData { .. } => Problem::new(Code::Conflict, error.to_string()),
        other => Problem::field(pointer, chain(&other)),
    }
}

impl From<clew_learn::Error> for Problem {
    fn from(error: clew_learn::Error) -> Self {
        match error {
            // Only a request that has ended stops its computation.
            clew_learn::Error::Stopped => Self::unavailable("the computation was stopped", 1),
            other => Self::internal(other),
        }
    }
}

/// A message with its causes, for errors that are the client's.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
