//! Gain curve: expected buyers, revenue and profit against volume, best customers first, with an 80 % band.
use serde::{Deserialize, Serialize};

use crate::waterfall::Waterfall;

/// Expected buyers against volume, best customers first; at most 200 points between which straight lines err by less than 0.1 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GainCurve {
    /// From volume 0 to all customers that are left after rules and segment.
    pub points: Vec<GainPoint>,
    /// Volumes with a name.
    pub named_volumes: NamedVolumes,
    /// What each rule took away, in the order of the rules.
    pub waterfall: Waterfall,
    /// Customers left after rules and segment.
    pub n_customers: usize,
    /// Products of the offer, after product rules.
    pub n_products: usize,
    /// How comparable offers fared out of time; none when none is comparable.
    pub comparable_backtest: Option<ComparableBacktest>,
    /// What a reader must know before trusting this.
    pub warnings: Vec<String>,
    /// `70 % of the buyers with 38 % of the messages`.
    pub sentence: String,
}

/// One point of a gain curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GainPoint {
    /// Customers contacted.
    pub volume: usize,
    /// `volume` over all customers of the curve.
    pub share_of_customers: f64,
    /// Expected buyers among them.
    pub expected_buyers: f64,
    /// Lower end of the 80 % band.
    pub low: f64,
    /// Upper end of the 80 % band.
    pub high: f64,
    /// Expected buyers over those of the whole curve.
    pub share_of_buyers: f64,
    /// Over what a random audience of that volume would reach; 1 at volume 0.
    pub lift: f64,
    /// Expected revenue from the offer among them.
    pub expected_revenue: f64,
    /// `margin × revenue − cost of contact`; none unless a margin or a cost was given.
    pub expected_profit: Option<f64>,
}

/// Volumes with a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NamedVolumes {
    /// The least volume that reaches 50 % of the expected buyers.
    pub buyers_50: usize,
    /// … 70 %.
    pub buyers_70: usize,
    /// … 90 %.
    pub buyers_90: usize,
    /// The volume of the highest expected profit; none unless a margin or a cost was given.
    pub most_profitable: Option<usize>,
}

/// How offers of about this share of buyers fared out of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ComparableBacktest {
    /// Offers compared with.
    pub n_offers: usize,
    /// Their mean AUC.
    pub auc: f64,
    /// Their mean share of buyers in the first 10 % of customers.
    pub buyers_10: f64,
    /// Realised over expected buyers: the lowest, the median and the highest tenth.
    pub realised_over_expected: [f64; 3],
}
