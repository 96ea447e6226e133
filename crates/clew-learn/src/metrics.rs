//! Figures that judge scores: ranking, probability, calibration, recommendation.
//!
//! `outcome` is 0/1 (or any value ≥ 0 that counts buyers), `weight` says how often a row counts. All sums are
//! f64. Rows of equal score are one group: their order never matters.

use crate::error::{Error, Result};

pub use deviance::{deviance, mean_loss};
pub use ranking::{average_precision, ndcg_graded};

mod deviance;
mod ranking;

/// Checks that the columns of a metric fit together and are finite; scores may be infinite but not NaN.
pub(crate) fn check(score: &[f32], outcome: &[f32], weight: &[f32]) -> Result<()> {
    if score.is_empty() {
        return Err(Error::input("there are no rows", "give at least one"));
    }
    if score.len() > u32::MAX as usize {
        return Err(Error::input(format!("{} rows", score.len()), "judge at most 2^32 - 1; sample them"));
    }
    if outcome.len() != score.len() || weight.len() != score.len() {
        return Err(Error::input(
            format!("{} scores, {} outcomes, {} weights", score.len(), outcome.len(), weight.len()),
            "give one of each per row",
        ));
    }
    for row in 0..score.len() {
        if score[row].is_nan() || !outcome[row].is_finite() || !weight[row].is_finite() {
            return Err(Error::input(format!("row {row} is not finite"), "drop or fill it"));
        }
        if outcome[row] < 0.0 || weight[row] < 0.0 {
            return Err(Error::input(
                format!("row {row} has a negative outcome or weight"),
                "use values of 0 or more",
            ));
        }
    }
    Ok(())
}

/// Outcomes that are 0, 1 or a share of a row.
pub(crate) fn classes(outcome: &[f32]) -> Result<()> {
    match outcome.iter().position(|outcome| *outcome > 1.0) {
        Some(row) => Err(Error::input(
            format!("row {row} has the outcome {}", outcome[row]),
            "use outcomes from 0 to 1",
        )),
        None => Ok(()),
    }
}

/// Probabilities are not infinite; scores may be.
fn finite(probability: &[f32]) -> Result<()> {
    match probability.iter().position(|p| !p.is_finite()) {
        Some(row) => Err(Error::input(format!("row {row} is not finite"), "drop or fill it")),
        None => Ok(()),
    }
}

/// Groups of equal score, highest first: (sum of weights, sum of weight × outcome).
pub(crate) fn groups(score: &[f32], outcome: &[f32], weight: &[f32]) -> Vec<(f64, f64)> {
    let mut order: Vec<u32> = (0..score.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| {
        score[b as usize]
            .total_cmp(&score[a as usize])
            .then(outcome[a as usize].total_cmp(&outcome[b as usize]))
    });
    let mut groups: Vec<(f64, f64)> = Vec::new();
    let mut last = f32::NAN;
    for &row in &order {
        let row = row as usize;
        let (w, gain) = (f64::from(weight[row]), f64::from(weight[row]) * f64::from(outcome[row]));
        match groups.last_mut() {
            Some(group) if score[row] == last => {
                group.0 += w;
                group.1 += gain;
            }
            _ => groups.push((w, gain)),
        }
        last = score[row];
    }
    groups
}

/// Area under the ROC curve: the chance that a buyer scores above a non-buyer, ties counting half.
/// `outcome` in 0..=1. Errors when one class is absent.
pub fn auc(score: &[f32], outcome: &[f32], weight: &[f32]) -> Result<f64> {
    check(score, outcome, weight)?;
    classes(outcome)?;
    let (mut buyers_above, mut buyers, mut others, mut pairs) = (0.0, 0.0, 0.0, 0.0);
    for (w, gain) in groups(score, outcome, weight) {
        let rest = w - gain;
        pairs += rest * (buyers_above + 0.5 * gain);
        buyers_above += gain;
        buyers += gain;
        others += rest;
    }
    if buyers <= 0.0 || others <= 0.0 {
        return Err(Error::input(
            "the outcomes are all of one class",
            "judge where some bought and some did not",
        ));
    }
    Ok(pairs / (buyers * others))
}

/// Weighted mean of −ln(probability of what happened), in nats. Probabilities are held 1e-12 away from 0, 1.
pub fn log_loss(probability: &[f32], outcome: &[f32], weight: &[f32]) -> Result<f64> {
    check(probability, outcome, weight)?;
    classes(outcome)?;
    mean(weight, |row| {
        let p = f64::from(probability[row]).clamp(1e-12, 1.0 - 1e-12);
        let y = f64::from(outcome[row]);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    })
}

/// Weighted mean of (probability − outcome)².
pub fn brier(probability: &[f32], outcome: &[f32], weight: &[f32]) -> Result<f64> {
    finite(probability)?;
    check(probability, outcome, weight)?;
    mean(weight, |row| (f64::from(probability[row]) - f64::from(outcome[row])).powi(2))
}

