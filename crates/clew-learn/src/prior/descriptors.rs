//! The learned vectors of attribute values, and the means that they give.

use ndarray::{Array2, ArrayView1, s};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::run::Run;
use crate::sparse::Csr;

/// Rows that one task adds up.
const ROWS: usize = 256;

/// What the attribute values of one side say.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptors {
    /// (values + 1) × n_factors, the baseline last.
    pub(super) vectors: Array2<f32>,
    /// Rows with events that carry each value; 0 where there are too few.
    pub(super) support: Vec<u32>,
    /// The ridge penalty that was learned.
    pub(super) shrinkage: f32,
    /// Whether the baseline is part of the means.
    pub(super) with_baseline: bool,
}

impl Descriptors {
    pub(super) fn zeros(
        support: Vec<u32>,
        n_factors: usize,
        shrinkage: f32,
        with_baseline: bool,
    ) -> Descriptors {
        let vectors = Array2::zeros((support.len() + 1, n_factors));
        Descriptors { vectors, support, shrinkage, with_baseline }
    }

    /// Starts from those of an earlier fit, less those that have too little support now.
    pub(super) fn take_over(&mut self, start: &Descriptors) -> Result<()> {
        if start.vectors.dim() != self.vectors.dim() {
            return Err(Error::input(
                format!(
                    "the start has descriptors of {:?}, not {:?}",
                    start.vectors.dim(),
                    self.vectors.dim()
                ),
                "start from a fit with the same attribute values and factors, or from none",
            ));
        }
        self.vectors.assign(&start.vectors);
        self.shrinkage = start.shrinkage;
        for (value, _) in self.support.iter().enumerate().filter(|(_, support)| **support == 0) {
            self.vectors.row_mut(value).fill(0.0);
        }
        Ok(())
    }

    /// Number of attribute values.
    pub fn n_values(&self) -> usize {
        self.support.len()
    }

    /// The descriptor of a value (n_factors), what it adds to a mean; `None` where too few rows carry it.
    pub fn of(&self, value: usize) -> Option<ArrayView1<'_, f32>> {
        (*self.support.get(value)? > 0).then(|| self.vectors.row(value))
    }

    /// How many rows with events carry a value; 0 where they are too few for a descriptor.
    pub fn support(&self, value: usize) -> u32 {
        self.support.get(value).copied().unwrap_or(0)
    }

    /// The ridge penalty that was learned, in rows: the spread of vectors about their means over the spread of
    /// descriptors, by moments, so that a value must have far more rows than this for its descriptor to be close
    /// to what they say. As large as 1e6 where values differ no more than chance has it.
    pub fn shrinkage(&self) -> f32 {
        self.shrinkage
    }

    /// What all share (n_factors), and descriptors are differences from.
    pub fn baseline(&self) -> ArrayView1<'_, f32> {
        self.vectors.row(self.support.len())
    }

    /// The prior means (rows × n_factors) of rows with these attributes (rows × values). Values without a
    /// descriptor count as absent. Errors on another number of values.
    pub fn means(&self, run: &Run<'_>, attributes: &Csr) -> Result<Array2<f32>> {
        crate::check::same_columns(attributes.n_cols(), self.support.len())?;
        if self.with_baseline {
            return add_up(run, attributes, &self.vectors);
        }
        let mut vectors = self.vectors.clone();
        vectors.row_mut(self.support.len()).fill(0.0);
        add_up(run, attributes, &vectors)
    }

    /// Adds the descriptors to a model file: `<name>.vectors`, `<name>.support` and
    /// `<name>.state`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let vectors = self.vectors.as_standard_layout();
        writer.section(&format!("{name}.vectors"), vectors.as_slice().unwrap_or(&[]))?;
        writer.section(&format!("{name}.support"), &self.support)?;
        writer.section(&format!("{name}.state"), &[self.shrinkage, f32::from(u8::from(self.with_baseline))])
    }

    /// Reads back what [`Descriptors::write`] wrote, of `n_factors` each.
    pub fn read(file: &File, name: &str, n_factors: usize) -> Result<Descriptors> {
        let wrong = || Error::format(format!("the descriptors '{name}' do not fit together"), "train again");
        let support = file.view::<u32>(&format!("{name}.support"))?.to_vec();
        let vectors = file.view::<f32>(&format!("{name}.vectors"))?;
        let &[shrinkage, with_baseline] = file.view::<f32>(&format!("{name}.state"))? else {
            return Err(wrong());
        };
        let sound = shrinkage.is_finite() && shrinkage > 0.0;
        if !sound || vectors.iter().any(|value| !value.is_finite()) {
            return Err(wrong());
        }
        let vectors = Array2::from_shape_vec((support.len() + 1, n_factors), vectors.to_vec());
        let vectors = vectors.map_err(|_| wrong())?;
        let absent = support.iter().enumerate().filter(|(_, support)| **support == 0);
        if absent.into_iter().any(|(value, _)| vectors.row(value).iter().any(|&x| x != 0.0)) {
            return Err(wrong());
        }
        Ok(Descriptors { vectors, support, shrinkage, with_baseline: with_baseline != 0.0 })
    }
}

/// For each row the last of `vectors` plus its values times theirs.
pub(super) fn add_up(run: &Run<'_>, attributes: &Csr, vectors: &Array2<f32>) -> Result<Array2<f32>> {
    let d = vectors.ncols();
    let standard = vectors.as_standard_layout();
    let vectors = standard.slice(s![.., ..]).to_slice().unwrap_or(&[]);
    let (values, baseline) = vectors.split_at(attributes.n_cols() * d);
    let mut sums = Array2::<f32>::zeros((attributes.n_rows(), d));
    let slots = sums.as_slice_mut().unwrap_or(&mut []);
    run.pool.install(|| {
        slots.par_chunks_mut(ROWS * d).enumerate().try_for_each(|(chunk, sums)| {
            run.check()?;
            for (place, sum) in sums.chunks_exact_mut(d).enumerate() {
                sum.copy_from_slice(&baseline[..d]);
                let (columns, amounts) = attributes.row(chunk * ROWS + place);
                for (&column, &amount) in columns.iter().zip(amounts) {
                    let vector = &values[column as usize * d..(column as usize + 1) * d];
                    sum.iter_mut().zip(vector).for_each(|(sum, &value)| *sum += amount * value);
                }
            }
            Ok(())
        })
    })?;
    Ok(sums)
}
