//! What a job does: one type per kind of job.

use std::future::Future;
use std::pin::Pin;

use crate::failure::Failure;
use crate::task::{Finished, Task};

/// What running a job gives. `Finished` is only had from [`Task::finish`], so that no kind forgets it.
pub type Outcome<'a> = Pin<Box<dyn Future<Output = Result<Finished, Failure>> + Send + 'a>>;

/// What a job of one kind does.
pub trait Kind: Send + Sync + 'static {
    /// The name that stands in the job's row.
    fn name(&self) -> &'static str;

    /// Does it wait for others rather than compute? Then it has places of its own, so that neither a slow receiver keeps
    /// a training waiting nor the other way round.
    fn waits(&self) -> bool {
        false
    }

    /// Whether it must not wait for long work: one such job runs beside a worker's places when they are all taken.
    fn is_urgent(&self) -> bool {
        false
    }

    /// Does it. Heavy arithmetic goes through [`Task::compute`]; the last step is [`Task::finish`]. The future is
    /// dropped when the worker has to go and the job has not stopped in time.
    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a>;
}
