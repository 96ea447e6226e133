//! Attributes as prior means of a factorisation's vectors, on both sides (regression-based latent factors: Agarwal
//! & Chen 2009, "Regression-based latent factor models", with the regression of eq. 3 fitted by weighted ridge
//! regression between the sweeps of [`ImplicitAls`]).
//!
//! Each attribute value has a learned vector, its descriptor, learned from the behaviour of the rows (columns)
//! that carry it. A row's prior mean is the baseline that all rows share plus its attribute values times their
//! descriptors; its vector is pulled towards that instead of 0, and where nothing else is known of it, that is
//! its vector. So a new row is served by its attributes, and a new column is ranked by its own.
//!
//! Attributes are sparse matrices, coded or hashed: 1 in a row of one value (or 1/n each, where the mean of n
//! values is meant), any other number where it is an amount.

use ndarray::{Array2, ArrayView2};

use crate::als::{ImplicitAls, Means};
use crate::error::{Error, Result};
use crate::run::Run;
use crate::sparse::Csr;

use regression::Regression;

pub use descriptors::Descriptors;
pub use fitted::AttributeFactors;

mod descriptors;
mod fitted;
mod regression;

/// How to factorise with attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeAls {
    /// The factorisation; its regularisation says how strongly vectors are pulled towards their means.
    pub als: ImplicitAls,
    /// Least ridge penalty of the descriptors, in rows: the descriptor of a value that n well-known rows carry
    /// is n / (n + penalty) of what they say. The penalty itself is learned from how far apart the values are
    /// (see [`Descriptors::shrinkage`]), so that attributes that say nothing are not listened to.
    pub shrinkage: f32,
    /// A row counts for the descriptors by s / (s + this), s its sum of values: the more it did, the better its
    /// vector is known. 0 counts all rows with values alike.
    pub half_weight: f32,
    /// A value that fewer rows with values carry has no descriptor and counts as absent, so that no descriptor
    /// speaks of a few.
    pub minimum_support: u32,
    /// The same for the values of columns.
    pub minimum_column_support: u32,
    /// Whether the means of rows hold what all rows share beside what their attributes say: then a row of which
    /// nothing is known is shown what everybody takes. Else they hold what sets a row apart, and that is 0. The
    /// baseline draws known rows too, which a strong regularisation makes them pay for: without it, rows whose
    /// attributes say nothing have the vectors that [`ImplicitAls`] gives them.
    pub row_baseline: bool,
    /// The same for columns: whether one without events is taken for one of mean popularity.
    pub column_baseline: bool,
    /// Steps of conjugate gradient per sweep; they go on where those of the sweep before ended.
    pub n_steps: usize,
}

/// Descriptors with this penalty are as good as none.
const LARGEST_SHRINKAGE: f32 = 1e6;

/// Most that an attribute may amount to, either sign.
const LARGEST_AMOUNT: f32 = 1e6;

impl Default for AttributeAls {
    fn default() -> AttributeAls {
        AttributeAls {
            als: ImplicitAls::default(),
            shrinkage: 1.0,
            half_weight: 3.0,
            minimum_support: 20,
            minimum_column_support: 2,
            row_baseline: true,
            column_baseline: true,
            n_steps: 8,
        }
    }
}

