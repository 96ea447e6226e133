//! The estimate of a training: the machine is measured with the clock that it is given, and a limit refuses with the figure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/run.rs"]
mod run;
#[path = "common/shop.rs"]
mod shop;

use std::cell::Cell;

use clew_crm::{Counts, Limit, Speed, TrainParams, estimate};
use run::with_run;
use shop::{DAY, START, plain};

#[test]
fn a_machine_half_as_fast_is_given_twice_the_time() {
    // A clock that goes on by as much at each look.
    let with_step = |step: f64| {
        let now = Cell::new(0.0);
        with_run(2, |run| Speed::probe(run, &|| now.replace(now.get() + step))).unwrap()
    };
    let (fast, slow) = (with_step(0.1), with_step(0.2));
    assert!((fast.arithmetic / slow.arithmetic - 2.0).abs() < 1e-9);
    let records = plain(300, 196);
    let counts = Counts::of(&records.history(START + 168 * DAY));
    assert_eq!((counts.n_customers, counts.n_products), (300, records.n_products() as u64));
    let params = TrainParams::new(START + 168 * DAY);
    let of = |speed: &Speed| estimate(&counts, &params, speed, false);
    assert!((of(&slow).seconds / of(&fast).seconds - 2.0).abs() < 1e-9);
    let limit = Limit { seconds: Some(of(&fast).seconds * 1.5), ..Limit::default() };
    assert!(of(&fast).check(&limit).is_ok());
    let message = of(&slow).check(&limit).unwrap_err().to_string();
    assert!(message.contains("s of time") && message.contains("are allowed"), "{message}");
}
