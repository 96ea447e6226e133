//! One side's prior means, learned anew between the sweeps.

use ndarray::{Array2, ArrayView2};

use super::regression::Regression;
use super::{AttributeAls, Descriptors, LARGEST_SHRINKAGE};
use crate::als::Means;
use crate::error::{Error, Result};
use crate::run::Run;
use crate::sparse::Csr;

/// Most that an attribute may amount to, either sign: beyond that, squares times weights run out of what f32 can
/// add up.
const LARGEST_AMOUNT: f32 = 1e6;

/// One side's regression of vectors on attributes, and what it found so far.
pub(super) struct Learner<'a> {
    attributes: &'a Csr,
    regression: Regression,
    pub(super) descriptors: Descriptors,
    n_steps: usize,
    least_shrinkage: f32,
    learned: bool,
}

impl<'a> Learner<'a> {
    /// `events` has the side's rows as rows.
    pub(super) fn new(
        params: &AttributeAls,
        word: &str,
        events: &Csr,
        attributes: Option<&'a Csr>,
        minimum: u32,
        baseline: bool,
        start: Option<&Descriptors>,
    ) -> Result<Option<Learner<'a>>> {
        let Some(attributes) = attributes else { return Ok(None) };
        if attributes.n_rows() != events.n_rows() {
            return Err(Error::input(
                format!("attributes of {} {word}s where there are {}", attributes.n_rows(), events.n_rows()),
                format!("give each {word} a row of attributes, empty where none are known"),
            ));
        }
        if let Some(place) = attributes.values().iter().position(|amount| amount.abs() > LARGEST_AMOUNT) {
            let row = attributes.starts().partition_point(|&start| start <= place).saturating_sub(1);
            return Err(Error::input(
                format!("{word} {row} has the attribute amount {}", attributes.values()[place]),
                "scale the amounts of attributes to the order of 1",
            ));
        }
        let half = f64::from(params.half_weight);
        let weight = |sum: f64| if sum > 0.0 { (sum / (sum + half)) as f32 } else { 0.0 };
        let weights = events.row_sums().into_iter().map(weight).collect();
        let (regression, support) = Regression::new(attributes, weights, minimum)?;
        let mut descriptors = Descriptors::zeros(support, params.als.n_factors, params.shrinkage, baseline);
        if let Some(start) = start {
            descriptors.take_over(start)?;
        }
        let learned = start.is_some();
        Ok(Some(Learner {
            attributes,
            regression,
            descriptors,
            n_steps: params.n_steps,
            least_shrinkage: params.shrinkage,
            learned,
        }))
    }

    pub(super) fn learn(&mut self, run: &Run<'_>, vectors: ArrayView2<'_, f32>) -> Result<()> {
        self.learned = true;
        self.regression.descend(run, vectors, &mut self.descriptors, self.n_steps)?;
        let learned = self.regression.shrinkage(run, vectors, &self.descriptors)?;
        self.descriptors.shrinkage = learned.clamp(self.least_shrinkage, LARGEST_SHRINKAGE);
        Ok(())
    }

    /// The means to be pulled towards: what has no events is held at 0, where it weighs on nobody.
    fn means(&mut self, run: &Run<'_>, vectors: Option<ArrayView2<'_, f32>>) -> Result<Option<Array2<f32>>> {
        // A start may have had other rows, for which 0 stands: then its descriptors alone are taken.
        match vectors.filter(|vectors| vectors.iter().any(|&value| value != 0.0)) {
            Some(vectors) => self.learn(run, vectors)?,
            None if !self.learned => return Ok(None),
            None => {}
        }
        let mut means = self.descriptors.means(run, self.attributes)?;
        for (row, mut mean) in means.rows_mut().into_iter().enumerate() {
            if !self.regression.is_known(row) {
                mean.fill(0.0);
            }
        }
        Ok(Some(means))
    }

    /// Holds at 0 what has no events, as [`Learner::means`] does.
    pub(super) fn blank(&self, vectors: &mut Array2<f32>) {
        for (row, mut vector) in vectors.rows_mut().into_iter().enumerate() {
            if !self.regression.is_known(row) {
                vector.fill(0.0);
            }
        }
    }

    /// Gives what has no events its mean.
    pub(super) fn fill_in(&self, run: &Run<'_>, vectors: &mut Array2<f32>) -> Result<()> {
        let means = self.descriptors.means(run, self.attributes)?;
        for (row, mean) in means.rows().into_iter().enumerate() {
            if !self.regression.is_known(row) {
                vectors.row_mut(row).assign(&mean);
            }
        }
        Ok(())
    }
}

/// The learners of both sides, asked between the sweeps.
pub(super) struct BothSides<'a> {
    pub(super) rows: Option<Learner<'a>>,
    pub(super) columns: Option<Learner<'a>>,
}

impl Means for BothSides<'_> {
    fn of_rows(&mut self, run: &Run<'_>, rows: Option<ArrayView2<'_, f32>>) -> Result<Option<Array2<f32>>> {
        self.rows.as_mut().map_or(Ok(None), |learner| learner.means(run, rows))
    }

    fn of_columns(
        &mut self,
        run: &Run<'_>,
        columns: Option<ArrayView2<'_, f32>>,
    ) -> Result<Option<Array2<f32>>> {
        self.columns.as_mut().map_or(Ok(None), |learner| learner.means(run, columns))
    }
}
