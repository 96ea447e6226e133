//! Inside: what each customer did in the offer itself: how often, how long ago, for how much, in what rhythm.
use std::sync::LazyLock;

use clew_learn::columns::{self, Column};
use rayon::prelude::*;

use crate::feature_customer::{Customer, WINDOWS, days, rhythm_ratio};
use crate::feature_ledger::NEVER;
use crate::feature_level::Level;
use crate::feature_offer::odds;
use crate::feature_state::{ACTIVE_DAYS, State, decay};
use crate::product_set::ProductSet;

/// What one customer did in the offer.
#[derive(Clone, Debug)]
pub(crate) struct Inside {
    /// Distinct days with a purchase, by window.
    pub(crate) days: [u16; 4],
    /// Days since the last purchase.
    pub(crate) last: u16,
    /// Days since the first purchase.
    pub(crate) first: u16,
    decayed: [f32; 2],
    spent: [f32; 2],
    pub(crate) in_horizon: bool,
    pub(crate) before_horizon: bool,
    pub(crate) new_before_horizon: bool,
    interest_last: u16,
    interest: [f32; 2],
}

const NOTHING: Inside = Inside {
    days: [0; 4],
    last: NEVER,
    first: NEVER,
    decayed: [0.0; 2],
    spent: [0.0; 2],
    in_horizon: false,
    before_horizon: false,
    new_before_horizon: true,
    interest_last: NEVER,
    interest: [0.0; 2],
};

impl Inside {
    /// Days with the offer, each counting half after 90 days.
    pub(crate) fn decayed_days(&self) -> f32 {
        self.decayed[1]
    }

    /// Whether nothing of the offer was bought of late.
    pub(crate) fn is_new(&self) -> bool {
        self.last >= ACTIVE_DAYS
    }
}

/// Names of the features.
pub(crate) const NAMES: [&str; 18] = [
    "days since the last purchase from the offer",
    "days with the offer in 28",
    "days with the offer in 56",
    "days with the offer in 112",
    "days with the offer",
    "recent days with the offer (half-life 28)",
    "recent days with the offer (half-life 90)",
    "spent on the offer in 112 days",
    "spent on the offer",
    "days since the offer over its usual gap",
    "days since the offer over everybody's usual gap",
    "share of baskets with the offer in 112 days",
    "share of baskets with the offer",
    "expected purchases of the offer",
    "usual answer of such customers",
    "days since a view of the offer",
    "views of the offer in 7 days",
    "views of the offer in 28 days",
];

/// What all customers did in one offer; most did nothing.
pub(crate) struct Seen {
    /// The first says that nothing was done.
    entries: Vec<Inside>,
    /// Aligned with `entries`: whose they are, by place in the state.
    places: Vec<u32>,
    /// For each customer, which entry.
    entry: Vec<u32>,
    /// Lines bought, their value, and those that lay in the coming season a year ago.
    pub(crate) lines: (f64, f64, f64),
}

impl Seen {
    /// Reads the lines of the offer.
    pub(crate) fn gather(state: &State, offer: &ProductSet) -> Seen {
        let horizon = state.horizon_days as u16;
        let mut all = Seen {
            entries: vec![NOTHING],
            places: vec![0],
            entry: vec![0; state.customers.len()],
            lines: (0.0, 0.0, 0.0),
        };
        let lines: Vec<Vec<u32>> = [&state.purchases, &state.interest]
            .into_par_iter()
            .map(|ledger| ledger.lines_in(offer))
            .collect();
        let [bought, looked_at] = lines.as_slice() else { return all };
        let decays: Vec<[f32; 2]> = (0..1024).map(|age| [decay(age, 28.0), decay(age, 90.0)]).collect();
        for &line in bought {
            let (customer, line) = state.purchases.at(line);
            all.lines.0 += 1.0;
            all.lines.1 += f64::from(line.value);
            all.lines.2 += f64::from(u8::from(line.age < 365 && line.age.saturating_add(horizon) >= 365));
            let seen = all.of_mut(customer);
            if seen.first == NEVER {
                seen.first = line.age;
            }
            if line.age != seen.last {
                for (n, window) in seen.days.iter_mut().zip(WINDOWS) {
                    *n = n.saturating_add(u16::from(line.age < window));
                }
                if let Some(weights) = decays.get(usize::from(line.age)) {
                    seen.decayed[0] += weights[0];
                    seen.decayed[1] += weights[1];
                }
                seen.last = line.age;
                seen.in_horizon |= line.age < horizon;
                seen.before_horizon |= line.age >= horizon && line.age < horizon.saturating_mul(2);
                seen.new_before_horizon &=
                    line.age < horizon || line.age >= horizon.saturating_add(ACTIVE_DAYS);
            }
            seen.spent[0] += if line.age < 112 { line.value } else { 0.0 };
            seen.spent[1] += line.value;
        }
        for &line in looked_at {
            let (customer, line) = state.interest.at(line);
            let seen = all.of_mut(customer);
            seen.interest_last = line.age;
            seen.interest[0] += if line.age < 7 { line.value } else { 0.0 };
            seen.interest[1] += if line.age < 28 { line.value } else { 0.0 };
        }
        all
    }

