//! Online factorisation: what comes late is learned, memory is bounded, the stream may be cut anywhere.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_learn::als::{Factors, ImplicitAls};
use clew_learn::format::{File, Writer};
use clew_learn::online_factors::{FittedOnlineFactors, OnlineFactors};
use clew_learn::sparse::Csr;
use clew_learn::top_k::top_k;
use ndarray::Array2;
use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

mod common;
use common::{run, with_run};

type Events = Vec<(u32, u32, f32)>;

const ROWS: u32 = 600;
const COLUMNS: u32 = 120;

/// Row r likes the columns of group r % 6; a third of the rows has moved on to the next group in the late part.
fn event(rng: &mut Xoshiro256PlusPlus, row: u32, late: bool) -> (u32, u32, f32) {
    let moved = u32::from(late && row.is_multiple_of(3));
    let group = (row % 6 + moved) % 6;
    let column = if rng.random::<f32>() < 0.8 {
        6 * rng.random_range(0..20) + group
    } else {
        rng.random_range(0..COLUMNS)
    };
    (row, column, 1.0)
}

/// A factorisation of the early rows (the last hundred come late), its matrix, and the late stream.
fn world() -> (Factors, Csr, Events, Events) {
    run(|run| {
        let mut rng = run.rng(8);
        let early: Vec<_> = (0..500 * 12).map(|n| event(&mut rng, n % 500, false)).collect();
        let matrix = Csr::from_triplets(ROWS as usize, COLUMNS as usize, &early).unwrap();
        let als =
            ImplicitAls { n_factors: 16, unobserved_weight: 0.1, regularisation: 0.02, ..Default::default() };
        let factors = als.fit(run, &matrix, None).unwrap();
        let late: Vec<_> = (0..ROWS * 10).map(|n| event(&mut rng, n % ROWS, true)).collect();
        let judged: Vec<_> = (0..ROWS * 5).map(|n| event(&mut rng, n % ROWS, true)).collect();
        (factors, matrix, late, judged)
    })
}

/// Share of the judged events whose column is among the row's best 20.
fn recall(rows: &Array2<f32>, columns: &Array2<f32>, judged: &[(u32, u32, f32)]) -> f64 {
    let best = run(|run| top_k(run, rows.view(), columns.view(), 20, None)).unwrap();
    let hit =
        |&&(row, column, _): &&(u32, u32, f32)| best[row as usize].iter().any(|found| found.0 == column);
    judged.iter().filter(hit).count() as f64 / judged.len() as f64
}

#[test]
fn what_comes_late_is_learned() {
    let (factors, matrix, late, judged) = world();
    let stale = recall(&factors.rows, &factors.columns, &judged);
    let mut online = run(|run| OnlineFactors::default().start(run, &factors, &matrix)).unwrap();
    let every: Vec<u32> = (0..ROWS).collect();
    let before = recall(&online.vectors(&every), &online.columns(), &judged);
    assert!((before - stale).abs() < 0.02, "{before} against {stale}");
    run(|run| online.update(run, &late)).unwrap();
    let fresh = recall(&online.vectors(&every), &online.columns(), &judged);
    assert!(fresh > stale + 0.1, "{fresh} against {stale}");
}

#[test]
fn the_first_event_of_a_row_is_a_fold_in() {
    let (factors, matrix, ..) = world();
    let mut online = run(|run| OnlineFactors::default().start(run, &factors, &matrix)).unwrap();
    run(|run| online.update(run, &[(9_000, 33, 1.0)])).unwrap();
    let one = Csr::from_triplets(1, COLUMNS as usize, &[(0, 33, 1.0)]).unwrap();
    let folded = run(|run| factors.fold_in(run, &one)).unwrap();
    for (a, b) in online.row(9_000).unwrap().iter().zip(&folded) {
        assert!((a - b).abs() < 1e-4, "{a} against {b}");
    }
}

#[test]
fn new_columns_are_found_by_those_who_know_them() {
    let (factors, matrix, ..) = world();
    let mut online = run(|run| OnlineFactors::default().start(run, &factors, &matrix)).unwrap();
    // Column 150 is bought by the rows of group 2.
    let events: Vec<_> = (0..40).map(|n| (6 * n + 2, 150, 1.0)).collect();
    run(|run| online.update(run, &events)).unwrap();
    let columns = online.columns();
    assert_eq!(columns.nrows(), 151);
    let score =
        |row: u32| online.row(row).unwrap().iter().zip(columns.row(150)).map(|(a, b)| a * b).sum::<f32>();
    let mean = |group: u32| (50..80).map(|n| score(6 * n + group)).sum::<f32>() / 30.0;
    assert!(mean(2) > 3.0 * mean(4).abs() && mean(2) > 0.1, "{} {}", mean(2), mean(4));
}

#[test]
fn the_stream_may_be_cut_and_the_state_saved_anywhere() {
    let (factors, matrix, late, _) = world();
    let params = OnlineFactors { refresh_events: 700, most_rows: 300, ..Default::default() };
    let whole = |n_threads| {
        with_run(n_threads, 1, |run| {
            let mut online = params.start(run, &factors, &matrix).unwrap();
            online.update(run, &late).unwrap();
            online
        })
    };
    let once = whole(1);
    assert_eq!(once, whole(2));
    assert_eq!(once, whole(3));
    assert_eq!(once.n_rows(), 300);
    let mut cut = run(|run| params.start(run, &factors, &matrix)).unwrap();
    for part in late.chunks(1_111) {
        run(|run| cut.update(run, part)).unwrap();
        let mut writer = Writer::new();
        cut.write(&mut writer, "stream").unwrap();
        let file = File::open(Arc::new(writer.finish())).unwrap();
        cut = FittedOnlineFactors::read(&file, "stream").unwrap();
    }
    assert_eq!(once, cut);
}

#[test]
fn rows_seen_longest_ago_are_dropped() {
    let (factors, matrix, ..) = world();
    let params = OnlineFactors { most_rows: 10, ..Default::default() };
    let mut online = run(|run| params.start(run, &factors, &matrix)).unwrap();
    assert_eq!(online.n_rows(), 10);
    let events: Vec<_> =
        (1_000..1_009).map(|row| (row, 5, 1.0)).chain([(1_000, 6, 1.0), (2_000, 6, 1.0)]).collect();
    run(|run| online.update(run, &events)).unwrap();
    run(|run| online.update(run, &[(2_001, 6, 1.0)])).unwrap();
    assert_eq!(online.n_rows(), 10);
    assert!(online.row(1_000).is_some() && online.row(2_001).is_some() && online.row(1_001).is_none());
}

#[test]
fn faults_are_named_and_nothing_is_taken() {
    let (factors, matrix, ..) = world();
    let mut online = run(|run| OnlineFactors::default().start(run, &factors, &matrix)).unwrap();
    let before = online.clone();
    for (value, column, place) in [(f32::NAN, 1, "NaN"), (-1.0, 1, "-1"), (1.0, 1_000_000, "column 1000000")]
    {
        let told = run(|run| online.update(run, &[(1, 1, 1.0), (1, column, value)])).unwrap_err().to_string();
        assert!(told.contains("event 1") && told.contains(place), "{told}");
        assert_eq!(online, before);
    }
    let other = Csr::from_triplets(3, 3, &[(0, 0, 1.0)]).unwrap();
    assert!(run(|run| OnlineFactors::default().start(run, &factors, &other)).is_err());
    let none = OnlineFactors { memory: f64::NAN, ..Default::default() };
    assert!(run(|run| none.start(run, &factors, &matrix)).unwrap_err().to_string().contains("NaN"));
}
