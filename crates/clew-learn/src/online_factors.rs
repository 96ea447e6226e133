//! Online factorisation: a stream of events moves the vectors of a fitted factorisation, each event seen once and
//! then forgotten.
//!
//! What is remembered of a row's past is its vector and how often it was seen: the loss of its past events is
//! taken as quadratic around the vector, with the curvature that the model itself gives it,
//! `P = (α₀ + s / m) G + λ (s + α₀ m)^ν I`, where G is the Gramian of the m columns' vectors, s the row's sum of
//! values so far and α₀, λ, ν are those of [`crate::als::ImplicitAls`]. An event of value a at the column h then
//! has the exact solution `w + a (1 − w·h) / (1 + a hᵀP⁻¹h) P⁻¹h`, as in recursive least squares (Haykin 2002,
//! section 9.3) with a curvature of its own for each row; columns move likewise against the rows. For the first
//! event of a new row this is the fold-in of implicit ALS. s is held at a limit, so that the past fades and a row
//! can change.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2};

use crate::als::Factors;
use crate::error::{Error, Result};
use crate::gramian::gramian;
use crate::run::Run;
use crate::sparse::Csr;

use side::{Law, Side};

mod file;
mod side;

/// Events between two looks at the stop flag.
const LOOK: usize = 1_024;

/// How to go on from a factorisation.
#[derive(Debug, Clone, PartialEq)]
pub struct OnlineFactors {
    /// At most so many rows are kept; beyond, those seen longest ago are dropped and forgotten.
    pub most_rows: usize,
    /// Columns are numbered below this.
    pub most_columns: usize,
    /// The most that the past counts, as a sum of values: small follows changes quickly, large averages more.
    pub memory: f64,
    /// After so many events the curvatures that vectors move by are taken anew, by an eigenvalue problem of the
    /// size of the vectors.
    pub refresh_events: u64,
}

impl Default for OnlineFactors {
    fn default() -> OnlineFactors {
        OnlineFactors { most_rows: 1_000_000, most_columns: 1_000_000, memory: 50.0, refresh_events: 10_000 }
    }
}

/// A factorisation that events move. Memory: a vector and a few numbers for each row kept and each column.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedOnlineFactors {
    params: OnlineFactors,
    law: Law,
    /// Events taken so far, on top of the rows it started with.
    clock: u64,
    rows: BTreeMap<u32, Row>,
    /// The row last seen at each time.
    by_age: BTreeMap<u64, u32>,
    columns: Vec<f32>,
    column_frequencies: Vec<f64>,
    row_side: Side,
    column_side: Side,
}

/// One row's memory.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    vector: Vec<f32>,
    frequency: f64,
    seen: u64,
}

impl OnlineFactors {
    /// Takes over the vectors of `factors`, fitted to `rows_by_columns`. Rows without events there are not kept;
    /// where there are more than `most_rows`, those with the least are dropped. Errors on shapes that do not
    /// fit and parameters out of range.
    pub fn start(
        &self,
        run: &Run<'_>,
        factors: &Factors,
        rows_by_columns: &Csr,
    ) -> Result<FittedOnlineFactors> {
        self.check(factors.columns.nrows())?;
        let d = factors.params.n_factors;
        let shape = (rows_by_columns.n_rows(), rows_by_columns.n_cols());
        let fits = shape == (factors.rows.nrows(), factors.columns.nrows());
        if !fits || factors.rows.ncols() != d || factors.columns.ncols() != d {
            return Err(Error::input(
                format!("a matrix of {} × {} for vectors of {}", shape.0, shape.1, factors.rows.nrows()),
                "give the matrix that the factors were fitted to",
            ));
        }
        let sums = rows_by_columns.row_sums();
        let mut known: Vec<usize> = (0..sums.len()).filter(|&row| sums[row] > 0.0).collect();
        known.sort_by(|&a, &b| sums[a].total_cmp(&sums[b]).then(a.cmp(&b)));
        known.drain(..known.len().saturating_sub(self.most_rows));
        let mut column_frequencies = rows_by_columns.transpose_with(run)?.row_sums();
        column_frequencies.iter_mut().for_each(|sum| *sum = sum.min(self.memory));
        let columns: Vec<f32> = factors.columns.iter().copied().collect();
        let mut fitted = FittedOnlineFactors {
            params: self.clone(),
            law: Law::new(&factors.params),
            clock: known.len() as u64,
            rows: BTreeMap::new(),
            by_age: BTreeMap::new(),
            column_side: Side::new(gramian(run, factors.columns.view())?, d)?,
            row_side: Side::new(vec![0.0; d * d], d)?,
            columns,
            column_frequencies,
        };
        let mut kept = Vec::with_capacity(known.len() * d);
        for (seen, row) in known.into_iter().enumerate() {
            let vector: Vec<f32> = factors.rows.row(row).iter().copied().collect();
            kept.extend_from_slice(&vector);
            let frequency = sums[row].min(self.memory);
            fitted.rows.insert(row as u32, Row { vector, frequency, seen: seen as u64 });
            fitted.by_age.insert(seen as u64, row as u32);
        }
        let kept = ArrayView2::from_shape((kept.len() / d, d), &kept)
            .map_err(|_| Error::input("the rows' vectors do not fit", "fit the factors again"))?;
        fitted.row_side = Side::new(gramian(run, kept)?, d)?;
        Ok(fitted)
    }

