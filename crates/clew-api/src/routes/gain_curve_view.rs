//! A gain curve as the API shows it, field by field, so that the document describes it.

use chrono::{DateTime, Utc};
use clew_crm::gain_curve as crm;
use clew_crm::waterfall;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::expression::Scope;

/// Expected buyers against volume, best customers first. Straight lines between the points err by less than 0.1 %.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GainCurve {
    /// At most 200, from volume 0 to all customers that are left after rules and segment.
    points: Vec<GainPoint>,
    named_volumes: NamedVolumes,
    /// What each rule took away, in their order; of what rules over products left of the offer. Of more than three that
    /// take products, what they took together is exact, and shared among them by what their products have sold.
    waterfall: Vec<WaterfallStep>,
    /// Customers left after rules and segment.
    #[schema(example = 48_210)]
    n_customers: usize,
    /// Products of the offer, after product rules.
    #[schema(example = 132)]
    n_products: usize,
    /// How comparable offers fared out of time; null when none is comparable.
    comparable_backtest: Option<ComparableBacktest>,
    /// What a reader must know before trusting this.
    #[schema(example = json!([]))]
    warnings: Vec<String>,
    /// In one sentence.
    #[schema(example = "70 % of the buyers with 38 % of the messages")]
    sentence: String,
    /// The model that answered.
    model_id: Uuid,
    /// Nothing at or after this was known.
    as_of: DateTime<Utc>,
}

/// One point of a gain curve.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GainPoint {
    /// Customers contacted.
    #[schema(example = 10_000)]
    volume: usize,
    #[schema(example = 0.207)]
    share_of_customers: f64,
    #[schema(example = 612.4)]
    expected_buyers: f64,
    /// Lower end of the 80 % band.
    #[schema(example = 540.1)]
    low: f64,
    /// Upper end of the 80 % band.
    #[schema(example = 690.8)]
    high: f64,
    #[schema(example = 0.53)]
    share_of_buyers: f64,
    /// Over what a random audience of that volume would reach.
    #[schema(example = 2.56)]
    lift: f64,
    /// In the tenant's currency.
    #[schema(example = 18_372.0)]
    expected_revenue: f64,
    /// `margin × revenue − cost of contact`; null unless a margin or a cost was given.
    #[schema(example = 5_011.6)]
    expected_profit: Option<f64>,
}

/// Volumes with a name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NamedVolumes {
    /// The least volume that reaches 50 % of the expected buyers.
    #[schema(example = 9_120)]
    buyers_50: usize,
    /// … 70 %.
    #[schema(example = 18_320)]
    buyers_70: usize,
    /// … 90 %.
    #[schema(example = 33_000)]
    buyers_90: usize,
    /// The volume of the highest expected profit; null unless a margin or a cost was given.
    #[schema(example = 15_000)]
    most_profitable: Option<usize>,
}

/// What one rule took away.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaterfallStep {
    /// The rule's name.
    #[schema(example = "No alcohol to minors")]
    rule: String,
    /// What people are told.
    #[schema(example = "under age")]
    reason: String,
    /// What it refuses.
    scope: Scope,
    /// Customers taken; 0 for a rule over products.
    #[schema(example = 1_790)]
    n_customers: usize,
    /// Products taken from the offer; 0 for a rule over customers.
    #[schema(example = 0)]
    n_products: usize,
    /// Expected buyers lost with them.
    #[schema(example = 21.3)]
    expected_buyers: f64,
    /// Expected revenue lost with them.
    #[schema(example = 640.5)]
    expected_revenue: f64,
}

/// How offers of about this size fared out of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ComparableBacktest {
    /// Offers compared with.
    #[schema(example = 24)]
    n_offers: usize,
    /// Their mean AUC.
    #[schema(example = 0.82)]
    auc: f64,
    /// Their mean share of buyers in the first 10 % of customers.
    #[schema(example = 0.41)]
    buyers_10: f64,
    /// Realised over expected buyers: the lowest, the median and the highest tenth.
    #[schema(min_items = 3, max_items = 3, example = json!([0.85, 1.01, 1.2]))]
    realised_over_expected: Vec<f64>,
}

impl GainCurve {
    pub(crate) fn of(curve: crm::GainCurve, model_id: Uuid, as_of: DateTime<Utc>) -> Self {
        Self {
            points: curve.points.iter().map(Into::into).collect(),
            named_volumes: NamedVolumes {
                buyers_50: curve.named_volumes.buyers_50,
                buyers_70: curve.named_volumes.buyers_70,
                buyers_90: curve.named_volumes.buyers_90,
                most_profitable: curve.named_volumes.most_profitable,
            },
            waterfall: curve.waterfall.steps.into_iter().map(Into::into).collect(),
            n_customers: curve.n_customers,
            n_products: curve.n_products,
            comparable_backtest: curve.comparable_backtest.map(|c| ComparableBacktest {
                n_offers: c.n_offers,
                auc: c.auc,
                buyers_10: c.buyers_10,
                realised_over_expected: c.realised_over_expected.to_vec(),
            }),
            warnings: curve.warnings,
            sentence: curve.sentence,
            model_id,
            as_of,
        }
    }
}

impl From<&crm::GainPoint> for GainPoint {
    fn from(point: &crm::GainPoint) -> Self {
        Self {
            volume: point.volume,
            share_of_customers: point.share_of_customers,
            expected_buyers: point.expected_buyers,
            low: point.low,
            high: point.high,
            share_of_buyers: point.share_of_buyers,
            lift: point.lift,
            expected_revenue: point.expected_revenue,
            expected_profit: point.expected_profit,
        }
    }
}

impl From<waterfall::WaterfallStep> for WaterfallStep {
    fn from(step: waterfall::WaterfallStep) -> Self {
        Self {
            rule: step.rule,
            reason: step.reason,
            scope: match step.scope {
                clew_crm::Scope::Customer => Scope::Customer,
                clew_crm::Scope::Product => Scope::Product,
            },
            n_customers: step.n_customers,
            n_products: step.n_products,
            expected_buyers: step.expected_buyers,
            expected_revenue: step.expected_revenue,
        }
    }
}
