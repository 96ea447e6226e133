//! One side's biases and vectors from the other's: a small ridge regression a row.
//!
//! With H the other side's vectors of the row's places, each led by a 1 for the bias, W its weights, t what the
//! mean and the other's biases leave of the values and D the diagonal of penalties, the row's bias and vector x
//! solve (HᵀWH + D) x = HᵀWt. A row with fewer places than unknowns is solved in the space of its places:
//! x = D⁻¹Hᵀ√W (I + √W H D⁻¹ Hᵀ √W)⁻¹ √W t.

use ndarray::Array2;
use rayon::prelude::*;

use super::{ExplicitAls, Side};
use crate::dense::{self, Scratch};
use crate::error::{Error, Result};
use crate::run::Run;
use crate::sparse::Csr;

/// Rows that one task solves.
const ROWS: usize = 32;
/// Places multiplied at once in f32; their sums go on in f64.
const PLACES: usize = 512;

/// Biases and vectors of the rows of `values`, the `other` side held as it is.
pub(super) fn side(
    run: &Run<'_>,
    params: &ExplicitAls,
    mean: f64,
    other: &Side,
    values: &Csr,
    weights: Option<&Csr>,
) -> Result<Side> {
    let width = params.n_factors + 1;
    let mut solved = vec![0.0_f32; values.n_rows() * width];
    if other.vectors.dim() != (values.n_cols(), width - 1) || other.biases.len() != values.n_cols() {
        return Err(Error::input(
            format!(
                "{} biases and {:?} vectors do not fit together",
                other.biases.len(),
                other.vectors.dim()
            ),
            "leave the fitted sides as they were",
        ));
    }
    let vectors = other.vectors.as_standard_layout();
    let task = Task { params, mean, other, vectors: vectors.as_slice().unwrap_or(&[]) };
    run.pool.install(|| {
        solved.par_chunks_mut(ROWS * width).enumerate().try_for_each_init(
            || Desk::new(width),
            |desk, (chunk, found)| {
                run.check()?;
                for (place, found) in found.chunks_exact_mut(width).enumerate() {
                    let row = chunk * ROWS + place;
                    let (columns, values) = values.row(row);
                    desk.weights.clear();
                    match weights {
                        Some(weights) => desk.weights.extend_from_slice(weights.row(row).1),
                        None => desk.weights.resize(values.len(), 1.0),
                    }
                    if !task.solve_row(desk, columns, values, found) {
                        return Err(Error::input(
                            format!("row or column {row} has no solution"),
                            "raise the regularisation, or scale values and weights to the order of 1",
                        ));
                    }
                }
                Ok(())
            },
        )
    })?;
    let biases = solved.chunks_exact(width).map(|found| found[0]).collect();
    let vectors = Array2::from_shape_fn((values.n_rows(), width - 1), |(row, k)| solved[row * width + 1 + k]);
    Ok(Side { biases, vectors })
}

/// What all rows of one side share.
struct Task<'a> {
    params: &'a ExplicitAls,
    mean: f64,
    other: &'a Side,
    vectors: &'a [f32],
}

