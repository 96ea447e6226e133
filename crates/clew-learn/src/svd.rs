//! The leading singular vectors of a large matrix, by randomised subspace iteration (Halko, Martinsson, Tropp
//! 2011, "Finding structure with randomness", algorithms 4.4 and 5.3).

use ndarray::{Array2, ArrayView2};

use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::run::Run;
use crate::sparse::Csr;

pub(crate) use subspace::Operand;

mod subspace;

/// How to look for singular vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomisedSvd {
    /// How many, at most the smaller side of the matrix.
    pub n_components: usize,
    /// Vectors carried along beyond those wanted, which makes the last ones sharp (oversampling).
    pub n_spare: usize,
    /// Rounds of subspace iteration; each multiplies with the matrix and its transpose once. More where the
    /// singular values fall slowly.
    pub n_rounds: usize,
}

impl Default for RandomisedSvd {
    fn default() -> RandomisedSvd {
        RandomisedSvd { n_components: 64, n_spare: 16, n_rounds: 4 }
    }
}

/// Matrix ≈ left · diag(values) · rightᵀ. Of each pair of vectors the sign is chosen such that the largest
/// number of the right one is positive.
#[derive(Debug, Clone, PartialEq)]
pub struct Svd {
    /// n_rows × n_components, orthonormal columns; 0 where the singular value is 0.
    pub left: Array2<f32>,
    /// Singular values, falling (equal ones may stand either way by rounding).
    pub values: Vec<f32>,
    /// n_columns × n_components, orthonormal columns.
    pub right: Array2<f32>,
}

impl RandomisedSvd {
    /// Of a sparse matrix; what it does not hold is 0. Errors on a matrix without values and on more
    /// components than its smaller side.
    pub fn fit(&self, run: &Run<'_>, matrix: &Csr) -> Result<Svd> {
        self.check(matrix.n_rows(), matrix.n_cols())?;
        if matrix.n_values() == 0 {
            return Err(Error::input("the matrix has no values", "give at least one"));
        }
        self.decompose(run, &Operand::Sparse(matrix, &matrix.transpose_with(run)?))
    }

    /// Of a dense matrix (rows × columns). Errors on numbers that are not finite and on more components than
    /// its smaller side.
    pub fn fit_dense(&self, run: &Run<'_>, matrix: ArrayView2<'_, f32>) -> Result<Svd> {
        check::matrix(matrix, Missing::Refused, "row")?;
        self.check(matrix.nrows(), matrix.ncols())?;
        let (matrix, transposed) = (matrix.as_standard_layout(), matrix.t());
        self.decompose(run, &Operand::Dense(matrix.view(), transposed.as_standard_layout().view()))
    }

    fn check(&self, n_rows: usize, n_columns: usize) -> Result<()> {
        let most = n_rows.min(n_columns);
        if self.n_components == 0 || self.n_components > most {
            return Err(Error::input(
                format!("{} components of a matrix of {n_rows} × {n_columns}", self.n_components),
                format!("use 1 to {most}"),
            ));
        }
        Ok(())
    }

    fn decompose(&self, run: &Run<'_>, matrix: &Operand<'_>) -> Result<Svd> {
        let mut right = self.right(run, matrix)?;
        let mut left = matrix.times(run, right.view())?;
        let mut values = Vec::with_capacity(self.n_components);
        for (mut left, mut right) in left.columns_mut().into_iter().zip(right.columns_mut()) {
            let length = left.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
            let largest = right.iter().fold(0.0_f32, |most, &v| if v.abs() > most.abs() { v } else { most });
            let sign = if largest < 0.0 { -1.0 } else { 1.0 };
            let first: f64 = values.first().copied().map_or(length, f64::from);
            let scale = if length > 1e-6 * first { (1.0 / length) as f32 } else { 0.0 };
            left.mapv_inplace(|v| v * scale * sign);
            right.mapv_inplace(|v| v * sign);
            values.push(length as f32);
        }
        check::finite("the vectors", left.iter().chain(&values).chain(&right))?;
        Ok(Svd { left, values, right })
    }

    /// The leading right singular vectors, n_columns × n_components, strongest first.
    pub(crate) fn right(&self, run: &Run<'_>, matrix: &Operand<'_>) -> Result<Array2<f32>> {
        subspace::leading(run, matrix, self.n_components, self.n_spare, self.n_rounds)
    }
}

impl Svd {
    /// Vectors of new rows (n × the known columns): rows · right, as long as left · diag(values) is for the
    /// rows that were learned from.
    pub fn transform(&self, run: &Run<'_>, rows: &Csr) -> Result<Array2<f32>> {
        check::same_columns(rows.n_cols(), self.right.nrows())?;
        let vectors = subspace::multiply(run, rows, self.right.view())?;
        check::finite("the new rows' vectors", vectors.iter())?;
        Ok(vectors)
    }

    /// Adds the decomposition to a model file: `<name>.values`, `<name>.left`, `<name>.right`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(&format!("{name}.values"), &self.values)?;
        writer.section(&format!("{name}.left"), self.left.as_standard_layout().as_slice().unwrap_or(&[]))?;
        writer.section(&format!("{name}.right"), self.right.as_standard_layout().as_slice().unwrap_or(&[]))
    }

    /// Reads back what [`Svd::write`] wrote. Errors on parts that do not fit together.
    pub fn read(file: &File, name: &str) -> Result<Svd> {
        let wrong =
            || Error::format(format!("the decomposition '{name}' does not fit together"), "train again");
        let values = file.view::<f32>(&format!("{name}.values"))?.to_vec();
        let k = values.len();
        let vectors = |part: &str| {
            let numbers = file.view::<f32>(&format!("{name}.{part}"))?;
            if k == 0 || numbers.iter().any(|number| !number.is_finite()) {
                return Err(wrong());
            }
            Array2::from_shape_vec((numbers.len() / k, k), numbers.to_vec()).map_err(|_| wrong())
        };
        let svd = Svd { left: vectors("left")?, right: vectors("right")?, values };
        // Equal values may stand either way round by a rounding, so their order is no fault.
        if svd.values.iter().all(|&value| (0.0..f32::INFINITY).contains(&value)) {
            Ok(svd)
        } else {
            Err(wrong())
        }
    }
}
