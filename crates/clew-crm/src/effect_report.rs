//! Report of a campaign: predicted against realised by decile, effect against the holdout, Qini beside the gain, uplift per customer.
use clew_learn::Run;
use clew_learn::gain::Gain;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::effect::{CampaignEffect, CampaignOutcome, QiniCurve};
use crate::effect_model::{UpliftReport, fit_uplift};
use crate::error::{Error, Result};
use crate::feature_customer;
use crate::gain_band::band;
use crate::history::History;
use crate::product_set::ProductSet;
use crate::scorer::Scorer;

/// What became of a campaign, beside what was predicted before it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CampaignReport {
    /// When the first message was sent or withheld, Unix seconds.
    pub first_at: i64,
    /// Days after a customer's message in which a purchase counts.
    pub horizon_days: u32,
    /// Those who were sent the message, all together.
    pub treated: Treated,
    /// Customers who were held out.
    pub n_holdout: usize,
    /// Tenths of the treated by propensity as of before the campaign, best first.
    pub deciles: Vec<Decile>,
    /// Share of the treated buyers reached at each fortieth of the treated, from 0 to 1: 41 values; none when nobody or everybody bought.
    pub gain: Vec<f64>,
    /// What the messages caused; none without a holdout.
    pub effect: Option<CampaignEffect>,
    /// By volume, in the order of propensity; none without a holdout or buyers.
    pub qini: Option<QiniCurve>,
    /// Whether an order by uplift does better; none with too few buyers to learn one from.
    pub uplift: Option<UpliftReport>,
    /// What must be known before trusting this.
    pub warnings: Vec<String>,
}

/// Those who were sent the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Treated {
    /// Customers.
    pub n_customers: usize,
    /// Buyers that were expected.
    pub expected_buyers: f64,
    /// Lower end of the 80 % band around them.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Buyers that there were.
    pub n_buyers: usize,
}

/// A tenth of the treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decile {
    /// Customers in it.
    pub n_customers: usize,
    /// Buyers that were expected.
    pub expected_buyers: f64,
    /// Buyers that there were.
    pub n_buyers: usize,
}

impl Scorer {
    /// What became of a campaign by the date of `known`, against what this scorer said before it: its date must not be after the first
    /// message. A purchase counts within the model's horizon; `products` is the campaign's offer. Errors on an unknown campaign, on
    /// one without audience, and on a scorer of a later date.
    pub fn campaign_report(
        &self,
        run: &Run<'_>,
        known: &History<'_>,
        campaign: &str,
        products: &ProductSet,
    ) -> Result<CampaignReport> {
        let days = self.model().horizon_days;
        let outcome = CampaignOutcome::read(known, campaign, Some(products), days)?;
        let first_at = outcome.first_at.ok_or_else(|| Error::NotEnoughData {
            have: 0,
            need: 1,
            what: "customers of the campaign".to_owned(),
        })?;
        if first_at < self.as_of() {
            return Err(Error::input(
                format!("the campaign '{campaign}' began before the date of the predictions"),
                "predict as of a date before its first message",
            ));
        }
        let offer = self.offer(run, products)?;
        let propensities = self.score(run, &offer)?;
        let place = |customer: u32| self.place(customer);
        // Who was no customer yet at the date has no propensity: last in every order.
        let score: Vec<f32> = outcome
            .customers
            .iter()
            .map(|&customer| place(customer).and_then(|p| propensities.get(p).copied()).unwrap_or(0.0))
            .collect();
        let (n_treated, n_holdout) = outcome.arms();
        let share = self.share_expected(propensities.iter().map(|&p| f64::from(p)));
        let scored =
            outcome.customers.iter().zip(&score).zip(&outcome.treated).filter(|&(_, &treated)| treated);
        let idle = self.share_idle(scored.map(|((&customer, &p), _)| (customer, f64::from(p))));
        let spread = self.spread(offer.level.n_buyers, share, idle);
        let mut report = CampaignReport {
            first_at,
            horizon_days: days,
            treated: treated(&outcome, &score, spread),
            n_holdout,
            deciles: deciles(&outcome, &score),
            gain: gain(&outcome, &score),
            ..CampaignReport::default()
        };
        let strangers = outcome.customers.iter().zip(&outcome.treated);
        let n_strangers =
            strangers.filter(|&(&customer, &treated)| treated && place(customer).is_none()).count();
        if 2 * n_strangers > n_treated {
            report.warnings.push(format!(
                "{n_strangers} of the {n_treated} who were sent it were no customers yet at the date of the predictions: no buyers \
                 are expected among them, whoever bought"
            ));
        }
        if outcome.n_unfinished > 0 {
            report.warnings.push(format!(
                "the {days} days of {} customers are not over yet: buyers are still to come",
                outcome.n_unfinished
            ));
        }
        if n_holdout == 0 || n_treated == 0 {
            report.warnings.push(
                "nobody was held out: who would have bought without the message is not known, nor what it caused".to_owned(),
            );
            return Ok(report);
        }
        report.effect = Some(outcome.effect(days)?);
        report.qini = outcome.qini(&score).ok();
        let n_columns = feature_customer::NAMES.len() + 1;
        let mut x = Array2::zeros((score.len(), n_columns));
        for ((mut row, &customer), &p) in x.rows_mut().into_iter().zip(&outcome.customers).zip(&score) {
            if let (Some(place), Some(out)) = (place(customer), row.as_slice_mut()) {
                let (own, last) = out.split_at_mut(n_columns - 1);
                self.state.profile[place].write(own);
                own.iter_mut().for_each(|v| *v = if v.is_finite() { *v } else { 0.0 });
                last.fill(crate::feature_offer::logit(p));
            }
        }
        report.uplift = match fit_uplift(run, x.view(), &outcome, &score) {
            Ok((_, _, uplift)) => Some(uplift),
            Err(Error::NotEnoughData { have, need, what }) => {
                report.warnings.push(format!("no uplift per customer yet: {have} of {need} {what}"));
                None
            }
            Err(error) => return Err(error),
        };
        Ok(report)
    }
}

