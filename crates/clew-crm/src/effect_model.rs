//! Uplift per customer: how much more likely a message makes each one buy, learned from treated and held-out customers together.
//!
//! Two steps. What makes customers buy at all is a logistic regression on everybody. What changes with the message is a
//! second one on top of it, of the features times (treated − share of treated): the modified covariates of Tian, Alizadeh,
//! Gentles & Tibshirani (2014), with an effect that is the same for all as the unpenalised part. It is pulled hard
//! towards that: an uplift that differs between customers is harder to tell than one that is there.
use clew_learn::calibration::sigmoid;
use clew_learn::cross_fit::cross_fit;
use clew_learn::logistic::{FittedLogistic, LogisticRegression};
use clew_learn::uplift::Qini;
use clew_learn::{Run, split};
use ndarray::{Array2, ArrayView2, Axis};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::effect::{CampaignOutcome, Interval, QiniCurve};
use crate::effect_size::Z95;
use crate::error::{Error, Result};

/// Buyers among the treated and among the held-out from which an uplift per customer is tried.
const ENOUGH: (usize, usize) = (200, 100);
/// Penalties: of what makes customers buy, and of what differs between customers in the effect: a change of the log-odds by 0.2 for a
/// standard deviation of a feature is usual.
const L2: (f64, f64) = (10.0, 25.0);
const N_FOLDS: u32 = 5;
const N_RESAMPLED: usize = 60;
const STREAM: u64 = 0xeff3;

/// What an uplift per customer is worth, on customers that it had not seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UpliftReport {
    /// The Qini curve of the order by uplift.
    pub by_uplift: QiniCurve,
    /// That of the order by propensity.
    pub by_propensity: QiniCurve,
    /// The first's area minus the second's: buyers caused more on average over all volumes.
    pub gained: Interval,
    /// Whether the interval of what is gained lies above 0: only then is the order by uplift worth using.
    pub better: bool,
}

/// A fitted uplift model.
#[derive(Clone, Debug)]
pub struct UpliftModel {
    mean: Vec<f32>,
    scale: Vec<f32>,
    base: FittedLogistic,
    effect: FittedLogistic,
    share_treated: f32,
}

/// Fits to a campaign's audience; `x` has a row a customer of it, finite numbers known before the message, and `propensity` is the order
/// that the model is compared with. Gives the model, each customer's uplift from a fit that had not seen the customer, and what
/// that is worth. Errors with [`Error::NotEnoughData`] under 200 treated and 100 held-out buyers.
pub fn fit_uplift(
    run: &Run<'_>,
    x: ArrayView2<'_, f32>,
    outcome: &CampaignOutcome,
    propensity: &[f32],
) -> Result<(UpliftModel, Vec<f32>, UpliftReport)> {
    for (arm, need, what) in
        [(true, ENOUGH.0, "buyers among the treated"), (false, ENOUGH.1, "buyers among the held-out")]
    {
        let have = outcome
            .treated
            .iter()
            .zip(&outcome.bought)
            .filter(|&(&t, &bought)| t == arm && bought > 0.5)
            .count();
        if have < need {
            return Err(Error::NotEnoughData { have: have as u64, need: need as u64, what: what.to_owned() });
        }
    }
    let all: Vec<usize> = (0..outcome.customers.len()).collect();
    let model = UpliftModel::fit(run, x, outcome, &all)?;
    let groups: Vec<u64> = outcome.customers.iter().map(|&customer| u64::from(customer)).collect();
    let folds = split::folds(run, &groups, N_FOLDS)?;
    let uplift = cross_fit(run, &folds, |run, train, held| {
        let model = UpliftModel::fit(run, x, outcome, train).map_err(into_learn)?;
        model.predict(x.select(Axis(0), held).view()).map_err(into_learn)
    })?;
    let (by_uplift, by_propensity) = (outcome.qini(&uplift)?, outcome.qini(propensity)?);
    let gained = gained(run, outcome, &uplift, propensity)?;
    let report = UpliftReport { by_uplift, by_propensity, gained, better: gained.low > 0.0 };
    Ok((model, uplift, report))
}

fn into_learn(error: Error) -> clew_learn::Error {
    match error {
        Error::Learn(error) => error,
        other => clew_learn::Error::Input { place: other.to_string(), remedy: "see above".to_owned() },
    }
}

