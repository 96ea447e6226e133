//! Chooses what recommends: three ways are learned from the events that are left when some are kept aside, judged
//! by those, and blended.
//!
//! `cargo run -p clew-learn --example recommend`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::sync::Arc;

use clew_learn::als::ImplicitAls;
use clew_learn::blend::{Blend, BlendSearch, Member, PreparedBlend};
use clew_learn::ease::Ease;
use clew_learn::graph_filter::GraphFilter;
use clew_learn::recommender::{Recommender, top_k};
use clew_learn::sparse::Csr;
use clew_learn::{Error, Result, Run, Silent, Stop};
use rand::Rng;

const ROWS: u32 = 1_500;
const COLUMNS: u32 = 400;

fn main() -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .map_err(|error| Error::input(error.to_string(), "allow the program threads"))?;
    let run = &Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };

    // Each row leans to one of twenty themes of columns and to the popular ones; a fifth of its events is kept aside.
    let mut rng = run.rng(1);
    let (mut left, mut aside) = (Vec::new(), Vec::new());
    for row in 0..ROWS {
        let theme = row % 20;
        for _ in 0..25 {
            let popular = (f64::from(COLUMNS) * rng.random::<f64>().powi(3)) as u32;
            let column = if rng.random_bool(0.6) { theme + 20 * (popular / 20) } else { popular };
            let part = if rng.random_bool(0.2) { &mut aside } else { &mut left };
            part.push((row, column.min(COLUMNS - 1), 1.0));
        }
    }
    let matrix = |events: &[(u32, u32, f32)]| {
        Csr::from_triplets(ROWS as usize, COLUMNS as usize, events).map(|matrix| matrix.map(|_, _, _| 1.0))
    };
    let (all, left) = (matrix(&[left.clone(), aside.clone()].concat())?, matrix(&left)?);
    // What a row holds already is no recommendation.
    aside.retain(|&(row, column, _)| left.row(row as usize).0.binary_search(&column).is_err());
    let aside = matrix(&aside)?;

    let fit = |from: &Csr| -> Result<[(&str, Member); 3]> {
        let als = ImplicitAls { n_factors: 24, n_sweeps: 8, ..Default::default() };
        let neighbours =
            GraphFilter { n_factors: 0, row_exponent: 0.3, column_exponent: 0.45, ..Default::default() };
        Ok([
            ("factorisation", Member::Factors(als.fit(run, from, None)?)),
            ("ridge regression", Member::Ease(Ease::default().fit(run, from, &vec![1.0; from.n_rows()])?)),
            ("neighbours", Member::GraphFilter(neighbours.fit(run, from)?)),
        ])
    };
    let fitted = fit(&left)?;
    let names = fitted.each_ref().map(|(name, _)| *name);
    let alone: Vec<PreparedBlend> = fitted
        .into_iter()
        .map(|(_, member)| Arc::new(Blend::new(vec![(member, 1.0)])?).prepare(run))
        .collect::<Result<_>>()?;
    let members: Vec<&dyn Recommender> = alone.iter().map(|member| member as &dyn Recommender).collect();
    let choice = BlendSearch::default().choose(run, &members, &left, &aside)?;
    for ((name, weight), judged) in names.iter().zip(&choice.weights).zip(&choice.alone) {
        println!(
            "{name:>16}: weight {weight:.2}, alone NDCG@20 {:.4}, Recall@20 {:.4}",
            judged.ndcg, judged.recall
        );
    }
    println!(
        "{:>16}: NDCG@20 {:.4}, Recall@20 {:.4} on {} rows",
        "blend", choice.together.ndcg, choice.together.recall, choice.together.n_rows
    );

    // What was chosen is then fitted to everything.
    let members = fit(&all)?.into_iter().zip(&choice.weights).map(|((_, member), &weight)| (member, weight));
    let blend = Arc::new(Blend::new(members.collect())?).prepare(run)?;
    let best = top_k(run, &blend, &all, 5, Some(&all))?;
    for (row, best) in best.iter().take(3).enumerate() {
        let columns: Vec<u32> = best.iter().map(|found| found.0).collect();
        println!("row {row} (theme {}): columns {columns:?}", row % 20);
    }
    Ok(())
}
