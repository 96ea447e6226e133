//! Effect of a campaign with a holdout: what the message caused, not who would have bought anyway.
//!
//! The customers held out by chance show what would have happened without the message; the difference to those who got it is
//! its effect. Everything here is counted, nothing modelled, and is read from a [`History`]: the effect known at a date.
use clew_learn::gain::thin;
use clew_learn::uplift::{Qini, Uplift, uplift_at};
use serde::{Deserialize, Serialize};

use crate::campaign;
use crate::effect_size::Z95;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::feature_state::{ACTIVE_DAYS, DAY};
use crate::history::History;
use crate::product_set::ProductSet;

/// The kind of event of a customer who was in a campaign's audience and by chance got no message.
pub const HELD_OUT: &str = "held_out";
/// Most points of a Qini curve, and how far straight lines between them may lie off, as a share of what was caused.
const POINTS: (usize, f64) = (200, 0.002);
/// Standard errors between the arms, before the campaign, beyond which they were hardly drawn by chance: one draw in a thousand.
const UNLIKE: f64 = 3.29;
/// Buyers of both arms under which the interval is told to be wide.
const FEW: f64 = 100.0;

/// A campaign's audience: who was sent it and who was held out, and whether they bought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CampaignOutcome {
    /// Codes of the customers, rising.
    pub customers: Vec<u32>,
    /// Aligned: whether the customer was sent the message.
    pub treated: Vec<bool>,
    /// Aligned: 1 for those who bought of the offer within the days after, 0 for the others.
    pub bought: Vec<f32>,
    /// Aligned: money spent on the offer within those days.
    pub spent: Vec<f64>,
    /// Aligned: whether the customer bought anything in the 56 days before.
    pub bought_before: Vec<bool>,
    /// Customers left out because they were both sent it and held out.
    pub n_both: usize,
    /// Customers whose days are not over at the date of the history.
    pub n_unfinished: usize,
    /// When the first message was sent or withheld, Unix seconds; none for an empty audience.
    pub first_at: Option<i64>,
}

/// What a campaign caused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CampaignEffect {
    /// Days after the message in which a purchase counts.
    pub days: u32,
    /// Customers who were sent the message.
    pub n_treated: usize,
    /// Customers who were held out.
    pub n_holdout: usize,
    /// Buyers among the treated.
    pub buyers_treated: usize,
    /// Buyers among the held-out.
    pub buyers_holdout: usize,
    /// Share of buyers among the treated minus that among the held-out.
    pub uplift: Interval,
    /// The same over the share among the held-out: 0.1 is a tenth more buyers. None when nobody held out bought.
    pub relative: Option<Interval>,
    /// Buyers that the messages caused: the uplift times the treated.
    pub caused_buyers: Interval,
    /// Money that the messages caused, of all treated.
    pub caused_revenue: Interval,
    /// Whether the interval of the uplift leaves 0 out.
    pub certain: bool,
    /// In words.
    pub sentence: String,
    /// What must be known before trusting this.
    pub warnings: Vec<String>,
}

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What a campaign caused by volume, had only the best by a score been sent it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QiniCurve {
    /// Points by rising volume.
    pub points: Vec<QiniPoint>,
    /// Buyers caused more, on average over all volumes, than by taking as many customers by chance.
    pub area: f64,
    /// The same over that of the best order there could be: 0 is chance, 1 is perfect. None when nothing was caused in all.
    pub coefficient: Option<f64>,
}

/// One volume of a Qini curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QiniPoint {
    /// Share of the audience, best first.
    pub share_of_customers: f64,
    /// Buyers caused among the treated of them.
    pub caused_buyers: f64,
    /// As many as chance would have caused with that volume.
    pub by_chance: f64,
}

