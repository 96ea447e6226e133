//! Splits by date: what is judged lies after everything that was learned from, outcomes included.

use super::TrainTest;
use crate::error::{Error, Result};

/// How rows are split at a date. A row has one date t: its features are what was known before t, its outcome is
/// what happened in `t..t + horizon`. Dates are numbers of any unit (days, seconds), all in the same one.
///
/// A row may be learned from only when its outcome was known at the cutoff: t + horizon + gap ≤ cutoff. Rows between
/// that and the cutoff belong to neither side: learning from them would learn from days that are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateSplit {
    /// How long after its date a row's outcome is open, at least 0.
    pub horizon: i64,
    /// What must lie between the last training outcome and the cutoff beside that (late data), at least 0.
    pub gap: i64,
    /// Train on rows of at most this long before the newest that may be learned from; `None` for all.
    pub train_length: Option<i64>,
    /// Judge on rows dated `cutoff..cutoff + test_length`, at least 1.
    pub test_length: i64,
}

impl DateSplit {
    /// The split at one cutoff. Errors on a negative length and when a side stays empty.
    pub fn at(&self, dates: &[i64], cutoff: i64) -> Result<TrainTest> {
        self.check()?;
        // In 128 bits nothing overflows, whatever the dates.
        let cutoff = i128::from(cutoff);
        let newest = cutoff - i128::from(self.horizon) - i128::from(self.gap);
        let oldest = self.train_length.map_or(i128::MIN, |length| newest - i128::from(length));
        let end = cutoff + i128::from(self.test_length);
        let rows = |keep: &dyn Fn(i128) -> bool| {
            (0..dates.len()).filter(|&row| keep(i128::from(dates[row]))).collect()
        };
        let split = TrainTest {
            train: rows(&|t| t <= newest && t >= oldest),
            test: rows(&|t| t >= cutoff && t < end && t > newest),
        };
        split.checked().map_err(|error| match error {
            Error::Input { place, remedy } => Error::input(format!("cutoff {cutoff}: {place}"), remedy),
            other => other,
        })
    }

    /// Rolling origin: splits at `n_origins` cutoffs, `step` apart, the last one so that its test part ends with
    /// the newest row; oldest first, each with its cutoff. With `step` ≥ `test_length` no row is judged twice.
    /// Errors as [`DateSplit::at`], on no origin and a step below 1.
    pub fn rolling(&self, dates: &[i64], n_origins: usize, step: i64) -> Result<Vec<(i64, TrainTest)>> {
        self.check()?;
        if n_origins == 0 || step < 1 {
            return Err(Error::input(
                format!("{n_origins} origins {step} apart"),
                "use at least one origin and a step of at least 1",
            ));
        }
        let Some(newest) = dates.iter().max() else {
            return Err(Error::input("there are no rows", "give at least one"));
        };
        let last = newest.saturating_sub(self.test_length).saturating_add(1);
        (0..n_origins)
            .rev()
            .map(|back| {
                let back = i64::try_from(back).unwrap_or(i64::MAX).saturating_mul(step);
                let cutoff = last.saturating_sub(back);
                Ok((cutoff, self.at(dates, cutoff)?))
            })
            .collect()
    }

    fn check(&self) -> Result<()> {
        let lengths = [
            ("horizon", self.horizon, 0),
            ("gap", self.gap, 0),
            ("train_length", self.train_length.unwrap_or(0), 0),
            ("test_length", self.test_length, 1),
        ];
        match lengths.into_iter().find(|(_, length, least)| length < least) {
            Some((name, length, least)) => {
                Err(Error::input(format!("{name} is {length}"), format!("use at least {least}")))
            }
            None => Ok(()),
        }
    }
}

/// `Ok` when a split made elsewhere keeps the rule of [`DateSplit`]: every training outcome is known, `gap`
/// included, before the first judged date. Else the error names the first row that is too late.
pub fn check_apart(dates: &[i64], split: &TrainTest, horizon: i64, gap: i64) -> Result<()> {
    let date = |row: usize| {
        dates.get(row).copied().ok_or_else(|| {
            Error::input(format!("row {row} of {} dates", dates.len()), "give one date per row")
        })
    };
    let mut cutoff = i64::MAX;
    for &row in &split.test {
        cutoff = cutoff.min(date(row)?);
    }
    for &row in &split.train {
        let known = date(row)?.saturating_add(horizon).saturating_add(gap);
        if known > cutoff {
            return Err(Error::input(
                format!("training row {row} is known at {known}, after the first judged date {cutoff}"),
                "end the training part a horizon and the gap before the judged part",
            ));
        }
    }
    Ok(())
}
