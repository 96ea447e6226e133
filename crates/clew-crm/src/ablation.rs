//! Ablation: what each set of features is worth, by learning without it and judging out of time.
//!
//! The same customers, offers and window judge all of them, so the differences are paired; their errors come from the customers, whom
//! the offers share. The kind of model is the logistic one for all: what is compared is what is known, not how it is learned.
use clew_learn::Run;
use serde::{Deserialize, Serialize};

use crate::effect::Interval;
use crate::effect_size::Z95;
use crate::error::Result;
use crate::judge::{self, JudgedOffer};
use crate::propensity::{Kind, Propensity};
use crate::train_rows::Rows;

/// What a set of features is worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AblationFigures {
    /// The set that was left out; "nothing" for the model that has them all.
    pub without: String,
    /// How many features it has.
    pub n_features: usize,
    /// AUC out of time without it, mean over offers.
    pub auc: f64,
    /// The same among customers new to the offer.
    pub auc_new: f64,
    /// Log loss out of time without it.
    pub log_loss: f64,
    /// Log loss that it saves: that without it minus that with it. Above 0 the set is worth having.
    pub saved: Interval,
}

/// Sets by what their features' names hold; the first that fits counts.
const SETS: [(&str, &[&str]); 7] = [
    ("the customers' attributes", &["attribute"]),
    ("views, carts and messages", &["view", "cart", "message", "search"]),
    ("purchases around the offer", &["around", "leaning", "nearest"]),
    ("affinity by factors and look-alikes", &["affinity", "likeness", "customers like"]),
    (
        "the offer's own level and season",
        &[
            "season",
            "share of customers",
            "share who",
            "growth",
            "popular",
            "products of",
            "price of",
            "usual answer",
        ],
    ),
    ("purchases of the offer", &["offer"]),
    ("the customer's rhythm and spending", &["basket", "purchase", "spent", "lines", "event", "days"]),
];

/// The set of a feature.
fn set_of(name: &str) -> &'static str {
    SETS.iter()
        .find(|(_, words)| words.iter().any(|word| name.contains(word)))
        .map_or("everything else", |(set, _)| set)
}

/// Learns without each set in turn. `names` are those of all features, `chosen` the places of those in use; `judge` scores the judged
/// window's offers with every model.
pub(crate) fn ablate(
    run: &Run<'_>,
    rows: &Rows,
    names: &[(String, bool)],
    chosen: &[usize],
    judge: impl FnOnce(&[Propensity]) -> Result<Vec<JudgedOffer>>,
) -> Result<Vec<AblationFigures>> {
    let of = |feature: &usize| names.get(*feature).map_or("everything else", |(name, _)| set_of(name));
    let mut sets = vec![("nothing", 0)];
    for feature in chosen {
        match sets.iter_mut().find(|(name, _)| *name == of(feature)) {
            Some((_, n)) => *n += 1,
            None => sets.push((of(feature), 1)),
        }
    }
    // Without the only set there would be nothing to learn from.
    sets.retain(|&(_, n)| n < chosen.len());
    let mut models = Vec::with_capacity(sets.len());
    for (set, _) in &sets {
        let left: Vec<usize> = chosen.iter().copied().filter(|feature| of(feature) != *set).collect();
        models.push(Propensity::fit(run, Kind::Logistic, rows, &left, None)?);
    }
    let judged = judge(&models)?;
    let whole = losses(&judged, 0);
    let n_rows: usize = judged.iter().map(|offer| offer.bought.len()).sum();
    Ok(sets
        .iter()
        .enumerate()
        .map(|(at, (set, n_features))| {
            let all = judge::figures(&judged, |offer| judge::plain(offer, at), true, false);
            let new = judge::figures(&judged, |offer| judge::plain(offer, at), true, true);
            let saved: Vec<f64> =
                losses(&judged, at).iter().zip(&whole).map(|(without, with)| without - with).collect();
            AblationFigures {
                without: (*set).to_owned(),
                n_features: *n_features,
                auc: all.auc,
                auc_new: new.auc,
                log_loss: all.log_loss.unwrap_or(f64::NAN),
                saved: mean_of_customers(&saved, n_rows),
            }
        })
        .collect())
}

/// Each customer's log loss summed over the offers: an offer's rows are the same customers in the same order.
fn losses(judged: &[JudgedOffer], candidate: usize) -> Vec<f64> {
    let n = judged.iter().map(|offer| offer.bought.len()).max().unwrap_or(0);
    let mut losses = vec![0.0; n];
    for offer in judged {
        for ((loss, p), &bought) in losses.iter_mut().zip(judge::plain(offer, candidate)).zip(&offer.bought) {
            let p = f64::from(p).clamp(1e-6, 1.0 - 1e-6);
            *loss -= if bought > 0.5 { p.ln() } else { (1.0 - p).ln() };
        }
    }
    losses
}

/// The sum over customers as a mean over rows, with the error that customers drawn again would give it.
fn mean_of_customers(values: &[f64], n_rows: usize) -> Interval {
    let (n, rows) = (values.len().max(1) as f64, n_rows.max(1) as f64);
    let mean = values.iter().sum::<f64>() / n;
    let square: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let (value, half) = (n * mean / rows, Z95 * square.sqrt() / rows);
    Interval { value, low: value - half, high: value + half }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_of_the_set_that_a_reader_would_give_them() {
        for (name, of) in [
            ("days since the last purchase", "the customer's rhythm and spending"),
            ("days since the last purchase from the offer", "purchases of the offer"),
            ("leaning by category", "purchases around the offer"),
            ("recent purchases of the nearest products", "purchases around the offer"),
            ("affinity to the offer", "affinity by factors and look-alikes"),
            ("affinity by the customer's attributes", "the customers' attributes"),
            ("messages in 28 days", "views, carts and messages"),
            ("something new", "everything else"),
        ] {
            assert_eq!(set_of(name), of, "{name}");
        }
    }

    #[test]
    fn the_error_is_that_of_the_customers() {
        let alike = mean_of_customers(&[0.5; 100], 200);
        assert_eq!((alike.low, alike.high), (alike.value, alike.value));
        assert_eq!(alike.value, 0.25);
        let apart: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let apart = mean_of_customers(&apart, 100);
        assert!(apart.low < -0.19 && apart.high > 0.19, "{apart:?}");
    }
}
