//! Columns that come together: figures by hand, planted pairs, chance kept out, faults.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clew_learn::cooccurrence::{Cooccurrence, FittedCooccurrence, PairOrder};
use clew_learn::format::{File, Writer};
use clew_learn::sparse::Csr;
use rand::Rng;

mod common;
use common::{run, with_run};

/// 4,000 rows over 60 columns: 2k + 1 follows 2k for the first ten pairs, all else is chance.
fn rows() -> Csr {
    run(|run| {
        let mut rng = run.rng(4);
        let mut triplets = Vec::new();
        for row in 0..4_000_u32 {
            for column in 0..60_u32 {
                if rng.random::<f32>() < 0.02 + 0.1 * f32::from(u8::from(column == 59)) {
                    triplets.push((row, column, 1.0));
                    if column < 20 && column.is_multiple_of(2) && rng.random::<f32>() < 0.5 {
                        triplets.push((row, column + 1, 2.0));
                    }
                }
            }
        }
        Csr::from_triplets(4_000, 60, &triplets).unwrap()
    })
}

#[test]
fn figures_are_those_by_hand() {
    // Rows: {0, 1} twice, {0}, {1}, {2} four times.
    let places = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (3, 1), (4, 2), (5, 2), (6, 2), (7, 2)];
    let triplets: Vec<_> = places.iter().map(|&(row, column)| (row, column, 1.0)).collect();
    let rows = Csr::from_triplets(8, 3, &triplets).unwrap();
    let counting = Cooccurrence { least_together: 1.0, least_ratio: 0.0, ..Default::default() };
    let fit = run(|run| counting.fit(run, &rows, &[1.0; 8])).unwrap();
    assert_eq!((fit.n_rows, fit.counts.as_slice()), (8.0, [3.0, 3.0, 4.0].as_slice()));
    let pairs: Vec<_> = fit.pairs(0).collect();
    assert_eq!(pairs.len(), 1);
    let pair = pairs[0];
    assert_eq!((pair.column, pair.together, pair.support), (1, 2.0, 0.25));
    assert!((pair.confidence - 2.0 / 3.0).abs() < 1e-15 && (pair.lift - 16.0 / 9.0).abs() < 1e-15);
    // 2 (2 ln(16/9) + 2 ln(8/15) + 4 ln(32/25)): each cell over what independence expects.
    let by_hand = 2.0 * (2.0 * (16.0_f64 / 9.0).ln() + 2.0 * (8.0_f64 / 15.0).ln() + 4.0 * 1.28_f64.ln());
    assert!((pair.ratio - by_hand).abs() < 1e-12, "{} against {by_hand}", pair.ratio);
    assert_eq!(fit.pairs(2).count() + fit.pairs(99).count(), 0);
}

#[test]
fn planted_pairs_are_found_and_chance_is_not() {
    let rows = rows();
    for order in [PairOrder::Ratio, PairOrder::Lift, PairOrder::Confidence] {
        let fit =
            run(|run| Cooccurrence { order, ..Default::default() }.fit(run, &rows, &[1.0; 4_000])).unwrap();
        for column in 0..20 {
            let first = fit.pairs(column).next().unwrap();
            assert_eq!(first.column as usize, column ^ 1, "{order:?}");
            assert!(first.lift > 5.0 && first.ratio > 50.0, "{first:?}");
        }
        let by_chance: usize = (20..60).map(|column| fit.pairs(column).count()).sum();
        assert!(by_chance <= 8, "{by_chance} of 1,560 at one in a thousand and side");
    }
}

#[test]
fn weights_threads_and_order_of_rows() {
    let rows = rows();
    let fit = |n_threads| {
        with_run(n_threads, 1, |run| Cooccurrence::default().fit(run, &rows, &[2.0; 4_000])).unwrap()
    };
    let twice = fit(1);
    assert_eq!(twice, fit(2));
    assert_eq!(twice, fit(3));
    let triplets = |shift: u32, turned: bool| {
        let rows = &rows;
        (0..4_000_u32).flat_map(move |row| {
            let (columns, values) = rows.row(row as usize);
            let row = if turned { 3_999 - row } else { row };
            columns.iter().zip(values).map(move |(&column, &value)| (row + shift, column, value))
        })
    };
    let double: Vec<_> = triplets(0, false).chain(triplets(4_000, true)).collect();
    let double = Csr::from_triplets(8_000, 60, &double).unwrap();
    assert_eq!(twice, run(|run| Cooccurrence::default().fit(run, &double, &[1.0; 8_000])).unwrap());
    let mut writer = Writer::new();
    twice.write(&mut writer, "pairs").unwrap();
    let file = File::open(std::sync::Arc::new(writer.finish())).unwrap();
    assert_eq!(FittedCooccurrence::read(&file, "pairs").unwrap(), twice);
}

#[test]
fn long_rows_are_left_out_and_said_so() {
    let triplets: Vec<_> = (0..50).map(|column| (0, column, 1.0)).chain([(1, 0, 1.0), (1, 1, 1.0)]).collect();
    let rows = Csr::from_triplets(2, 50, &triplets).unwrap();
    let counting = Cooccurrence { longest_row: 10, ..Default::default() };
    let fit = run(|run| counting.fit(run, &rows, &[1.0; 2])).unwrap();
    assert_eq!((fit.n_left_out, fit.n_rows, fit.counts[0], fit.counts[2]), (1, 1.0, 1.0, 0.0));
}

#[test]
fn faults_are_named() {
    let rows = rows();
    let told = |counting: Cooccurrence, weight: &[f32]| {
        run(|run| counting.fit(run, &rows, weight)).unwrap_err().to_string()
    };
    assert!(told(Cooccurrence::default(), &[1.0]).contains("1 weights"));
    assert!(told(Cooccurrence::default(), &[-1.0; 4_000]).contains("row 0 has the weight -1"));
    assert!(told(Cooccurrence::default(), &[0.0; 4_000]).contains("all weights are 0"));
    assert!(
        told(Cooccurrence { least_ratio: f64::NAN, ..Default::default() }, &[1.0; 4_000]).contains("NaN")
    );
    let nothing = Csr::from_triplets(0, 5, &[]).unwrap();
    assert!(run(|run| Cooccurrence::default().fit(run, &nothing, &[])).is_err());
}
