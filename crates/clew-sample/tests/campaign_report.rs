//! Reports of campaigns on a sample tenant with a planted truth: as many buyers as were predicted, best tenths first, and what
//! the messages caused within its error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_crm::campaign::{PromotedBy, began, promoted};
use clew_crm::{Scorer, TrainParams};
use clew_learn::{Run, Silent, Stop};
use clew_sample::{Compression, DEFAULT_END, SampleParams, Shop, folder, memory};

const DAY: i64 = 86_400;
/// Days in which a planted message has its effect.
const EFFECT_DAYS: u32 = 14;
const AS_OF: i64 = DEFAULT_END - 90 * DAY;

fn with_run<T>(work: impl FnOnce(&Run<'_>) -> T) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let stop = Stop::new();
    work(&Run { pool: &pool, seed: 1, progress: &Silent, stop: &stop })
}

#[test]
fn what_was_predicted_and_what_was_caused_stand_beside_the_truth() {
    let shop = Shop::new(SampleParams {
        n_customers: 6_000,
        n_products: 300,
        n_events: 240_000,
        ..SampleParams::default()
    });
    let shop = shop.unwrap();
    let dir = tempfile::tempdir().unwrap();
    with_run(|run| folder::write(run.pool, &shop, dir.path(), Compression::None, &mut |_| true)).unwrap();
    let truth: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("truth.json")).unwrap()).unwrap();
    with_run(|run| {
        let records = Arc::new(memory::records(run.pool, &shop).unwrap());
        let known = records.history(DEFAULT_END);
        let params = TrainParams {
            horizon_days: EFFECT_DAYS,
            n_offers: 60,
            max_rows: 40_000,
            n_factors: 16,
            n_group_factors: 8,
            ..TrainParams::new(AS_OF)
        };
        let model = Arc::new(clew_crm::train(run, &records, &params).unwrap());
        let (mut expected, mut bought, mut caused, mut n) = (0.0, 0.0, 0.0, 0);
        let mut tenths = [(0.0, 0.0); 10];
        let (mut gap, mut variance, mut planted) = (0.0, 0.0, 0.0);
        for campaign in truth["campaigns"].as_array().unwrap() {
            let id = campaign["campaign_id"].as_str().unwrap();
            let first_at = began(&known, id).unwrap().unwrap();
            if !(AS_OF..DEFAULT_END - 15 * DAY).contains(&first_at) {
                continue;
            }
            // The campaign's row has a category, and so do the products.
            let offer = promoted(&known, id).unwrap();
            let category = campaign["category"].as_str().unwrap();
            assert_eq!(offer.expression, Some(format!("product.category == \"{category}\"")));
            assert_eq!(offer.by, PromotedBy::Shared);
            let scorer = Scorer::new(run, Arc::clone(&model), Arc::clone(&records), first_at).unwrap();
            let report = scorer.campaign_report(run, &known, id, &offer.products).unwrap();
            assert_eq!((report.first_at, report.horizon_days), (first_at, EFFECT_DAYS));
            assert_eq!(report.treated.n_customers as u64, campaign["n_sent"].as_u64().unwrap());
            assert_eq!(report.n_holdout as u64, campaign["n_held_out"].as_u64().unwrap());
            let treated = report.treated;
            let buyers: usize = report.deciles.iter().map(|tenth| tenth.n_buyers).sum();
            assert_eq!((report.deciles.len(), buyers), (10, treated.n_buyers));
            let strangers =
                |warnings: &[String]| warnings.iter().any(|w| w.contains("were no customers yet"));
            assert!(!strangers(&report.warnings), "{:?}", report.warnings);
            if n == 0 {
                // On the first day hardly anybody was a customer.
                let day = DEFAULT_END - 499 * DAY;
                let early = Scorer::new(run, Arc::clone(&model), Arc::clone(&records), day).unwrap();
                let report = early.campaign_report(run, &known, id, &offer.products).unwrap();
                assert!(strangers(&report.warnings), "{:?}", report.warnings);
            }
            expected += treated.expected_buyers;
            bought += treated.n_buyers as f64;
            let truth = campaign["expected_uplift"].as_f64().unwrap() * treated.n_customers as f64;
            caused += truth;
            n += 1;
            for (sum, tenth) in tenths.iter_mut().zip(&report.deciles) {
                *sum = (sum.0 + tenth.expected_buyers, sum.1 + tenth.n_buyers as f64);
            }
            let Some(effect) = report.effect else {
                assert!(report.warnings.iter().any(|warning| warning.contains("nobody was held out")));
                continue;
            };
            assert_eq!((effect.n_treated, effect.n_holdout), (treated.n_customers, report.n_holdout));
            let error = (effect.caused_buyers.high - effect.caused_buyers.low) / (2.0 * 1.96);
            gap += effect.caused_buyers.value - truth;
            variance += error * error;
            planted += truth;
            let qini = report.qini.unwrap();
            let last = qini.points.last().unwrap();
            assert!((last.share_of_customers - 1.0).abs() < 1e-9);
            assert!((last.caused_buyers - last.by_chance).abs() < 1e-6);
        }
        // Who bought did so as they would have anyway, which is what the model foretells, or because of the message.
        let off = bought - caused - expected;
        assert!(
            n > 15 && expected > 50.0 && caused > 50.0,
            "{n} campaigns: {expected} expected, {caused} caused"
        );
        assert!(off.abs() < 3.0 * bought.sqrt(), "{expected} expected and {caused} caused, {bought} bought");
        assert!(tenths[0].0 > 5.0 * tenths[9].0 && tenths[0].1 > 3.0 * tenths[9].1, "{tenths:?}");
        assert!(planted > 20.0 && gap.abs() < 3.0 * variance.sqrt(), "{planted} planted, off by {gap}");
    });
}

