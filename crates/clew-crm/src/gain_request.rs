//! Computes gain curves: from an offer, rules and a segment to points, named volumes, waterfall and the sentence.
use clew_learn::Run;
use clew_learn::gain::thin;
use rayon::prelude::*;

use crate::bits::Bits;
use crate::error::{Error, Result};
use crate::expression::Predicate;
use crate::gain_band::band;
use crate::gain_curve::{ComparableBacktest, GainCurve, GainPoint, NamedVolumes};
use crate::gain_rules::Ruled;
use crate::product_set::ProductSet;
use crate::rule::CompiledRule;
use crate::scorer::Scorer;
use crate::waterfall::Waterfall;

/// Most points of a curve, and how far straight lines between them may lie off, as a share of all expected buyers.
const POINTS: (usize, f64) = (200, 0.0009);

/// Share of all sales above which an offer is broader than the groupings that are practised on.
const BROAD: f32 = 0.7;

/// What a gain curve is asked for.
#[derive(Clone, Copy, Debug)]
pub struct GainRequest<'a> {
    /// The offer.
    pub products: &'a ProductSet,
    /// Rules in force, in order; those over products narrow the offer, those over customers the audience.
    pub rules: &'a [CompiledRule],
    /// Only these customers.
    pub segment: Option<&'a Predicate>,
    /// Profit per unit of revenue before the cost of contact; 1 when only a cost is given.
    pub margin: Option<f64>,
    /// Cost of contacting one customer; 0 when only a margin is given.
    pub cost_per_contact: Option<f64>,
}

impl<'a> GainRequest<'a> {
    /// All customers, no rules, no money.
    pub fn new(products: &'a ProductSet) -> GainRequest<'a> {
        GainRequest { products, rules: &[], segment: None, margin: None, cost_per_contact: None }
    }
}

/// Customers of a curve, best first, with what each is worth.
pub(crate) struct Ranked {
    /// Codes of the customers.
    pub(crate) customers: Vec<u32>,
    /// Aligned: propensity and expected revenue.
    pub(crate) worth: Vec<(f64, f64)>,
}

impl Scorer {
    /// The gain curve of an offer. Errors on an offer without products (also after product rules), on a segment or rule that cannot be
    /// evaluated, and when no customer is left.
    pub fn gain_curve(&self, run: &Run<'_>, request: &GainRequest<'_>) -> Result<GainCurve> {
        let Ruled { products, offer, worth, kept, waterfall } = self.ruled(run, request)?;
        let share = self.share_expected(worth.iter().map(|worth| worth.0));
        let ranked = self.ranked(run, &kept, &worth);
        if ranked.customers.is_empty() {
            return Err(Error::Nothing {
                what: "the segment with these rules".to_owned(),
                remedy: "widen the segment or disable a rule".to_owned(),
            });
        }
        let n_buyers = offer.level.n_buyers;
        let propensities = ranked.worth.iter().map(|&(p, _)| p);
        let idle = self.share_idle(ranked.customers.iter().copied().zip(propensities));
        let spread = self.spread(n_buyers, share, idle);
        let mut curve = curve(&ranked, spread, request.margin, request.cost_per_contact)?;
        curve.n_products = products.len();
        curve.waterfall = waterfall;
        let expected = curve.points.last().map_or(0.0, |point| point.expected_buyers);
        curve.comparable_backtest =
            self.comparable(expected / curve.n_customers.max(1) as f64, n_buyers == 0);
        curve.warnings = self.warnings(expected, n_buyers, self.share_of_sales(&products));
        Ok(curve)
    }

    /// The kept customers, best first; of equals, the lower code.
    fn ranked(&self, run: &Run<'_>, kept: &Bits, worth: &[(f64, f64)]) -> Ranked {
        // A propensity is a positive number of 32 bits, so its bits are in its order; turned round, the best come first.
        let key = |p: f64, customer: u32| u64::from(!(p as f32).to_bits()) << 32 | u64::from(customer);
        let mut keys: Vec<u64> =
            kept.ones().filter_map(|customer| Some(key(worth[self.place(customer)?].0, customer))).collect();
        run.pool.install(|| keys.par_sort_unstable());
        let customers: Vec<u32> = keys.into_iter().map(|key| key as u32).collect();
        let worth = customers.iter().filter_map(|&customer| Some(worth[self.place(customer)?])).collect();
        Ranked { customers, worth }
    }

