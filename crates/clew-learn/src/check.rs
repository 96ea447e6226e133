//! The checks that every estimator makes first: shapes, finiteness, outcomes, weights; each fault with its
//! place and remedy.

use ndarray::ArrayView2;

use crate::error::{Error, Result};
use crate::loss::Loss;

/// What a NaN in a matrix means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// A fault.
    Refused,
    /// "Not known": the estimator has a place for it.
    Allowed,
}

/// At least one row and column, at most 2³² − 1 rows, no infinities, NaN only where allowed. `word` names a
/// row in the error: "row", "validation row".
pub(crate) fn matrix(x: ArrayView2<'_, f32>, missing: Missing, word: &str) -> Result<()> {
    if x.nrows() == 0 || x.ncols() == 0 {
        return Err(Error::input(
            format!("{} {word}s of {} columns", x.nrows(), x.ncols()),
            "give at least one of each",
        ));
    }
    if x.nrows() > u32::MAX as usize || x.ncols() > u32::MAX as usize {
        return Err(Error::input(
            format!("{} {word}s of {} columns", x.nrows(), x.ncols()),
            "use at most 2^32 - 1 of each; sample the rows",
        ));
    }
    for (row, values) in x.rows().into_iter().enumerate() {
        let fault = match missing {
            Missing::Refused => values.iter().position(|value| !value.is_finite()),
            Missing::Allowed => values.iter().position(|value| value.is_infinite()),
        };
        if let Some(column) = fault {
            let remedy =
                if missing == Missing::Refused { "drop or fill it" } else { "drop it or mark it missing" };
            return Err(Error::input(format!("{word} {row} is not finite in column {column}"), remedy));
        }
    }
    Ok(())
}

/// One outcome that `loss` allows and one finite weight ≥ 0 for each of `n` rows.
pub(crate) fn outcomes(n: usize, y: &[f32], weight: &[f32], loss: Loss) -> Result<()> {
    if y.len() != n || weight.len() != n {
        return Err(Error::input(
            format!("{n} rows, {} outcomes, {} weights", y.len(), weight.len()),
            "give one of each per row",
        ));
    }
    y.iter().enumerate().try_for_each(|(row, &y)| loss.check_outcome(row, y))?;
    weights(n, weight)
}

/// One finite weight ≥ 0 for each of `n` rows.
pub(crate) fn weights(n: usize, weight: &[f32]) -> Result<()> {
    if weight.len() != n {
        return Err(Error::input(format!("{n} rows, {} weights", weight.len()), "give one weight per row"));
    }
    match weight.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        Some(row) => Err(Error::input(
            format!("row {row} has the weight {}", weight[row]),
            "use finite weights of 0 or more",
        )),
        // Models keep sums of weights in 32 bits beside what they learned.
        None if weight.iter().map(|&w| f64::from(w)).sum::<f64>() > f64::from(f32::MAX) => {
            Err(Error::input("the weights add up beyond what 32 bits hold", "scale them down"))
        }
        None => Ok(()),
    }
}

/// One finite offset for each of `n` rows, if there are offsets.
pub(crate) fn offsets(n: usize, offset: Option<&[f32]>) -> Result<()> {
    let Some(offset) = offset else { return Ok(()) };
    if offset.len() != n {
        return Err(Error::input(format!("{n} rows, {} offsets", offset.len()), "give one offset per row"));
    }
    match offset.iter().position(|offset| !offset.is_finite()) {
        Some(row) => {
            Err(Error::input(format!("row {row} has an offset that is not finite"), "drop or fill it"))
        }
        None => Ok(()),
    }
}

/// The weighted mean outcome, refusing what no model can be learned from: no weight at all, and for the
/// logistic loss one class only.
pub(crate) fn mean_outcome(y: &[f32], weight: &[f32], loss: Loss) -> Result<f64> {
    let total: f64 = weight.iter().map(|&w| f64::from(w)).sum();
    let sum: f64 = y.iter().zip(weight).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum();
    if total <= 0.0 {
        return Err(Error::input("all weights are 0", "give at least one row a weight"));
    }
    let mean = sum / total;
    match loss {
        Loss::Logistic if sum <= 0.0 || sum >= total => {
            Err(Error::input("the outcomes are all of one class", "train where some bought and some did not"))
        }
        Loss::Poisson if sum <= 0.0 => {
            Err(Error::input("all counts are 0", "train where something happened"))
        }
        _ => Ok(mean),
    }
}

/// A finite parameter ≥ 0, called `name`.
pub(crate) fn penalty(name: &str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::input(format!("{name} is {value}"), "use a finite number of 0 or more"))
}

/// As many columns as were learned from.
pub(crate) fn same_columns(given: usize, learned: usize) -> Result<()> {
    if given == learned {
        return Ok(());
    }
    Err(Error::input(
        format!("{given} columns where {learned} were learned"),
        "use the same features in the same order",
    ))
}

/// What a fit found, refused where sums ran beyond f32: wild data must not become a model of NaN.
pub(crate) fn finite<'a>(what: &str, mut numbers: impl Iterator<Item = &'a f32>) -> Result<()> {
    if numbers.all(|number| number.is_finite()) {
        return Ok(());
    }
    Err(Error::input(format!("{what} grow beyond what 32 bits hold"), "scale the values to a common size"))
}

/// A prediction in 32 bits, held at their ends: far from what was learned from, a line runs beyond them.
pub(crate) fn narrow(value: f64) -> f32 {
    value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}
