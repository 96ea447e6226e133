//! The check that older knowledge does not do better: the same model, the same window and the same customers, once with the history up
//! to the window and once with a history cut a horizon earlier. Where the older one orders buyers better, what is learned from is not
//! what is known at a date.
use std::sync::Arc;

use clew_learn::{Run, metrics};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::feature_state::DAY;
use crate::product_set::ProductSet;
use crate::scorer::Scorer;

/// Offers that are looked at.
const MAX_OFFERS: usize = 30;
/// AUC by which the older history may do better by chance.
const CHANCE: f64 = 0.01;

/// What a horizon of history is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StaleFigures {
    /// AUC out of time with the history up to the window, mean over offers.
    pub auc: f64,
    /// The same with the history cut a horizon earlier.
    pub auc_stale: f64,
    /// Offers that count.
    pub n_offers: usize,
}

impl StaleFigures {
    /// The warning where older knowledge does better.
    pub(crate) fn warning(&self) -> Option<String> {
        (self.auc_stale > self.auc + CHANCE).then(|| {
            format!(
                "a history cut a horizon earlier orders buyers better than the whole one (AUC {:.3} to {:.3}): something that is learned \
                 from is dated wrongly; check the times of the events",
                self.auc_stale, self.auc
            )
        })
    }
}

/// Judges the scorer and its older twin on the window from the scorer's date to `until`, among the active customers whom both know. None
/// where nobody was known a horizon earlier, or no offer has buyers.
pub(crate) fn figures<'a>(
    run: &Run<'_>,
    scorer: &Scorer,
    offers: impl Iterator<Item = &'a ProductSet>,
    until: i64,
) -> Result<Option<StaleFigures>> {
    let early = scorer.as_of() - i64::from(scorer.model().horizon_days) * DAY;
    let stale = match Scorer::new(run, Arc::clone(&scorer.model), Arc::clone(&scorer.records), early) {
        Ok(stale) => stale,
        Err(Error::NotEnoughData { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let both: Vec<(usize, usize)> = scorer
        .customers()
        .iter()
        .enumerate()
        .filter(|&(place, _)| scorer.state.profile.get(place).is_some_and(|customer| customer.is_active()))
        .filter_map(|(place, &customer)| Some((place, stale.place(customer)?)))
        .collect();
    let weight = vec![1.0; both.len()];
    let mut sum = StaleFigures::default();
    for products in offers.take(MAX_OFFERS) {
        let bought = scorer.bought(products, until);
        let bought: Vec<f32> = both.iter().map(|&(place, _)| f32::from(u8::from(bought[place]))).collect();
        let (now, before) = (scorer.propensities(run, products)?, stale.propensities(run, products)?);
        let auc = |score: Vec<f32>| metrics::auc(&score, &bought, &weight);
        let fresh = auc(both.iter().map(|&(place, _)| now[place]).collect());
        let older = auc(both.iter().map(|&(_, place)| before[place]).collect());
        if let (Ok(fresh), Ok(older)) = (fresh, older) {
            sum.auc += fresh;
            sum.auc_stale += older;
            sum.n_offers += 1;
        }
    }
    let n = sum.n_offers as f64;
    Ok((n > 0.0).then(|| StaleFigures { auc: sum.auc / n, auc_stale: sum.auc_stale / n, ..sum }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_only_where_older_knowledge_does_better() {
        let of = |auc, auc_stale| StaleFigures { auc, auc_stale, n_offers: 9 };
        assert_eq!(of(0.8, 0.78).warning(), None);
        assert_eq!(of(0.8, 0.805).warning(), None);
        assert!(of(0.7, 0.78).warning().unwrap().contains("AUC 0.780 to 0.700"));
    }
}
