//! Drift: whether what came since a training still looks like what it learned from, and when to train again.
//!
//! Two windows are compared: the eight weeks before the training's date, and what came since. Distributions by the population
//! stability index, Σ (q − p) ln (q / p) over the values (Siddiqi, *Credit Risk Scorecards*, 2006, who gives the usual 0.1 and 0.25),
//! less what chance alone would give, (B − 1)(1/n + 1/m) for B values (Yurdakul 2018), n and m being the customers of the windows:
//! events of one customer are not independent. Volumes by the factor against the same weekdays before, unknown customers and products
//! by how much their share of the events has grown.
use clew_learn::Run;
use serde::{Deserialize, Serialize};

use crate::drift_count::{Window, columns, count};
use crate::error::Result;
use crate::feature_state::DAY;
use crate::leak::LeftOut;
use crate::records::Records;
use crate::train_report::day;

/// Days before the training's date that stand for what it learned from.
const REFERENCE_DAYS: i64 = 56;
/// Days of what came that are looked at, at most: the latest.
const LATEST_DAYS: i64 = 28;
/// Fewer days or customers than this in a window say nothing.
const MIN_DAYS: i64 = 3;
const MIN_CUSTOMERS: usize = 50;

/// Stability index from which a distribution has moved, and from which the model no longer knows it.
const PSI: (f64, f64) = (0.1, 0.25);
/// Factor of the daily volume, either way, from which it is worth a word, and from which calibration cannot hold: expectations are of
/// the level that was learned.
const VOLUME: (f64, f64) = (1.25, 2.0);
/// Growth of the share of events of unknown customers or products: they are predicted by their attributes alone.
const UNKNOWN: (f64, f64) = (0.05, 0.15);

/// How far something has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftLevel {
    /// As it was.
    Steady,
    /// It has moved; watch it.
    Notable,
    /// The model no longer knows it: train again.
    Retrain,
}

/// What was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// Shares of the kinds of events; a stability index.
    EventKinds,
    /// Events, or purchases, a day; a factor.
    Volume,
    /// Values of a column of customers, each event counted once; a stability index.
    CustomerAttribute,
    /// Values of a column of products, likewise.
    ProductAttribute,
    /// Share of the events whose customer had none before; its growth.
    UnknownCustomers,
    /// Share of the events whose product had none before; its growth.
    UnknownProducts,
    /// What a purchase brings; a stability index over the tenths of before.
    Baskets,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftFinding {
    /// What was compared.
    pub what: DriftKind,
    /// Which one: `customer.age`, `purchase`; empty where there is only one.
    pub name: String,
    /// How far it has moved, in the kind's own measure.
    pub value: f64,
    /// From where it is notable.
    pub notable_from: f64,
    /// From where the model should be trained again.
    pub retrain_from: f64,
    /// What that comes to.
    pub level: DriftLevel,
    /// The same in words.
    pub detail: String,
}

/// What came since a training, compared with what it learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// First day of what stands for the training.
    pub reference_from: String,
    /// First day of what came.
    pub from: String,
    /// The day after the last that is looked at.
    pub to: String,
    /// Events that came in these days.
    pub n_events: usize,
    /// Whether there is enough on both sides to compare; if not, there are no findings.
    pub enough: bool,
    /// Whether the model should be trained again.
    pub retrain: bool,
    /// All comparisons, the gravest first.
    pub findings: Vec<DriftFinding>,
}

/// Compares what came at or after `as_of` (a training's date, Unix seconds) with the eight weeks before it; columns that
/// are not learned from are left out.
pub fn drift(run: &Run<'_>, records: &Records, as_of: i64, left_out: &LeftOut) -> Result<Drift> {
    // Whole days only, since the last is still filling; and none of clocks that run ahead.
    let n_days = records.end_of_data().map_or(0, |(end, _)| ((end - as_of) / DAY).max(0));
    let to = as_of + n_days * DAY;
    let from = as_of.max(to - LATEST_DAYS * DAY);
    let n_before =
        REFERENCE_DAYS.min(records.first_event().map_or(0, |first| (as_of - first).max(0) / DAY + 1));
    let reference_from = as_of - n_before * DAY;
    let columns = columns(records, left_out);
    let before = count(run, records, &columns, reference_from, as_of)?;
    let came = count(run, records, &columns, from, to)?;
    let enough =
        n_days.min(n_before) >= MIN_DAYS && before.n_customers.min(came.n_customers) >= MIN_CUSTOMERS;
    let mut findings = Vec::new();
    if enough {
        findings = compare(&before, &came);
        // As long as what came: how much is unknown grows with the length of the window.
        let length = (to - from).min(n_before * DAY);
        let like = count(run, records, &[], as_of - length, as_of)?;
        findings.push(unknown(
            DriftKind::UnknownCustomers,
            "customers",
            like.unknown_customers(),
            came.unknown_customers(),
        ));
        findings.push(unknown(
            DriftKind::UnknownProducts,
            "products",
            like.unknown_products(),
            came.unknown_products(),
        ));
        findings.sort_by(|a, b| {
            b.level
                .cmp(&a.level)
                .then_with(|| (b.value / b.retrain_from).total_cmp(&(a.value / a.retrain_from)))
        });
    }
    Ok(Drift {
        reference_from: day(reference_from),
        from: day(from),
        to: day(to),
        n_events: came.n_events,
        enough,
        retrain: findings.iter().any(|finding| finding.level == DriftLevel::Retrain),
        findings,
    })
}

