//! The report of a campaign as the API shows it, field by field, so that the document describes it.

use chrono::{DateTime, Utc};
use clew_crm as crm;
use clew_crm::campaign;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What became of a campaign, beside what was predicted before it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignReport {
    #[schema(example = "M0042")]
    campaign_id: String,
    promoted: Promoted,
    /// When the first message was sent or withheld; nothing at or after it was known to the predictions.
    first_at: DateTime<Utc>,
    /// Days after a customer's message in which a purchase counts: those that the model predicts.
    #[schema(example = 28)]
    horizon_days: u32,
    /// The model that predicts.
    model_id: Uuid,
    treated: Treated,
    /// Customers who were held out.
    #[schema(example = 1_500)]
    n_holdout: usize,
    /// Tenths of the treated by propensity, best first.
    #[schema(max_items = 10)]
    deciles: Vec<Decile>,
    /// Share of the treated buyers that were reached at each share of the treated, best first; empty when nobody or
    /// everybody bought.
    gain: Vec<RealisedGain>,
    /// What the messages caused; null without a holdout.
    effect: Option<CampaignEffect>,
    /// What would have been caused at each volume in the order of propensity; null without a holdout or buyers.
    qini: Option<Qini>,
    /// Whether an order by uplift would do better; null with too few buyers to learn one from.
    uplift_order: Option<UpliftOrder>,
    /// What must be known before trusting this.
    #[schema(example = json!([]))]
    warnings: Vec<String>,
}

/// What a campaign promoted.
#[derive(Debug, Serialize, ToSchema)]
struct Promoted {
    by: PromotedBy,
    /// True of its products; null where they are listed, or all.
    #[schema(example = "product.category == \"wine\"")]
    expression: Option<String>,
    #[schema(example = 132)]
    n_products: usize,
}

/// How it is known what a campaign promoted: `asked` by the request; `campaign`, its row names it; `shared`, its row
/// has a category or a brand, and so do products; `everything`, nothing says so, and purchases of anything count.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PromotedBy {
    Asked,
    Campaign,
    Shared,
    Everything,
}

/// Those who were sent the message.
#[derive(Debug, Serialize, ToSchema)]
struct Treated {
    #[schema(example = 10_000)]
    n_customers: usize,
    /// Buyers that were expected.
    #[schema(example = 612.4)]
    expected_buyers: f64,
    /// Lower end of the 80 % band around them.
    #[schema(example = 540.1)]
    low: f64,
    /// Upper end of the 80 % band.
    #[schema(example = 690.8)]
    high: f64,
    /// Buyers that there were.
    #[schema(example = 640)]
    n_buyers: usize,
}

/// A tenth of the treated.
#[derive(Debug, Serialize, ToSchema)]
struct Decile {
    /// 1 is the tenth with the highest propensities.
    #[schema(minimum = 1, maximum = 10, example = 1)]
    decile: usize,
    #[schema(example = 1_000)]
    n_customers: usize,
    /// Buyers that were expected.
    #[schema(example = 241.3)]
    expected_buyers: f64,
    /// Buyers that there were.
    #[schema(example = 252)]
    n_buyers: usize,
}

/// A share of the treated, best first, and the share of their buyers among them.
#[derive(Debug, Serialize, ToSchema)]
struct RealisedGain {
    #[schema(example = 0.1)]
    share_of_customers: f64,
    #[schema(example = 0.39)]
    share_of_buyers: f64,
}

/// A figure with its 95 % interval.
#[derive(Debug, Serialize, ToSchema)]
struct Interval {
    #[schema(example = 0.012)]
    value: f64,
    #[schema(example = 0.004)]
    low: f64,
    #[schema(example = 0.02)]
    high: f64,
}

/// What the messages caused.
#[derive(Debug, Serialize, ToSchema)]
struct CampaignEffect {
    /// Buyers among the treated.
    #[schema(example = 640)]
    buyers_treated: usize,
    /// Buyers among the held-out.
    #[schema(example = 78)]
    buyers_holdout: usize,
    /// Share of buyers among the treated minus that among the held-out.
    uplift: Interval,
    /// The same over the share among the held-out: 0.1 is a tenth more buyers. Null when nobody held out bought.
    relative: Option<Interval>,
    /// Buyers that the messages caused: the uplift times the treated.
    caused_buyers: Interval,
    /// Money that the messages caused, of all treated, in the tenant's currency.
    caused_revenue: Interval,
    /// Whether the interval of the uplift leaves 0 out.
    #[schema(example = true)]
    certain: bool,
    /// In one sentence.
    #[schema(
        example = "6.40 % of those who got the message bought, 5.20 % of those held out: the campaign caused 120 buyers (95 %: 40 to 200)"
    )]
    sentence: String,
    /// What must be known before trusting this.
    #[schema(example = json!([]))]
    warnings: Vec<String>,
}