    /// What a customer did (by place in the state).
    pub(crate) fn of(&self, place: usize) -> &Inside {
        &self.entries[self.entry[place] as usize]
    }

    /// Everybody who did something, by place in the state; in no order of interest, but always the same.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Inside)> {
        self.places.iter().map(|&place| place as usize).zip(&self.entries).skip(1)
    }

    fn of_mut(&mut self, place: u32) -> &mut Inside {
        let entry = &mut self.entry[place as usize];
        if *entry == 0 {
            *entry = self.entries.len() as u32;
            self.entries.push(NOTHING);
            self.places.push(place);
        }
        &mut self.entries[*entry as usize]
    }

    /// What a day with the offer is worth on average; none when it never sold for money.
    pub(crate) fn usual_spending(&self) -> Option<f32> {
        let (mut spent, mut days) = (0.0_f64, 0.0_f64);
        for (_, seen) in self.iter() {
            spent += f64::from(seen.spent[1]);
            days += f64::from(seen.days[3]);
        }
        (days > 0.0 && spent > 0.0).then(|| (spent / days) as f32)
    }

    /// Fills the columns that [`NAMES`] names. `usual` is the share of baskets that has the offer (in 112 days, ever) and the mean
    /// gap between two purchases of it, NaN where too few bought it twice.
    pub(crate) fn fill(
        &self,
        places: &[usize],
        profile: &[Customer],
        usual: ([f32; 2], f32),
        level: &Level,
        out: &mut [Column],
    ) {
        let (usual_share, usual_gap) = usual;
        for (lane, &place) in places.iter().enumerate() {
            let (seen, customer) = (self.of(place), &profile[place]);
            let gap = if seen.days[3] >= 2 {
                // The customer's own gap, shrunk towards everybody's.
                let (own, n) = (f32::from(seen.first - seen.last), f32::from(seen.days[3] - 1));
                if usual_gap.is_nan() { own / n } else { (own + usual_gap) / (n + 1.0) }
            } else {
                f32::NAN
            };
            let share = [0, 1].map(|at| {
                let (with, baskets) = (f32::from(seen.days[at + 2]), f32::from(customer.baskets[at + 2]));
                (with + 3.0 * usual_share[at]) / (baskets + 3.0)
            });
            let expected = 0.5 * (share[0] + share[1]) * customer.expected_baskets;
            let values = [
                days(seen.last),
                log_count(seen.days[0]),
                log_count(seen.days[1]),
                log_count(seen.days[2]),
                log_count(seen.days[3]),
                seen.decayed[0],
                seen.decayed[1],
                seen.spent[0].max(0.0),
                seen.spent[1].max(0.0),
                rhythm_ratio(seen.last, gap),
                rhythm_ratio(seen.last, usual_gap),
                odds(share[0]),
                odds(share[1]),
                expected.max(1e-6),
                level.base(seen.is_new()),
                days(seen.interest_last),
                seen.interest[0],
                seen.interest[1],
            ];
            for (column, value) in out.iter_mut().zip(values) {
                column[lane] = value;
            }
        }
        for (at, column) in out.iter_mut().enumerate() {
            match at {
                5..=8 | 16..=17 => columns::ln_1p(column),
                9..=13 => columns::ln(column),
                _ => {}
            }
        }
    }
}

impl Inside {
    /// What the customer is expected to spend on the offer within the horizon if they buy at all; `usual` is what a day with it is
    /// worth.
    pub(crate) fn spending(&self, usual: f32, horizon_days: u32) -> f32 {
        let days = f32::from(self.days[3]);
        let a_day = (self.spent[1] + 2.0 * usual) / (days + 2.0);
        // Days with the offer in the horizon, given at least one: of a Poisson number with the customer's own recent rate.
        let rate = f32::from(self.days[2]) / 112.0 * horizon_days as f32;
        let days_if_any = if rate > 0.05 { rate / -(-rate).exp_m1() } else { 1.0 + rate / 2.0 };
        a_day * days_if_any
    }
}

/// Logarithms of 1 + n, which are asked for by the million.
static LOG_COUNTS: LazyLock<Vec<f32>> =
    LazyLock::new(|| (0..=u16::MAX).map(|n| f32::from(n).ln_1p()).collect());

/// Logarithm of 1 + n.
pub(crate) fn log_count(n: u16) -> f32 {
    LOG_COUNTS.get(usize::from(n)).copied().unwrap_or_default()
}
