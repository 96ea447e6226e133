//! Factors in half precision: stored as 16-bit floats (IEEE 754 binary16, 11 bits of mantissa), widened on the fly.
//! Half the memory and half the reading; a score moves by about 10⁻³ of the vectors' lengths.

use half::f16;
use half::slice::HalfFloatSliceExt;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::als::{Factors, ImplicitAls, Solver};
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::run::Run;
use crate::sparse::Csr;
use crate::top_k;

/// Vectors that a task converts.
const ROWS: usize = 4_096;

/// Vectors in half precision, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct HalfVectors {
    n: usize,
    n_factors: usize,
    values: Vec<f16>,
}

impl HalfVectors {
    /// Rounds vectors (n × n_factors) to half precision. Errors on numbers that are not finite or beyond
    /// ±65,504, the most that half precision holds.
    pub fn new(run: &Run<'_>, vectors: ArrayView2<'_, f32>) -> Result<HalfVectors> {
        let (n, n_factors) = vectors.dim();
        let vectors = vectors.as_standard_layout();
        let from = vectors.as_slice().unwrap_or(&[]);
        let mut values = vec![f16::ZERO; from.len()];
        let chunk = ROWS * n_factors.max(1);
        run.pool.install(|| {
            values.par_chunks_mut(chunk).zip(from.par_chunks(chunk)).enumerate().try_for_each(
                |(task, (to, from))| {
                    run.check()?;
                    to.convert_from_f32_slice(from);
                    match to.iter().position(|value| !value.is_finite()) {
                        Some(place) => Err(Error::input(
                            format!("vector {} does not fit half precision", task * ROWS + place / n_factors),
                            "keep it in single precision, or train again with a higher regularisation",
                        )),
                        None => Ok(()),
                    }
                },
            )
        })?;
        Ok(HalfVectors { n, n_factors, values })
    }

    /// How many vectors.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Numbers a vector.
    pub fn n_factors(&self) -> usize {
        self.n_factors
    }

    /// All numbers, vector after vector, for a scan.
    pub fn values(&self) -> &[f16] {
        &self.values
    }

    /// Some vectors in single precision; fewer where the range goes beyond the last.
    pub fn widened(&self, range: std::ops::Range<usize>) -> Array2<f32> {
        let to = range.end.min(self.n);
        let from = range.start.min(to);
        let mut vectors = Array2::zeros((to - from, self.n_factors));
        if let Some(slots) = vectors.as_slice_mut() {
            self.values[from * self.n_factors..to * self.n_factors].convert_to_f32_slice(slots);
        }
        vectors
    }

    fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(name, &self.values)
    }

    fn read(file: &File, name: &str, n: u64, n_factors: usize) -> Result<HalfVectors> {
        let values = file.view::<f16>(name)?;
        let wanted = usize::try_from(n).ok().and_then(|n| n.checked_mul(n_factors));
        if wanted != Some(values.len()) || values.iter().any(|value| !value.is_finite()) {
            return Err(Error::format(format!("the vectors '{name}' are damaged"), "train again"));
        }
        Ok(HalfVectors { n: n as usize, n_factors, values: values.to_vec() })
    }
}

/// A factorisation in half precision: what [`Factors`] are, in half the memory.
#[derive(Debug, Clone, PartialEq)]
pub struct HalfFactors {
    /// One vector a row.
    pub rows: HalfVectors,
    /// One vector a column.
    pub columns: HalfVectors,
    /// How they were found, which fold-in repeats.
    pub params: ImplicitAls,
}

impl Factors {
    /// The same factors in half precision. Errors on numbers beyond ±65,504.
    pub fn halved(&self, run: &Run<'_>) -> Result<HalfFactors> {
        Ok(HalfFactors {
            rows: HalfVectors::new(run, self.rows.view())?,
            columns: HalfVectors::new(run, self.columns.view())?,
            params: self.params.clone(),
        })
    }
}

impl HalfFactors {
    /// In single precision again, to go on training from or to score with.
    pub fn widened(&self) -> Factors {
        Factors {
            rows: self.rows.widened(0..self.rows.len()),
            columns: self.columns.widened(0..self.columns.len()),
            params: self.params.clone(),
        }
    }

    /// A solver for vectors of rows, prepared once; its sums are in single precision.
    pub fn row_solver(&self, run: &Run<'_>) -> Result<Solver> {
        let columns = self.columns.widened(0..self.columns.len());
        let none = Array2::zeros((0, self.columns.n_factors()));
        Factors { rows: none, columns, params: self.params.clone() }.row_solver(run)
    }

    /// Vectors of new rows (new rows × the known columns), the columns held as they are.
    pub fn fold_in(&self, run: &Run<'_>, rows: &Csr) -> Result<Array2<f32>> {
        self.row_solver(run)?.solve(run, rows)
    }

    /// The `k` best columns for each row of a range, best first with their scores, those of `exclude` (as many
    /// rows as the range) left out. Only the range's vectors and the columns are widened.
    pub fn top_k(
        &self,
        run: &Run<'_>,
        rows: std::ops::Range<usize>,
        k: usize,
        exclude: Option<&Csr>,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        let columns = self.columns.widened(0..self.columns.len());
        top_k::top_k(run, self.rows.widened(rows).view(), columns.view(), k, exclude)
    }

    /// Adds the factors to a model file: `<name>.half.rows`, `<name>.half.columns` (f16, row by row), and
    /// `<name>.half.shape`, `.numbers` and `.params` for the shape and the parameters.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let n = [self.rows.len() as u64, self.columns.len() as u64];
        writer.section(&format!("{name}.half.shape"), &n)?;
        self.params.write(writer, &format!("{name}.half"))?;
        self.rows.write(writer, &format!("{name}.half.rows"))?;
        self.columns.write(writer, &format!("{name}.half.columns"))
    }

    /// Reads back what [`HalfFactors::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<HalfFactors> {
        let &[n_rows, n_columns] = file.view::<u64>(&format!("{name}.half.shape"))? else {
            return Err(Error::format(format!("the factors '{name}' do not fit together"), "train again"));
        };
        let params = ImplicitAls::read(file, &format!("{name}.half"))?;
        let part =
            |part: &str, n| HalfVectors::read(file, &format!("{name}.half.{part}"), n, params.n_factors);
        Ok(HalfFactors { rows: part("rows", n_rows)?, columns: part("columns", n_columns)?, params })
    }
}
