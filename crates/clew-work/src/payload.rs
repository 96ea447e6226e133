//! What a job's payload says.

use clew_store::job::Job;
use uuid::Uuid;

use crate::failure::Failure;

/// The id of that name.
pub(crate) fn id(job: &Job, name: &str) -> Result<Uuid, Failure> {
    job.payload
        .get(name)
        .and_then(|value| value.as_str())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Failure::internal("reading what to do", format!("the payload has no {name}")))
}
