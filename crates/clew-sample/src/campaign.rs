//! Campaigns: a message about one category, an audience by taste and by chance, a holdout, and a true effect.

use crate::category::{CATEGORIES, Category};
use crate::random::{Chance, Stream, cumulate};
use crate::row::CampaignRow;
use crate::time::DAY;

/// Days after a message in which what it causes happens.
pub(crate) const EFFECT_DAYS: i64 = 14;

/// A campaign with what only the truth knows.
#[derive(Debug, Clone)]
pub(crate) struct Campaign {
    pub(crate) category: usize,
    pub(crate) sent: i64,
    pub(crate) holdout_share: f32,
    /// The probability that a message makes the most interested customer buy; 0 for campaigns without effect.
    pub(crate) effect: f32,
}

/// What became of a campaign: sums over its audience.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) n_sent: u64,
    pub(crate) n_held_out: u64,
    /// The sum over those who got the message of the probability that it made them buy.
    pub(crate) expected_caused: f64,
    /// How many purchases it caused.
    pub(crate) n_caused: u64,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        self.n_sent += other.n_sent;
        self.n_held_out += other.n_held_out;
        self.expected_caused += other.expected_caused;
        self.n_caused += other.n_caused;
    }
}

/// Two campaigns a week, on Tuesdays and Fridays as it were.
pub(crate) fn campaigns(seed: u64, start: i64, n_days: u32) -> Vec<Campaign> {
    let by_demand = cumulate(CATEGORIES.iter().map(|category| category.demand));
    let n = n_days * 2 / 7;
    (0..n)
        .map(|number| {
            let mut chance = Chance::new(seed, Stream::Campaign, u64::from(number));
            let day = i64::from(number) * 7 / 2;
            Campaign {
                category: chance.pick(&by_demand),
                sent: start + day * DAY + 8 * 3_600 + chance.between(0, 3 * 3_600),
                holdout_share: if chance.happens(0.5) { 0.15 } else { 0.0 },
                effect: if chance.happens(0.2) { 0.0 } else { 0.02 + 0.06 * chance.unit() },
            }
        })
        .collect()
}

/// The campaign as the shop's file has it.
pub(crate) fn row(number: usize, campaign: &Campaign) -> CampaignRow {
    let category = Category::of(campaign.category).name;
    CampaignRow {
        number: number as u16,
        name: format!("{category} {number:03}"),
        category,
        sent: campaign.sent,
        holdout_share: campaign.holdout_share,
    }
}
