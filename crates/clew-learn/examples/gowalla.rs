//! Trains the factorisation on the Gowalla check-ins and prints Recall@20 and NDCG@20.
//!
//! `cargo run -p clew-learn --example gowalla -- <folder> [factors] [regularisation] [unobserved] [exponent] [sweeps]`
//! where the folder holds `train.txt.gz` and `test.txt.gz`, a line "row column column …" each.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal")]

use std::io::Read;
use std::time::Instant;

use clew_learn::als::ImplicitAls;
use clew_learn::sparse::Csr;
use clew_learn::{Run, Silent, Stop, metrics, top_k};

fn read(path: &std::path::Path) -> Vec<(u32, u32, f32)> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut pairs = Vec::new();
    for line in text.lines() {
        let mut numbers = line.split_whitespace().map(|word| word.parse::<u32>().unwrap());
        if let Some(row) = numbers.next() {
            pairs.extend(numbers.map(|column| (row, column, 1.0)));
        }
    }
    pairs
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |place: usize, default: f32| arguments.get(place).map_or(default, |word| word.parse().unwrap());
    let folder = std::path::Path::new(&arguments[0]);
    let (train, test) = (read(&folder.join("train.txt.gz")), read(&folder.join("test.txt.gz")));
    let n_rows = train.iter().chain(&test).map(|pair| pair.0).max().unwrap() as usize + 1;
    let n_columns = train.iter().chain(&test).map(|pair| pair.1).max().unwrap() as usize + 1;
    let train = Csr::from_triplets(n_rows, n_columns, &train).unwrap();
    let test = Csr::from_triplets(n_rows, n_columns, &test).unwrap();
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
    let factors = als.fit(&run, &train, None).unwrap();
    let trained = start.elapsed();
    let start = Instant::now();
    let best = top_k::top_k(&run, factors.rows.view(), factors.columns.view(), 20, Some(&train)).unwrap();
    let ranked = start.elapsed();
    let (mut recall, mut ndcg, mut n) = (0.0, 0.0, 0.0);
    for (row, best) in best.iter().enumerate() {
        let best: Vec<u32> = best.iter().map(|best| best.0).collect();
        if let (Some(r), Some(g)) =
            (metrics::recall(&best, test.row(row).0), metrics::ndcg(&best, test.row(row).0))
        {
            recall += r;
            ndcg += g;
            n += 1.0;
        }
    }
    println!("{als:?}");
    println!("Recall@20 {:.4} NDCG@20 {:.4} trained {trained:.1?} ranked {ranked:.1?}", recall / n, ndcg / n);
}
