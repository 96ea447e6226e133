//! The blocked best-k against a plain sort.

use clew_learn::sparse::Csr;
use clew_learn::top_k::{Columns, best_of, top_k};
use ndarray::{Array2, array};

mod common;
use common::{normal, run, with_run};

#[test]
fn it_finds_what_a_plain_sort_finds() {
    let (n, m, d, k) = (150, 2_300, 9, 20);
    let (rows, columns) = run(|run| {
        let mut rng = run.rng(0);
        (
            Array2::from_shape_simple_fn((n, d), || normal(&mut rng)),
            Array2::from_shape_simple_fn((m, d), || normal(&mut rng)),
        )
    });
    let hidden: Vec<(u32, u32, f32)> = (0..n as u32)
        .flat_map(|row| (0..m as u32).step_by(3).map(move |column| (row, column, 1.0)))
        .collect();
    let exclude = Csr::from_triplets(n, m, &hidden).unwrap();
    let found = run(|run| top_k(run, rows.view(), columns.view(), k, Some(&exclude))).unwrap();
    let scores = rows.dot(&columns.t());
    for row in 0..n {
        let mut plain: Vec<(u32, f32)> =
            (0..m as u32).filter(|c| c % 3 != 0).map(|c| (c, scores[[row, c as usize]])).collect();
        plain.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let expected: Vec<u32> = plain.iter().take(k).map(|best| best.0).collect();
        let got: Vec<u32> = found[row].iter().map(|best| best.0).collect();
        assert_eq!(got, expected, "row {row}");
    }
}

#[test]
fn ties_go_to_the_lower_column_and_short_lists_are_whole() {
    let columns = Array2::ones((40, 1));
    let found = run(|run| top_k(run, array![[1.0_f32]].view(), columns.view(), 3, None)).unwrap();
    assert_eq!(found, vec![vec![(0, 1.0), (1, 1.0), (2, 1.0)]]);
    assert_eq!(best_of(&[1.0, f32::NAN, 3.0], 5), vec![(2, 3.0), (0, 1.0)]);
    assert_eq!(best_of(&[1.0], 0), vec![]);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let error = run(|run| {
        top_k(run, Array2::<f32>::zeros((2, 3)).view(), Array2::<f32>::zeros((2, 4)).view(), 1, None)
    });
    assert_eq!(
        error.unwrap_err().to_string(),
        "rows have 3 numbers, columns 4; use vectors of one factorisation"
    );
}

#[test]
fn pruned_by_norm_it_is_still_what_a_plain_sort_finds() {
    // Norms over four orders of magnitude, whole numbers (equal scores in any order of sums), a row and
    // columns of zeros, columns that are not finite, few and many rows.
    let (m, d, k) = (1_700, 5, 7);
    for n in [1, 31, 33, 600] {
        let (mut rows, mut columns) = run(|run| {
            let mut rng = run.rng(n as u64);
            let mut whole = |most: f32| (normal(&mut rng) * most).round();
            let rows = Array2::from_shape_simple_fn((n, d), || whole(2.0));
            let columns =
                Array2::from_shape_fn((m, d), |(column, _)| whole([0.4, 1.0, 30.0, 900.0][column % 4]));
            (rows, columns)
        });
        rows.row_mut(0).fill(0.0);
        columns[[0, 2]] = f32::NAN;
        columns[[3, 1]] = f32::INFINITY;
        let prepared = run(|run| Columns::new(run, columns.view())).unwrap();
        let found = run(|run| prepared.top_k(run, rows.view(), k, None)).unwrap();
        let alone = with_run(1, 7, |run| top_k(run, rows.view(), columns.view(), k, None)).unwrap();
        assert_eq!(found, alone, "threads");
        for row in 0..n {
            let mut plain: Vec<(u32, f32)> = (0..m)
                .map(|c| {
                    (c as u32, (0..d).fold(0.0_f32, |sum, i| rows[[row, i]].mul_add(columns[[c, i]], sum)))
                })
                .filter(|(_, score)| *score > f32::NEG_INFINITY)
                .collect();
            plain.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            plain.truncate(k);
            assert_eq!(found[row], plain, "row {row} of {n}");
        }
    }
}

#[test]
fn more_than_there_are_gives_all() {
    let columns = array![[1.0_f32, 0.0], [-2.0, 0.0], [3.0, 0.0]];
    let found = run(|run| top_k(run, array![[1.0_f32, 5.0]].view(), columns.view(), 50, None)).unwrap();
    assert_eq!(found, vec![vec![(2, 3.0), (0, 1.0), (1, -2.0)]]);
    let none = Array2::zeros((0, 2));
    assert_eq!(run(|run| top_k(run, columns.view(), none.view(), 5, None)).unwrap(), vec![vec![]; 3]);
    assert_eq!(run(|run| top_k(run, none.view(), columns.view(), 5, None)).unwrap(), Vec::<Vec<_>>::new());
}
