//! Every operation of the document, tried from outside the wall: no credential, garbage, an expired and a revoked
//! one, every lower right, another tenant's ids everywhere an id can stand, and each layer of the wall alone. The
//! list comes from the document, so none can be forgotten.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures of a run are its result")]

#[path = "../common/mod.rs"]
mod common;

mod absent;
mod attack;
mod canary;
mod credential;
mod layer;
mod operation;
mod thing;
