//! Look-alike: a ridge regression of who bought from an offer on the customers' factors, so that those who resemble its buyers score high.
//!
//! The Gram matrix is factorised once per state; an offer then costs one pass over its buyers and one small solve.
use ndarray::Array2;

/// Ridge, in units of the mean variance of the factors.
const RIDGE: f64 = 0.1;

/// How the factors are scaled and centred, and the factorised Gram matrix.
pub(crate) struct LookAlike {
    n_customers: usize,
    /// What each number of a row is divided by, and then less.
    scale: Vec<f32>,
    mean: Vec<f32>,
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
        let (mut scales, mut means) = (vec![1.0; k], vec![0.0; k]);
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
                scales[set.clone()].fill(scale);
                rows.slice_mut(ndarray::s![.., set]).mapv_inplace(|v| v / scale);
            }
        }
        for (mut column, kept) in rows.columns_mut().into_iter().zip(&mut means) {
            let mean = column.iter().map(|&v| f64::from(v)).sum::<f64>() / n.max(1) as f64;
            *kept = mean as f32;
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
        LookAlike { n_customers: n, scale: scales, mean: means, cholesky: cholesky(gram, k) }
    }

    /// What a customer's factors (both sets, side by side) weigh in their likeness to those who bought, and what is added to it; from
    /// who bought how much and their factors.
    pub(crate) fn weights<'a>(&self, bought: impl Iterator<Item = (f32, [&'a [f32]; 2])>) -> (Vec<f32>, f32) {
        let k = self.scale.len();
        let mut b = vec![0.0_f64; k];
        let mut sum = 0.0_f64;
        for (amount, [first, second]) in bought {
            let amount = f64::from(amount);
            sum += amount;
            b.iter_mut().zip(first.iter().chain(second)).for_each(|(b, &v)| *b += amount * f64::from(v));
        }
        for ((b, &scale), &mean) in b.iter_mut().zip(&self.scale).zip(&self.mean) {
            *b = *b / f64::from(scale) - sum * f64::from(mean);
        }
        // In units of the offer's mean, so that offers large and small are on one scale.
        let scale = self.n_customers as f64 / (sum + 1.0);
        b.iter_mut().for_each(|b| *b *= scale);
        solve(&self.cholesky, k, &mut b);
        let constant: f64 = b.iter().zip(&self.mean).map(|(b, &mean)| b * f64::from(mean)).sum();
        let weights = b.iter().zip(&self.scale).map(|(b, &scale)| (b / f64::from(scale)) as f32).collect();
        (weights, -constant as f32)
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
