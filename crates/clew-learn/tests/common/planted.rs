//! Rows and columns whose taste comes in part from an attribute: events drawn by a softmax of inner products.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each user takes its part of these helpers"
)]

use clew_learn::Run;
use clew_learn::sparse::Csr;
use ndarray::Array2;
use rand::Rng;

use crate::common::normal;

pub const N_ROWS: usize = 2_000;
pub const N_COLUMNS: usize = 500;
pub const N_ROW_VALUES: usize = 12;
pub const N_COLUMN_VALUES: usize = 25;
const D: usize = 4;

/// Events to learn from and events to judge by, and who carries which attribute value.
pub struct Planted {
    pub train: Csr,
    pub test: Csr,
    pub row_attributes: Csr,
    pub column_attributes: Csr,
    /// Every tenth column has no events to learn from, and every tenth row none.
    pub cold: fn(usize) -> bool,
}

/// `share` of each vector's variance comes from its attribute value; 0 plants nothing. Columns differ much in
/// popularity, whatever their attribute.
pub fn planted(run: &Run<'_>, share: f32) -> Planted {
    let mut rng = run.rng(1);
    let mut side = |n: usize, n_values: usize| {
        let centres = Array2::from_shape_simple_fn((n_values, D), || normal(&mut rng));
        let values: Vec<usize> = (0..n).map(|_| rng.random_range(0..n_values)).collect();
        let vectors = Array2::from_shape_fn((n, D), |(row, k)| {
            share.sqrt() * centres[[values[row], k]] + (1.0 - share).sqrt() * normal(&mut rng)
        });
        let triplets: Vec<_> = (0..n).map(|row| (row as u32, values[row] as u32, 1.0)).collect();
        (vectors, Csr::from_triplets(n, n_values, &triplets).unwrap())
    };
    let (rows, row_attributes) = side(N_ROWS, N_ROW_VALUES);
    let (columns, column_attributes) = side(N_COLUMNS, N_COLUMN_VALUES);
    let popularity: Vec<f32> = (0..N_COLUMNS).map(|_| normal(&mut rng)).collect();
    let cold = |place: usize| place % 10 == 3;
    let (mut train, mut test) = (vec![], vec![]);
    for r in 0..N_ROWS {
        let mut sum = 0.0;
        let running: Vec<f32> = (0..N_COLUMNS)
            .map(|c| {
                let product: f32 = rows.row(r).iter().zip(columns.row(c)).map(|(p, q)| p * q).sum();
                sum += (product + popularity[c]).exp();
                sum
            })
            .collect();
        let n = 4 + rng.random_range(0..3_u32).pow(3) * 3;
        for event in 0..n + 6 {
            let drawn = sum * rng.random::<f32>();
            let c = running.partition_point(|&end| end < drawn).min(N_COLUMNS - 1);
            let for_test = event >= n || cold(r) || cold(c);
            if for_test { &mut test } else { &mut train }.push((r as u32, c as u32, 1.0));
        }
    }
    let matrix = |triplets: &[_]| Csr::from_triplets(N_ROWS, N_COLUMNS, triplets).unwrap();
    Planted { train: matrix(&train), test: matrix(&test), row_attributes, column_attributes, cold }
}

impl Planted {
    /// Mean over rows of the chance that a column of the test events scores above one that is not, among the
    /// `shown` columns, for the rows that are `asked`.
    pub fn auc(
        &self,
        rows: &Array2<f32>,
        columns: &Array2<f32>,
        asked: impl Fn(usize) -> bool,
        shown: impl Fn(usize, usize) -> bool,
    ) -> f64 {
        let scores = rows.dot(&columns.t());
        let (mut sum, mut n) = (0.0, 0.0);
        for r in (0..N_ROWS).filter(|&r| asked(r)) {
            let taken = self.test.row(r).0;
            let places: Vec<usize> = (0..N_COLUMNS).filter(|&c| shown(r, c)).collect();
            let score: Vec<f32> = places.iter().map(|&c| scores[[r, c]]).collect();
            let outcome: Vec<f32> = places
                .iter()
                .map(|&c| f32::from(u8::from(taken.binary_search(&(c as u32)).is_ok())))
                .collect();
            if let Ok(auc) = clew_learn::metrics::auc(&score, &outcome, &vec![1.0; places.len()]) {
                sum += auc;
                n += 1.0;
            }
        }
        sum / n
    }

    /// For the cold columns: mean of the chance that a row (with events) that takes it has a higher score than
    /// one that does not.
    pub fn auc_of_columns(&self, rows: &Array2<f32>, columns: &Array2<f32>) -> f64 {
        let takers = self.test.transpose();
        let asked: Vec<usize> = (0..N_ROWS).filter(|&r| !(self.cold)(r)).collect();
        let (mut sum, mut n) = (0.0, 0.0);
        for c in (0..N_COLUMNS).filter(|&c| (self.cold)(c)) {
            let score: Vec<f32> = asked.iter().map(|&r| rows.row(r).dot(&columns.row(c))).collect();
            let outcome: Vec<f32> = asked
                .iter()
                .map(|&r| f32::from(u8::from(takers.row(c).0.binary_search(&(r as u32)).is_ok())))
                .collect();
            if let Ok(auc) = clew_learn::metrics::auc(&score, &outcome, &vec![1.0; asked.len()]) {
                sum += auc;
                n += 1.0;
            }
        }
        sum / n
    }
}