impl AttributeAls {
    /// Factorises `events` (rows × columns, values ≥ 0) with the attributes of rows (rows × their values) and
    /// of columns (columns × theirs); a side without attributes is pulled towards 0. Rows and columns without
    /// events take no part: they get their prior mean afterwards. `start` goes on from an earlier fit with the
    /// same columns and values. Errors as [`ImplicitAls::fit`], on attributes of another number of rows or
    /// columns, and on a start of another shape.
    pub fn fit(
        &self,
        run: &Run<'_>,
        events: &Csr,
        row_attributes: Option<&Csr>,
        column_attributes: Option<&Csr>,
        start: Option<&AttributeFactors>,
    ) -> Result<AttributeFactors> {
        self.check()?;
        crate::als::check_values(events)?;
        let turned = events.transpose();
        let first = start.and_then(|start| start.row_descriptors.as_ref());
        let rows = Learner::new(
            self,
            "row",
            events,
            row_attributes,
            self.minimum_support,
            self.row_baseline,
            first,
        )?;
        let first = start.and_then(|start| start.column_descriptors.as_ref());
        let minimum = self.minimum_column_support;
        let columns =
            Learner::new(self, "column", &turned, column_attributes, minimum, self.column_baseline, first)?;
        let mut learner = BothSides { rows, columns };
        let mut factors =
            self.als.fit_towards(run, events, start.map(|start| &start.factors), &mut learner)?;
        let BothSides { rows, mut columns } = learner;
        // The rows' descriptors stay those that the last rows were pulled towards, so that folding in the same
        // rows gives the same vectors; the columns' can be brought up to the last columns.
        if let Some(columns) = &mut columns {
            columns.learn(run, factors.columns.view())?;
        }
        if let Some(rows) = &rows {
            rows.fill_in(run, &mut factors.rows)?;
        }
        if let Some(columns) = &columns {
            columns.fill_in(run, &mut factors.columns)?;
        }
        let known_columns = turned.row_sums().iter().map(|&sum| sum > 0.0).collect();
        Ok(AttributeFactors {
            factors,
            row_descriptors: rows.map(|rows| rows.descriptors),
            column_descriptors: columns.map(|columns| columns.descriptors),
            known_columns,
        })
    }

    fn check(&self) -> Result<()> {
        self.als.check()?;
        let sound = |value: f32| (0.0..=LARGEST_SHRINKAGE).contains(&value);
        if !(sound(self.shrinkage) && self.shrinkage > 0.0 && sound(self.half_weight)) {
            return Err(Error::input(
                format!("a shrinkage of {}, a half weight of {}", self.shrinkage, self.half_weight),
                "use a shrinkage above 0, a half weight of 0 or more, both up to 1e6",
            ));
        }
        if self.n_steps == 0 {
            return Err(Error::input("no steps to learn descriptors by", "use 1 or more"));
        }
        Ok(())
    }
}

/// One side's regression of vectors on attributes, and what it found so far.
struct Learner<'a> {
    attributes: &'a Csr,
    regression: Regression,
    descriptors: Descriptors,
    n_steps: usize,
    least_shrinkage: f32,
    learned: bool,
}

impl<'a> Learner<'a> {
    /// `events` has the side's rows as rows.
    fn new(
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
        // Beyond that, squares times weights run out of what f32 can add up.
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

    fn learn(&mut self, run: &Run<'_>, vectors: ArrayView2<'_, f32>) -> Result<()> {
        self.learned = true;
        self.regression.descend(run, vectors, &mut self.descriptors, self.n_steps)?;
        let learned = self.regression.shrinkage(run, vectors, &self.descriptors)?;
        self.descriptors.shrinkage = learned.clamp(self.least_shrinkage, LARGEST_SHRINKAGE);
        Ok(())
    }

    /// The means to be pulled towards: what has no events is held at 0, where it weighs on nobody.
    fn means(&mut self, run: &Run<'_>, vectors: Option<ArrayView2<'_, f32>>) -> Result<Option<Array2<f32>>> {
        // A start may have had other rows: then its descriptors alone are taken.
        match vectors.filter(|vectors| vectors.nrows() == self.attributes.n_rows()) {
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

    /// Gives what has no events its mean.
    fn fill_in(&self, run: &Run<'_>, vectors: &mut Array2<f32>) -> Result<()> {
        let means = self.descriptors.means(run, self.attributes)?;
        for (row, mean) in means.rows().into_iter().enumerate() {
            if !self.regression.is_known(row) {
                vectors.row_mut(row).assign(&mean);
            }
        }
        Ok(())
    }
}

struct BothSides<'a> {
    rows: Option<Learner<'a>>,
    columns: Option<Learner<'a>>,
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
