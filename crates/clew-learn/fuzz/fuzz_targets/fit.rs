//! Arbitrary bytes through an estimator: fit, predict, write, read, and its file with changed bytes.
//!
//! `cargo +nightly fuzz run fit` in `crates/clew-learn`. The entry is the one that `tests/fuzz.rs` runs over
//! seeded random bytes with every test run.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/fuzzing/mod.rs"]
mod fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::entry::fit_any(bytes));
