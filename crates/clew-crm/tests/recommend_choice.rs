//! What recommends is chosen on events before the date and by nothing after it, and the report says how.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_crm::model::Model;
use clew_crm::recommend::RecommendRequest;
use clew_crm::{EventRow, EventTable, Records, Scorer, TableBuilder, recommend_fit};
use clew_learn::{Run, Silent, Stop};

const DAY: i64 = 86_400;
const START: i64 = 1_600_041_600;

fn with_run<T>(n_threads: usize, work: impl FnOnce(&Run<'_>) -> T) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
    work(&Run { pool: &pool, seed: 4, progress: &Silent, stop: &Stop::new() })
}

/// 200 customers of two tastes, who buy something every few days for `n_days`, as far as `keep` says so by day.
fn records(n_days: i64, keep: impl Fn(i64) -> bool) -> Arc<Records> {
    let mut events = EventTable::new();
    for customer in 0..200_i64 {
        for n in 0..24 {
            let mixed = ((customer * 24 + n) as u32).wrapping_mul(2_654_435_761) >> 8;
            let day = i64::from(mixed) % n_days;
            let product = format!("p{}", 2 * (i64::from(mixed >> 9) % 30) + customer % 2);
            if keep(day) {
                events
                    .push(&EventRow {
                        kind: "purchase",
                        customer: &format!("c{customer}"),
                        at: START + day * DAY,
                        product: Some(&product),
                        quantity: None,
                        revenue: None,
                        campaign: None,
                        query: None,
                        basket: None,
                    })
                    .unwrap();
            }
        }
    }
    let empty = || TableBuilder::new(Vec::new()).finish();
    Arc::new(Records::new(empty(), empty(), empty(), events).unwrap())
}

#[test]
fn nothing_at_or_after_the_date_is_read_when_choosing() {
    let cut = 90;
    let as_of = START + cut * DAY;
    let (all, before) = (records(120, |_| true), records(120, |day| day < cut));
    let fit = |records: &Records| with_run(2, |run| recommend_fit::fit(run, records, as_of)).unwrap();
    assert_eq!(fit(&all).to_bytes().unwrap(), fit(&before).to_bytes().unwrap());
}

#[test]
fn the_last_days_are_kept_aside_or_else_a_share_and_the_report_tells() {
    let told = |n_days| {
        let records = records(n_days, |_| true);
        let fit = |n| with_run(n, |run| recommend_fit::fit(run, &records, START + n_days * DAY)).unwrap();
        let model = fit(2);
        assert_eq!(model.to_bytes().unwrap(), fit(1).to_bytes().unwrap());
        model.report.recommend.unwrap()
    };
    let (dated, undated) = (told(90), told(1));
    assert_eq!(dated.kept_aside, "the last 15 days");
    assert_eq!(undated.kept_aside, "20 % of each customer's products");
    for report in [dated, undated] {
        assert!(report.n_customers > 100 && report.n_filters > 1);
        let (blend, ways) = report.recommenders.split_first().unwrap();
        assert_eq!(blend.name, "blend");
        assert_eq!(ways.len(), 4);
        assert!(ways.iter().all(|way| way.ndcg_20 <= blend.ndcg_20));
        assert!(ways.iter().any(|way| way.weight > 0.0));
    }
}

#[test]
fn each_gets_what_their_like_buy_and_the_saved_model_says_the_same() {
    let records = records(90, |_| true);
    let as_of = START + 90 * DAY;
    let recommended = |model: Model| {
        with_run(2, |run| {
            let scorer = Scorer::new(run, Arc::new(model), Arc::clone(&records), as_of).unwrap();
            let request = RecommendRequest {
                limit: 5,
                exclude_seen: true,
                explain: true,
                ..RecommendRequest::default()
            };
            let mut all = Vec::new();
            scorer
                .recommend_all(run, &request, |customer, found| {
                    all.push((customer, found));
                    Ok(())
                })
                .unwrap();
            all
        })
    };
    let model = with_run(2, |run| recommend_fit::fit(run, &records, as_of)).unwrap();
    let bytes = model.to_bytes().unwrap();
    let all = recommended(model);
    assert_eq!(all, recommended(Model::open(Arc::new(bytes)).unwrap()));
    let (mut alike, mut n) = (0, 0);
    for (customer, found) in &all {
        let taste = records.customers().view().id(*customer)[1..].parse::<u32>().unwrap() % 2;
        assert!(!found.is_empty() && found.iter().all(|one| !one.reasons.is_empty()));
        n += found.len();
        alike += found.iter().filter(|one| one.product_id[1..].parse::<u32>().unwrap() % 2 == taste).count();
    }
    assert!(alike * 100 >= n * 95, "{alike} of {n}");
}

#[test]
fn too_little_to_choose_on_still_recommends() {
    let records = records(1, |_| true);
    // As of the first event's second nothing is known; of one customer with one product little.
    assert!(with_run(1, |run| recommend_fit::fit(run, &records, START)).is_err());
    let mut events = EventTable::new();
    let row = EventRow {
        kind: "purchase",
        customer: "only",
        at: START,
        product: Some("one"),
        quantity: None,
        revenue: None,
        campaign: None,
        query: None,
        basket: None,
    };
    events.push(&row).unwrap();
    let empty = || TableBuilder::new(Vec::new()).finish();
    let few = Records::new(empty(), empty(), empty(), events).unwrap();
    let model = with_run(1, |run| recommend_fit::fit(run, &few, START + DAY)).unwrap();
    assert_eq!(model.report.recommend.unwrap().kept_aside, "");
}
