//! State: everything that features need of the customers as of one cutoff, built from a [`History`] only.
//!
//! A state holds chosen customers (all of them when scoring, a sample of a large tenant when training). With a mask of products it
//! is the state of a tenant that never sold them: the practice of a launch.
use clew_learn::Run;
use rayon::prelude::*;

use crate::error::Result;
use crate::event::EventKind;
use crate::feature_attribute::Attribute;
use crate::feature_company::Company;
use crate::feature_customer::{self, Customer};
use crate::feature_ledger::{Ledger, LedgerBuilder, NEVER};
use crate::feature_surroundings::Surroundings;
use crate::feature_taste::Taste;
use crate::history::History;
use crate::ids::NONE;
use crate::product_set::ProductSet;

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;
/// A customer with a purchase in these days before a cutoff is active, and without one from an offer is new to it.
pub(crate) const ACTIVE_DAYS: u16 = 56;

/// The customers as of a cutoff.
pub(crate) struct State {
    /// Days in which a purchase counts.
    pub(crate) horizon_days: u32,
    /// Days of history before the cutoff.
    pub(crate) n_days: u16,
    /// Codes of the customers, rising.
    pub(crate) customers: Vec<u32>,
    /// Purchases that count.
    pub(crate) purchases: Ledger,
    /// Views, carts, clicks and a tenant's own kinds about a product; the value is the kind's weight.
    pub(crate) interest: Ledger,
    /// Aligned with `customers`.
    pub(crate) profile: Vec<Customer>,
    /// What features say of each customer whatever the offer, a row of [`feature_customer::NAMES`] each.
    pub(crate) profile_rows: Vec<f32>,
    /// Baskets of all customers in 112 days, and ever.
    pub(crate) n_baskets: [u64; 2],
    /// Customers of `customers` that are active.
    pub(crate) n_active: usize,
    /// For each product, the customers who bought it, those of the last 112 days counted more.
    pub(crate) popularity: Vec<f32>,
    /// For each product, the popularity that products of the same groups have.
    pub(crate) expected_popularity: Vec<f32>,
    /// Aligned with the products' attributes.
    pub(crate) surroundings: Vec<Surroundings>,
    /// Learned factors.
    pub(crate) taste: Taste,
    /// What is bought beside what; empty with a mask, since never-sold offers have none.
    pub(crate) company: Company,
}

/// The lines of a state, before factors are learned from them.
pub(crate) struct Lines {
    pub(crate) n_days: u16,
    pub(crate) customers: Vec<u32>,
    pub(crate) purchases: Ledger,
    pub(crate) interest: Ledger,
    pub(crate) profile: Vec<Customer>,
    pub(crate) popularity: Vec<f32>,
    /// Whether products were left out.
    pub(crate) masked: bool,
}

/// Whole days from `at` to the cutoff.
pub(crate) fn age(as_of: i64, at: i64) -> u16 {
    (as_of.saturating_sub(1).saturating_sub(at) / DAY).clamp(0, i64::from(NEVER) - 1) as u16
}

impl Lines {
    /// Reads the lines of the chosen customers; `n_products` is at least that of the history; `hidden` products are left out.
    pub(crate) fn read(
        history: &History<'_>,
        customers: Vec<u32>,
        n_products: usize,
        hidden: Option<&ProductSet>,
    ) -> Lines {
        let as_of = history.as_of();
        let mut purchases = LedgerBuilder::new();
        let mut interest = LedgerBuilder::new();
        let mut profile = Vec::with_capacity(customers.len());
        let weights: Vec<f32> = (0..=u8::MAX).map(|kind| history.kind_weight(kind)).collect();
        for &customer in &customers {
            let events = history.events_of(customer);
            let mut seen = Customer::new();
            for i in 0..events.len() {
                let age = age(as_of, events.at[i]);
                let product = events.product[i];
                let kind = events.kind[i];
                if history.hides(kind) {
                    continue;
                }
                seen.event(kind, age);
                if product == NONE
                    || product as usize >= n_products
                    || hidden.is_some_and(|set| set.contains(product))
                {
                    continue;
                }
                if kind == EventKind::PURCHASE {
                    if events.is_purchase(i) {
                        let revenue = events.revenue[i];
                        let value = if revenue.is_nan() { 0.0 } else { revenue };
                        purchases.line(product, age, value);
                        seen.purchase(age, value);
                    }
                } else if weights[usize::from(kind)] > 0.0 {
                    interest.line(product, age, weights[usize::from(kind)]);
                }
            }
            seen.end();
            profile.push(seen);
            purchases.end_customer();
            interest.end_customer();
        }
        let first = history.first_event().unwrap_or(as_of);
        let purchases = purchases.finish(n_products);
        let popularity = popularity(&purchases, n_products);
        Lines {
            n_days: age(as_of, first).saturating_add(1),
            customers,
            purchases,
            interest: interest.finish(n_products),
            profile,
            popularity,
            masked: hidden.is_some(),
        }
    }
}