impl CampaignOutcome {
    /// Reads a campaign's audience and what became of it within `days`, from what is known at the history's date. `products` is the
    /// offer; none for purchases of anything. Errors on a campaign that the history does not know and on no days.
    pub fn read(
        history: &History<'_>,
        campaign: &str,
        products: Option<&ProductSet>,
        days: u32,
    ) -> Result<CampaignOutcome> {
        if days == 0 {
            return Err(Error::input("an effect within 0 days", "give at least one day"));
        }
        let code = campaign::code(history, campaign)?;
        let held_out = campaign::held_out(history);
        let mut outcome = CampaignOutcome::default();
        for customer in 0..history.n_customers() as u32 {
            let events = history.events_of(customer);
            let (mut sent, mut held) = (None, None);
            for ((&kind, &of), &at) in events.kind.iter().zip(events.campaign).zip(events.at) {
                if of != code {
                    continue;
                }
                if kind == EventKind::MESSAGE_SENT {
                    sent.get_or_insert(at);
                } else if held_out == Some(usize::from(kind)) {
                    held.get_or_insert(at);
                }
            }
            let (at, treated) = match (sent, held) {
                (Some(_), Some(_)) => {
                    outcome.n_both += 1;
                    continue;
                }
                (Some(at), None) => (at, true),
                (None, Some(at)) => (at, false),
                (None, None) => continue,
            };
            let until = at.saturating_add(i64::from(days) * DAY);
            outcome.n_unfinished += usize::from(until > history.as_of());
            outcome.first_at = Some(outcome.first_at.map_or(at, |first| first.min(at)));
            let after = events.since(at).before(until);
            let of_offer = |product: u32| products.is_none_or(|products| products.contains(product));
            let (mut bought, mut spent) = (0.0, 0.0);
            for i in (0..after.len()).filter(|&i| after.is_purchase(i)) {
                if after.product.get(i).is_some_and(|&product| of_offer(product)) {
                    bought = 1.0;
                    spent +=
                        after.revenue.get(i).map_or(0.0, |&v| if v.is_nan() { 0.0 } else { f64::from(v) });
                }
            }
            let before = events.since(at - i64::from(ACTIVE_DAYS) * DAY).before(at);
            outcome.customers.push(customer);
            outcome.treated.push(treated);
            outcome.bought.push(bought);
            outcome.spent.push(spent);
            outcome.bought_before.push((0..before.len()).any(|i| before.is_purchase(i)));
        }
        Ok(outcome)
    }

    /// Customers treated and held out.
    pub fn arms(&self) -> (usize, usize) {
        let n_treated = self.treated.iter().filter(|&&treated| treated).count();
        (n_treated, self.treated.len() - n_treated)
    }

    /// The effect with its intervals: the difference by Agresti & Caffo (2000), the ratio by Katz et al. (1978) with halves added to each
    /// count (Walter 1975), money by Welch. Errors when nobody was held out, or nobody was sent the message.
    pub fn effect(&self, days: u32) -> Result<CampaignEffect> {
        let (n_treated, n_holdout) = self.arms();
        if n_treated == 0 || n_holdout == 0 {
            return Err(Error::NotEnoughData {
                have: n_treated.min(n_holdout) as u64,
                need: 1,
                what: if n_treated == 0 { "customers who were sent it" } else { "customers held out" }
                    .to_owned(),
            });
        }
        let count = |of: bool| {
            self.treated
                .iter()
                .zip(&self.bought)
                .filter(|&(&treated, &bought)| treated == of && bought > 0.5)
                .count()
        };
        let (buyers_treated, buyers_holdout) = (count(true), count(false));
        let uplift = difference([buyers_treated, n_treated, buyers_holdout, n_holdout]);
        let (t, h) = (n_treated as f64, n_holdout as f64);
        let ratio = (buyers_holdout > 0).then(|| {
            let (a, b) = (buyers_treated as f64 + 0.5, buyers_holdout as f64 + 0.5);
            let log = (a / (t + 0.5)).ln() - (b / (h + 0.5)).ln();
            let error = (1.0 / a - 1.0 / (t + 0.5) + 1.0 / b - 1.0 / (h + 0.5)).max(0.0).sqrt();
            Interval {
                value: (buyers_treated as f64 / t) / (buyers_holdout as f64 / h) - 1.0,
                low: (log - Z95 * error).exp_m1(),
                high: (log + Z95 * error).exp_m1(),
            }
        });
        let times =
            |of: Interval, n: f64| Interval { value: of.value * n, low: of.low * n, high: of.high * n };
        let mut effect = CampaignEffect {
            days,
            n_treated,
            n_holdout,
            buyers_treated,
            buyers_holdout,
            uplift,
            relative: ratio,
            caused_buyers: times(uplift, t),
            caused_revenue: times(self.money(), t),
            certain: uplift.low > 0.0 || uplift.high < 0.0,
            sentence: String::new(),
            warnings: self.warnings(buyers_treated, buyers_holdout),
        };
        effect.sentence = sentence(&effect);
        Ok(effect)
    }

