//! Parts of a report that a rolling backtest adds: each cutoff, whether the bands held, and tenants cut down to few buyers.
use serde::{Deserialize, Serialize};

use crate::report::{Figures, OfferFigures};

/// One cutoff of a rolling backtest: what was judged by a model that knew nothing of the window after it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CutoffFigures {
    /// The cutoff: the day up to which anything was known.
    pub judged_from: String,
    /// The end of the judged window.
    pub judged_to: String,
    /// The kind of model that was chosen at this cutoff.
    pub chosen: String,
    /// Offers that had sold, over all active customers.
    pub warm: Figures,
    /// … over those who had bought nothing of the offer in 56 days.
    pub warm_new: Figures,
    /// Masked launches, over all active customers; none when nothing could be masked.
    pub cold: Option<Figures>,
    /// … over those who had bought nothing of the offer in 56 days.
    pub cold_new: Option<Figures>,
    /// Whether the 80 % bands of the offers that had sold held.
    pub warm_band: BandFigures,
    /// … of the masked launches.
    pub cold_band: BandFigures,
}

/// Whether 80 % bands held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BandFigures {
    /// Pairs of an offer and a cutoff that were judged.
    pub n_pairs: usize,
    /// Realised buyers within the band.
    pub n_inside: usize,
    /// Realised buyers under the band.
    pub n_under: usize,
    /// Realised buyers over the band.
    pub n_over: usize,
    /// `n_inside / n_pairs`; none without pairs.
    pub coverage: Option<f64>,
}

impl BandFigures {
    /// Counts the judged offers that `wanted` picks.
    pub fn of(offers: &[OfferFigures], wanted: impl Fn(&OfferFigures) -> bool) -> BandFigures {
        let mut band = BandFigures::default();
        for offer in offers.iter().filter(|offer| wanted(offer)) {
            let realised = offer.n_buyers as f64;
            band.n_pairs += 1;
            if realised < offer.low {
                band.n_under += 1;
            } else if realised > offer.high {
                band.n_over += 1;
            } else {
                band.n_inside += 1;
            }
        }
        band.coverage = (band.n_pairs > 0).then(|| band.n_inside as f64 / band.n_pairs as f64);
        band
    }
}

/// Tenants cut down to few buyers: how the model does when there is little to learn from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShrunkFigures {
    /// Buyers that each tenant was cut down to.
    pub n_buyers: usize,
    /// Tenants drawn, each judged on its own.
    pub n_tenants: usize,
    /// Tenants in which a training was refused for want of data.
    pub n_refused: usize,
    /// Whether the 80 % bands held, over all offers of all tenants.
    pub band: BandFigures,
    /// Mean AUC of the model.
    pub auc: f64,
    /// Mean AUC of most frequent first.
    pub auc_most_frequent: f64,
    /// Tenants in which the model's AUC was above that of most frequent first.
    pub n_better: usize,
    /// Tenants in which it was not, and the training's own report had said so beforehand.
    pub n_said_not_better: usize,
    /// Mean predicted over realised.
    pub calibration: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_lies_under_within_and_over() {
        let offer =
            |n_buyers, cold| OfferFigures { n_buyers, low: 8.0, high: 12.0, cold, ..OfferFigures::default() };
        let offers = [offer(8, false), offer(12, false), offer(13, false), offer(7, false), offer(99, true)];
        let band = BandFigures::of(&offers, |offer| !offer.cold);
        assert_eq!((band.n_under, band.n_inside, band.n_over, band.coverage), (1, 2, 1, Some(0.5)));
        assert_eq!(BandFigures::of(&offers, |offer| offer.n_buyers == 1).coverage, None);
    }
}
