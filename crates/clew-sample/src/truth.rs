//! The truth beside the data: what attributes do, what campaigns cause, and every customer's traits.

use serde_json::{Value, json};

use crate::campaign::{EFFECT_DAYS, Outcome};
use crate::category::{CATEGORIES, Category};
use crate::customer::{Customer, Sex};
use crate::effect::rounded;
use crate::folder::csv::Csv;
use crate::shop::Shop;
use crate::taste::{TRAITS, sparse};
use crate::time::date_text;

/// What only the truth knows of the shop and its campaigns; `outcomes` are summed over all chunks.
pub(crate) fn json(shop: &Shop, outcomes: &[Outcome]) -> Value {
    let params = shop.params();
    let campaigns: Vec<Value> = shop
        .campaigns()
        .iter()
        .zip(outcomes)
        .enumerate()
        .map(|(number, (campaign, outcome))| {
            json!({
                "campaign_id": format!("M{number:04}"),
                "category": Category::of(campaign.category).name,
                "sent_at": campaign.sent,
                "holdout_share": round(campaign.holdout_share.into()),
                "effect_on_the_most_interested": round(campaign.effect.into()),
                "n_sent": outcome.n_sent,
                "n_held_out": outcome.n_held_out,
                "expected_uplift": round(outcome.expected_caused / (outcome.n_sent.max(1) as f64)),
                "n_purchases_caused": outcome.n_caused,
            })
        })
        .collect();
    let categories: Vec<Value> = CATEGORIES
        .iter()
        .map(|category| {
            json!({
                "category": category.name,
                "aisle": category.aisle,
                "demand": category.demand,
                "rhythm_days": category.rhythm_days,
                "peak_of_the_year": round(category.peak.into()),
                "swing": round(category.swing.into()),
                "trend_per_year": round(category.trend.into()),
                "novelty_days": category.novelty_days,
                "traits": rounded(&sparse(category.loads)),
            })
        })
        .collect();
    json!({
        "seed": params.seed,
        "n_customers": params.n_customers,
        "n_products": params.n_products,
        "n_events": params.n_events,
        "start": params.start(),
        "end": params.end,
        "effect_days": EFFECT_DAYS,
        "effects": shop.effects().truth(),
        "categories": categories,
        "campaigns": campaigns,
    })
}

/// The columns of `truth.csv`.
pub(crate) fn header() -> Vec<&'static str> {
    let mut names = vec!["customer_id", "sex", "age", "activity", "attention", "birth_on"];
    names.extend(TRAITS);
    names
}

/// A customer's line of `truth.csv`.
pub(crate) fn line(customer: &Customer, out: &mut Csv) {
    out.id(b'C', customer.row.number.into(), 7);
    out.text(if customer.sex == Sex::Female { "F" } else { "M" });
    out.number(customer.age.unsigned_abs().into());
    out.decimal(customer.activity);
    out.decimal(customer.attention);
    match customer.birth {
        Some(birth) => out.bytes(&date_text(birth)),
        None => out.text(""),
    }
    for &value in &customer.traits {
        out.decimal(value);
    }
    out.end_line();
}

fn round(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}
