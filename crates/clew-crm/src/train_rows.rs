//! Rows to learn from: (customer, offer, cutoff) with features, label and weight; buyers all, others sampled with their weight kept.
use rand::Rng;
use rand::seq::index::sample;

use crate::feature_offer::OfferState;

/// Rows of raw features, side by side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    /// Numbers in a row.
    pub(crate) n_features: usize,
    /// n × n_features.
    pub(crate) x: Vec<f32>,
    /// 1 bought, 0 did not.
    pub(crate) y: Vec<f32>,
    /// How many pairs each row stands for.
    pub(crate) weight: Vec<f32>,
    /// Which offer at which cutoff a row is of; rows of one group stand together.
    pub(crate) group: Vec<u32>,
}

impl Rows {
    /// No rows of `n_features` numbers.
    pub(crate) fn new(n_features: usize) -> Rows {
        Rows { n_features, ..Rows::default() }
    }

    /// Number of rows.
    pub(crate) fn n(&self) -> usize {
        self.y.len()
    }

    /// Adds all rows of another set of the same features.
    pub(crate) fn append(&mut self, other: Rows) {
        self.x.extend(other.x);
        self.y.extend(other.y);
        self.weight.extend(other.weight);
        self.group.extend(other.group);
    }

    /// Every k-th row, so that at most `max` are left; they weigh as much as before, together.
    pub(crate) fn thinned(&self, max: usize) -> Rows {
        let step = self.n().div_ceil(max.max(1)).max(1);
        let mut few = Rows::new(self.n_features);
        for row in (0..self.n()).step_by(step) {
            few.x.extend_from_slice(&self.x[row * self.n_features..(row + 1) * self.n_features]);
            few.y.push(self.y[row]);
            few.weight.push(self.weight[row] * step as f32);
            few.group.push(self.group[row]);
        }
        few
    }
}

/// Draws at most `budget` rows of an offer: up to half of them buyers, the rest others, each with the weight that makes up for the draw.
/// `answers` is aligned with the state's customers: 1 bought, 0 did not, 2 was no customer yet.
pub(crate) fn draw(
    offer: &OfferState<'_>,
    n_features: usize,
    answers: &[u8],
    budget: usize,
    rng: &mut impl Rng,
) -> Rows {
    let mut rows = Rows::new(n_features);
    let all = |answer: u8| -> Vec<usize> { (0..answers.len()).filter(|&c| answers[c] == answer).collect() };
    let (buyers, others) = (all(1), all(0));
    let n_buyers = buyers.len().min(budget / 2);
    for (places, n, label) in [(buyers, n_buyers, 1.0), (others, budget - n_buyers, 0.0)] {
        let n = n.min(places.len());
        if n == 0 {
            continue;
        }
        let weight = places.len() as f32 / n as f32;
        let mut picked = sample(rng, places.len(), n).into_vec();
        picked.sort_unstable();
        let picked: Vec<usize> = picked.into_iter().map(|place| places[place]).collect();
        rows.x.extend(offer.rows(&picked, n_features));
        rows.y.resize(rows.y.len() + n, label);
        rows.weight.resize(rows.weight.len() + n, weight);
    }
    rows
}
