//! Arbitrary bytes opened as a model file, and every section read. `cargo +nightly fuzz run open`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/fuzzing/mod.rs"]
mod fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::entry::open_any(bytes));