#[test]
fn what_a_campaigns_row_names_was_promoted() {
    use clew_crm::{ColumnType, EventRow, EventTable, Records, TableBuilder, Value};
    let text = |name: &str| (name.to_owned(), ColumnType::Text);
    let mut products = TableBuilder::new(vec![text("category"), text("brand")]);
    for (id, category, brand) in [("p1", "wine", "a"), ("p2", "wine", "\"b\""), ("p3", "tea", "a")] {
        products.row(id);
        products.set(0, Value::Text(category)).unwrap();
        products.set(1, Value::Text(brand)).unwrap();
    }
    let columns = ["category", "brand", "expression", "product_id"];
    let mut schema: Vec<_> = columns.into_iter().map(text).collect();
    schema.push(("product_ids".to_owned(), ColumnType::Tags));
    let mut campaigns = TableBuilder::new(schema);
    let rows: [(&str, &[(usize, &str)]); 8] = [
        ("category", &[(0, "wine")]),
        ("both", &[(0, "wine"), (1, "\"b\"")]),
        ("expression", &[(0, "wine"), (2, "product.category == \"tea\"")]),
        ("one", &[(0, "wine"), (3, "p3")]),
        ("list", &[(4, "p1|p3")]),
        ("other", &[(0, "cheese")]),
        ("nothing", &[]),
        ("wrong", &[(2, "product.colour == \"red\"")]),
    ];
    for (id, cells) in rows {
        campaigns.row(id);
        for &(column, value) in cells {
            campaigns.set(column, Value::Text(value)).unwrap();
        }
    }
    let mut events = EventTable::new();
    let row = EventRow {
        kind: "message_opened",
        customer: "c1",
        at: 1_000,
        product: None,
        quantity: None,
        revenue: None,
        campaign: Some("nothing"),
        query: None,
        basket: None,
    };
    events.push(&row).unwrap();
    events.push(&EventRow { kind: "held_out", at: 900, campaign: Some("list"), ..row }).unwrap();
    events.push(&EventRow { kind: "message_sent", at: 950, campaign: Some("list"), ..row }).unwrap();
    let none = TableBuilder::new(Vec::new()).finish();
    let records = Records::new(none, products.finish(), campaigns.finish(), events).unwrap();
    let known = records.history(i64::MAX);
    let found = |id: &str| {
        let promoted = promoted(&known, id).unwrap();
        let ids = promoted.products.products().iter().map(|&p| known.products().id(p)).collect::<Vec<_>>();
        (promoted.by, ids.join(" "))
    };
    for (id, by, products) in [
        ("category", PromotedBy::Shared, "p1 p2"),
        ("both", PromotedBy::Shared, "p2"),
        ("expression", PromotedBy::Campaign, "p3"),
        ("one", PromotedBy::Campaign, "p3"),
        ("list", PromotedBy::Campaign, "p1 p3"),
        ("other", PromotedBy::Everything, "p1 p2 p3"),
        ("nothing", PromotedBy::Everything, "p1 p2 p3"),
    ] {
        assert_eq!(found(id), (by, products.to_owned()), "{id}");
    }
    assert!(promoted(&known, "wrong").is_err());
    assert!(promoted(&known, "unknown").unwrap_err().to_string().contains("'unknown'"));
    // Who opened a message tells of no audience; who was held out does.
    assert_eq!((began(&known, "nothing"), began(&known, "list")), (Ok(None), Ok(Some(900))));
}
