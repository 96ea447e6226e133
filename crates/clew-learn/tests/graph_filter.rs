//! The graph filter: by hand, on a checkerboard, and by the contract of every estimator.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use clew_learn::format::{File, Writer};
use clew_learn::graph_filter::{FittedGraphFilter, GraphFilter};
use clew_learn::recommender::top_k;
use clew_learn::sparse::Csr;

mod common;
use common::{run, with_run};

fn scattered() -> Csr {
    let triplets: Vec<(u32, u32, f32)> = (0..9_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) % 700, n.wrapping_mul(40_503) % 300 * (n % 7) / 7, 1.0))
        .collect();
    Csr::from_triplets(700, 300, &triplets).unwrap()
}

fn small() -> GraphFilter {
    GraphFilter { n_factors: 12, n_neighbours: 50, ..Default::default() }
}

#[test]
fn neighbours_worked_by_hand() {
    // Row sums 2, 2, 1; column sums 2, 2, 1. Columns 0 and 1 meet in row 0: 1 / (2 × √2 × √2).
    let matrix =
        Csr::from_triplets(3, 3, &[(0, 0, 1.0), (0, 1, 1.0), (1, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0)]).unwrap();
    let fit = run(|run| small().fit(run, &matrix)).unwrap();
    assert_eq!(fit.neighbours(0).0, [1]);
    assert!((fit.neighbours(0).1[0] - 0.25).abs() < 1e-6);
    assert_eq!(fit.neighbours(1).0, [0, 2]);
    assert!((fit.neighbours(1).1[1] - 1.0 / (2.0 * 2.0_f32.sqrt())).abs() < 1e-6);
}

#[test]
fn a_withheld_diagonal_is_filled() {
    let n = 50_u32;
    let all = (0..n).flat_map(|row| (0..n).map(move |column| (row, column, 1.0)));
    let shown: Vec<_> = all.filter(|(row, column, _)| (row + column) % 2 == 0 && row != column).collect();
    let matrix = Csr::from_triplets(50, 50, &shown).unwrap();
    let best = run(|run| {
        let fit = GraphFilter { n_factors: 2, ..small() }.fit(run, &matrix).unwrap();
        top_k(run, &fit, &matrix, 1, Some(&matrix)).unwrap()
    });
    for (row, best) in best.iter().enumerate() {
        assert_eq!(best[0].0, row as u32);
    }
}

#[test]
fn with_all_vectors_and_neighbours_it_is_the_formula() {
    // Then U Uᵀ is the identity, so the smoothing part gives each row's own values back, times the weight.
    let matrix = scattered();
    let whole =
        GraphFilter { n_factors: 300, n_neighbours: 300, factor_weight: 1_000.0, n_rounds: 2, ..small() };
    let best = run(|run| top_k(run, &whole.fit(run, &matrix).unwrap(), &matrix, 300, None).unwrap());
    for row in (0..700).filter(|&row| !matrix.row(row).0.is_empty()) {
        let mut first: Vec<u32> = best[row].iter().take(matrix.row(row).0.len()).map(|best| best.0).collect();
        first.sort_unstable();
        assert_eq!(first, matrix.row(row).0, "row {row}");
    }
}

#[test]
fn same_seed_same_bits_with_any_number_of_threads_and_after_saving() {
    let matrix = scattered();
    let fit = |n_threads| with_run(n_threads, 3, |run| small().fit(run, &matrix)).unwrap();
    let once = fit(1);
    assert_eq!(once, fit(2));
    assert_eq!(once, fit(3));
    let mut writer = Writer::new();
    once.write(&mut writer, "filter").unwrap();
    let file = File::open(Arc::new(writer.finish())).unwrap();
    let again = FittedGraphFilter::read(&file, "filter").unwrap();
    assert_eq!(once, again);
    let best =
        |n_threads| with_run(n_threads, 3, |run| top_k(run, &again, &matrix, 9, Some(&matrix))).unwrap();
    assert_eq!(best(1), best(2));
}

#[test]
fn faults_are_named() {
    let empty = Csr::from_triplets(2, 2, &[]).unwrap();
    let message = run(|run| small().fit(run, &empty)).unwrap_err().to_string();
    assert_eq!(message, "the matrix has no values; give at least one event");
    let fit = run(|run| small().fit(run, &scattered())).unwrap();
    let message = run(|run| top_k(run, &fit, &empty, 1, None)).unwrap_err().to_string();
    assert_eq!(message, "2 columns where 300 were learned; use the same features in the same order");
}