    /// Money per customer, treated minus held out, by Welch.
    fn money(&self) -> Interval {
        let moments = |of: bool| {
            let spent =
                || self.treated.iter().zip(&self.spent).filter(move |&(&t, _)| t == of).map(|(_, &v)| v);
            let n = spent().count().max(1) as f64;
            let mean = spent().sum::<f64>() / n;
            (mean, spent().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) / n)
        };
        let ((treated, a), (held, b)) = (moments(true), moments(false));
        let half = Z95 * (a + b).sqrt();
        Interval { value: treated - held, low: treated - held - half, high: treated - held + half }
    }

    fn warnings(&self, buyers_treated: usize, buyers_holdout: usize) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.n_both > 0 {
            warnings.push(format!(
                "{} customers are left out: they were both sent the message and held out",
                self.n_both
            ));
        }
        if self.n_unfinished > 0 {
            warnings.push(format!(
                "the days of {} customers are not over yet: the effect may still grow",
                self.n_unfinished
            ));
        }
        let before = |of: bool| {
            let arm = || self.treated.iter().zip(&self.bought_before).filter(move |&(&t, _)| t == of);
            (arm().filter(|&(_, &before)| before).count() as f64, arm().count().max(1) as f64)
        };
        let ((a, n), (b, m)) = (before(true), before(false));
        let pooled = (a + b) / (n + m);
        let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
        if error > 0.0 && ((a / n - b / m) / error).abs() > UNLIKE {
            warnings.push(format!(
                "before the campaign {:.1} % of the treated and {:.1} % of the held-out had bought lately: the holdout was hardly drawn \
                 by chance, and the difference is not the effect",
                100.0 * a / n,
                100.0 * b / m
            ));
        }
        if ((buyers_treated + buyers_holdout) as f64) < FEW || buyers_holdout < 10 {
            warnings.push(format!(
                "few buyers to tell an effect by ({buyers_treated} treated, {buyers_holdout} held out): the interval is wide"
            ));
        }
        warnings
    }

    /// What would have been caused at each volume, had the best by `score` (aligned with the customers) been sent it. Errors on scores
    /// of another number, on NaN, and as [`CampaignOutcome::effect`].
    pub fn qini(&self, score: &[f32]) -> Result<QiniCurve> {
        let qini = Qini::new(score, &self.bought, &self.treated, &vec![1.0; self.bought.len()])?;
        let (whole, caused) =
            (qini.volume.last().copied().unwrap_or(0.0), qini.caused.last().copied().unwrap_or(0.0));
        let largest = qini.caused.iter().fold(0.0_f64, |a, b| a.max(b.abs())).max(1e-9);
        let scaled: Vec<f64> = qini.caused.iter().map(|caused| caused / largest).collect();
        let points = thin(&qini.volume, &scaled, POINTS.0, POINTS.1)?
            .into_iter()
            .filter_map(|at| {
                let volume = *qini.volume.get(at)?;
                let share_of_customers = volume / whole.max(1.0);
                Some(QiniPoint {
                    share_of_customers,
                    caused_buyers: *qini.caused.get(at)?,
                    by_chance: caused * share_of_customers,
                })
            })
            .collect();
        Ok(QiniCurve { points, area: qini.area(), coefficient: qini.coefficient() })
    }

    /// The effect among the best `share` of the audience by a score, with its interval.
    pub fn uplift_at(&self, score: &[f32], share: f64) -> Result<Interval> {
        let Uplift { uplift, low, high, .. } =
            uplift_at(score, &self.bought, &self.treated, &vec![1.0; self.bought.len()], share, 0.95)?;
        Ok(Interval { value: uplift, low, high })
    }
}

/// Share among the treated minus share among the held-out, of (buyers, customers) each; Agresti & Caffo 2000: one buyer and one other
/// are added to each arm, which keeps the interval's promise with few buyers, and with none.
fn difference([a, n, b, m]: [usize; 4]) -> Interval {
    let adjusted = |buyers: usize, n: usize| {
        let p = (buyers as f64 + 1.0) / (n as f64 + 2.0);
        (p, p * (1.0 - p) / (n as f64 + 2.0))
    };
    let ((p, v), (q, w)) = (adjusted(a, n), adjusted(b, m));
    let half = Z95 * (v + w).sqrt();
    Interval {
        value: a as f64 / n as f64 - b as f64 / m as f64,
        low: (p - q - half).max(-1.0),
        high: (p - q + half).min(1.0),
    }
}

fn sentence(effect: &CampaignEffect) -> String {
    let Interval { value, low, high } = effect.caused_buyers;
    let share = |buyers: usize, n: usize| 100.0 * buyers as f64 / n as f64;
    let shares = format!(
        "{:.2} % of those who got the message bought, {:.2} % of those held out",
        share(effect.buyers_treated, effect.n_treated),
        share(effect.buyers_holdout, effect.n_holdout)
    );
    if effect.certain {
        format!("{shares}: the campaign caused {value:.0} buyers (95 %: {low:.0} to {high:.0})")
    } else {
        format!("{shares}: too close to tell an effect (95 %: {low:.0} to {high:.0} buyers)")
    }
}
