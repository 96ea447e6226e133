//! Vectors regressed on attributes: min over B of Σ w |x − a B|² + shrinkage × Σ |B_value|², all factors at once,
//! by conjugate gradient with a diagonal preconditioner (Hestenes & Stiefel 1952; Saad 2003, algorithm 9.1). The
//! products with AᵀWA + ridge go through the sparse A, so values may be as many as they like. Factors share the
//! products, each has its own step.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::descriptors::{Descriptors, add_up};
use crate::error::{Error, Result};
use crate::parallel::sum_chunks;
use crate::run::Run;
use crate::sparse::Csr;

/// Rows or values of one task.
const CHUNK: usize = 1_024;
/// Values of one task that adds up over rows: some are carried by very many.
const VALUES: usize = 16;
/// A residual this small beside the right side ends the descent.
const TOLERANCE: f64 = 1e-6;

/// One side's attributes and weights, prepared once.
pub(super) struct Regression {
    /// Rows × values, those with too little support left out; and turned.
    attributes: Csr,
    turned: Csr,
    weights: Vec<f32>,
    /// Diagonal of AᵀWA, that of the baseline last.
    squares: Vec<f64>,
    total: f64,
}

impl Regression {
    /// With the support of each value: 0 where fewer than `minimum` rows of weight above 0 carry it.
    pub(super) fn new(attributes: &Csr, weights: Vec<f32>, minimum: u32) -> Result<(Regression, Vec<u32>)> {
        let mut support = vec![0_u32; attributes.n_cols()];
        for (row, _) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            let (values, amounts) = attributes.row(row);
            for (&value, _) in values.iter().zip(amounts).filter(|(_, amount)| **amount != 0.0) {
                support[value as usize] += 1;
            }
        }
        support.iter_mut().for_each(|support| *support = if *support < minimum { 0 } else { *support });
        let (mut starts, mut indices, mut amounts) = (vec![0], Vec::new(), Vec::new());
        for row in 0..attributes.n_rows() {
            let (values, held) = attributes.row(row);
            for (&value, &amount) in values.iter().zip(held) {
                if support[value as usize] > 0 {
                    indices.push(value);
                    amounts.push(amount);
                }
            }
            starts.push(indices.len());
        }
        let attributes = Csr::from_parts(attributes.n_cols(), starts, indices, amounts)?;
        let turned = attributes.transpose();
        let squares = |value: usize| -> f64 {
            let (rows, amounts) = turned.row(value);
            let terms = rows.iter().zip(amounts);
            terms.map(|(&row, &a)| f64::from(weights[row as usize]) * f64::from(a) * f64::from(a)).sum()
        };
        let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        let squares = (0..support.len()).map(squares).chain([total]).collect();
        Ok((Regression { attributes, turned, weights, squares, total }, support))
    }

    /// The penalty that the spread of the descriptors asks for, by moments: with m the weight that carries a value
    /// and x̄ what its rows say, E Σ m |x̄|² = σ² × values + τ² Σ m; the penalty is σ² / τ². (x̄ is the descriptor
    /// before shrinkage, one value a row at a time; values that go together are thought further apart than they
    /// are.)
    pub(super) fn shrinkage(
        &self,
        run: &Run<'_>,
        vectors: ArrayView2<'_, f32>,
        descriptors: &Descriptors,
    ) -> Result<f32> {
        let means = add_up(run, &self.attributes, &descriptors.vectors)?;
        let spread = sum_chunks(run, vectors.nrows(), CHUNK, 1, |from, to, sum| {
            for row in from..to {
                let (vector, mean) = (vectors.row(row), means.row(row));
                let apart: f64 = vector.iter().zip(mean).map(|(x, m)| f64::from(x - m).powi(2)).sum();
                sum[0] += f64::from(self.weights[row]) * apart;
            }
        })?[0];
        let (mut between, mut weight, mut n, mut fitted) = (0.0, 0.0, 0.0, 0.0);
        let penalty = f64::from(descriptors.shrinkage);
        for (value, vector) in descriptors.vectors.rows().into_iter().enumerate() {
            let m = self.squares[value];
            if descriptors.support.get(value).is_some_and(|&support| support > 0) && m > 0.0 {
                let square: f64 = vector.iter().map(|&x| f64::from(x).powi(2)).sum();
                between += m * square * (1.0 + penalty / m).powi(2);
                weight += m;
                n += 1.0;
                fitted += m / (m + penalty);
            }
        }
        let noise = spread / (self.total - 1.0 - fitted).max(1.0);
        let apart = (between - n * noise) / weight;
        Ok(if apart > 0.0 { (noise / apart) as f32 } else { f32::MAX })
    }

    /// Whether a row has events.
    pub(super) fn is_known(&self, row: usize) -> bool {
        self.weights.get(row).is_some_and(|&weight| weight > 0.0)
    }

    /// Moves the descriptors towards the optimum for `vectors` by at most `n_steps` steps.
    pub(super) fn descend(
        &self,
        run: &Run<'_>,
        vectors: ArrayView2<'_, f32>,
        descriptors: &mut Descriptors,
        n_steps: usize,
    ) -> Result<()> {
        // The right side less what the descriptors explain: Aᵀ W (X − A B) − ridge B.
        let mut left = vectors.to_owned();
        left -= &add_up(run, &self.attributes, &descriptors.vectors)?;
        let mut residual = self.back(run, left)?;
        let ridge = descriptors.shrinkage;
        add_ridge(&mut residual, &descriptors.vectors, -ridge);
        let right = self.back(run, vectors.to_owned())?;
        let goal = self.products(run, &right, &right)?;
        let mut conditioned = self.condition(&residual, ridge);
        let mut direction = conditioned.clone();
        let mut before = self.products(run, &residual, &conditioned)?;
        for _ in 0..n_steps {
            let still: Vec<f64> = self.products(run, &residual, &residual)?;
            if still.iter().zip(&goal).all(|(&still, &goal)| still <= TOLERANCE * TOLERANCE * goal) {
                break;
            }
            let forward = add_up(run, &self.attributes, &direction)?;
            let mut product = self.back(run, forward)?;
            add_ridge(&mut product, &direction, ridge);
            let curvature = self.products(run, &direction, &product)?;
            let step = ratios(&before, &curvature);
            add_scaled(&mut descriptors.vectors, &direction, &step, 1.0);
            add_scaled(&mut residual, &product, &step, -1.0);
            conditioned = self.condition(&residual, ridge);
            let after = self.products(run, &residual, &conditioned)?;
            let turn = ratios(&after, &before);
            for (mut direction, conditioned) in direction.rows_mut().into_iter().zip(conditioned.rows()) {
                for (k, direction) in direction.iter_mut().enumerate() {
                    *direction = conditioned[k] + turn[k] * *direction;
                }
            }
            before = after;
        }
        let wild = |vector: ArrayView1<'_, f32>| vector.iter().any(|value| !value.is_finite());
        match descriptors.vectors.rows().into_iter().position(wild) {
            Some(value) => Err(Error::input(
                format!("attribute value {value} has a descriptor that is not finite"),
                "scale the amounts of attributes to the order of 1",
            )),
            None => Ok(()),
        }
    }

    /// Aᵀ W times what is given (rows × factors), the baseline's sum last.
    fn back(&self, run: &Run<'_>, mut rows: Array2<f32>) -> Result<Array2<f32>> {
        let (n, d) = rows.dim();
        for (mut row, &weight) in rows.rows_mut().into_iter().zip(&self.weights) {
            row.mapv_inplace(|value| weight * value);
        }
        let standard = rows.as_standard_layout();
        let rows = standard.as_slice().unwrap_or(&[]);
        let n_values = self.turned.n_rows();
        let mut sums = Array2::<f32>::zeros((n_values + 1, d));
        let slots = sums.as_slice_mut().unwrap_or(&mut []);
        let (values, baseline) = slots.split_at_mut(n_values * d);
        run.pool.install(|| {
            values.par_chunks_mut(VALUES * d).enumerate().try_for_each(|(chunk, slots)| {
                run.check()?;
                let mut sum = vec![0.0_f64; d];
                for (place, slots) in slots.chunks_exact_mut(d).enumerate() {
                    let (carriers, amounts) = self.turned.row(chunk * VALUES + place);
                    sum.fill(0.0);
                    for (&row, &amount) in carriers.iter().zip(amounts) {
                        let vector = &rows[row as usize * d..(row as usize + 1) * d];
                        sum.iter_mut().zip(vector).for_each(|(s, &x)| *s += f64::from(amount * x));
                    }
                    slots.iter_mut().zip(&sum).for_each(|(slot, &sum)| *slot = sum as f32);
                }
                Ok(())
            })
        })?;
        let total = sum_chunks(run, n, CHUNK, d, |from, to, sum| {
            for row in rows[from * d..to * d].chunks_exact(d) {
                sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
            }
        })?;
        baseline.iter_mut().zip(&total).for_each(|(slot, &sum)| *slot = sum as f32);
        Ok(sums)
    }

    /// Over the diagonal of AᵀWA + ridge.
    fn condition(&self, residual: &Array2<f32>, ridge: f32) -> Array2<f32> {
        let mut conditioned = residual.clone();
        for ((place, mut row), &square) in conditioned.rows_mut().into_iter().enumerate().zip(&self.squares) {
            let penalty = if place < self.turned.n_rows() { f64::from(ridge) } else { 0.0 };
            let diagonal = square + penalty;
            row.mapv_inplace(|value| if diagonal > 0.0 { (f64::from(value) / diagonal) as f32 } else { 0.0 });
        }
        conditioned
    }

    /// Inner products of two sets of vectors, factor by factor.
    fn products(&self, run: &Run<'_>, a: &Array2<f32>, b: &Array2<f32>) -> Result<Vec<f64>> {
        sum_chunks(run, a.nrows(), CHUNK, a.ncols(), |from, to, sum| {
            for row in from..to {
                for ((sum, &a), &b) in sum.iter_mut().zip(a.row(row)).zip(b.row(row)) {
                    *sum += f64::from(a) * f64::from(b);
                }
            }
        })
    }
}

