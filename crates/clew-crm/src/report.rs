//! Report: what a training or a backtest says of itself: the protocol, figures out of time beside the baselines, curves, warnings.
//!
//! Everything here serialises as it is shown by the API; text and HTML are made of it by whoever shows it.
use serde::{Deserialize, Serialize};

pub use crate::ablation::AblationFigures;
use crate::attribute_effect::AttributeFigures;
use crate::leak::Leak;
use crate::leak_stale::StaleFigures;
pub use crate::learning_curve::LearningPoint;
pub use crate::report_backtest::{BandFigures, CutoffFigures, ShrunkFigures};

/// What a training or a backtest says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The day (`2017-10-09`) up to which anything was known to the fitted model.
    pub as_of: String,
    /// The cutoff of the judged window: features end here, the labels are the `horizon_days` after it.
    pub judged_from: String,
    /// The end of the judged window.
    pub judged_to: String,
    /// Days in which a purchase counts.
    pub horizon_days: u32,
    /// Seed of every random choice.
    pub seed: u64,
    /// What the figures stand on.
    pub data: ReportData,
    /// The day of the full training that this one started from; none of a full training itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_from: Option<String>,
    /// The model that was chosen, by name: `linear`, `logistic`, `boosted_trees` or `network`.
    pub chosen: String,
    /// The chosen model and each baseline on the judged window: the model first, under the name `clew`.
    pub methods: Vec<MethodFigures>,
    /// Offers whose products were hidden from the history (a masked launch), the same figures; empty when there were none.
    pub cold_methods: Vec<MethodFigures>,
    /// Every nested model's figures in training and out of time, the smallest first.
    pub candidates: Vec<CandidateFigures>,
    /// Mean predicted against realised share, in twenty groups of equal size by prediction.
    pub calibration_curve: Vec<CalibrationPoint>,
    /// Share of the judged offers whose realised buyers fell inside the 80 % band.
    pub band_coverage: Option<f64>,
    /// The same counted, for offers that had sold.
    #[serde(default)]
    pub warm_band: BandFigures,
    /// The same counted, for masked launches.
    #[serde(default)]
    pub cold_band: BandFigures,
    /// Each cutoff of a rolling backtest, the oldest first; empty in the report of a training.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cutoffs: Vec<CutoffFigures>,
    /// Tenants cut down to few buyers, where that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shrunk: Vec<ShrunkFigures>,
    /// Standard deviation of the logarithm of how far whole offers were off.
    pub band_spread: f64,
    /// Each judged offer.
    pub offers: Vec<OfferFigures>,
    /// The features that separate buyers best on their own, best first.
    pub features: Vec<FeatureFigures>,
    /// What each set of features is worth, where that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ablation: Vec<AblationFigures>,
    /// What each column of the customers tells of what they buy, on its own; the most telling first.
    #[serde(default)]
    pub attributes: Vec<AttributeFigures>,
    /// What a horizon of history is worth, in a backtest: older knowledge must not do better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<StaleFigures>,
    /// What was left out of learning because it knows the answer.
    #[serde(default)]
    pub leaks: Vec<Leak>,
    /// Quality against the volume of data, from little to all; empty where that was not asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learning_curve: Vec<LearningPoint>,
    /// What recommends, where recommendations are all that was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommend: Option<RecommendReport>,
    /// What a reader must know before trusting this.
    pub warnings: Vec<String>,
}

/// How what recommends was chosen: on events before the date that were kept aside from the fit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecommendReport {
    /// What was kept aside: `the last 28 days`; empty when there was too little to choose on.
    pub kept_aside: String,
    /// Customers who were judged by it.
    pub n_customers: usize,
    /// Ways to discount long histories and popular products that were tried for the neighbours.
    pub n_filters: usize,
    /// The blend first, then each way alone.
    pub recommenders: Vec<RecommenderFigures>,
}

/// One way to recommend, judged by what was kept aside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecommenderFigures {
    /// In words.
    pub name: String,
    /// What it counts in the blend; 0 for one that does not help.
    pub weight: f64,
    /// Mean share of the products kept aside that are among the best 20.
    pub recall_20: f64,
    /// Mean normalised discounted cumulative gain of the best 20.
    pub ndcg_20: f64,
}