    pub(crate) fn worth(
        &self,
        run: &Run<'_>,
        offer: &crate::feature_offer::OfferState<'_>,
        products: &ProductSet,
    ) -> Result<Vec<(f64, f64)>> {
        let propensities = self.score(run, offer)?;
        let baskets = self.baskets(offer, products);
        Ok(propensities
            .into_iter()
            .zip(baskets)
            .map(|(p, b)| (f64::from(p), f64::from(p) * f64::from(b)))
            .collect())
    }

    /// Share of the active customers that is expected to buy from the whole offer: what its spread goes by.
    pub(crate) fn share_expected(&self, propensities: impl Iterator<Item = f64>) -> f64 {
        let active = propensities.zip(&self.state.profile).filter(|(_, customer)| customer.is_active());
        let (sum, n) = active.fold((0.0, 0_u64), |(sum, n), (p, _)| (sum + p, n + 1));
        sum / n.max(1) as f64
    }

    /// The spread of an offer whose expected buyers are idle customers to this share.
    pub(crate) fn spread(&self, n_buyers: usize, share: f64, idle: f64) -> f64 {
        self.model.heads.as_ref().map_or(0.5, |heads| heads.spread_of(n_buyers, share, idle))
    }

    /// Which share of the buyers expected of these customers bought nothing in the 56 days before.
    pub(crate) fn share_idle(&self, customers: impl Iterator<Item = (u32, f64)>) -> f64 {
        let is_idle =
            |customer| self.place(customer).is_some_and(|place| !self.state.profile[place].is_active());
        let sum = |(idle, all): (f64, f64), (customer, p): (u32, f64)| {
            (if is_idle(customer) { idle + p } else { idle }, all + p)
        };
        let (idle, all) = customers.fold((0.0, 0.0), sum);
        if all > 0.0 { idle / all } else { 0.0 }
    }

    pub(crate) fn sum(&self, kept: &Bits, worth: &[(f64, f64)]) -> (f64, f64) {
        kept.ones()
            .filter_map(|customer| self.place(customer))
            .fold((0.0, 0.0), |sum, place| (sum.0 + worth[place].0, sum.1 + worth[place].1))
    }

    /// How offers of a third to three times the share of buyers fared out of time.
    fn comparable(&self, share: f64, cold: bool) -> Option<ComparableBacktest> {
        let report = &self.model.report;
        let near: Vec<_> = report
            .offers
            .iter()
            .filter(|o| {
                let theirs = o.expected_buyers / o.n_customers.max(1) as f64;
                o.cold == cold && theirs > share / 3.0 && theirs < share * 3.0
            })
            .filter(|o| o.auc.is_some())
            .collect();
        let n = near.len();
        if n < 3 {
            return None;
        }
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let mut ratios: Vec<f64> =
            near.iter().map(|o| (o.n_buyers as f64 + 0.5) / (o.expected_buyers + 0.5)).collect();
        ratios.sort_by(f64::total_cmp);
        let at = |place: f64| ratios.get(((n - 1) as f64 * place).round() as usize).copied().unwrap_or(1.0);
        Some(ComparableBacktest {
            n_offers: n,
            auc: mean(near.iter().filter_map(|o| o.auc).collect()),
            buyers_10: mean(near.iter().filter_map(|o| o.buyers_10).collect()),
            realised_over_expected: [at(0.1), at(0.5), at(0.9)],
        })
    }

    /// Which share of what sold of late is of these products.
    fn share_of_sales(&self, products: &ProductSet) -> f32 {
        let popularity = &self.state.popularity;
        let sold = products.products().iter().filter_map(|&product| popularity.get(product as usize));
        sold.sum::<f32>() / popularity.iter().sum::<f32>().max(1e-9)
    }

