//! TrainParams: what a training is asked to do.
use serde::{Deserialize, Serialize};

use crate::leak::LeftOut;

/// What a training is asked to do; [`TrainParams::new`] gives the usual settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainParams {
    /// Nothing at or after this is read; Unix seconds.
    pub as_of: i64,
    /// Days in which a purchase counts.
    pub horizon_days: u32,
    /// Past cutoffs to learn from, at most; the history's length may allow fewer.
    pub n_cutoffs: usize,
    /// Groupings of the catalogue that play the offer, at most.
    pub n_offers: usize,
    /// Customers to learn from, at most, at all cutoffs together; more are sampled.
    pub max_customers: usize,
    /// Rows (customer × offer × cutoff) to learn from, at most, of 12,000 customers a cutoff or fewer; of more, more in proportion.
    pub max_rows: usize,
    /// Length of the vectors of customers and products.
    pub n_factors: usize,
    /// Length of the vectors of customers and groups of products.
    pub n_group_factors: usize,
    /// Days after which an event counts half in the factorisation.
    pub half_life_days: f32,
    /// Buyers under which there is too little to learn from.
    pub min_buyers: usize,
    /// Customers under which a value of an attribute is not learned of: it counts with broader ones. Never fewer than
    /// [`TrainParams::LEAST_SUPPORT`].
    #[serde(default = "usual_support")]
    pub minimum_support: usize,
    /// Permutes the labels among customers: a model of noise, to prove that nothing leaks.
    pub permute_labels: bool,
    /// Learns without each set of features in turn besides, to say what each is worth; takes about as long again.
    #[serde(default)]
    pub ablate: bool,
    /// Columns and kinds of events that are not learned from, or are although they look like a copy of the answer.
    #[serde(default)]
    pub left_out: LeftOut,
}

fn usual_support() -> usize {
    TrainParams::USUAL_SUPPORT
}

impl TrainParams {
    /// The usual minimum support.
    pub const USUAL_SUPPORT: usize = 20;
    /// The lowest minimum support: a value that fewer customers have may name one.
    pub const LEAST_SUPPORT: usize = 10;

    /// The minimum support that is kept to.
    pub fn support(&self) -> usize {
        self.minimum_support.max(Self::LEAST_SUPPORT)
    }

    /// The usual settings for a date: a horizon of 28 days.
    pub fn new(as_of: i64) -> TrainParams {
        TrainParams {
            as_of,
            horizon_days: 28,
            n_cutoffs: 5,
            n_offers: 480,
            max_customers: 200_000,
            max_rows: 240_000,
            n_factors: 32,
            n_group_factors: 16,
            half_life_days: 180.0,
            min_buyers: 50,
            minimum_support: usual_support(),
            permute_labels: false,
            ablate: false,
            left_out: LeftOut::default(),
        }
    }
}
