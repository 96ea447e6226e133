//! Features of the pairs (customer, offer) as of a state: what the model sees.
//!
//! An `OfferState` is made once per offer and state; it then writes the features of any customer. Names and order are those of
//! [`names`]; NaN says "does not apply".
use crate::feature_affinity::Affinity;
use crate::feature_attribute::{Attribute, Grouping};
use crate::feature_company;
use crate::feature_customer::{self, WINDOWS, days, rhythm};
use crate::feature_ledger::NEVER;
use crate::feature_level::Level;
use crate::feature_state::{ACTIVE_DAYS, State, decay};
use crate::feature_surroundings::{Around, N_FEATURES as N_AROUND};
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

const INSIDE: [&str; 18] = [
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

/// How many features there are for a catalogue of these groupings.
pub(crate) fn n_features(groupings: &[Grouping]) -> usize {
    feature_customer::NAMES.len()
        + INSIDE.len()
        + groupings.len() * N_AROUND
        + Affinity::NAMES.len()
        + Level::NAMES.len()
        + feature_company::NAMES.len()
}

/// Names of all features; `cold` marks those that a never-sold offer has too.
pub(crate) fn names(attributes: &[Attribute]) -> Vec<(String, bool)> {
    let mut names: Vec<(String, bool)> =
        feature_customer::NAMES.iter().map(|name| ((*name).to_owned(), true)).collect();
    names.extend(INSIDE.iter().map(|name| ((*name).to_owned(), false)));
    for attribute in attributes {
        let name = attribute.grouping.name();
        names.push((format!("recent purchases around, by {name}"), true));
        names.push((format!("days since a purchase around, by {name}"), true));
        names.push((format!("leaning by {name}"), true));
    }
    names.extend(Affinity::NAMES.iter().map(|name| ((*name).to_owned(), true)));
    names.extend(Level::NAMES.iter().map(|&(name, cold)| (name.to_owned(), cold)));
    names.extend(feature_company::NAMES.iter().map(|name| ((*name).to_owned(), false)));
    names
}

/// An offer as of a state.
pub(crate) struct OfferState<'a> {
    /// The state it is seen in.
    pub(crate) state: &'a State,
    /// Aligned with the state's customers.
    pub(crate) inside: Vec<Inside>,
    around: Vec<Around>,
    affinity: Affinity,
    company: Vec<[f32; 2]>,
    /// The offer's own level.
    pub(crate) level: Level,
    share: [f32; 2],
    usual_gap: f32,
}

