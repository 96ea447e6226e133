//! Learning curve: the same training on less data, judged on the same offers, customers and days: what more data would bring.
use std::sync::Arc;

use clew_learn::{Part, Run};
use serde::{Deserialize, Serialize};

use crate::backtest::{BacktestParams, backtest};
use crate::error::{Error, Result};
use crate::feature_state::DAY;
use crate::records::Records;
use crate::train_params::TrainParams;

/// Shares of the customers that are learned from, each twice the one before: equal steps of a curve that flattens with the logarithm.
pub const SHARES: [f64; 4] = [0.125, 0.25, 0.5, 1.0];

/// Fewer customers than this are no point of the curve.
const MIN_CUSTOMERS: usize = 100;

/// Quality of a training on a share of the customers. The judged offers, customers and days are the same at every point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LearningPoint {
    /// Share of the customers that was learned from.
    pub share: f64,
    /// Customers that were learned from.
    pub n_customers: usize,
    /// Mean AUC over offers, all active customers.
    pub auc: f64,
    /// … those who bought nothing of the offer in the 56 days before.
    pub auc_new: f64,
    /// Mean share of the buyers in the first 10 % of customers.
    pub buyers_10: f64,
    /// Log loss over all rows.
    pub log_loss: f64,
}

/// Trains and judges once for each of [`SHARES`], from few customers to all. A share with too little to learn from is no point. Errors
/// as [`backtest`] does on all of the data.
pub fn learning_curve(
    run: &Run<'_>,
    records: &Arc<Records>,
    params: &BacktestParams,
) -> Result<Vec<LearningPoint>> {
    let cutoff = params.as_of - i64::from(params.horizon_days) * DAY;
    let n_customers = records.history(cutoff).active_customers().len().min(params.train.max_customers);
    let mut points = Vec::with_capacity(SHARES.len());
    let mut from = 0.0;
    for share in SHARES {
        // What a training costs grows with the customers that it learns from.
        let to = from + share / SHARES.iter().sum::<f64>();
        let part = Part::new(run.progress, from, to);
        from = to;
        let n_learned = (share * n_customers as f64).round() as usize;
        if share < 1.0 && n_learned < MIN_CUSTOMERS {
            continue;
        }
        let train = TrainParams { max_customers: n_learned, ..params.train.clone() };
        let asked = BacktestParams { train, n_cutoffs: 1, launches: Some(Vec::new()), ..params.clone() };
        let report = match backtest(&run.with_progress(&part), records, &asked) {
            Ok(report) => report,
            Err(Error::NotEnoughData { .. }) if share < 1.0 => continue,
            Err(error) => return Err(error),
        };
        let Some(clew) = report.methods.first() else { continue };
        points.push(LearningPoint {
            share,
            n_customers: n_learned,
            auc: clew.all.auc,
            auc_new: clew.new.auc,
            buyers_10: clew.all.buyers_10,
            log_loss: clew.all.log_loss.unwrap_or_default(),
        });
    }
    Ok(points)
}
