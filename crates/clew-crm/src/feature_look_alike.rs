//! Look-alike: a ridge regression of who bought from an offer on the customers' factors, so that those who resemble its buyers score high.
//!
//! The Gram matrix is factorised once per state; an offer then costs one pass over its buyers and one small solve.
use ndarray::Array2;

/// Ridge, in units of the mean variance of the factors.
const RIDGE: f64 = 0.1;

/// Centred factors and the factorised Gram matrix.
pub(crate) struct LookAlike {
    /// n_customers × n_factors, centred.
    rows: Array2<f32>,
    /// Lower triangle of the Cholesky factor, row by row.
    cholesky: Vec<f64>,
}

impl LookAlike {
    /// From both sets of factors, side by side.
    pub(crate) fn new(a: &Array2<f32>, b: &Array2<f32>) -> LookAlike {
        let (n, ka, k) = (a.nrows(), a.ncols(), a.ncols() + b.ncols());
        let mut rows = Array2::zeros((n, k));
        for (i, mut row) in rows.rows_mut().into_iter().enumerate() {
            for j in 0..k {
                row[j] = if j < ka { a[[i, j]] } else { b[[i, j - ka]] };
            }
        }
        // Each set at unit mean square, so that one ridge suits both; then centred.
        for j in 0..k {
            let set = if j < ka { 0..ka } else { ka..k };
            if j == set.start {
                let square: f64 = rows
                    .columns()
                    .into_iter()
                    .skip(set.start)
                    .take(set.len())
                    .flatten()
                    .map(|&v: &f32| f64::from(v) * f64::from(v))
                    .sum();
                let scale = (square / (n * set.len()).max(1) as f64).sqrt().max(1e-12) as f32;
                rows.slice_mut(ndarray::s![.., set]).mapv_inplace(|v| v / scale);
            }
        }
        for mut column in rows.columns_mut() {
            let mean = column.iter().map(|&v| f64::from(v)).sum::<f64>() / n.max(1) as f64;
            column.mapv_inplace(|v| v - mean as f32);
        }
        let mut gram = vec![0.0_f64; k * k];
        for row in rows.rows() {
            for i in 0..k {
                let v = f64::from(row[i]);
                for j in 0..=i {
                    gram[i * k + j] += v * f64::from(row[j]);
                }
            }
        }
        let mean_variance = (0..k).map(|i| gram[i * k + i]).sum::<f64>() / k.max(1) as f64;
        for i in 0..k {
            gram[i * k + i] += RIDGE * mean_variance + 1e-6;
        }
        LookAlike { rows, cholesky: cholesky(gram, k) }
    }

    /// Scores of all customers from how much each bought (most of them 0): `(customer, amount)`.
    pub(crate) fn scores(&self, bought: impl Iterator<Item = (usize, f32)>) -> Vec<f32> {
        let k = self.rows.ncols();
        let mut b = vec![0.0_f64; k];
        let mut sum = 0.0_f64;
        for (customer, amount) in bought {
            sum += f64::from(amount);
            b.iter_mut()
                .zip(self.rows.row(customer))
                .for_each(|(b, &v)| *b += f64::from(amount) * f64::from(v));
        }
        // In units of the offer's mean, so that offers large and small are on one scale.
        let scale = self.rows.nrows() as f64 / (sum + 1.0);
        b.iter_mut().for_each(|b| *b *= scale);
        solve(&self.cholesky, k, &mut b);
        let weights: Vec<f32> = b.into_iter().map(|b| b as f32).collect();
        crate::feature_taste::dots(&self.rows, &weights)
    }
}

/// Lower Cholesky factor in place; the ridge keeps the diagonal above 0.
pub(crate) fn cholesky(mut a: Vec<f64>, k: usize) -> Vec<f64> {
    for i in 0..k {
        for j in 0..=i {
            let mut sum = a[i * k + j];
            for p in 0..j {
                sum -= a[i * k + p] * a[j * k + p];
            }
            a[i * k + j] = if i == j { sum.max(1e-12).sqrt() } else { sum / a[j * k + j] };
        }
    }
    a
}

/// Solves `L Lᵀ x = b` in place.
pub(crate) fn solve(l: &[f64], k: usize, b: &mut [f64]) {
    for i in 0..k {
        for p in 0..i {
            b[i] -= l[i * k + p] * b[p];
        }
        b[i] /= l[i * k + i];
    }
    for i in (0..k).rev() {
        for p in i + 1..k {
            b[i] -= l[p * k + i] * b[p];
        }
        b[i] /= l[i * k + i];
    }
}