impl<'a> OfferState<'a> {
    /// Gathers what is known of the offer.
    pub(crate) fn new(state: &'a State, attributes: &[Attribute], offer: &ProductSet) -> OfferState<'a> {
        let horizon = state.horizon_days as u16;
        let mut inside = vec![NOTHING; state.customers.len()];
        let decays: Vec<[f32; 2]> = (0..1024).map(|age| [decay(age, 28.0), decay(age, 90.0)]).collect();
        state.purchases.each_line(offer, |customer, line| {
            let seen = &mut inside[customer as usize];
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
        });
        state.interest.each_line(offer, |customer, line| {
            let seen = &mut inside[customer as usize];
            seen.interest_last = line.age;
            seen.interest[0] += if line.age < 7 { line.value } else { 0.0 };
            seen.interest[1] += if line.age < 28 { line.value } else { 0.0 };
        });
        let around = state
            .surroundings
            .iter()
            .zip(attributes)
            .map(|(surroundings, attribute)| surroundings.around(attribute, offer, &state.popularity))
            .collect();
        let level = Level::new(state, offer, &inside);
        let affinity = Affinity::new(state, offer, &inside);
        let company = state.company.scores(state, attributes, offer, &inside);
        // How the offer is bought by all: share of baskets, and mean gap of those who bought it twice.
        let mut with = [0_u64; 2];
        let mut baskets = [0_u64; 2];
        let (mut gaps, mut n_gaps) = (0_u64, 0_u64);
        for (seen, customer) in inside.iter().zip(&state.profile) {
            for (at, window) in [2, 3].into_iter().enumerate() {
                with[at] += u64::from(seen.days[window]);
                baskets[at] += u64::from(customer.baskets[window]);
            }
            if seen.days[3] >= 2 {
                gaps += u64::from(seen.first - seen.last);
                n_gaps += u64::from(seen.days[3] - 1);
            }
        }
        let share = [0, 1].map(|at| (with[at] as f32 + 0.5) / (baskets[at] as f32 + 50.0));
        let usual_gap = if n_gaps >= 20 { gaps as f32 / n_gaps as f32 } else { f32::NAN };
        OfferState { state, inside, around, affinity, company, level, share, usual_gap }
    }

    /// Writes the features of one customer (by place in the state), as many as [`names`] names.
    pub(crate) fn write(&self, customer: usize, out: &mut [f32]) {
        let profile = &self.state.profile[customer];
        let (own, out) = out.split_at_mut(feature_customer::NAMES.len());
        profile.write(own);
        let (inside, mut out) = out.split_at_mut(INSIDE.len());
        self.write_inside(customer, inside);
        for (around, surroundings) in self.around.iter().zip(&self.state.surroundings) {
            let (three, rest) = out.split_at_mut(N_AROUND);
            around.write(customer, surroundings.total(customer), three);
            out = rest;
        }
        let (affinity, out) = out.split_at_mut(Affinity::NAMES.len());
        self.affinity.write(customer, affinity);
        let (level, company) = out.split_at_mut(Level::NAMES.len());
        self.level.write(level);
        company.copy_from_slice(&self.company[customer]);
    }

    fn write_inside(&self, customer: usize, out: &mut [f32]) {
        let profile = &self.state.profile[customer];
        let seen = &self.inside[customer];
        let gap = if seen.days[3] >= 2 {
            // The customer's own gap, shrunk towards everybody's.
            let (own, n) = (f32::from(seen.first - seen.last), f32::from(seen.days[3] - 1));
            if self.usual_gap.is_nan() { own / n } else { (own + self.usual_gap) / (n + 1.0) }
        } else {
            f32::NAN
        };
        let share = [0, 1].map(|at| {
            let (with, baskets) = (f32::from(seen.days[at + 2]), f32::from(profile.baskets[at + 2]));
            (with + 3.0 * self.share[at]) / (baskets + 3.0)
        });
        let expected = 0.5 * (share[0] + share[1]) * profile.expected_baskets;
        let values = [
            days(seen.last),
            f32::from(seen.days[0]).ln_1p(),
            f32::from(seen.days[1]).ln_1p(),
            f32::from(seen.days[2]).ln_1p(),
            f32::from(seen.days[3]).ln_1p(),
            seen.decayed[0].ln_1p(),
            seen.decayed[1].ln_1p(),
            seen.spent[0].max(0.0).ln_1p(),
            seen.spent[1].max(0.0).ln_1p(),
            rhythm(seen.last, gap),
            rhythm(seen.last, self.usual_gap),
            logit(share[0]),
            logit(share[1]),
            expected.max(1e-6).ln(),
            self.level.base(seen.is_new()),
            days(seen.interest_last),
            seen.interest[0].ln_1p(),
            seen.interest[1].ln_1p(),
        ];
        out[..values.len()].copy_from_slice(&values);
    }

    /// What a day with the offer is worth on average; none when it never sold for money.
    pub(crate) fn usual_spending(&self) -> Option<f32> {
        let (mut spent, mut days) = (0.0_f64, 0.0_f64);
        for seen in &self.inside {
            spent += f64::from(seen.spent[1]);
            days += f64::from(seen.days[3]);
        }
        (days > 0.0 && spent > 0.0).then(|| (spent / days) as f32)
    }

    /// What a customer is expected to spend on the offer within the horizon if they buy at all; `usual` is what a day with it is worth.
    pub(crate) fn spending(&self, customer: usize, usual: f32) -> f32 {
        let seen = &self.inside[customer];
        let days = f32::from(seen.days[3]);
        let a_day = (seen.spent[1] + 2.0 * usual) / (days + 2.0);
        // Days with the offer in the horizon, given at least one: of a Poisson number with the customer's own recent rate.
        let rate = f32::from(seen.days[2]) / 112.0 * self.state.horizon_days as f32;
        let days_if_any = if rate > 0.05 { rate / -(-rate).exp_m1() } else { 1.0 + rate / 2.0 };
        a_day * days_if_any
    }
}

/// Log-odds, kept within ±9.
pub(crate) fn logit(p: f32) -> f32 {
    let p = p.clamp(1.2e-4, 1.0 - 1.2e-4);
    (p / (1.0 - p)).ln()
}
