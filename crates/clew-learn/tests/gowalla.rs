//! The published split of the Gowalla check-ins, where it is at hand: the factorisation reaches what is
//! published for matrix factorisation (Recall@20 0.16), the graph filter what is published for graph models (0.18).

use std::path::Path;

use clew_learn::als::ImplicitAls;
use clew_learn::graph_filter::GraphFilter;
use clew_learn::recommender;
use clew_learn::top_k::top_k;

mod common;
#[path = "common/gowalla.rs"]
mod gowalla;

fn data() -> Option<gowalla::Gowalla> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/gowalla");
    if !folder.exists() {
        eprintln!("skipped: there is no {}", folder.display());
        return None;
    }
    Some(gowalla::Gowalla::read(&folder))
}

#[test]
fn the_factorisation_finds_where_people_go_next() {
    let Some(data) = data() else { return };
    let als = ImplicitAls { n_sweeps: 6, ..Default::default() };
    let best = common::run(|run| {
        let factors = als.fit(run, &data.train, None).unwrap();
        top_k(run, factors.rows.view(), factors.columns.view(), 20, Some(&data.train)).unwrap()
    });
    let (recall, ndcg) = data.judge(&best);
    assert!(recall >= 0.16 && ndcg >= 0.13, "Recall@20 {recall:.4}, NDCG@20 {ndcg:.4}");
}

#[test]
fn the_graph_filter_finds_it_better() {
    let Some(data) = data() else { return };
    let some = data.every(8);
    let best = common::run(|run| {
        let filter = GraphFilter { n_rounds: 2, ..Default::default() }.fit(run, &data.train).unwrap();
        recommender::top_k(run, &filter, &some.train, 20, Some(&some.train)).unwrap()
    });
    let (recall, ndcg) = some.judge(&best);
    assert!(recall >= 0.175 && ndcg >= 0.145, "Recall@20 {recall:.4}, NDCG@20 {ndcg:.4}");
}
