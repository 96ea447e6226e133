//! Trains the factorisation and the graph filter on the Gowalla check-ins and prints Recall@20 and NDCG@20.
//!
//! `cargo run -p clew-learn --example gowalla -- <folder> [factors] [regularisation] [unobserved] [exponent] [sweeps]`
//! where the folder holds `train.txt.gz` and `test.txt.gz`, a line "row column column …" each.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal")]

use std::time::Instant;

use clew_learn::als::ImplicitAls;
use clew_learn::graph_filter::GraphFilter;
use clew_learn::{Run, Silent, Stop, recommender, top_k};

#[path = "../tests/common/gowalla.rs"]
mod gowalla;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |place: usize, default: f32| arguments.get(place).map_or(default, |word| word.parse().unwrap());
    let Some(folder) = arguments.first() else {
        println!("usage: gowalla <folder> [factors] [regularisation] [unobserved] [exponent] [sweeps]");
        return;
    };
    let data = gowalla::Gowalla::read(std::path::Path::new(folder));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };
    let default = ImplicitAls::default();
    let als = ImplicitAls {
        n_factors: number(1, default.n_factors as f32) as usize,
        regularisation: number(2, default.regularisation),
        unobserved_weight: number(3, default.unobserved_weight),
        frequency_exponent: number(4, default.frequency_exponent),
        n_sweeps: number(5, default.n_sweeps as f32) as usize,
        ..default
    };
    let start = Instant::now();
    let factors = als.fit(&run, &data.train, None).unwrap();
    let trained = start.elapsed();
    let start = Instant::now();
    let best =
        top_k::top_k(&run, factors.rows.view(), factors.columns.view(), 20, Some(&data.train)).unwrap();
    let ranked = start.elapsed();
    let (recall, ndcg) = data.judge(&best);
    println!("{als:?}");
    println!("Recall@20 {recall:.4} NDCG@20 {ndcg:.4} trained {trained:.1?} ranked {ranked:.1?}");
    let start = Instant::now();
    let filter = GraphFilter::default().fit(&run, &data.train).unwrap();
    let trained = start.elapsed();
    let start = Instant::now();
    let best = recommender::top_k(&run, &filter, &data.train, 20, Some(&data.train)).unwrap();
    let ranked = start.elapsed();
    let (recall, ndcg) = data.judge(&best);
    println!("{:?}", GraphFilter::default());
    println!("Recall@20 {recall:.4} NDCG@20 {ndcg:.4} trained {trained:.1?} ranked {ranked:.1?}");
}
