//! Drift on a small shop: quiet while the shop stays itself, loud when what is sold, how much, or to whom changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/run.rs"]
mod run;
#[path = "common/shop.rs"]
mod shop;

use clew_crm::drift::{Drift, DriftKind, DriftLevel, drift};
use clew_crm::{LeftOut, Records};
use run::with_run;
use shop::{DAY, START};

const TRAINED: i64 = 140;
const N_DAYS: i64 = 168;

fn of(records: &Records, day: i64) -> Drift {
    with_run(2, |run| drift(run, records, START + day * DAY, &LeftOut::default())).unwrap()
}

fn level(drift: &Drift, what: DriftKind, name: &str) -> DriftLevel {
    let found = drift.findings.iter().find(|finding| finding.what == what && finding.name == name);
    found.unwrap_or_else(|| panic!("{drift:?}")).level
}

#[test]
fn a_shop_that_stays_itself_does_not_drift() {
    let found = of(&shop::plain(600, N_DAYS), TRAINED);
    assert!(found.enough && !found.retrain, "{found:?}");
    assert!(found.findings.iter().all(|finding| finding.level == DriftLevel::Steady), "{found:?}");
    assert_eq!((found.from.as_str(), found.to.as_str()), ("2024-05-20", "2024-06-16"));
}

#[test]
fn another_assortment_is_seen() {
    // After the training every second purchase is of one category.
    let moved = shop::shop(600, N_DAYS, |customer, product, day| {
        Some(if day >= TRAINED && customer % 2 == 0 { product / 6 * 6 } else { product })
    });
    let found = of(&moved, TRAINED);
    assert!(found.retrain, "{found:?}");
    assert_eq!(level(&found, DriftKind::ProductAttribute, "product.category"), DriftLevel::Retrain);
    assert_eq!(level(&found, DriftKind::Volume, "purchases"), DriftLevel::Steady);
    assert!(found.findings[0].level == DriftLevel::Retrain, "the gravest first");
}

#[test]
fn a_fall_of_the_volume_is_seen() {
    let fewer = shop::shop(600, N_DAYS, |customer, product, day| {
        (day < TRAINED || customer % 5 < 2).then_some(product)
    });
    let found = of(&fewer, TRAINED);
    assert_eq!(level(&found, DriftKind::Volume, "events"), DriftLevel::Retrain);
}

#[test]
fn new_customers_and_new_products_are_seen() {
    let newcomers = shop::shop(600, N_DAYS, |customer, product, day| {
        let known = customer % 3 > 0 && product < 48;
        (day >= TRAINED || known).then_some(product)
    });
    let found = of(&newcomers, TRAINED);
    assert_eq!(level(&found, DriftKind::UnknownCustomers, ""), DriftLevel::Retrain);
    assert!(level(&found, DriftKind::UnknownProducts, "") >= DriftLevel::Notable, "{found:?}");
}

#[test]
fn too_little_says_so_and_nothing_else() {
    let records = shop::plain(600, N_DAYS);
    for day in [N_DAYS - 1, N_DAYS + 10, 1] {
        let found = of(&records, day);
        assert!(!found.enough && !found.retrain && found.findings.is_empty(), "{day}: {found:?}");
    }
    let none = Records::new(
        records.customers().clone(),
        records.products().clone(),
        records.campaigns().clone(),
        clew_crm::EventTable::new(),
    )
    .unwrap();
    assert!(!of(&none, TRAINED).enough);
}
