//! Level: how an offer sold of late, to all, again and for the first time; its size, price and season.
use clew_learn::columns::Column;

use crate::feature_inside::Seen;
use crate::feature_offer::logit;
use crate::feature_state::State;
use crate::product_set::ProductSet;

/// The offer's own level as of a state.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    values: [f32; 10],
    again: f32,
    first: f32,
    /// Customers who ever bought from the offer.
    pub(crate) n_buyers: usize,
}

impl Level {
    /// Names of the features, and whether a never-sold offer has them.
    pub(crate) const NAMES: [(&'static str, bool); 10] = [
        ("share of customers who bought the offer, last horizon", false),
        ("share of customers who bought the offer, horizon before", false),
        ("growth of the offer", false),
        ("share who buy the offer again", false),
        ("share who buy the offer anew", false),
        ("share of customers who ever bought the offer", false),
        ("products of the offer", true),
        ("price of the offer", false),
        ("season of the offer", false),
        ("usual popularity of such products", true),
    ];

    /// Reads the level off what customers did.
    pub(crate) fn new(state: &State, offer: &ProductSet, seen: &Seen) -> Level {
        let n_active = state.n_active as f32;
        let (mut now, mut before, mut ever) = (0_u64, 0_u64, 0_u64);
        // Who did nothing in the offer is new to it.
        let (mut again, mut new, mut first) = (0_u64, state.n_active as u64, 0_u64);
        for (place, inside) in seen.iter() {
            let hit = u64::from(inside.in_horizon);
            now += hit;
            before += u64::from(inside.before_horizon);
            ever += u64::from(inside.days[3] > 0);
            if inside.before_horizon {
                again += hit;
            }
            if state.profile[place].is_active() {
                if inside.new_before_horizon {
                    first += hit;
                } else {
                    new -= 1;
                }
            }
        }
        let [now, before, again, new, first] = [now, before, again, new, first].map(|n| n as f32);
        let share = |n: f32| (n + 0.5) / (n_active + 50.0);
        let level = share(now);
        let first_share = (first + 5.0 * level.min(0.5)) / (new + 5.0 + 0.5);
        let again_share = (again + 5.0 * (2.0 * level).min(0.8)) / (before + 5.0);
        let (lines, value, season) = seen.lines;
        let horizon = state.horizon_days as u16;
        let with_season = state.n_days >= 365 + horizon;
        let usual: f32 = offer.products().iter().map(|&p| state.expected_popularity[p as usize]).sum();
        let values = [
            logit(level),
            logit(share(before)),
            ((now + 3.0) / (before + 3.0)).ln(),
            logit(again_share),
            logit(first_share),
            logit((ever as f32 + 0.5) / (state.customers.len() as f32 + 50.0)),
            (offer.len() as f32).ln_1p(),
            if lines > 0.0 && value > 0.0 { (value / lines).ln() as f32 } else { f32::NAN },
            if with_season {
                ((season + 5.0) / (lines * f64::from(horizon) / 365.0 + 5.0)).ln() as f32
            } else {
                f32::NAN
            },
            usual.ln_1p(),
        ];
        Level { values, again: logit(again_share), first: logit(first_share), n_buyers: ever as usize }
    }

    /// Log-odds of the usual answer of customers new to the offer, or of the others.
    pub(crate) fn base(&self, is_new: bool) -> f32 {
        if is_new { self.first } else { self.again }
    }

    /// Log-odds of a purchase in the last horizon, over all active customers.
    pub(crate) fn now(&self) -> f32 {
        self.values[0]
    }

    /// Fills the columns that [`Level::NAMES`] names.
    pub(crate) fn fill(&self, out: &mut [Column]) {
        for (column, &value) in out.iter_mut().zip(&self.values) {
            column.fill(value);
        }
    }
}
