//! Features of the pairs (customer, offer) as of a state: what the model sees.
//!
//! An `OfferState` is made once per offer and state; it then fills the features of any customers, 64 at a time and feature by
//! feature. Names and order are those of [`names`]; NaN says "does not apply".
//!
//! A set of features is a type with its names, made once per offer, and a `fill(places, …, columns)` that sets a column for
//! each name. To add one: append its names in [`names`] and its number in [`n_features`], and call its `fill` at the end of
//! [`OfferState::fill`]. Whatever depends on the customer alone belongs into [`feature_customer`], which is written once per state.
use clew_learn::columns::{self, BLOCK, Column};
use rayon::prelude::*;

use crate::feature_affinity::Affinity;
use crate::feature_attribute::{Attribute, Grouping};
use crate::feature_company;
use crate::feature_customer;
use crate::feature_inside::{self, Seen};
use crate::feature_level::Level;
use crate::feature_state::State;
use crate::feature_surroundings::{Around, N_FEATURES as N_AROUND};
use crate::product_set::ProductSet;

/// How many features there are for a catalogue of these groupings.
pub(crate) fn n_features(groupings: &[Grouping]) -> usize {
    feature_customer::NAMES.len()
        + feature_inside::NAMES.len()
        + groupings.len() * N_AROUND
        + Affinity::NAMES.len()
        + Level::NAMES.len()
        + feature_company::NAMES.len()
}

/// Names of all features; `cold` marks those that a never-sold offer has too.
pub(crate) fn names(attributes: &[Attribute]) -> Vec<(String, bool)> {
    let mut names: Vec<(String, bool)> =
        feature_customer::NAMES.iter().map(|name| ((*name).to_owned(), true)).collect();
    names.extend(feature_inside::NAMES.iter().map(|name| ((*name).to_owned(), false)));
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
    /// What each customer did in it.
    pub(crate) seen: Seen,
    around: Vec<Around>,
    affinity: Affinity,
    company: Vec<[f32; 2]>,
    /// The offer's own level.
    pub(crate) level: Level,
    share: [f32; 2],
    usual_gap: f32,
}

impl<'a> OfferState<'a> {
    /// Gathers what is known of the offer; inside the pool of a run.
    pub(crate) fn new(state: &'a State, attributes: &[Attribute], offer: &ProductSet) -> OfferState<'a> {
        let seen = Seen::gather(state, offer);
        let around = state
            .surroundings
            .par_iter()
            .zip(attributes)
            .map(|(surroundings, attribute)| surroundings.around(attribute, offer, &state.popularity))
            .collect();
        let level = Level::new(state, offer, &seen);
        let affinity = Affinity::new(state, offer, &seen);
        let company = state.company.scores(state, attributes, offer, &seen);
        // How the offer is bought by all: share of baskets, and mean gap of those who bought it twice.
        let mut with = [0_u64; 2];
        let (mut gaps, mut n_gaps) = (0_u64, 0_u64);
        for (_, inside) in seen.iter() {
            for (with, days) in with.iter_mut().zip(&inside.days[2..]) {
                *with += u64::from(*days);
            }
            if inside.days[3] >= 2 {
                gaps += u64::from(inside.first - inside.last);
                n_gaps += u64::from(inside.days[3] - 1);
            }
        }
        let share = [0, 1].map(|at| (with[at] as f32 + 0.5) / (state.n_baskets[at] as f32 + 50.0));
        let usual_gap = if n_gaps >= 20 { gaps as f32 / n_gaps as f32 } else { f32::NAN };
        OfferState { state, seen, around, affinity, company, level, share, usual_gap }
    }

    /// Fills the features of at most [`BLOCK`] customers (by place in the state), a column for each of [`names`].
    pub(crate) fn fill(&self, places: &[usize], out: &mut [Column]) {
        let width = feature_customer::NAMES.len();
        let (own, out) = out.split_at_mut(width);
        columns::gather(
            places.iter().map(|place| &self.state.profile_rows[place * width..(place + 1) * width]),
            own,
        );
        let (inside, mut out) = out.split_at_mut(feature_inside::NAMES.len());
        self.seen.fill(places, &self.state.profile, (self.share, self.usual_gap), &self.level, inside);
        for (around, surroundings) in self.around.iter().zip(&self.state.surroundings) {
            let (three, rest) = out.split_at_mut(N_AROUND);
            around.fill(places, surroundings, three);
            out = rest;
        }
        let (affinity, out) = out.split_at_mut(Affinity::NAMES.len());
        self.affinity.fill(places, &self.state.taste, affinity);
        let (level, company) = out.split_at_mut(Level::NAMES.len());
        self.level.fill(level);
        columns::gather(places.iter().map(|&place| self.company[place].as_slice()), company);
    }

    /// The features of any number of customers, a row of `n_features` numbers each.
    pub(crate) fn rows(&self, places: &[usize], n_features: usize) -> Vec<f32> {
        let mut rows = vec![0.0; places.len() * n_features];
        let mut block = vec![[0.0; BLOCK]; n_features];
        for (places, rows) in places.chunks(BLOCK).zip(rows.chunks_mut(BLOCK * n_features.max(1))) {
            self.fill(places, &mut block);
            for (lane, row) in rows.chunks_exact_mut(n_features).enumerate() {
                row.iter_mut().zip(&block).for_each(|(value, column)| *value = column[lane]);
            }
        }
        rows
    }

    /// What a day with the offer is worth on average; none when it never sold for money.
    pub(crate) fn usual_spending(&self) -> Option<f32> {
        self.seen.usual_spending()
    }

    /// What each customer is expected to spend on the offer within the horizon if they buy at all; `usual` is what a day with it
    /// is worth.
    pub(crate) fn spending(&self, usual: f32) -> Vec<f32> {
        let mut all = vec![usual; self.state.customers.len()];
        for (place, inside) in self.seen.iter() {
            all[place] = inside.spending(usual, self.state.horizon_days);
        }
        all
    }
}

/// Log-odds, kept within ±9.
pub(crate) fn logit(p: f32) -> f32 {
    odds(p).ln()
}

/// Odds, kept within e^±9.
pub(crate) fn odds(p: f32) -> f32 {
    let p = p.clamp(1.2e-4, 1.0 - 1.2e-4);
    p / (1.0 - p)
}