impl State {
    /// From lines and what was learned from them (or from an earlier model).
    pub(crate) fn new(
        run: &Run<'_>,
        lines: Lines,
        horizon_days: u32,
        attributes: &[Attribute],
        taste: Taste,
    ) -> Result<State> {
        run.check()?;
        let surroundings = run.pool.install(|| {
            attributes
                .par_iter()
                .map(|attribute| Surroundings::new(attribute, &lines.purchases, &lines.popularity))
                .collect()
        });
        let company = if lines.masked {
            Company::default()
        } else {
            Company::new(run, &lines, attributes, horizon_days)?
        };
        let n_active = lines.profile.iter().filter(|customer| customer.is_active()).count();
        let mut profile = lines.profile;
        feature_customer::finish(&mut profile, horizon_days);
        let width = feature_customer::NAMES.len();
        let mut profile_rows = vec![0.0; profile.len() * width];
        run.pool.install(|| {
            profile
                .par_iter()
                .zip(profile_rows.par_chunks_exact_mut(width))
                .for_each(|(one, row)| one.write(row));
        });
        let n_baskets = [2, 3].map(|window| profile.iter().map(|one| u64::from(one.baskets[window])).sum());
        Ok(State {
            horizon_days,
            n_days: lines.n_days,
            customers: lines.customers,
            purchases: lines.purchases,
            interest: lines.interest,
            profile,
            profile_rows,
            n_baskets,
            n_active,
            expected_popularity: expected_popularity(attributes, &lines.popularity),
            popularity: lines.popularity,
            surroundings,
            taste,
            company,
        })
    }
}

/// Customers who bought each product, each counted by the age of the last purchase: half as much after 112 days.
fn popularity(purchases: &Ledger, n_products: usize) -> Vec<f32> {
    (0..n_products)
        .map(|product| {
            let mut sum = 0.0_f32;
            let mut last: Option<(u32, u16)> = None;
            for (customer, line) in purchases.lines_of_product(product) {
                if let Some((before, age)) = last
                    && before != customer
                {
                    sum += decay(age, 112.0);
                }
                last = Some((customer, line.age));
            }
            sum + last.map_or(0.0, |(_, age)| decay(age, 112.0))
        })
        .collect()
}

/// Geometric mean, over the attributes, of the mean popularity of the products sold in the same group. Groups that never sold say
/// nothing: they may be all new.
fn expected_popularity(attributes: &[Attribute], popularity: &[f32]) -> Vec<f32> {
    let mut sum = vec![0.0_f32; popularity.len()];
    let mut n = vec![0.0_f32; popularity.len()];
    for attribute in attributes {
        let means: Vec<Option<f32>> = attribute
            .members()
            .iter()
            .map(|rows| {
                let sold =
                    || rows.iter().filter_map(|&row| popularity.get(row as usize)).filter(|&&p| p > 0.0);
                let n = sold().count();
                (n > 0).then(|| (sold().sum::<f32>() / n as f32).ln_1p())
            })
            .collect();
        for (product, (sum, n)) in sum.iter_mut().zip(&mut n).enumerate() {
            for &group in attribute.of(product) {
                if let Some(mean) = means[group as usize] {
                    *sum += mean;
                    *n += 1.0;
                }
            }
        }
    }
    let n_sold = popularity.iter().filter(|&&p| p > 0.0).count();
    let all = popularity.iter().sum::<f32>() / n_sold.max(1) as f32;
    sum.into_iter().zip(n).map(|(sum, n)| if n > 0.0 { (sum / n).exp_m1() } else { all }).collect()
}

/// What is left after `age` days of something that halves every `half_life` days.
pub(crate) fn decay(age: u16, half_life: f32) -> f32 {
    (-f32::from(age) / half_life).exp2()
}
