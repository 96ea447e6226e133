//! Arbitrary bytes through every estimator: shared by the property tests, the fuzz test and the fuzz target.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_update,
    clippy::type_complexity,
    reason = "a fault is found by panicking; each user takes its part"
)]

mod clusters;
pub mod entry;
mod events;
mod factors;
mod judging;
mod mutate;
mod online;
mod shaped;
pub mod source;
mod supervised;
mod vectors;