fn treated(outcome: &CampaignOutcome, score: &[f32], spread: f64) -> Treated {
    let rows = outcome.treated.iter().zip(score).zip(&outcome.bought).filter(|&((&treated, _), _)| treated);
    let (mut all, mut variance) = (Treated::default(), 0.0);
    for ((_, &p), &bought) in rows {
        let p = f64::from(p);
        all.n_customers += 1;
        all.expected_buyers += p;
        all.n_buyers += usize::from(bought > 0.5);
        variance += p * (1.0 - p);
    }
    let (low, high) = band(all.expected_buyers, variance, spread);
    Treated { low, high: high.min(all.n_customers as f64), ..all }
}

fn deciles(outcome: &CampaignOutcome, score: &[f32]) -> Vec<Decile> {
    let mut treated: Vec<(f32, f32, u32)> = (0..score.len())
        .filter(|&row| outcome.treated.get(row) == Some(&true))
        .filter_map(|row| Some((*score.get(row)?, *outcome.bought.get(row)?, *outcome.customers.get(row)?)))
        .collect();
    treated.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
    treated
        .chunks(treated.len().div_ceil(10).max(1))
        .map(|tenth| Decile {
            n_customers: tenth.len(),
            expected_buyers: tenth.iter().map(|row| f64::from(row.0)).sum(),
            n_buyers: tenth.iter().filter(|row| row.1 > 0.5).count(),
        })
        .collect()
}

fn gain(outcome: &CampaignOutcome, score: &[f32]) -> Vec<f64> {
    let (score, bought): (Vec<f32>, Vec<f32>) = score
        .iter()
        .zip(&outcome.bought)
        .zip(&outcome.treated)
        .filter(|&(_, &treated)| treated)
        .map(|((&score, &bought), _)| (score, bought))
        .unzip();
    let n_buyers: f64 = bought.iter().map(|&b| f64::from(b)).sum();
    let Ok(gain) = Gain::new(&score, &bought, &vec![1.0; bought.len()]) else { return Vec::new() };
    (0..=40).map(|step| gain.at(f64::from(step) / 40.0 * bought.len() as f64) / n_buyers.max(1.0)).collect()
}
