//! The store on a real Postgres: walls, queue, keys, idempotency, pages, the private Postgres itself.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::print_stdout, reason = "the figures of a run are its result")]

mod audit;
mod catalogue;
mod column;
mod expiry;
mod idempotency;
mod key;
mod member;
mod model;
mod page;
mod private;
mod queue;
mod retention;
mod schedule;
mod wall;
