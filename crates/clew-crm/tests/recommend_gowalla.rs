//! Recommendations on the public check-ins, whose events all carry one date: at least the figure of published matrix factorisations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

use clew_crm::recommend::RecommendRequest;
use clew_crm::{EventRow, EventTable, Records, Scorer, TableBuilder, recommend_fit};
use clew_learn::{Run, Silent, Stop};

fn lines(name: &str) -> Option<Vec<Vec<String>>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/gowalla").join(name);
    let file = std::fs::File::open(path).ok()?;
    let reader = BufReader::new(flate2::read::GzDecoder::new(file));
    Some(reader.lines().map(|line| line.unwrap().split(' ').map(str::to_owned).collect()).collect())
}

#[test]
fn recall_at_20_reaches_that_of_published_factorisations() {
    let (Some(train), Some(test)) = (lines("train.txt.gz"), lines("test.txt.gz")) else {
        eprintln!("skipped: ../shared/data/gowalla is not here");
        return;
    };
    let mut events = EventTable::new();
    for line in &train {
        for product in &line[1..] {
            events
                .push(&EventRow {
                    kind: "purchase",
                    customer: &line[0],
                    at: 1_262_304_000,
                    product: Some(product),
                    quantity: None,
                    revenue: None,
                    campaign: None,
                    query: None,
                    basket: None,
                })
                .unwrap();
        }
    }
    let empty = || TableBuilder::new(Vec::new()).finish();
    let records = Arc::new(Records::new(empty(), empty(), empty(), events).unwrap());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let stop = Stop::new();
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &stop };
    let as_of = 1_262_390_400;
    let model = recommend_fit::fit(&run, &records, as_of).unwrap();
    let scorer = Scorer::new(&run, Arc::new(model), Arc::clone(&records), as_of).unwrap();
    let truth: HashMap<&str, HashSet<&str>> =
        test.iter().map(|line| (line[0].as_str(), line[1..].iter().map(String::as_str).collect())).collect();
    let request = RecommendRequest { limit: 20, exclude_seen: true, ..RecommendRequest::default() };
    let (mut sum, mut n) = (0.0, 0);
    scorer
        .recommend_all(&run, &request, |customer, products| {
            let id = records.customers().view().id(customer).to_owned();
            if let Some(wanted) = truth.get(id.as_str()).filter(|wanted| wanted.iter().any(|w| !w.is_empty()))
            {
                let hits = products.iter().filter(|p| wanted.contains(p.product_id.as_str())).count();
                sum += hits as f64 / wanted.len() as f64;
                n += 1;
            }
            Ok(())
        })
        .unwrap();
    let recall = sum / f64::from(n);
    eprintln!("Recall@20 {recall:.4} over {n} customers");
    assert!(recall > 0.17, "Recall@20 {recall}");
}