    fn check(&self, n_columns: usize) -> Result<()> {
        let sound = self.most_rows > 0 && self.refresh_events > 0 && self.memory > 0.0;
        if !sound || !self.memory.is_finite() || self.most_columns < n_columns {
            return Err(Error::input(
                format!(
                    "{} rows and {} columns at most (of {n_columns}), a memory of {}, a refresh after {} events",
                    self.most_rows, self.most_columns, self.memory, self.refresh_events
                ),
                "use at least one of each, room for the columns there are, a finite memory above 0",
            ));
        }
        Ok(())
    }
}

impl FittedOnlineFactors {
    /// Takes events (row, column, value ≥ 0) in the order they come. The result is the same however the stream
    /// is cut into calls. Unknown rows and columns are added. All events are checked before the first is taken:
    /// errors on a value that is negative or not finite and on a column beyond the limit.
    pub fn update(&mut self, run: &Run<'_>, events: &[(u32, u32, f32)]) -> Result<()> {
        for (place, &(row, column, value)) in events.iter().enumerate() {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::input(
                    format!("event {place} at ({row}, {column}) has the value {value}"),
                    "use finite values of 0 or more",
                ));
            }
            if column as usize >= self.params.most_columns {
                return Err(Error::input(
                    format!("event {place} is about column {column}"),
                    format!("use columns below {}, or raise most_columns", self.params.most_columns),
                ));
            }
        }
        for (part, few) in events.chunks(LOOK).enumerate() {
            run.check()?;
            run.report("taking events", (part * LOOK) as f64 / events.len() as f64);
            few.iter()
                .try_for_each(|&(row, column, value)| self.take(row, column as usize, f64::from(value)))?;
        }
        run.report("taking events", 1.0);
        Ok(())
    }

    fn take(&mut self, id: u32, column: usize, value: f64) -> Result<()> {
        if value == 0.0 {
            return Ok(());
        }
        let d = self.law.d;
        if self.column_frequencies.len() <= column {
            self.column_frequencies.resize(column + 1, 0.0);
            self.columns.resize((column + 1) * d, 0.0);
        }
        let (n_rows, n_columns) = (self.rows.len().max(1), self.column_frequencies.len());
        let row = self.rows.entry(id).or_insert_with(|| Row {
            vector: vec![0.0; d],
            frequency: 0.0,
            seen: self.clock,
        });
        self.by_age.remove(&row.seen);
        row.seen = self.clock;
        self.by_age.insert(self.clock, id);
        self.clock += 1;
        let of_column = &mut self.columns[column * d..(column + 1) * d];
        let (before_row, before_column) = (row.vector.clone(), of_column.to_vec());
        // Both move from what was there before the event.
        let law = self.law;
        self.column_side.pull(law, &mut row.vector, &before_column, value, row.frequency, n_columns);
        let frequency = &mut self.column_frequencies[column];
        self.row_side.pull(law, of_column, &before_row, value, *frequency, n_rows);
        row.frequency = (row.frequency + value).min(self.params.memory);
        *frequency = (*frequency + value).min(self.params.memory);
        self.row_side.replace(&before_row, &row.vector);
        self.column_side.replace(&before_column, of_column);
        if self.rows.len() > self.params.most_rows
            && let Some((_, oldest)) = self.by_age.pop_first()
            && let Some(dropped) = self.rows.remove(&oldest)
        {
            self.row_side.replace(&dropped.vector, &vec![0.0; d]);
        }
        if self.clock.is_multiple_of(self.params.refresh_events) {
            self.row_side.refresh()?;
            self.column_side.refresh()?;
        }
        Ok(())
    }

    /// Rows kept.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// The vectors of all columns, n_columns × n_factors.
    pub fn columns(&self) -> Array2<f32> {
        let n = self.column_frequencies.len();
        Array2::from_shape_vec((n, self.law.d), self.columns.clone()).unwrap_or_default()
    }

    /// The vector of a row; none for one that is not kept.
    pub fn row(&self, row: u32) -> Option<&[f32]> {
        self.rows.get(&row).map(|row| row.vector.as_slice())
    }

    /// The vectors of some rows (their number × n_factors), 0 for those that are not kept: ready for
    /// [`crate::top_k::top_k`] with [`FittedOnlineFactors::columns`].
    pub fn vectors(&self, rows: &[u32]) -> Array2<f32> {
        let mut vectors = Array2::zeros((rows.len(), self.law.d));
        for (mut to, row) in vectors.rows_mut().into_iter().zip(rows) {
            if let Some(row) = self.rows.get(row) {
                to.iter_mut().zip(&row.vector).for_each(|(to, &value)| *to = value);
            }
        }
        vectors
    }
}
