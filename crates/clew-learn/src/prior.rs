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

use crate::als::ImplicitAls;
use crate::error::{Error, Result};
use crate::run::Run;
use crate::sparse::Csr;

use learner::{BothSides, Learner};

pub use descriptors::Descriptors;
pub use fitted::AttributeFactors;

mod descriptors;
mod fitted;
mod learner;
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
        let turned = events.transpose_with(run)?;
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
        let mut start = start.map(|start| start.factors.clone());
        if let Some(start) = &mut start {
            rows.iter().for_each(|rows| rows.blank(&mut start.rows));
            columns.iter().for_each(|columns| columns.blank(&mut start.columns));
        }
        let mut learner = BothSides { rows, columns };
        let mut factors = self.als.fit_towards(run, events, start.as_ref(), &mut learner)?;
        let BothSides { rows, mut columns } = learner;
        // The rows' descriptors stay those that the last rows were pulled towards, so that folding in the same
        // rows gives the same vectors (but for rounding); the columns' can be brought up to the last columns.
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
