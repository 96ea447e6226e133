//! Every `fit` of the crate under arbitrary small and wild data: no rows, one row, NaN, infinities, the ends of
//! f32, constant columns, one class, negative and zero weights, ragged lengths, duplicates, extreme parameters.
//! Never a panic; what is fitted predicts finite numbers and reads back the same; a fault shrinks to few bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod fuzzing;

use fuzzing::entry::{fit_one, targets};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[test]
fn every_fit_holds() {
    let mut faults = Vec::new();
    for (name, target) in targets() {
        let config = Config { failure_persistence: None, ..Config::with_cases(150) };
        let mut runner = TestRunner::new_with_rng(
            config,
            proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
        );
        let fitted = std::cell::Cell::new(0);
        let held = runner.run(&vec(any::<u8>(), 0..400), |bytes| {
            fitted.set(fitted.get() + usize::from(fit_one(name, target, &bytes)));
            Ok(())
        });
        if let Err(fault) = held {
            faults.push(format!("{name}: {fault}"));
        } else if fitted.get() <= 3 {
            // Data that is refused always would prove nothing.
            faults.push(format!("{name}: only {} of 150 could be fitted", fitted.get()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
