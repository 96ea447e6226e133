//! What the contract looks at: an estimator as a function from cases to predictions, and the cases.

use std::sync::Arc;

use clew_learn::format::{File, Writer};
use clew_learn::sparse::Csr;
use clew_learn::{Result, Run};
use ndarray::{Array2, Axis};

use crate::common::cases;

#[derive(Clone)]
pub struct Cases {
    pub x: Array2<f32>,
    pub y: Vec<f32>,
    pub weight: Vec<f32>,
}

impl Cases {
    pub fn column(&self) -> Vec<f32> {
        self.x.column(0).to_vec()
    }

    pub fn select(&self, rows: &[usize]) -> Cases {
        Cases {
            x: self.x.select(Axis(0), rows),
            y: rows.iter().map(|&row| self.y[row]).collect(),
            weight: rows.iter().map(|&row| self.weight[row]).collect(),
        }
    }
}

/// Predictions for `judged` of a model fitted to `cases`; those of the model read back; the model's bytes.
pub struct Outcome {
    pub predicted: Vec<f32>,
    pub reread: Vec<f32>,
    pub bytes: Vec<u8>,
}

pub struct Candidate {
    pub name: &'static str,
    pub fit: fn(&Run<'_>, &Cases, &Array2<f32>) -> Result<Outcome>,
    /// Whether outcomes of one class are refused; what has no outcomes cannot.
    pub refuses_one_class: bool,
    /// How far predictions may move where only rounding differs.
    pub tolerance: f32,
}

pub fn keep(write: impl FnOnce(&mut Writer) -> Result<()>) -> Result<(File, Vec<u8>)> {
    let mut writer = Writer::new();
    write(&mut writer)?;
    let bytes = writer.finish();
    Ok((File::open(Arc::new(bytes.clone()))?, bytes))
}

/// 5,000 rows of 6 columns with outcomes 0/1 and weights 1 to 3; 500 rows to judge.
pub fn sample() -> (Cases, Array2<f32>) {
    let (x, y) = cases(5_000, 6, 11);
    let weight = (0..5_000).map(|row| 1.0 + (row % 3) as f32).collect();
    (Cases { x, y, weight }, cases(500, 6, 12).0)
}

/// The same rows with every value kept, for estimators of sparse rows.
pub fn sparse(x: &Array2<f32>) -> Result<Csr> {
    let cells = x.indexed_iter().map(|((row, column), &value)| (row as u32, column as u32, value));
    Csr::from_triplets(x.nrows(), x.ncols(), &cells.collect::<Vec<_>>())
}

pub fn assert_near(name: &str, a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len(), "{name}");
    for (row, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance, "{name}: row {row}: {a} against {b}");
    }
}
