//! The effect of a campaign, against planted truth: it is found, its interval holds what it promises, and what is no experiment is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_crm::effect_model::fit_uplift;
use clew_crm::{CampaignOutcome, ColumnType, EventRow, EventTable, ProductSet, Records, TableBuilder};
use clew_learn::{Run, Silent, Stop};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const DAY: i64 = 86_400;
const SENT: i64 = 1_700_000_000;

fn with_run<T>(work: impl FnOnce(&Run<'_>) -> T) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let stop = Stop::new();
    work(&Run { pool: &pool, seed: 3, progress: &Silent, stop: &stop })
}

/// An audience in which each customer buys with `base(i)` and with `base(i) + uplift(i)` when treated, four of five.
fn drawn(seed: u64, n: u32, base: impl Fn(u32) -> f64, uplift: impl Fn(u32) -> f64) -> CampaignOutcome {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut outcome = CampaignOutcome { first_at: Some(SENT), ..CampaignOutcome::default() };
    for customer in 0..n {
        let treated = rng.random_bool(0.8);
        let p = base(customer) + if treated { uplift(customer) } else { 0.0 };
        let bought = rng.random_bool(p);
        outcome.customers.push(customer);
        outcome.treated.push(treated);
        outcome.bought.push(f32::from(u8::from(bought)));
        outcome.spent.push(if bought { 10.0 } else { 0.0 });
        outcome.bought_before.push(rng.random_bool(0.4));
    }
    outcome
}

#[test]
fn the_interval_holds_the_planted_effect_nineteen_times_in_twenty() {
    let (n_draws, n) = (1_000, 2_000);
    let (mut held, mut mean, mut certain) = (0, 0.0, 0);
    for seed in 0..n_draws {
        let effect = drawn(seed, n, |_| 0.04, |_| 0.03).effect(28).unwrap();
        held += u32::from(effect.uplift.low <= 0.03 && 0.03 <= effect.uplift.high);
        certain += u32::from(effect.certain);
        mean += effect.uplift.value / n_draws as f64;
        let caused = effect.caused_buyers.value / effect.n_treated as f64;
        assert!((caused - effect.uplift.value).abs() < 1e-12);
        assert!((effect.caused_revenue.value - 10.0 * effect.caused_buyers.value).abs() < 1e-6);
    }
    assert!((935..=975).contains(&held), "{held} of {n_draws}");
    assert!((mean - 0.03).abs() < 0.0015, "{mean}");
    assert!(certain > 600, "{certain}");
    // Where nothing is planted, "certain" is said about one time in twenty.
    let alarms: u32 = (0..400)
        .map(|seed| u32::from(drawn(1_000 + seed, n, |_| 0.05, |_| 0.0).effect(28).unwrap().certain))
        .sum();
    assert!((6..=32).contains(&alarms), "{alarms}");
}

#[test]
fn who_is_moved_is_found_and_nobody_where_all_are_moved_alike() {
    let n = 40_000;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
    let x = Array2::from_shape_fn((n as usize, 3), |_| rng.random_range(-1.0_f32..1.0));
    // One feature says who buys, another who is moved by the message, the third nothing.
    let base = |c: u32| 0.10 + 0.05 * f64::from(x[[c as usize, 0]]);
    let moved = |c: u32| if x[[c as usize, 1]] > 0.3 { 0.08 } else { 0.0 };
    let propensity: Vec<f32> = (0..n).map(|c| base(c) as f32).collect();
    let outcome = drawn(1, n, base, moved);
    with_run(|run| {
        let (model, uplift, report) = fit_uplift(run, x.view(), &outcome, &propensity).unwrap();
        assert!(report.better, "{:?}", report.gained);
        assert!(report.by_uplift.coefficient > report.by_propensity.coefficient);
        let mean = |of: &[f32], keep: &dyn Fn(u32) -> bool| {
            let kept: Vec<f64> = (0..n)
                .filter(|&c| keep(c))
                .filter_map(|c| of.get(c as usize))
                .map(|&u| f64::from(u))
                .collect();
            kept.iter().sum::<f64>() / kept.len() as f64
        };
        let truth = (0..n).map(moved).sum::<f64>() / f64::from(n);
        assert!((mean(&uplift, &|_| true) - truth).abs() < 0.008, "{} {truth}", mean(&uplift, &|_| true));
        let (high, low) = (mean(&uplift, &|c| moved(c) > 0.0), mean(&uplift, &|c| moved(c) == 0.0));
        assert!(high > 0.04 && low < 0.03, "{high} {low}");
        let again = model.predict(x.view()).unwrap();
        assert!(mean(&again, &|c| moved(c) > 0.0) > 0.04);
        // The same effect for all: no order is better than another.
        let alike = drawn(2, n, base, |_| 0.03);
        let (_, _, report) = fit_uplift(run, x.view(), &alike, &propensity).unwrap();
        assert!(!report.better, "{:?}", report.gained);
        assert!(fit_uplift(run, x.view(), &drawn(3, 900, |_| 0.1, |_| 0.0), &propensity).is_err());
    });
}

#[test]
fn a_holdout_that_was_not_drawn_by_chance_is_told() {
    let mut outcome = drawn(4, 4_000, |_| 0.05, |_| 0.0);
    assert!(outcome.effect(28).unwrap().warnings.iter().all(|warning| !warning.contains("by chance")));
    // The best customers were sent it: they had bought before, and buy again.
    for row in 0..outcome.customers.len() {
        outcome.bought_before[row] = outcome.treated[row] || row % 3 == 0;
    }
    let warnings = outcome.effect(28).unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("hardly drawn by chance")), "{warnings:?}");
    outcome.treated.fill(true);
    assert_eq!(outcome.effect(28).unwrap_err().to_string(), "not enough data yet: 0 of 1 customers held out");
}

