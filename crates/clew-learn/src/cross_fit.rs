//! Cross-fitting: a prediction for every row from a model that has not seen the row's fold.
//!
//! What is learned from such predictions (a calibration, a second model, a figure) is learned from errors as they
//! will be on new rows. Make the folds of whole groups with [`folds`](crate::split::folds).

use crate::error::{Error, Result};
use crate::run::{Part, Run};
use crate::split::inside_outside;

/// Calls `fit_predict(run, train, held)` once for each fold: it learns from the rows `train` and gives one
/// prediction for each of the rows `held`. Returns the predictions in row order. Each fold runs with a seed of its
/// own and reports its share of the progress.
///
/// Errors with fewer than two folds in use, on a wrong number of predictions, and on what `fit_predict` refuses.
pub fn cross_fit(
    run: &Run<'_>,
    folds: &[u32],
    mut fit_predict: impl FnMut(&Run<'_>, &[usize], &[usize]) -> Result<Vec<f32>>,
) -> Result<Vec<f32>> {
    let mut used = folds.to_vec();
    used.sort_unstable();
    used.dedup();
    if used.len() < 2 {
        return Err(Error::input(
            format!("{} rows lie in {} folds", folds.len(), used.len()),
            "cross-fit over at least two folds that hold rows",
        ));
    }
    let mut predicted = vec![0.0; folds.len()];
    for (done, &fold) in used.iter().enumerate() {
        run.check()?;
        let n = used.len() as f64;
        let part = Part::new(run.progress, done as f64 / n, (done + 1) as f64 / n);
        let (held, train) = inside_outside(folds, fold);
        let own = run.with_stream(u64::from(fold)).with_progress(&part);
        let values = fit_predict(&own, &train, &held)?;
        if values.len() != held.len() {
            return Err(Error::input(
                format!("fold {fold} has {} rows and {} predictions", held.len(), values.len()),
                "predict each held row once",
            ));
        }
        for (row, value) in held.into_iter().zip(values) {
            predicted[row] = value;
        }
    }
    Ok(predicted)
}
