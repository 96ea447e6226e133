//! Recommendations on the public check-ins, whose events all carry one date: what is chosen on a
//! part of the training file reaches more than the published graph filter (Recall@20 0.1849, NDCG@20 0.1518).
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
fn what_is_chosen_on_the_training_file_reaches_what_is_published() {
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
    let (mut sum, mut gain, mut n) = (0.0, 0.0, 0);
    scorer
        .recommend_all(&run, &request, |customer, products| {
            let id = records.customers().view().id(customer).to_owned();
            if let Some(wanted) = truth.get(id.as_str()).filter(|wanted| wanted.iter().any(|w| !w.is_empty()))
            {
                let hits = products.iter().filter(|p| wanted.contains(p.product_id.as_str())).count();
                sum += hits as f64 / wanted.len() as f64;
                let discount = |rank: usize| 1.0 / (rank as f64 + 1.0).log2();
                let ideal: f64 = (1..=wanted.len().min(20)).map(discount).sum();
                let found = products.iter().filter(|p| wanted.contains(p.product_id.as_str()));
                gain += found.map(|p| discount(p.rank)).sum::<f64>() / ideal;
                n += 1;
            }
            Ok(())
        })
        .unwrap();
    let (recall, ndcg) = (sum / f64::from(n), gain / f64::from(n));
    eprintln!("Recall@20 {recall:.4}, NDCG@20 {ndcg:.4} over {n} customers");
    assert!(recall >= 0.1849 && ndcg >= 0.1518, "Recall@20 {recall}, NDCG@20 {ndcg}");
}