/// What would have been caused at each volume, had only the best been sent the message.
#[derive(Debug, Serialize, ToSchema)]
struct Qini {
    /// By rising volume, at most 200.
    points: Vec<QiniPoint>,
    /// Buyers caused more, on average over all volumes, than by taking as many customers by chance.
    #[schema(example = 14.2)]
    area: f64,
    /// The same over that of the best order there could be: 0 is chance, 1 is perfect. Null when nothing was caused
    /// in all.
    #[schema(example = 0.12)]
    coefficient: Option<f64>,
}

/// One volume of a Qini curve.
#[derive(Debug, Serialize, ToSchema)]
struct QiniPoint {
    /// Share of the audience, best first.
    #[schema(example = 0.2)]
    share_of_customers: f64,
    /// Buyers caused among the treated of them.
    #[schema(example = 51.0)]
    caused_buyers: f64,
    /// As many as chance would have caused with that volume.
    #[schema(example = 24.0)]
    by_chance: f64,
}

/// What an order by uplift per customer is worth, on customers that it had not seen.
#[derive(Debug, Serialize, ToSchema)]
struct UpliftOrder {
    /// The Qini curve of the order by uplift.
    qini: Qini,
    /// Its area minus that of the order by propensity: buyers caused more, on average over all volumes.
    gained: Interval,
    /// Whether that interval lies above 0: only then is the order by uplift worth using.
    #[schema(example = false)]
    better: bool,
}

impl CampaignReport {
    pub(crate) fn of(
        report: crm::CampaignReport,
        promoted: &campaign::Promoted,
        campaign_id: String,
        model_id: Uuid,
        first_at: DateTime<Utc>,
    ) -> Self {
        let steps = report.gain.len().saturating_sub(1).max(1) as f64;
        let gain = report.gain.into_iter().enumerate();
        Self {
            campaign_id,
            promoted: promoted.into(),
            first_at,
            horizon_days: report.horizon_days,
            model_id,
            treated: report.treated.into(),
            n_holdout: report.n_holdout,
            deciles: report.deciles.into_iter().zip(1..).map(Decile::of).collect(),
            gain: gain
                .map(|(step, share_of_buyers)| RealisedGain {
                    share_of_customers: step as f64 / steps,
                    share_of_buyers,
                })
                .collect(),
            effect: report.effect.map(Into::into),
            qini: report.qini.map(Into::into),
            uplift_order: report.uplift.map(|uplift| UpliftOrder {
                qini: uplift.by_uplift.into(),
                gained: uplift.gained.into(),
                better: uplift.better,
            }),
            warnings: report.warnings,
        }
    }
}

impl From<&campaign::Promoted> for Promoted {
    fn from(promoted: &campaign::Promoted) -> Self {
        Self {
            by: match promoted.by {
                campaign::PromotedBy::Asked => PromotedBy::Asked,
                campaign::PromotedBy::Campaign => PromotedBy::Campaign,
                campaign::PromotedBy::Shared => PromotedBy::Shared,
                campaign::PromotedBy::Everything => PromotedBy::Everything,
            },
            expression: promoted.expression.clone(),
            n_products: promoted.products.len(),
        }
    }
}

impl From<crm::Treated> for Treated {
    fn from(treated: crm::Treated) -> Self {
        let crm::Treated { n_customers, expected_buyers, low, high, n_buyers } = treated;
        Self { n_customers, expected_buyers, low, high, n_buyers }
    }
}

impl Decile {
    fn of((tenth, decile): (crm::Decile, usize)) -> Self {
        let crm::Decile { n_customers, expected_buyers, n_buyers } = tenth;
        Self { decile, n_customers, expected_buyers, n_buyers }
    }
}

impl From<crm::Interval> for Interval {
    fn from(interval: crm::Interval) -> Self {
        let crm::Interval { value, low, high } = interval;
        Self { value, low, high }
    }
}

impl From<crm::CampaignEffect> for CampaignEffect {
    fn from(effect: crm::CampaignEffect) -> Self {
        Self {
            buyers_treated: effect.buyers_treated,
            buyers_holdout: effect.buyers_holdout,
            uplift: effect.uplift.into(),
            relative: effect.relative.map(Into::into),
            caused_buyers: effect.caused_buyers.into(),
            caused_revenue: effect.caused_revenue.into(),
            certain: effect.certain,
            sentence: effect.sentence,
            warnings: effect.warnings,
        }
    }
}

impl From<crm::QiniCurve> for Qini {
    fn from(curve: crm::QiniCurve) -> Self {
        let point = |point: crm::QiniPoint| QiniPoint {
            share_of_customers: point.share_of_customers,
            caused_buyers: point.caused_buyers,
            by_chance: point.by_chance,
        };
        Self {
            points: curve.points.into_iter().map(point).collect(),
            area: curve.area,
            coefficient: curve.coefficient,
        }
    }
}
