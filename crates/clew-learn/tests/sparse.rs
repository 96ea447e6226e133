//! Sparse matrices against dense ones, and the parallel work against the plain.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::sparse::{Csc, Csr};
use ndarray::Array2;
use proptest::prelude::*;

mod common;

use common::{run, with_run};

fn dense(matrix: &Csr) -> Array2<f32> {
    let mut out = Array2::zeros((matrix.n_rows(), matrix.n_cols()));
    for row in 0..matrix.n_rows() {
        let (columns, values) = matrix.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            out[[row, column as usize]] = value;
        }
    }
    out
}

/// A size and triplets inside it, small numbers whose sums are exact in f32.
fn triplets() -> impl Strategy<Value = (usize, usize, Vec<(u32, u32, f32)>)> {
    (1_usize..40, 1_usize..30).prop_flat_map(|(n, m)| {
        let one = (0..n as u32, 0..m as u32, (-8_i32..8).prop_map(|v| v as f32 * 0.25));
        (Just(n), Just(m), prop::collection::vec(one, 0..200))
    })
}

proptest! {
    #[test]
    fn it_is_the_dense_matrix((n, m, triplets) in triplets(), width in 0_usize..4) {
        let mut expected = Array2::<f32>::zeros((n, m));
        for &(r, c, v) in &triplets {
            expected[[r as usize, c as usize]] += v;
        }
        run(|run| {
            let matrix = Csr::from_triplets(n, m, &triplets).unwrap();
            assert_eq!(dense(&matrix), expected);
            assert_eq!(Csr::from_triplets_with(run, n, m, &triplets).unwrap(), matrix);
            assert_eq!(matrix.transpose_with(run).unwrap(), matrix.transpose());
            assert_eq!(dense(&matrix.transpose()), expected.t());
            let columns = Csc::from_csr(run, &matrix).unwrap();
            assert_eq!((columns.n_rows(), columns.n_cols(), columns.n_values()), (n, m, matrix.n_values()));
            assert_eq!(columns.to_csr(run).unwrap(), matrix);
            let right = Array2::from_shape_fn((m, width), |(r, c)| (r as f32 - c as f32) * 0.5);
            assert_eq!(matrix.times(run, right.view()).unwrap(), expected.dot(&right));
            let left = Array2::from_shape_fn((n, width), |(r, c)| (r as f32 + c as f32) * 0.5);
            let product = expected.t().dot(&left);
            assert_eq!(matrix.transposed_times(run, left.view()).unwrap(), product);
            assert_eq!(columns.transposed_times(run, left.view()).unwrap(), product);
            let wide = expected.mapv(f64::from);
            let vector: Vec<f64> = (0..m).map(|c| c as f64 - 3.0).collect();
            let product = wide.dot(&ndarray::Array1::from(vector.clone())).to_vec();
            assert_eq!(matrix.times_vector(run, &vector).unwrap(), product);
            let vector: Vec<f64> = (0..n).map(|r| r as f64 - 3.0).collect();
            let product = wide.t().dot(&ndarray::Array1::from(vector.clone())).to_vec();
            assert_eq!(matrix.transposed_times_vector(run, &vector).unwrap(), product);
            let picked: Vec<usize> = (0..n).rev().chain([0]).collect();
            let selected = matrix.select_rows(&picked).unwrap();
            assert_eq!(dense(&selected), expected.select(ndarray::Axis(0), &picked));
            let part = matrix.slice_rows(n / 3..n).unwrap();
            assert_eq!(dense(&part), expected.slice(ndarray::s![n / 3.., ..]));
            assert_eq!(Csr::from_parts(m, part.starts().to_vec(), part.indices().to_vec(), part.values().to_vec()).unwrap(), part);
        });
    }
}

/// Larger than a piece of work and than the number of blocks, with rows of very different length.
#[test]
fn threads_do_not_show() {
    let triplets: Vec<(u32, u32, f32)> = (0..700_000_u64)
        .map(|n| {
            let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            let row = if n % 5 == 0 { 17 } else { (mixed % 20_011) as u32 };
            (row, (mixed >> 15) as u32 % 5_003, (mixed % 97) as f32 * 0.1 - 3.0)
        })
        .collect();
    let plain = Csr::from_triplets(20_011, 5_003, &triplets).unwrap();
    let turned = plain.transpose();
    assert_eq!(turned.transpose(), plain);
    for n_threads in [1, 2, 3] {
        with_run(n_threads, 1, |run| {
            assert_eq!(Csr::from_triplets_with(run, 20_011, 5_003, &triplets).unwrap(), plain);
            assert_eq!(plain.transpose_with(run).unwrap(), turned);
        });
    }
    let vector: Vec<f64> = (0..20_011).map(|row| 0.1 * f64::from(row)).collect();
    let sums = |n_threads| with_run(n_threads, 1, |run| plain.transposed_times_vector(run, &vector)).unwrap();
    assert_eq!(sums(1), sums(3));
}

#[test]
fn what_does_not_fit_is_refused() {
    run(|run| {
        let both = |n, m, triplets: &[(u32, u32, f32)]| {
            let error = Csr::from_triplets(n, m, triplets).unwrap_err();
            assert_eq!(Csr::from_triplets_with(run, n, m, triplets).unwrap_err(), error);
            error.to_string()
        };
        assert!(both(1 << 32, 2, &[]).contains("2^32 - 1"));
        assert!(both(2, 1 << 32, &[]).contains("2^32 - 1"));
        assert!(both(2, 2, &[(0, 0, 1.0), (2, 0, 1.0)]).contains("triplet 1 lies at (2, 0)"));
        assert!(both(2, 2, &[(1, 1, f32::NAN)]).contains("triplet 0 at (1, 1) is not finite"));
        assert!(both(2, 2, &[(1, 0, 3e38), (1, 0, 3e38)]).contains("(1, 0) add up"));
        let matrix = Csr::from_triplets(2, 3, &[(1, 2, 1.0)]).unwrap();
        assert!(matrix.times_vector(run, &[1.0]).unwrap_err().to_string().contains("3 columns"));
        assert!(matrix.transposed_times_vector(run, &[1.0]).unwrap_err().to_string().contains("2 rows"));
        assert!(matrix.select_rows(&[0, 2]).unwrap_err().to_string().contains("row 2"));
        assert!(matrix.slice_rows(1..3).unwrap_err().to_string().contains("1..3"));
        let empty = Csr::from_triplets_with(run, 0, 0, &[]).unwrap();
        assert_eq!(empty, Csr::from_triplets(0, 0, &[]).unwrap());
        assert_eq!(empty.transpose_with(run).unwrap().n_rows(), 0);
    });
}

/// Duplicates add up in f64 and are rounded once: a small value survives between two large ones.
#[test]
fn duplicates_add_up_in_double_precision() {
    let matrix = Csr::from_triplets(1, 1, &[(0, 0, 1e8), (0, 0, 1.0), (0, 0, -1e8)]).unwrap();
    assert_eq!(matrix.values(), [1.0]);
}