/// to += ridge × vectors, but for the last, the baseline.
fn add_ridge(to: &mut Array2<f32>, vectors: &Array2<f32>, ridge: f32) {
    let n = vectors.nrows() - 1;
    for (mut to, vector) in to.rows_mut().into_iter().zip(vectors.rows()).take(n) {
        to.scaled_add(ridge, &vector);
    }
}

/// a / b, 0 where b is 0: a factor that has arrived stays.
fn ratios(a: &[f64], b: &[f64]) -> Vec<f32> {
    a.iter().zip(b).map(|(&a, &b)| if b > 0.0 { (a / b) as f32 } else { 0.0 }).collect()
}

/// to += sign × scale[factor] × vectors.
fn add_scaled(to: &mut Array2<f32>, vectors: &Array2<f32>, scale: &[f32], sign: f32) {
    for (mut to, vector) in to.rows_mut().into_iter().zip(vectors.rows()) {
        for ((to, &value), &scale) in to.iter_mut().zip(vector).zip(scale) {
            *to += sign * scale * value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense;
    use crate::run::{Silent, Stop};
    use rand::Rng;

    #[test]
    fn the_descent_ends_at_the_solution_of_the_normal_equations() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };
        let mut rng = run.rng(1);
        let (n, n_values, d, ridge) = (300, 9, 3, 2.5_f32);
        // Values that overlap, and one (the last) of too few rows.
        let mut triplets = vec![(5_u32, 8_u32, 1.0_f32), (6, 8, 1.0)];
        for row in 0..n as u32 {
            triplets
                .extend((0..8).filter(|_| rng.random::<f32>() < 0.4).map(|v| (row, v, 0.5 + v as f32 / 8.0)));
        }
        let attributes = Csr::from_triplets(n, n_values, &triplets).unwrap();
        let weights: Vec<f32> = (0..n).map(|row| (row % 4) as f32 / 3.0).collect();
        let x = Array2::from_shape_simple_fn((n, d), || rng.random::<f32>() - 0.3);
        let (regression, support) = Regression::new(&attributes, weights.clone(), 3).unwrap();
        assert!(support[8] == 0 && support[..8].iter().all(|&support| support > 50));
        let mut found = Descriptors::zeros(support, d, ridge, true);
        regression.descend(&run, x.view(), &mut found, 60).unwrap();
        // Eight values and the baseline, densely in f64.
        let width = 9;
        let mut system = vec![0.0_f64; width * width];
        let mut right = vec![vec![0.0_f64; width]; d];
        for row in 0..n {
            let mut a = vec![0.0_f64; width];
            a[8] = 1.0;
            let (values, amounts) = attributes.row(row);
            for (&value, &amount) in values.iter().zip(amounts).filter(|(value, _)| **value < 8) {
                a[value as usize] = f64::from(amount);
            }
            let weight = f64::from(weights[row]);
            for i in 0..width {
                (0..width).for_each(|j| system[i * width + j] += weight * a[i] * a[j]);
                (0..d).for_each(|k| right[k][i] += weight * a[i] * f64::from(x[[row, k]]));
            }
        }
        (0..8).for_each(|i| system[i * width + i] += f64::from(ridge));
        for (k, right) in right.iter_mut().enumerate() {
            let mut system = system.clone();
            assert!(dense::solve(&mut system, right, width, &mut dense::Scratch::new::<f64>(width)));
            for (i, &sought) in right.iter().enumerate() {
                let value = if i < 8 { i } else { n_values };
                let apart = f64::from(found.vectors[[value, k]]) - sought;
                assert!(apart.abs() < 1e-5, "value {i}, factor {k}: {apart}");
            }
            assert_eq!(found.vectors[[8, k]], 0.0, "the value of two rows");
        }
    }
}
