//! Training on a small shop with planted tastes: it finds them, leaks nothing, and gives the same bytes with any number of threads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/run.rs"]
mod run;
#[path = "common/shop.rs"]
mod shop;

use std::sync::Arc;

use clew_crm::{BacktestParams, Error, Model, Offer, ProductSet, Scorer, TrainParams};
use clew_learn::{Run, Silent, Stop};
use run::with_run;
use shop::{DAY, START, plain};

const N_DAYS: i64 = 196;
const AS_OF: i64 = START + 168 * DAY;

fn params() -> TrainParams {
    TrainParams {
        n_offers: 40,
        max_rows: 30_000,
        n_factors: 8,
        n_group_factors: 8,
        ..TrainParams::new(AS_OF)
    }
}

#[test]
fn one_thread_and_two_give_the_same_bytes_and_opened_it_predicts_the_same() {
    let records = plain(400, N_DAYS);
    let wine = Offer::by_expression("wine", r#"product.category == "category 2""#).resolve(&records).unwrap();
    let bytes = |n_threads| {
        with_run(n_threads, |run| {
            let model = clew_crm::train(run, &records, &params()).unwrap();
            let bytes = model.to_bytes().unwrap();
            let scorer = Scorer::new(run, Arc::new(model), Arc::clone(&records), AS_OF).unwrap();
            (bytes, scorer.propensities(run, &wine).unwrap())
        })
    };
    let (one, two) = (bytes(1), bytes(2));
    assert!(one.0 == two.0, "the model's bytes depend on the number of threads");
    assert_eq!(one.1, two.1);
    let opened = Model::open(Arc::new(one.0.clone())).unwrap();
    let again = with_run(2, |run| {
        let scorer = Scorer::new(run, Arc::new(opened), Arc::clone(&records), AS_OF).unwrap();
        scorer.propensities(run, &wine).unwrap()
    });
    assert_eq!(again, one.1);
    let mut damaged = one.0;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    assert!(Model::open(Arc::new(damaged)).is_err());
}

#[test]
fn what_happens_at_or_after_the_date_changes_nothing() {
    let as_is = plain(300, N_DAYS);
    // The same shop up to the date; after it everybody buys one product only.
    let other = shop::shop(300, N_DAYS, |_, product, day| Some(if day >= 168 { 3 } else { product }));
    let train = |records: &Arc<clew_crm::Records>| {
        with_run(2, |run| clew_crm::train(run, records, &params()).unwrap().to_bytes().unwrap())
    };
    assert!(train(&as_is) == train(&other));
}

#[test]
fn finds_planted_tastes_out_of_time_and_beats_the_baselines() {
    let records = plain(600, N_DAYS);
    let report = with_run(2, |run| {
        let asked = BacktestParams { train: params(), ..BacktestParams::new(START + N_DAYS * DAY, 28) };
        clew_crm::backtest(run, &records, &asked).unwrap()
    });
    let auc = |name: &str| report.methods.iter().find(|m| m.name == name).unwrap().all.auc;
    assert!(auc("clew") > 0.7, "{}", auc("clew"));
    for baseline in ["most_recent", "most_frequent", "most_spent"] {
        assert!(auc("clew") > auc(baseline), "{baseline}: {} to {}", auc("clew"), auc(baseline));
    }
    let calibration = report.methods[0].all.calibration.unwrap();
    assert!((0.85..1.15).contains(&calibration), "{calibration}");
    let covered = report.band_coverage.unwrap();
    eprintln!(
        "{:?} spread {} {:?}",
        report.methods[0].all,
        report.band_spread,
        report
            .offers
            .iter()
            .map(|o| (o.n_buyers, o.expected_buyers as i32, o.low as i32, o.high as i32))
            .collect::<Vec<_>>()
    );
    assert!(covered > 0.6, "{covered}");
    assert_eq!(report.judged_from, "2024-06-17");
    assert!(report.methods[0].all.gain.windows(2).all(|pair| pair[1] >= pair[0]));
}

#[test]
fn with_labels_permuted_among_customers_nothing_is_learned() {
    let records = plain(600, N_DAYS);
    let asked = TrainParams { permute_labels: true, ..params() };
    let model = with_run(2, |run| clew_crm::train(run, &records, &asked).unwrap());
    let auc = model.report.methods[0].all.auc;
    assert!((0.44..0.56).contains(&auc), "{auc}");
}

#[test]
fn a_never_sold_product_of_a_liked_category_goes_to_those_who_like_it() {
    // Products 66..72 (one a category) never sell.
    let records =
        shop::shop(600, N_DAYS, |_, product, _| Some(if product >= 66 { product - 6 } else { product }));
    let cold = Offer::by_products("new in category 1", vec!["p067".to_owned()]);
    let products = ProductSet::new(records.n_products(), [records.products().view().find("p067").unwrap()]);
    assert_eq!(cold.resolve(&records).unwrap(), products);
    with_run(2, |run| {
        let model = clew_crm::train(run, &records, &params()).unwrap();
        let scorer = Scorer::new(run, Arc::new(model), Arc::clone(&records), AS_OF).unwrap();
        let propensities = scorer.propensities(run, &products).unwrap();
        let history = records.history(AS_OF);
        let (mut fans, mut others) = (Vec::new(), Vec::new());
        for (&customer, &p) in scorer.customers().iter().zip(&propensities) {
            let events = history.events_of(customer);
            let liked = events.product.iter().filter(|&&product| product % 6 == 1).count();
            if liked * 2 > events.len() { &mut fans } else { &mut others }.push(f64::from(p));
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        assert!(fans.len() > 30);
        assert!(mean(&fans) > 1.3 * mean(&others), "{} to {}", mean(&fans), mean(&others));
    });
}

#[test]
fn too_little_data_is_said_with_numbers() {
    let few = plain(12, N_DAYS);
    let refused = with_run(1, |run| clew_crm::train(run, &few, &params()).unwrap_err());
    assert_eq!(refused.to_string(), "not enough data yet: 12 of 50 buyers");
    let short = plain(200, 60);
    let asked = TrainParams { as_of: START + 60 * DAY, ..params() };
    let refused = with_run(1, |run| clew_crm::train(run, &short, &asked).unwrap_err());
    assert!(matches!(&refused, Error::NotEnoughData { what, .. } if what == "days of history"), "{refused}");
}

#[test]
fn stops_when_asked() {
    let records = plain(200, N_DAYS);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let stop = Stop::new();
    stop.stop();
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &stop };
    assert_eq!(
        clew_crm::train(&run, &records, &params()).unwrap_err(),
        Error::Learn(clew_learn::Error::Stopped)
    );
}
