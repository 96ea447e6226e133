//! The published split of the Gowalla check-ins, where it is at hand: the factorisation reaches what is
//! published for matrix factorisation (Recall@20 0.16).

use std::path::Path;

use clew_learn::als::ImplicitAls;
use clew_learn::top_k::top_k;

mod common;
#[path = "common/gowalla.rs"]
mod gowalla;

#[test]
fn the_factorisation_finds_where_people_go_next() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/gowalla");
    if !folder.exists() {
        eprintln!("skipped: there is no {}", folder.display());
        return;
    }
    let data = gowalla::Gowalla::read(&folder);
    let als = ImplicitAls { n_sweeps: 6, ..Default::default() };
    let best = common::run(|run| {
        let factors = als.fit(run, &data.train, None).unwrap();
        top_k(run, factors.rows.view(), factors.columns.view(), 20, Some(&data.train)).unwrap()
    });
    let (recall, ndcg) = data.judge(&best);
    assert!(recall >= 0.16 && ndcg >= 0.13, "Recall@20 {recall:.4}, NDCG@20 {ndcg:.4}");
}
