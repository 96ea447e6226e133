//! Backtest: train as of one horizon before the date, judge on that horizon, beside what a marketer has today.
use clew_learn::Run;

use crate::error::{Error, Result};
use crate::product_set::ProductSet;
use crate::records::Records;
use crate::report::Report;
use crate::train_params::TrainParams;

/// What a backtest is asked to do.
#[derive(Clone, Debug)]
pub struct BacktestParams {
    /// End of the judged window, Unix seconds; the model knows nothing of the `horizon_days` before it.
    pub as_of: i64,
    /// Days in which a purchase counts.
    pub horizon_days: u32,
    /// Offers to judge, by name; none for groupings of the catalogue.
    pub offers: Option<Vec<(String, ProductSet)>>,
    /// How to train; its `as_of` and `horizon_days` are set by the backtest.
    pub train: TrainParams,
}

impl BacktestParams {
    /// The usual settings.
    pub fn new(as_of: i64, horizon_days: u32) -> BacktestParams {
        BacktestParams { as_of, horizon_days, offers: None, train: TrainParams::new(as_of) }
    }
}

/// Trains as of `as_of − horizon_days`, then judges on the window up to `as_of`.
pub fn backtest(run: &Run<'_>, records: &Records, params: &BacktestParams) -> Result<Report> {
    run.check()?;
    let _ = (records, params);
    Err(Error::input("a backtest cannot be run yet", "wait for it"))
}
