//! Bands of segments on sample tenants, over several windows: of groups of customers that anybody may ask for, the 80 % band holds about
//! four times in five.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_crm::{GainRequest, Offer, Predicate, Records, Schema, Scope, Scorer, TrainParams};
use clew_learn::{Run, Silent, Stop};
use clew_sample::{DEFAULT_END, SampleParams, Shop};

const DAY: i64 = 86_400;
const HORIZON: i64 = 28;

fn with_run<T>(work: impl FnOnce(&Run<'_>) -> T) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let stop = Stop::new();
    work(&Run { pool: &pool, seed: 1, progress: &Silent, stop: &stop })
}

fn records(seed: u64) -> Arc<Records> {
    let params =
        SampleParams { n_customers: 4_000, n_products: 300, n_events: 160_000, seed, ..Default::default() };
    let shop = Shop::new(params).unwrap();
    with_run(|run| Arc::new(clew_sample::memory::records(run.pool, &shop).unwrap()))
}

/// Groups by attribute, by habit, and by recency, as a marketer would write them.
const SEGMENTS: [&str; 14] = [
    "customer.age < 30",
    "customer.age >= 30 && customer.age < 45",
    "customer.age >= 45 && customer.age < 60",
    "customer.age >= 60",
    "customer.sex == \"F\"",
    "customer.sex == \"M\"",
    "customer.newsletter",
    "!customer.newsletter",
    "customer.n_purchases < 3.0",
    "customer.n_purchases >= 3.0 && customer.n_purchases < 10.0",
    "customer.n_purchases >= 10.0",
    "customer.days_since_purchase < 14.0",
    "customer.days_since_purchase >= 14.0 && customer.days_since_purchase < 56.0",
    "customer.days_since_purchase >= 56.0",
];

/// By price, category, aisle and brand; none of most of the catalogue, of which the curve itself warns.
const OFFERS: [&str; 6] = [
    "product.price < 6.0",
    "product.price < 25.0",
    "product.price >= 25.0",
    "product.category == \"red wine\"",
    "product.aisle == \"home\"",
    "product.brand.startsWith(\"M\")",
];

/// How many bands were looked at, how many held, and how many buyers were expected and came.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    n: usize,
    inside: usize,
    expected: f64,
    realised: f64,
}

/// Each offer's curve for each segment, and for everybody, beside what happened in the four weeks after `as_of`.
fn judge(run: &Run<'_>, records: &Arc<Records>, as_of: i64, of_segment: &mut [Sum]) {
    let params = TrainParams {
        n_offers: 60,
        max_rows: 40_000,
        n_factors: 16,
        n_group_factors: 8,
        ..TrainParams::new(as_of)
    };
    let model = Arc::new(clew_crm::train(run, records, &params).unwrap());
    let scorer = Scorer::new(run, model, Arc::clone(records), as_of).unwrap();
    let history = scorer.history();
    let schema = Schema::of(Scope::Customer, &history);
    for offer in OFFERS {
        let products = Offer::by_expression("offer", offer).resolve(records).unwrap();
        let mut buyers = records.bought(&products, as_of, as_of + HORIZON * DAY);
        buyers.retain(|customer| scorer.customers().binary_search(customer).is_ok());
        for (source, sum) in SEGMENTS.iter().map(Some).chain([None]).zip(of_segment.iter_mut()) {
            let segment = source.map(|source| Predicate::parse(source, &schema).unwrap());
            let asked = GainRequest { segment: segment.as_ref(), ..GainRequest::new(&products) };
            let curve = scorer.gain_curve(run, &asked).unwrap();
            let members = segment.map(|segment| segment.evaluate(&history).unwrap());
            let is_member = |&&customer: &&u32| members.as_ref().is_none_or(|members| members.get(customer));
            let realised = buyers.iter().filter(is_member).count() as f64;
            let last = curve.points.last().unwrap();
            sum.n += 1;
            sum.inside += usize::from((last.low..=last.high).contains(&realised));
            sum.expected += last.expected_buyers;
            sum.realised += realised;
        }
    }
}

#[test]
fn bands_of_segments_hold_about_four_times_in_five() {
    let mut of_segment = vec![Sum::default(); SEGMENTS.len() + 1];
    for seed in [1, 2] {
        let records = records(seed);
        for back in [1, 2] {
            with_run(|run| judge(run, &records, DEFAULT_END - back * HORIZON * DAY, &mut of_segment));
        }
    }
    let of: Vec<(&str, Sum)> =
        SEGMENTS.into_iter().chain(["everybody"]).zip(of_segment.iter().copied()).collect();
    for (name, sum) in &of {
        // Of those who have not bought for long as well.
        assert!((0.6..1.6).contains(&(sum.realised / sum.expected)), "{name}: {of:?}");
    }
    let coverage = |sums: &[Sum]| {
        let (n, inside) = sums.iter().fold((0, 0), |all, sum| (all.0 + sum.n, all.1 + sum.inside));
        inside as f64 / n as f64
    };
    // The pairs of a window share its month and its customers.
    let (all, whole) = (coverage(&of_segment), coverage(&of_segment[SEGMENTS.len()..]));
    assert!((0.7..=0.92).contains(&all) && (0.65..=0.96).contains(&whole), "{all} {whole} {of:?}");
}