/// Kind, customer, time, product, campaign.
type Row<'a> = (&'a str, &'a str, i64, Option<&'a str>, Option<&'a str>);

fn records(rows: &[Row<'_>]) -> Records {
    let mut events = EventTable::new();
    for &(kind, customer, at, product, campaign) in rows {
        let revenue = (kind == "purchase").then_some(5.0);
        let row = EventRow {
            kind,
            customer,
            at,
            product,
            quantity: None,
            revenue,
            campaign,
            query: None,
            basket: None,
        };
        events.push(&row).unwrap();
    }
    let table = |column: &str| TableBuilder::new(vec![(column.to_owned(), ColumnType::Text)]).finish();
    Records::new(table("city"), table("category"), table("name"), events).unwrap()
}

#[test]
fn what_counts_is_bought_of_the_offer_within_the_days_after() {
    let purchase =
        |customer, day: i64, product| ("purchase", customer, SENT + day * DAY, Some(product), None);
    let sent = |kind, customer| (kind, customer, SENT, None, Some("M1"));
    let records = records(&[
        sent("message_sent", "a"),
        sent("message_sent", "b"),
        sent("message_sent", "c"),
        sent("held_out", "d"),
        sent("held_out", "e"),
        sent("message_sent", "f"),
        sent("held_out", "f"),
        ("message_sent", "g", SENT, None, Some("M2")),
        purchase("a", 3, "wine"),
        purchase("a", 5, "wine"),
        purchase("b", -1, "wine"),
        purchase("b", 14, "wine"),
        purchase("c", 2, "soap"),
        purchase("d", 13, "wine"),
        purchase("e", -60, "wine"),
    ]);
    let history = records.history(SENT + 30 * DAY);
    let wine = ProductSet::new(records.n_products(), [records.products().view().find("wine").unwrap()]);
    let outcome = CampaignOutcome::read(&history, "M1", Some(&wine), 14).unwrap();
    assert_eq!(outcome.arms(), (3, 2));
    let by_name = |outcome: &CampaignOutcome| {
        let of = |row: usize| (outcome.bought[row], outcome.spent[row], outcome.bought_before[row]);
        let id = |row: usize| history.customers().id(outcome.customers[row]);
        (0..outcome.customers.len())
            .map(|row| (id(row), of(row)))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let expected = [
        ("a", (1.0, 10.0, false)),
        ("b", (0.0, 0.0, true)),
        ("c", (0.0, 0.0, false)),
        ("d", (1.0, 5.0, false)),
        ("e", (0.0, 0.0, false)),
    ];
    assert_eq!(by_name(&outcome), expected.into());
    assert_eq!((outcome.n_both, outcome.n_unfinished), (1, 0));
    let anything = CampaignOutcome::read(&history, "M1", None, 14).unwrap();
    assert_eq!(by_name(&anything)["c"], (1.0, 5.0, false));
    // Of an earlier date, the days are not over, and nothing after it is known.
    let early = CampaignOutcome::read(&records.history(SENT + 4 * DAY), "M1", Some(&wine), 14).unwrap();
    assert_eq!(early.n_unfinished, 5);
    let bought = |(id, (bought, ..)): (&str, (f32, f64, bool))| (id.to_owned(), bought);
    assert_eq!(
        by_name(&early).into_iter().map(bought).filter(|of| of.1 > 0.0).collect::<Vec<_>>(),
        [("a".to_owned(), 1.0)]
    );
    assert!(early.effect(14).unwrap().warnings.iter().any(|warning| warning.contains("not over yet")));
    assert!(CampaignOutcome::read(&history, "M7", None, 14).unwrap_err().to_string().contains("'M7'"));
    assert!(CampaignOutcome::read(&history, "M1", None, 0).is_err());
}
