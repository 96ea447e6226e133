//! Look-alike: a ridge regression of who bought from an offer on the customers' factors, so that those who resemble its buyers score high.
//!
//! The Gram matrix is factorised once per state; an offer then costs one pass over its buyers and one small solve.
use ndarray::Array2;
use rayon::prelude::*;

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
        let each = |customer: usize| a.row(customer).into_iter().chain(b.row(customer)).copied();
        // Each set at unit mean square, so that one ridge suits both; then centred.
        let squares = sums(n, k, |customer, sums| {
            sums.iter_mut().zip(each(customer)).for_each(|(sum, v)| *sum += f64::from(v) * f64::from(v));
        });
        let mut scales = vec![1.0_f32; k];
        for set in [0..ka, ka..k] {
            let square: f64 = squares[set.clone()].iter().sum();
            scales[set.clone()].fill((square / (n * set.len()).max(1) as f64).sqrt().max(1e-12) as f32);
        }
        let totals = sums(n, k, |customer, sums| {
            let row = each(customer).zip(&scales);
            sums.iter_mut().zip(row).for_each(|(sum, (v, scale))| *sum += f64::from(v / scale));
        });
        let means: Vec<f32> = totals.iter().map(|total| (total / n.max(1) as f64) as f32).collect();
        let mut gram = sums(n, k * k, |customer, sums| {
            let row = each(customer).zip(scales.iter().zip(&means));
            let row: Vec<f64> = row.map(|(v, (scale, mean))| f64::from(v / scale - mean)).collect();
            for (i, &v) in row.iter().enumerate() {
                sums[i * k..=i * k + i].iter_mut().zip(&row).for_each(|(sum, &other)| *sum += v * other);
            }
        });
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

/// Customers that one task passes over.
pub(crate) const CUSTOMERS: usize = 8192;

/// `k` sums over all customers, in chunks of a fixed size and in their order, so that they do not depend on the number of threads.
fn sums(n_customers: usize, k: usize, add: impl Fn(usize, &mut [f64]) + Sync) -> Vec<f64> {
    let chunks: Vec<Vec<f64>> = (0..n_customers.div_ceil(CUSTOMERS))
        .into_par_iter()
        .map(|chunk| {
            let mut part = vec![0.0; k];
            let customers = chunk * CUSTOMERS..((chunk + 1) * CUSTOMERS).min(n_customers);
            customers.for_each(|customer| add(customer, &mut part));
            part
        })
        .collect();
    let mut all = vec![0.0; k];
    for part in chunks {
        all.iter_mut().zip(part).for_each(|(sum, v)| *sum += v);
    }
    all
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
