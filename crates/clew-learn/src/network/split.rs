//! The rows that are learned from and those that judge.

use ndarray::{ArrayView2, Axis};

use super::Network;
use super::objective::Cases;
use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::run::{Run, mix};
use crate::trees::Validation;

pub(super) fn split(
    network: &Network,
    run: &Run<'_>,
    x: ArrayView2<'_, f32>,
    y: &[f32],
    weight: &[f32],
    validation: Option<Validation<'_>>,
) -> Result<(Cases, Cases)> {
    let take = |rows: &[usize]| Cases {
        x: x.select(Axis(0), rows),
        y: rows.iter().map(|&row| y[row]).collect(),
        weight: rows.iter().map(|&row| weight[row]).collect(),
    };
    let (learning, judging) = match validation {
        Some(given) => {
            check::matrix(given.x, Missing::Refused, "validation row")?;
            check::same_columns(given.x.ncols(), x.ncols())?;
            check::outcomes(given.x.nrows(), given.y, given.weight, network.loss)?;
            let judging = Cases { x: given.x.to_owned(), y: given.y.to_vec(), weight: given.weight.to_vec() };
            (Cases { x: x.to_owned(), y: y.to_vec(), weight: weight.to_vec() }, judging)
        }
        None => {
            let bar = (network.validation_share * 2.0_f64.powi(64)) as u64;
            let judges = |row: &usize| hash(run.seed, x.row(*row).iter()) < bar;
            let (judging, learning): (Vec<usize>, Vec<usize>) = (0..x.nrows()).partition(judges);
            (take(&learning), take(&judging))
        }
    };
    let remedy = "give validation rows, or more rows";
    let total = |cases: &Cases| cases.weight.iter().map(|&weight| f64::from(weight)).sum::<f64>();
    if total(&judging) <= 0.0 {
        return Err(Error::input("no row with a weight is left to validate with", remedy));
    }
    if check::mean_outcome(&learning.y, &learning.weight, network.loss).is_err() {
        return Err(Error::input("the rows left to learn from are too few", remedy));
    }
    Ok((learning, judging))
}

/// Of the row's content, number by number.
fn hash<'a>(seed: u64, values: impl Iterator<Item = &'a f32>) -> u64 {
    values.fold(seed, |state, value| mix(state ^ u64::from(value.to_bits())))
}
