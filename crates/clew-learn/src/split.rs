//! Splits of rows into parts, by seed and never by position.

use rand::Rng;

use crate::error::{Error, Result};
use crate::run::Run;

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
