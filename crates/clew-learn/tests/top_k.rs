//! The blocked best-k against a plain sort.

use clew_learn::sparse::Csr;
use clew_learn::top_k::{best_of, top_k};
use ndarray::{Array2, array};

mod common;
use common::{normal, run};

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
