//! Factorises who-had-what events, three ways, and gives a vector to a row that came later.
//!
//! `cargo run -p clew-learn --example factorise`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use clew_learn::als::{ImplicitAls, Method};
use clew_learn::sparse::Csr;
use clew_learn::top_k::top_k;
use clew_learn::{Result, Run, Silent, Stop};
use ndarray::Array2;
use rand::Rng;

const N_ROWS: u32 = 2_000;
const N_COLUMNS: u32 = 300;
const KINDS: u32 = 10;

fn main() -> Result<()> {
    let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(2).build() else { return Ok(()) };
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };

    // Rows of ten kinds, each mostly having columns of its own kind; one event in five is of any kind.
    let mut rng = run.rng(1);
    let mut events = Vec::new();
    for row in 0..N_ROWS {
        for _ in 0..12 {
            let any = rng.random_range(0..N_COLUMNS);
            let own = any / KINDS * KINDS + row % KINDS;
            events.push((row, if rng.random_bool(0.8) { own } else { any }, 1.0));
        }
    }
    let matrix = Csr::from_triplets(N_ROWS as usize, N_COLUMNS as usize, &events)?;
    let transposed = matrix.transpose();

    // The same loss, by three methods: watch it fall sweep by sweep.
    let methods = [Method::Exact, Method::ConjugateGradient { n_steps: 2 }, Method::Blocks { block: 4 }];
    for method in methods {
        let als = ImplicitAls { n_factors: 16, unobserved_weight: 0.1, method, ..Default::default() };
        let first = ImplicitAls { n_sweeps: 0, ..als.clone() }.fit(&run, &matrix, None)?;
        let (mut rows, mut columns) = (Array2::zeros((N_ROWS as usize, 16)), first.columns);
        let mut losses = Vec::new();
        for _ in 0..5 {
            als.sweep(&run, &matrix, &transposed, &mut rows, &mut columns)?;
            losses.push(format!("{:.1}", als.loss(&run, &matrix, rows.view(), columns.view())?));
        }
        println!("{method:?}: loss {}", losses.join(", "));
    }

    // A row that came after training, with three events of kind 4: its vector by one small solve.
    let als = ImplicitAls { n_factors: 16, unobserved_weight: 0.1, ..Default::default() };
    let factors = als.fit(&run, &matrix, None)?;
    let late = Csr::from_triplets(1, N_COLUMNS as usize, &[(0, 4, 1.0), (0, 14, 1.0), (0, 24, 1.0)])?;
    let vector = factors.fold_in(&run, &late)?;
    let best = top_k(&run, vector.view(), factors.columns.view(), 8, Some(&late))?;
    let kinds: Vec<u32> = best.iter().flatten().map(|&(column, _)| column % KINDS).collect();
    println!("a new row with three columns of kind 4 is offered kinds {kinds:?}");

    // The same in half the memory.
    let half = factors.halved(&run)?;
    let folded = half.fold_in(&run, &late)?;
    println!(
        "half precision moves its vector by at most {:.5}",
        (&folded - &vector).fold(0.0_f32, |m, v| m.max(v.abs()))
    );
    Ok(())
}