    fn warnings(&self, expected: f64, n_buyers: usize, share_of_sales: f32) -> Vec<String> {
        let mut warnings = Vec::new();
        if share_of_sales > BROAD {
            warnings.push(format!(
                "the offer is {:.0} % of all that sells, broader than any that was practised on: of customers who have not bought for long \
                 fewer will buy than expected",
                100.0 * share_of_sales
            ));
        }
        if n_buyers == 0 {
            warnings.push(
                "none of these products was ever bought: the curve rests on their attributes alone"
                    .to_owned(),
            );
        } else if n_buyers < 20 {
            warnings.push(format!("only {n_buyers} customers ever bought from this offer"));
        }
        if self.state.n_active == 0 {
            warnings.push(
                "nobody bought anything in the 56 days before this date: the curve rests on old habits; choose an earlier date, or \
                 import what happened since"
                    .to_owned(),
            );
        }
        if expected < 10.0 {
            warnings.push(format!("only {expected:.1} buyers are expected: the band is wide"));
        }
        if self.as_of > self.model.as_of + 92 * crate::feature_state::DAY {
            warnings.push("the model is older than three months; train again".to_owned());
        }
        warnings.extend(self.model.report.warnings.iter().cloned());
        warnings
    }
}

/// The curve of ranked customers.
pub(crate) fn curve(
    ranked: &Ranked,
    spread: f64,
    margin: Option<f64>,
    cost: Option<f64>,
) -> Result<GainCurve> {
    let n = ranked.customers.len();
    let with_profit = margin.is_some() || cost.is_some();
    let (margin, cost) = (margin.unwrap_or(1.0), cost.unwrap_or(0.0));
    let mut volume = Vec::with_capacity(n + 1);
    let mut buyers = Vec::with_capacity(n + 1);
    let mut all = Vec::with_capacity(n + 1);
    let (mut sum, mut variance, mut revenue) = (0.0, 0.0, 0.0);
    let mut best = (0, 0.0);
    volume.push(0.0);
    buyers.push(0.0);
    all.push((0.0, 0.0));
    for (place, &(p, money)) in ranked.worth.iter().enumerate() {
        sum += p;
        variance += p * (1.0 - p);
        revenue += money;
        volume.push((place + 1) as f64);
        buyers.push(sum);
        all.push((variance, revenue));
        let profit = margin * revenue - cost * (place + 1) as f64;
        if profit > best.1 {
            best = (place + 1, profit);
        }
    }
    let reach = |share: f64| buyers.partition_point(|&reached| reached < share * sum * (1.0 - 1e-12)).min(n);
    let points = thin(&volume, &buyers, POINTS.0, POINTS.1)?
        .into_iter()
        .map(|at| {
            let share_of_customers = at as f64 / n.max(1) as f64;
            let share_of_buyers = if sum > 0.0 { buyers[at] / sum } else { 0.0 };
            let (low, high) = band(buyers[at], all[at].0, spread);
            GainPoint {
                volume: at,
                share_of_customers,
                expected_buyers: buyers[at],
                low,
                high: high.min(at as f64),
                share_of_buyers,
                lift: if at == 0 { 1.0 } else { share_of_buyers / share_of_customers },
                expected_revenue: all[at].1,
                expected_profit: with_profit.then(|| margin * all[at].1 - cost * at as f64),
            }
        })
        .collect();
    let named_volumes = NamedVolumes {
        buyers_50: reach(0.5),
        buyers_70: reach(0.7),
        buyers_90: reach(0.9),
        most_profitable: with_profit.then_some(best.0),
    };
    Ok(GainCurve {
        points,
        named_volumes,
        waterfall: Waterfall::default(),
        n_customers: n,
        n_products: 0,
        comparable_backtest: None,
        warnings: Vec::new(),
        sentence: format!(
            "70 % of the buyers with {:.0} % of the messages",
            (100.0 * named_volumes.buyers_70 as f64 / n.max(1) as f64).max(1.0)
        ),
    })
}