impl Task<'_> {
    /// Writes bias and vector of one row; false where the system has no finite solution.
    fn solve_row(&self, desk: &mut Desk, columns: &[u32], values: &[f32], found: &mut [f32]) -> bool {
        let width = found.len();
        let frequency: f64 = desk.weights.iter().map(|&weight| f64::from(weight)).sum();
        if frequency <= 0.0 {
            return true;
        }
        let scale = frequency.powf(f64::from(self.params.frequency_exponent));
        let bias_penalty = f64::from(self.params.bias_regularisation) * scale;
        let penalty = f64::from(self.params.regularisation) * scale;
        let solved = if columns.len() < width {
            self.in_places(desk, columns, values, [bias_penalty, penalty])
        } else {
            self.in_factors(desk, columns, values, [bias_penalty, penalty])
        };
        found.iter_mut().zip(&desk.found).for_each(|(slot, &value)| *slot = value as f32);
        solved && found.iter().all(|value| value.is_finite())
    }

    fn in_places(&self, desk: &mut Desk, columns: &[u32], values: &[f32], penalties: [f64; 2]) -> bool {
        let (n, width) = (columns.len(), desk.found.len());
        let [bias, rest] = penalties.map(|penalty| 1.0 / penalty.sqrt());
        self.gather(desk, columns, 0, bias, rest);
        let system = &mut desk.system[..n * n];
        // Few places: their products in f64 at once.
        for i in 0..n {
            for j in 0..=i {
                let (a, b) = (&desk.gathered[i * width..][..width], &desk.gathered[j * width..][..width]);
                let sum: f64 = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                system[j * n + i] = sum + f64::from(u8::from(i == j));
            }
        }
        let sought = &mut desk.sought[..n];
        for (place, slot) in sought.iter_mut().enumerate() {
            *slot = f64::from(desk.weights[place]).sqrt() * self.left(columns[place], values[place]);
        }
        if !dense::solve(system, sought, n, &mut desk.scratch) {
            return false;
        }
        desk.found.fill(0.0);
        for (vector, &share) in desk.gathered.chunks_exact(width).zip(sought.iter()) {
            desk.found.iter_mut().zip(vector).for_each(|(sum, &value)| *sum += share * f64::from(value));
        }
        desk.found.iter_mut().enumerate().for_each(|(k, x)| *x *= if k == 0 { bias } else { rest });
        true
    }

    fn in_factors(&self, desk: &mut Desk, columns: &[u32], values: &[f32], penalties: [f64; 2]) -> bool {
        let width = desk.found.len();
        desk.system.fill(0.0);
        for k in 0..width {
            desk.system[k * width + k] = penalties[usize::from(k > 0)];
        }
        desk.found.fill(0.0);
        for (block, (columns, values)) in columns.chunks(PLACES).zip(values.chunks(PLACES)).enumerate() {
            let from = block * PLACES;
            self.gather(desk, columns, from, 1.0, 1.0);
            let n = columns.len();
            dense::gram(false, &mut desk.part, &desk.gathered[..n * width], n, width);
            desk.system.iter_mut().zip(&desk.part).for_each(|(sum, &part)| *sum += f64::from(part));
            for (place, vector) in desk.gathered[..n * width].chunks_exact(width).enumerate() {
                let root = f64::from(desk.weights[from + place]).sqrt();
                let target = root * self.left(columns[place], values[place]);
                desk.found.iter_mut().zip(vector).for_each(|(sum, &value)| *sum += target * f64::from(value));
            }
        }
        dense::solve(&mut desk.system, &mut desk.found, width, &mut desk.scratch)
    }

    /// What the mean and the other side's bias leave of a value.
    fn left(&self, column: u32, value: f32) -> f64 {
        f64::from(value) - self.mean - f64::from(self.other.biases[column as usize])
    }

    /// √weight × (bias scale, scale × vector) of some columns, whose weights start at `from`.
    fn gather(&self, desk: &mut Desk, columns: &[u32], from: usize, bias: f64, scale: f64) {
        let width = desk.found.len();
        let d = width - 1;
        desk.gathered.resize(columns.len() * width, 0.0);
        for (place, (slots, &column)) in desk.gathered.chunks_exact_mut(width).zip(columns).enumerate() {
            let root = f64::from(desk.weights[from + place]).sqrt();
            slots[0] = (root * bias) as f32;
            let vector = &self.vectors[column as usize * d..(column as usize + 1) * d];
            let factor = (root * scale) as f32;
            slots[1..].iter_mut().zip(vector).for_each(|(slot, &value)| *slot = factor * value);
        }
    }
}

/// One thread's working memory.
struct Desk {
    weights: Vec<f32>,
    gathered: Vec<f32>,
    part: Vec<f32>,
    system: Vec<f64>,
    sought: Vec<f64>,
    found: Vec<f64>,
    scratch: Scratch,
}

impl Desk {
    fn new(width: usize) -> Desk {
        Desk {
            weights: Vec::new(),
            gathered: Vec::new(),
            part: vec![0.0; width * width],
            system: vec![0.0; width * width],
            sought: vec![0.0; width],
            found: vec![0.0; width],
            scratch: Scratch::new::<f64>(width),
        }
    }
}