/// Area by uplift minus area by propensity, its error from customers drawn again with replacement (weights of Poisson's distribution).
fn gained(run: &Run<'_>, outcome: &CampaignOutcome, uplift: &[f32], propensity: &[f32]) -> Result<Interval> {
    let area = |weight: &[f32]| -> Result<f64> {
        let of = |score: &[f32]| {
            Ok::<_, Error>(Qini::new(score, &outcome.bought, &outcome.treated, weight)?.area())
        };
        Ok(of(uplift)? - of(propensity)?)
    };
    let value = area(&vec![1.0; uplift.len()])?;
    let mut rng = run.rng(STREAM);
    let mut square = 0.0;
    for _ in 0..N_RESAMPLED {
        run.check()?;
        let weight: Vec<f32> = uplift.iter().map(|_| poisson_of_one(rng.random_range(0.0..1.0))).collect();
        square += (area(&weight)? - value).powi(2);
    }
    let half = Z95 * (square / N_RESAMPLED as f64).sqrt();
    Ok(Interval { value, low: value - half, high: value + half })
}

/// The number that a Poisson distribution of mean 1 has at this quantile.
fn poisson_of_one(quantile: f64) -> f32 {
    let (mut n, mut term) = (0.0_f32, (-1.0_f64).exp());
    let mut below = term;
    while below < quantile && n < 12.0 {
        n += 1.0;
        term /= f64::from(n);
        below += term;
    }
    n
}

impl UpliftModel {
    fn fit(
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        outcome: &CampaignOutcome,
        rows: &[usize],
    ) -> Result<UpliftModel> {
        let part = x.select(Axis(0), rows);
        let (mean, scale): (Vec<f32>, Vec<f32>) = part
            .columns()
            .into_iter()
            .map(|column| {
                let n = column.len().max(1) as f64;
                let mean = column.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
                let variance = column.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
                (mean as f32, if variance > 1e-12 { 1.0 / variance.sqrt() as f32 } else { 0.0 })
            })
            .unzip();
        let scaled = standardised(part.view(), &mean, &scale);
        let y: Vec<f32> = rows.iter().filter_map(|&row| outcome.bought.get(row).copied()).collect();
        let treated: Vec<f32> =
            rows.iter().map(|&row| if outcome.treated.get(row) == Some(&true) { 1.0 } else { 0.0 }).collect();
        let weight = vec![1.0; y.len()];
        let share_treated = treated.iter().sum::<f32>() / treated.len().max(1) as f32;
        let learner = |l2| LogisticRegression { l2, max_iterations: 30, tolerance: 1e-6 };
        let base = learner(L2.0).fit(run, scaled.view(), &y, &weight, None)?;
        let offset = base.decision(scaled.view())?;
        // The first column is the effect that all have in common; scaled up, the penalty does not hold it.
        let mut moved = Array2::zeros((scaled.nrows(), scaled.ncols() + 1));
        for ((mut row, features), &t) in moved.rows_mut().into_iter().zip(scaled.rows()).zip(&treated) {
            let t = t - share_treated;
            let values = std::iter::once(COMMON).chain(features.iter().copied());
            row.iter_mut().zip(values).for_each(|(out, value)| *out = t * value);
        }
        let effect = learner(L2.1).fit(run, moved.view(), &y, &weight, Some(&offset))?;
        Ok(UpliftModel { mean, scale, base, effect, share_treated })
    }

    /// The probability with the message minus that without, of rows with the same columns as were learned from.
    pub fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<f32>> {
        if x.ncols() != self.mean.len() {
            return Err(Error::input(
                format!("{} columns where {} were learned from", x.ncols(), self.mean.len()),
                "give the same columns in the same order",
            ));
        }
        let scaled = standardised(x, &self.mean, &self.scale);
        let base = self.base.decision(scaled.view())?;
        let share = f64::from(self.share_treated);
        Ok(scaled
            .rows()
            .into_iter()
            .zip(base)
            .map(|(row, base)| {
                let values = std::iter::once(COMMON).chain(row.iter().copied());
                let moved: f64 =
                    self.effect.coefficients.iter().zip(values).map(|(c, v)| c * f64::from(v)).sum();
                let without = f64::from(base) + self.effect.intercept;
                (sigmoid(without + (1.0 - share) * moved) - sigmoid(without - share * moved)) as f32
            })
            .collect())
    }
}

/// Scale of the common effect's column.
const COMMON: f32 = 30.0;

fn standardised(x: ArrayView2<'_, f32>, mean: &[f32], scale: &[f32]) -> Array2<f32> {
    let mut out = x.to_owned();
    for mut row in out.rows_mut() {
        row.iter_mut().zip(mean.iter().zip(scale)).for_each(|(v, (mean, scale))| *v = (*v - mean) * scale);
    }
    out
}
