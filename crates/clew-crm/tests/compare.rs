//! A new model beside the live one: not worse when it has learned the same shop, worse when it has learned noise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/run.rs"]
mod run;
#[path = "common/shop.rs"]
mod shop;

use std::sync::Arc;

use clew_crm::TrainParams;
use clew_crm::compare::{ComparedOn, compare};
use clew_learn::Run;
use run::with_run;
use shop::{DAY, START, plain};

const N_DAYS: i64 = 196;

fn params(day: i64) -> TrainParams {
    TrainParams {
        n_offers: 40,
        max_rows: 20_000,
        n_factors: 8,
        n_group_factors: 8,
        ..TrainParams::new(START + day * DAY)
    }
}

#[test]
fn noise_is_held_back_and_the_same_shop_is_not() {
    with_run(2, judge);
}

fn judge(run: &Run<'_>) {
    let records = plain(500, N_DAYS);
    let live = Arc::new(clew_crm::train(run, &records, &params(N_DAYS - 28)).unwrap());
    let asked = params(N_DAYS);
    let new = clew_crm::train(run, &records, &asked).unwrap();
    let same = compare(run, &records, &live, &new, &asked, None).unwrap();
    assert_eq!((same.on, same.worse), (ComparedOn::SameWindow, false), "{same:?}");
    // Trained as of the day that the live one was: the same model, to the last bit.
    assert_eq!((same.difference, same.auc_live), (0.0, same.auc_new));
    assert!(same.n_offers > 5 && same.auc_live > 0.6, "{same:?}");

    let noise = TrainParams { permute_labels: true, ..asked.clone() };
    let held = compare(run, &records, &live, &new, &noise, None).unwrap();
    assert!(held.worse && held.high.unwrap() < 0.0, "{held:?}");
    assert!(held.reason.starts_with("worse than the live model"), "{}", held.reason);

    // One that has learned from days of the window cannot be judged on it.
    let young = Arc::new(new.clone());
    let own = compare(run, &records, &young, &new, &asked, None).unwrap();
    assert_eq!((own.on, own.worse, own.difference), (ComparedOn::OwnWindows, false, 0.0), "{own:?}");
}