fn compare(before: &Window, came: &Window) -> Vec<DriftFinding> {
    let mut findings = Vec::new();
    let customers = (before.n_customers, came.n_customers);
    let mut index = |what, name: &str, of: &str, p: &[u64], q: &[u64]| {
        if let Some(value) = stability_index(p, q, customers) {
            let detail = format!("{of}: stability index {value:.2}");
            findings.push(finding(what, name, value, PSI, detail));
        }
    };
    index(DriftKind::EventKinds, "", "the shares of the kinds of events", &before.kinds, &came.kinds);
    for (at, column) in before.values.iter().enumerate() {
        let what = match column.of_product {
            true => DriftKind::ProductAttribute,
            false => DriftKind::CustomerAttribute,
        };
        let empty = Vec::new();
        let now = came.values.get(at).map_or(&empty, |column| &column.counts);
        index(what, &column.name, &format!("events by {}", column.name), &column.counts, now);
    }
    let (p, q) = (before.tenths(&before.revenues), before.tenths(&came.revenues));
    index(DriftKind::Baskets, "", "what a purchase brings", &p, &q);
    for (name, before, came) in [
        ("events", &before.per_day, &came.per_day),
        ("purchases", &before.purchases_per_day, &came.purchases_per_day),
    ] {
        if let Some(factor) = volume_factor(before, came) {
            let value = factor.max(1.0 / factor.max(1e-9));
            let detail = format!("{name} a day: {factor:.2} times those of the same weekdays before");
            findings.push(finding(DriftKind::Volume, name, value, VOLUME, detail));
        }
    }
    findings
}

fn unknown(what: DriftKind, name: &str, before: f64, now: f64) -> DriftFinding {
    let detail = format!(
        "{:.1} % of the events are of {name} that had none before; it was {:.1} %",
        now * 100.0,
        before * 100.0
    );
    finding(what, "", (now - before).max(0.0), UNKNOWN, detail)
}

fn finding(what: DriftKind, name: &str, value: f64, from: (f64, f64), detail: String) -> DriftFinding {
    let level = match value {
        value if value >= from.1 => DriftLevel::Retrain,
        value if value >= from.0 => DriftLevel::Notable,
        _ => DriftLevel::Steady,
    };
    let (notable_from, retrain_from) = from;
    DriftFinding { what, name: name.to_owned(), value, notable_from, retrain_from, level, detail }
}

/// The population stability index of two lists of counts over the same values, less what chance gives for so many customers, at least
/// 0. None when either side is empty.
fn stability_index(before: &[u64], now: &[u64], customers: (usize, usize)) -> Option<f64> {
    let (n, m) = (before.iter().sum::<u64>() as f64, now.iter().sum::<u64>() as f64);
    if n == 0.0 || m == 0.0 {
        return None;
    }
    let mut index = 0.0;
    let mut n_values = 0_usize;
    // A value that is new, a kind of event say, is past the end of what was.
    for at in 0..before.len().max(now.len()) {
        let (count, other) = (before.get(at).copied().unwrap_or(0), now.get(at).copied().unwrap_or(0));
        if count + other == 0 {
            continue;
        }
        n_values += 1;
        // Half an event keeps a value that one side lacks from weighing without bound.
        let (p, q) = ((count as f64 + 0.5) / n, (other as f64 + 0.5) / m);
        index += (q - p) * (q / p).ln();
    }
    let chance = n_values.saturating_sub(1) as f64
        * (1.0 / customers.0.max(1) as f64 + 1.0 / customers.1.max(1) as f64);
    Some((index - chance).max(0.0))
}

/// What came a day over what the same weekdays had before; none without anything before. Both begin with a day's number modulo 7.
fn volume_factor(before: &[(i64, u64)], came: &[(i64, u64)]) -> Option<f64> {
    let mean = |weekday: Option<i64>| {
        let days = || before.iter().filter(|(day, _)| weekday.is_none_or(|w| day.rem_euclid(7) == w));
        let n = days().count();
        (n > 0).then(|| days().map(|&(_, n)| n as f64).sum::<f64>() / n as f64)
    };
    let all = mean(None)?;
    let expected: f64 = came.iter().map(|(day, _)| mean(Some(day.rem_euclid(7))).unwrap_or(all)).sum();
    (expected > 0.0).then(|| came.iter().map(|&(_, n)| n as f64).sum::<f64>() / expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_that_of_the_books_less_chance() {
        // (0.2 − 0.1) ln 2 + (0.8 − 0.9) ln (8/9) = 0.08109.
        let found =
            stability_index(&[100_000, 900_000], &[200_000, 800_000], (usize::MAX, usize::MAX)).unwrap();
        assert!((found - 0.08109).abs() < 1e-4, "{found}");
        let less = stability_index(&[100_000, 900_000], &[200_000, 800_000], (100, 100)).unwrap();
        assert!((found - less - 0.02).abs() < 1e-9, "{less}");
        assert_eq!(stability_index(&[5, 5], &[5, 5], (10, 10)), Some(0.0));
        assert!(
            stability_index(&[1_000], &[1_000, 500], (10_000, 10_000)) > Some(0.25),
            "a new value counts"
        );
        assert_eq!(stability_index(&[5, 5], &[], (10, 10)), None);
    }

    #[test]
    fn a_weekend_is_compared_with_weekends() {
        let before: Vec<(i64, u64)> = (0..28).map(|d| (d, if d % 7 < 2 { 10 } else { 100 })).collect();
        let weekend = [(28, 10), (29, 10)];
        assert_eq!(volume_factor(&before, &weekend), Some(1.0));
        assert_eq!(volume_factor(&before, &[(30, 50)]), Some(0.5));
        assert_eq!(volume_factor(&[], &weekend), None);
    }
}