/// Predicted over realised buyers: 1 is calibrated, above 1 promises too much. Errors when nobody bought.
pub fn calibration_ratio(probability: &[f32], outcome: &[f32], weight: &[f32]) -> Result<f64> {
    finite(probability)?;
    check(probability, outcome, weight)?;
    let (mut predicted, mut realised) = (0.0, 0.0);
    for row in 0..probability.len() {
        predicted += f64::from(weight[row]) * f64::from(probability[row]);
        realised += f64::from(weight[row]) * f64::from(outcome[row]);
    }
    if realised <= 0.0 {
        return Err(Error::input("nobody bought", "judge where some did"));
    }
    Ok(predicted / realised)
}

fn mean(weight: &[f32], value: impl Fn(usize) -> f64) -> Result<f64> {
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, &w) in weight.iter().enumerate() {
        sum += f64::from(w) * value(row);
        total += f64::from(w);
    }
    if total <= 0.0 {
        return Err(Error::input("all weights are 0", "give some row a weight"));
    }
    Ok(sum / total)
}

/// The share of all buyers among the best `share` (0..=1) of the rows by score; a group of ties that the cut
/// falls into gives its part of the way. Errors when nobody bought.
pub fn share_of_buyers_at(score: &[f32], outcome: &[f32], weight: &[f32], share: f64) -> Result<f64> {
    if share.is_nan() {
        return Err(Error::input("a share of NaN", "use a share from 0 to 1"));
    }
    check(score, outcome, weight)?;
    let groups = groups(score, outcome, weight);
    let (total, buyers) = groups.iter().fold((0.0, 0.0), |sum, group| (sum.0 + group.0, sum.1 + group.1));
    if buyers <= 0.0 {
        return Err(Error::input("nobody bought", "judge where some did"));
    }
    let mut left = share.clamp(0.0, 1.0) * total;
    let mut reached = 0.0;
    for (w, gain) in groups {
        if w >= left {
            if w > 0.0 {
                reached += gain * left / w;
            }
            break;
        }
        reached += gain;
        left -= w;
    }
    Ok(reached / buyers)
}

/// How many times more buyers the best `share` holds than as many rows taken by chance. Errors on share 0.
pub fn lift_at(score: &[f32], outcome: &[f32], weight: &[f32], share: f64) -> Result<f64> {
    if share.is_nan() || share <= 0.0 || share > 1.0 {
        return Err(Error::input(format!("a share of {share}"), "use a share above 0 and up to 1"));
    }
    Ok(share_of_buyers_at(score, outcome, weight, share)? / share)
}

/// One bin of a reliability curve.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReliabilityBin {
    /// Mean predicted probability in the bin.
    pub predicted: f64,
    /// Mean outcome in the bin.
    pub realised: f64,
    /// Sum of the weights in the bin.
    pub weight: f64,
}

/// Mean predicted against mean realised in at most `n_bins` bins of about equal weight, lowest first; rows of
/// equal probability stay together.
pub fn reliability(
    probability: &[f32],
    outcome: &[f32],
    weight: &[f32],
    n_bins: usize,
) -> Result<Vec<ReliabilityBin>> {
    finite(probability)?;
    check(probability, outcome, weight)?;
    let mut order: Vec<u32> = (0..probability.len() as u32).collect();
    order.sort_by(|&a, &b| probability[a as usize].total_cmp(&probability[b as usize]));
    let total: f64 = weight.iter().map(|&w| f64::from(w)).sum();
    let mut bins = Vec::new();
    let (mut predicted, mut realised, mut inside, mut before) = (0.0, 0.0, 0.0, 0.0);
    for (place, &row) in order.iter().enumerate() {
        let row = row as usize;
        let w = f64::from(weight[row]);
        predicted += w * f64::from(probability[row]);
        realised += w * f64::from(outcome[row]);
        inside += w;
        before += w;
        let next = order.get(place + 1).map(|&next| probability[next as usize]);
        let full = before >= total * (bins.len() + 1) as f64 / n_bins.max(1) as f64;
        if inside > 0.0 && next != Some(probability[row]) && (full || next.is_none()) {
            bins.push(ReliabilityBin {
                predicted: predicted / inside,
                realised: realised / inside,
                weight: inside,
            });
            (predicted, realised, inside) = (0.0, 0.0, 0.0);
        }
    }
    Ok(bins)
}

/// Of the `relevant` products, the share that stands in `ranked` (best first, cut by the caller). `None` when
/// nothing is relevant. `relevant` must be sorted.
pub fn recall(ranked: &[u32], relevant: &[u32]) -> Option<f64> {
    let hits = ranked.iter().filter(|product| relevant.binary_search(product).is_ok()).count();
    (!relevant.is_empty()).then(|| hits as f64 / relevant.len() as f64)
}

/// Normalised discounted cumulative gain of `ranked` (best first, cut by the caller), binary relevance
/// (Järvelin & Kekäläinen 2002). `None` when nothing is relevant. `relevant` must be sorted.
pub fn ndcg(ranked: &[u32], relevant: &[u32]) -> Option<f64> {
    let discount = |place: usize| 1.0 / (place as f64 + 2.0).log2();
    let gain: f64 = ranked
        .iter()
        .enumerate()
        .filter(|(_, product)| relevant.binary_search(product).is_ok())
        .map(|(place, _)| discount(place))
        .sum();
    let ideal: f64 = (0..relevant.len().min(ranked.len())).map(discount).sum();
    (!relevant.is_empty()).then(|| if ideal > 0.0 { gain / ideal } else { 0.0 })
}