/// What the figures of a report stand on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReportData {
    /// Customers with an event before the cutoff.
    pub n_customers: usize,
    /// Products of the catalogue.
    pub n_products: usize,
    /// Events before the cutoff.
    pub n_events: usize,
    /// Customers with a purchase before the cutoff.
    pub n_buyers: usize,
    /// The cutoffs that were learned from, oldest first.
    pub cutoffs: Vec<String>,
    /// Groupings of the catalogue that played the offer.
    pub n_offers: usize,
    /// Rows (customer × offer × cutoff) that the final model was fitted on.
    pub n_rows: usize,
    /// Customers under which a value of an attribute was not learned of.
    #[serde(default)]
    pub minimum_support: usize,
}

/// Figures of one way of ordering customers: means over offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MethodFigures {
    /// `clew`, `most_recent`, `most_frequent`, `most_spent` or `popularity`.
    pub name: String,
    /// Over all active customers.
    pub all: Figures,
    /// Over those who bought nothing of the offer in the 56 days before the cutoff.
    pub new: Figures,
}

/// Means over offers with at least one buyer and one other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Area under the ROC curve, ties counted half.
    pub auc: f64,
    /// Lift in the first 10 % of customers.
    pub lift_10: f64,
    /// Share of all buyers in the first 5 % of customers.
    pub buyers_5: f64,
    /// Share of all buyers in the first 10 %.
    pub buyers_10: f64,
    /// Share of all buyers in the first 20 %.
    pub buyers_20: f64,
    /// Log loss over all rows; none for what does not predict a probability.
    pub log_loss: Option<f64>,
    /// Mean predicted over mean realised, over all rows; none for what does not predict a probability.
    pub calibration: Option<f64>,
    /// Offers that count.
    pub n_offers: usize,
    /// Rows (customer × offer).
    pub n_rows: usize,
    /// Rows that bought.
    pub n_buyers: usize,
    /// Mean share of buyers reached at each fortieth of the customers, from 0 to 1: 41 values.
    pub gain: Vec<f64>,
}

/// One of the nested models, in training and out of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CandidateFigures {
    /// `linear`, `logistic`, `boosted_trees`, `network`, or the same with `cold ` before it for the model of never-sold offers.
    pub name: String,
    /// AUC on the rows it was fitted on, mean over offers and cutoffs.
    pub auc_training: f64,
    /// AUC out of time, mean over offers.
    pub auc: f64,
    /// AUC out of time among new customers, mean over offers.
    pub auc_new: f64,
    /// Log loss on the rows it was fitted on.
    pub log_loss_training: f64,
    /// Log loss out of time.
    pub log_loss: f64,
    /// Whether this one is used.
    pub chosen: bool,
}

/// One group of a calibration curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPoint {
    /// Mean predicted propensity.
    pub predicted: f64,
    /// Share that bought.
    pub realised: f64,
    /// Rows in the group.
    pub n_rows: usize,
}

/// One judged offer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OfferFigures {
    /// The offer in words: `category = COFFEE`.
    pub name: String,
    /// The cutoff that it was judged after; empty where the report has only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub judged_from: String,
    /// Its products.
    pub n_products: usize,
    /// Active customers it was judged on.
    pub n_customers: usize,
    /// Those who bought.
    pub n_buyers: usize,
    /// Those who were expected to.
    pub expected_buyers: f64,
    /// Lower end of the 80 % band.
    pub low: f64,
    /// Upper end of the 80 % band.
    pub high: f64,
    /// AUC over all active customers; none when nobody or everybody bought.
    pub auc: Option<f64>,
    /// AUC over new customers.
    pub auc_new: Option<f64>,
    /// Share of the buyers in the first 10 % of customers.
    pub buyers_10: Option<f64>,
    /// Whether its products were hidden from the history.
    pub cold: bool,
}

/// How well a feature separates buyers on its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureFigures {
    /// Name of the feature.
    pub name: String,
    /// AUC of the feature alone, mean over the judged offers, or one minus it when it separates the other way.
    pub auc: f64,
}
