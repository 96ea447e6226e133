//! Second moments of columns and outcomes about their means: all that a linear regression needs of its rows.

use ndarray::ArrayView2;

use super::FittedLinear;
use crate::check::{self, Missing};
use crate::dense::{self, Scratch};
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::parallel::sum_chunks;
use crate::run::Run;

/// Beyond, the moments would take more than 200 MB and their solution minutes.
const COLUMNS: usize = 5_000;
/// Rows that are widened to f64 and multiplied at once.
const BLOCK: usize = 256;
/// Most numbers that all chunks together may hold.
const MEMORY: usize = 1 << 26;
/// A column whose variance is at most this share of its squared mean is constant.
const CONSTANT: f64 = 1e-14;
/// A column whose variance is down to this share, once the columns before it are known, depends on them.
const DEPENDENT: f64 = 1e-11;

/// Weighted sums of squares and products about the means.
pub(super) struct Moments {
    /// Σ weight × column × column; p × p, both triangles.
    pub(super) gram: Vec<f64>,
    /// Σ weight × column × outcome.
    pub(super) products: Vec<f64>,
    means: Vec<f64>,
    mean: f64,
}

impl Moments {
    pub(super) fn new(run: &Run<'_>, x: ArrayView2<'_, f32>, y: &[f32], weight: &[f32]) -> Result<Moments> {
        let (n, p) = x.dim();
        check::matrix(x, Missing::Refused, "row")?;
        if p > COLUMNS {
            return Err(Error::input(
                format!("{p} columns"),
                format!("use at most {COLUMNS}, or ridge over sparse rows"),
            ));
        }
        check::outcomes(n, y, weight, Loss::Squared)?;
        let mean = check::mean_outcome(y, weight, Loss::Squared)?;
        let total: f64 = weight.iter().map(|&w| f64::from(w)).sum();
        let d = p + 1;
        let n_chunks = (MEMORY / (d * d)).clamp(1, 64);
        let chunk = n.div_ceil(n_chunks).max(4_096);
        let mut means = sum_chunks(run, n, chunk, p, |from, to, sum| {
            for (row, &w) in (from..to).zip(&weight[from..to]) {
                let w = f64::from(w);
                sum.iter_mut().zip(x.row(row)).for_each(|(sum, &value)| *sum += w * f64::from(value));
            }
        })?;
        means.iter_mut().for_each(|mean| *mean /= total);
        // The outcome goes along as a last column. Its own square is not used, but costs next to nothing.
        let mut sums = sum_chunks(run, n, chunk, d * d, |from, to, sum| {
            let mut block = vec![0.0; BLOCK * d];
            for start in (from..to).step_by(BLOCK) {
                let rows = start..(start + BLOCK).min(to);
                let n_rows = rows.len();
                for (row, values) in rows.zip(block.chunks_exact_mut(d)) {
                    let scale = f64::from(weight[row]).sqrt();
                    for ((slot, &value), mean) in values.iter_mut().zip(x.row(row)).zip(&means) {
                        *slot = scale * (f64::from(value) - mean);
                    }
                    values[p] = scale * (f64::from(y[row]) - mean);
                }
                dense::gram(true, sum, &block[..n_rows * d], n_rows, d);
            }
        })?;
        dense::mirror(&mut sums, d);
        for (j, mean) in means.iter().enumerate() {
            // What is left of a constant column is rounding, not variance.
            if sums[j * d + j] <= CONSTANT * total * mean * mean {
                (0..d).for_each(|i| (sums[j * d + i], sums[i * d + j]) = (0.0, 0.0));
            }
        }
        let products = sums[p * d..p * d + p].to_vec();
        let gram = sums.chunks_exact(d).take(p).flat_map(|column| column[..p].iter().copied()).collect();
        Ok(Moments { gram, products, means, mean })
    }

    pub(super) fn n_columns(&self) -> usize {
        self.products.len()
    }

    /// The model with these coefficients, its intercept set for the means.
    pub(super) fn fitted(&self, coefficients: Vec<f64>) -> FittedLinear {
        let shift: f64 = coefficients.iter().zip(&self.means).map(|(c, mean)| c * mean).sum();
        FittedLinear { intercept: self.mean - shift, coefficients }
    }

    /// The ridge solution.
    pub(super) fn ridge(&self, l2: f64) -> Result<Vec<f64>> {
        let p = self.n_columns();
        let all: Vec<usize> = (0..p).collect();
        self.solve(&all, l2, &self.products).ok_or_else(|| {
            // The first column that does not stand on its own: the smallest leading part that fails, by halves.
            let (mut sound, mut fails) = (0, p);
            while fails - sound > 1 {
                let middle = (sound + fails) / 2;
                match self.solve(&all[..middle], l2, &self.products[..middle]) {
                    Some(_) => sound = middle,
                    None => fails = middle,
                }
            }
            Error::input(
                format!("column {sound} is constant or depends on the columns before it"),
                "drop it or use an l2 above 0",
            )
        })
    }

    /// Solves (gram + l2) coefficients = right for the columns of `set`; `None` where they depend on each other.
    pub(super) fn solve(&self, set: &[usize], l2: f64, right: &[f64]) -> Option<Vec<f64>> {
        let (p, k) = (self.n_columns(), set.len());
        // With a unit diagonal the pivots are shares of each column's own variance.
        let scale: Vec<f64> = set.iter().map(|&j| 1.0 / (self.gram[j * p + j] + l2).sqrt()).collect();
        if scale.iter().any(|scale| !scale.is_finite()) {
            return None;
        }
        let mut matrix = Vec::with_capacity(k * k);
        for (&j, a) in set.iter().zip(&scale) {
            let column = &self.gram[j * p..(j + 1) * p];
            matrix.extend(
                set.iter().zip(&scale).map(|(&i, b)| a * b * (column[i] + if i == j { l2 } else { 0.0 })),
            );
        }
        let mut solution: Vec<f64> = right.iter().zip(&scale).map(|(value, scale)| value * scale).collect();
        let positive = dense::solve(&mut matrix, &mut solution, k, &mut Scratch::new::<f64>(k));
        let sound = positive && (0..k).all(|j| matrix[j * k + j].powi(2) > DEPENDENT);
        sound.then(|| solution.iter().zip(&scale).map(|(value, scale)| value * scale).collect())
    }
}
