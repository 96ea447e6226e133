//! Splits of rows into parts, by seed, by group, by date; never by position.

use rand::Rng;

use crate::error::{Error, Result};
use crate::run::Run;

pub use date::{DateSplit, check_apart};

mod date;

/// A fold 0..`n_folds` for each of the `groups` (one entry a row): rows of the same group share a fold, so
/// that nothing of a customer or an offer leaks from one part into another. The fold depends on the seed and
/// on the group's number alone, so it stays when rows are added or reordered.
pub fn folds(run: &Run<'_>, groups: &[u64], n_folds: u32) -> Result<Vec<u32>> {
    if n_folds < 2 {
        return Err(Error::input(format!("{n_folds} folds"), "ask for at least 2"));
    }
    Ok(groups.iter().map(|&group| run.rng(group ^ 0x666f_6c64).random_range(0..n_folds)).collect())
}

/// The rows of `folds` inside `fold`, and those outside.
pub fn inside_outside(folds: &[u32], fold: u32) -> (Vec<usize>, Vec<usize>) {
    (0..folds.len()).partition(|&row| folds[row] == fold)
}

/// Rows to learn from and rows to judge on; both rise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainTest {
    /// Rows to learn from.
    pub train: Vec<usize>,
    /// Rows to judge on; none of them in `train`.
    pub test: Vec<usize>,
}

impl TrainTest {
    /// About `test_share` (above 0, below 1) of the groups to judge on, the others to learn from. As [`folds`],
    /// a group's side depends on the seed and its number alone. Errors on another share and when a side stays
    /// empty.
    pub fn by_group(run: &Run<'_>, groups: &[u64], test_share: f64) -> Result<TrainTest> {
        if !(test_share > 0.0 && test_share < 1.0) {
            return Err(Error::input(
                format!("a test share of {test_share}"),
                "use a share above 0 and below 1",
            ));
        }
        let in_test = |row: &usize| run.rng(groups[*row] ^ 0x7465_7374).random::<f64>() < test_share;
        let (test, train) = (0..groups.len()).partition(in_test);
        TrainTest { train, test }.checked()
    }

    /// The same judged rows, without the training rows of their groups: what is judged then is how the model does
    /// for groups that it has never seen. Errors when nothing is left to learn from.
    pub fn without_shared_groups(mut self, groups: &[u64]) -> Result<TrainTest> {
        let known = |rows: &[usize]| rows.last().is_none_or(|&row| row < groups.len());
        if !known(&self.train) || !known(&self.test) {
            return Err(Error::input(format!("{} groups", groups.len()), "give one group per row"));
        }
        let mut judged: Vec<u64> = self.test.iter().map(|&row| groups[row]).collect();
        judged.sort_unstable();
        self.train.retain(|&row| judged.binary_search(&groups[row]).is_err());
        self.checked()
    }

    fn checked(self) -> Result<TrainTest> {
        if self.train.is_empty() || self.test.is_empty() {
            return Err(Error::input(
                format!("{} rows to learn from, {} to judge on", self.train.len(), self.test.len()),
                "give more rows, or split elsewhere",
            ));
        }
        Ok(self)
    }
}
