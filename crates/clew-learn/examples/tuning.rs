//! Chooses rank, regularisation and unobserved weight on part of the Gowalla training file, prints all that was
//! tried, then fits to the whole of it as chosen and as by default and judges both on the test file.
//!
//! `cargo run -p clew-learn --example tuning -- <folder> [rank] [rank] …` where the folder holds `train.txt.gz`
//! and `test.txt.gz`, a line "row column column …" each. Without a folder, on small planted data.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal")]

use clew_learn::als::ImplicitAls;
use clew_learn::sparse::Csr;
use clew_learn::tuning::Tuning;
use clew_learn::{Run, Silent, Stop, top_k};
use rand::Rng;

#[path = "../tests/common/gowalla.rs"]
mod gowalla;

use gowalla::Gowalla;

/// Rows and columns of eight kinds; a row takes columns of its kind nine times in ten.
fn planted(run: &Run<'_>) -> Gowalla {
    let mut rng = run.rng(1);
    let (mut train, mut test) = (vec![], vec![]);
    for row in 0..2_000_u32 {
        for _ in 0..20 {
            let any = rng.random_range(0..600_u32);
            let column = if rng.random::<f32>() < 0.9 { any / 8 * 8 + row % 8 } else { any };
            if rng.random::<f32>() < 0.8 { &mut train } else { &mut test }.push((row, column, 1.0));
        }
    }
    let matrix = |triplets: &[_]| Csr::from_triplets(2_000, 600, triplets).unwrap();
    Gowalla { train: matrix(&train), test: matrix(&test) }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };
    let data =
        arguments.next().map_or_else(|| planted(&run), |folder| Gowalla::read(std::path::Path::new(&folder)));
    let mut ranks: Vec<usize> = arguments.map(|word| word.parse().unwrap()).collect();
    if ranks.is_empty() {
        ranks = vec![4, 8, 16];
    }
    let base = ImplicitAls { n_factors: ranks.iter().copied().max().unwrap(), ..Default::default() };
    let tuning = Tuning { n_factors: ranks, ..Default::default() };
    let train = &data.train;
    let events: Vec<(u32, u32, f32)> = (0..train.n_rows())
        .flat_map(|row| train.row(row).0.iter().map(move |&column| (row as u32, column, 1.0)))
        .collect();
    let tuned = tuning.choose(&run, &base, (train.n_rows(), train.n_cols()), &events, None).unwrap();
    println!("fitted to {} rows, judged on {}", tuned.n_rows, tuned.n_judged);
    for trial in &tuned.trials {
        println!(
            "{:>4} {:.4} {:.4} {:.2}  NDCG {:.4} ± {:.4}  recall {:.4}",
            trial.n_factors,
            trial.regularisation,
            trial.unobserved_weight,
            trial.frequency_exponent,
            trial.ndcg,
            trial.standard_error,
            trial.recall
        );
    }
    for als in [tuned.params, base] {
        let factors = als.fit(&run, train, None).unwrap();
        let best = top_k::top_k(&run, factors.rows.view(), factors.columns.view(), 20, Some(train)).unwrap();
        let (recall, ndcg) = data.judge(&best);
        println!("{als:?}\n  on the test part: Recall@20 {recall:.4}, NDCG@20 {ndcg:.4}");
    }
}
