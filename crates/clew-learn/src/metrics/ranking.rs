//! Rankings judged by graded or weighted relevance.

use super::{check, classes, groups};
use crate::error::{Error, Result};

/// Average precision: precision at each score, weighted by the share of the buyers found there, without straight
/// lines between the points (as scikit-learn's `average_precision_score`). `outcome` in 0..=1. Errors when nobody
/// bought.
pub fn average_precision(score: &[f32], outcome: &[f32], weight: &[f32]) -> Result<f64> {
    check(score, outcome, weight)?;
    classes(outcome)?;
    let (mut seen, mut buyers, mut sum) = (0.0, 0.0, 0.0);
    for (w, gain) in groups(score, outcome, weight) {
        seen += w;
        buyers += gain;
        if seen > 0.0 {
            sum += gain * buyers / seen;
        }
    }
    if buyers <= 0.0 {
        return Err(Error::input("nobody bought", "judge where some did"));
    }
    Ok(sum / buyers)
}

/// Normalised discounted cumulative gain of one ranking by graded relevance (Järvelin & Kekäläinen 2002: the gain
/// is the relevance itself, discounted by log₂(place + 1)), over the first `k` places. Rows of equal score share
/// the discounts of their places, so their order does not matter (McSherry & Najork 2008). `relevance` ≥ 0.
/// Errors when nothing is relevant or `k` is 0.
pub fn ndcg_graded(score: &[f32], relevance: &[f32], k: usize) -> Result<f64> {
    if k == 0 {
        return Err(Error::input("k is 0", "judge at least one place"));
    }
    let gain = |score: &[f32]| -> Result<f64> {
        check(score, relevance, &vec![1.0; score.len()])?;
        let (mut place, mut sum) = (0, 0.0);
        for (n, relevant) in groups(score, relevance, &vec![1.0; score.len()]) {
            let end = place + n as usize;
            let discounts: f64 = (place..end.min(k)).map(|place| 1.0 / (place as f64 + 2.0).log2()).sum();
            sum += discounts * relevant / n;
            place = end;
            if place >= k {
                break;
            }
        }
        Ok(sum)
    };
    let (found, ideal) = (gain(score)?, gain(relevance)?);
    if ideal <= 0.0 {
        return Err(Error::input("nothing is relevant", "judge rankings in which something is"));
    }
    Ok(found / ideal)
}
