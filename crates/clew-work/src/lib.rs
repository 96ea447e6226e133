//! The runner of the job queue: claim, lease, renew, stop, hand to the rayon pool, finish.
//!
//! A [`Worker`] claims jobs for the length of a lease, **commits, then starts** them: no transaction is open while
//! a job computes. While one runs, its heartbeat renews the lease and tells the progress; a wish for its end, a
//! lost lease or the worker's own end raises the job's stop flag. A job ends in one transaction with what it has
//! made, refused if the lease was lost meanwhile: killed at any point, it runs again and nothing is doubled.
//!
//! What a job does is a [`Kind`]; the house's own are `import`, `train`, `drift`, `erase`, `retain`, `forget` and `webhook`.

mod at;
mod checkpoint;
mod config;
mod drift;
mod erase;
mod failure;
mod forget;
mod heartbeat;
mod import;
mod kind;
mod meter;
mod metrics;
mod payload;
mod retention;
mod runner;
mod schedule;
mod task;
mod train;
mod webhook;
mod worker;

pub use at::{At, PLACES};
pub use config::{Clock, WorkConfig};
pub use failure::Failure;
pub use kind::{Kind, Outcome};
pub use task::{Finished, Task};
pub use worker::{Worker, WorkerParts};
