//! Strength: how much of an outcome bins of customers explain on their own, on customers whom they were not fitted to.
//!
//! The outcome's deviance under the bins' own shares of buyers, over that under everybody's share: McFadden's R² (1974),
//! cross-fitted in two halves, so that bins of noise explain nothing however many they are.
use std::collections::BTreeMap;

use crate::feature_attribute::Attribute;
use crate::feature_state::{ACTIVE_DAYS, DAY, Lines};
use crate::history::History;
use crate::ids::NONE;
use crate::leak_bins::Bins;

/// Buyers and others under which a window says nothing of an offer.
const MIN_BUYERS: usize = 30;
/// Offers that are looked at in a window, those with the most buyers.
const MAX_OFFERS: usize = 200;
/// Customers of everybody's share that each bin is mixed with.
const PRIOR: f64 = 2.0;
/// Events of a kind before a cutoff, from which more make no difference.
const MAX_EVENTS: u16 = 4;

/// How much was explained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Strength {
    /// Log-likelihood gained over everybody's share, nats.
    pub(crate) gain: f64,
    /// Log-likelihood that there was to gain.
    pub(crate) deviance: f64,
}

impl Strength {
    /// The share: below 0 where bins are worse than none, 1 for a copy.
    pub(crate) fn explained(&self) -> f64 {
        if self.deviance > 0.0 { self.gain / self.deviance } else { 0.0 }
    }
}

/// One past window: who was active before it, and who bought what in it.
pub(crate) struct Window {
    /// Ages in days before the date: the window is `from..until`.
    pub(crate) from: u16,
    /// The cutoff's age.
    pub(crate) until: u16,
    /// Places of the customers that were active at the cutoff, rising.
    population: Vec<u32>,
    /// Offers by number (0 is everything) with the places of their buyers, rising.
    offers: Vec<(u32, Vec<u32>)>,
}

/// Numbers of the groups that a product is in, each attribute's after the other's; 0 stands for everything.
fn offers_of<'a>(attributes: &'a [&'a Attribute], product: u32) -> impl Iterator<Item = u32> + 'a {
    let mut offset = 1;
    let groups = attributes.iter().flat_map(move |attribute| {
        let from = offset;
        offset += attribute.n_groups() as u32;
        attribute.of(product as usize).iter().map(move |&group| from + group)
    });
    std::iter::once(0).chain(groups)
}

/// The windows before the date, the latest first, as far as customers reach.
pub(crate) fn windows(lines: &Lines, attributes: &[&Attribute], horizon_days: u32, n: usize) -> Vec<Window> {
    let horizon = u16::try_from(horizon_days).unwrap_or(u16::MAX).max(1);
    let n = n.min(usize::from(lines.n_days / horizon));
    (0..n as u16)
        .map(|window| {
            let (from, until) = (window * horizon, (window + 1) * horizon);
            let active = until..until.saturating_add(ACTIVE_DAYS);
            let mut population = Vec::new();
            let mut bought: Vec<(u32, u32)> = Vec::new();
            for customer in 0..lines.customers.len() {
                let mut is_active = false;
                let start = bought.len();
                for line in lines.purchases.lines_of(customer) {
                    is_active |= active.contains(&line.age);
                    if (from..until).contains(&line.age) {
                        bought.extend(
                            offers_of(attributes, line.product).map(|offer| (offer, customer as u32)),
                        );
                    }
                }
                if is_active {
                    population.push(customer as u32);
                } else {
                    bought.truncate(start);
                }
            }
            bought.sort_unstable();
            bought.dedup();
            let mut offers: Vec<(u32, Vec<u32>)> = bought
                .chunk_by(|a, b| a.0 == b.0)
                .filter(|chunk| {
                    chunk.len() >= MIN_BUYERS && population.len().saturating_sub(chunk.len()) >= MIN_BUYERS
                })
                .map(|chunk| {
                    (chunk.first().map_or(0, |pair| pair.0), chunk.iter().map(|pair| pair.1).collect())
                })
                .collect();
            offers.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(&b.0)));
            offers.truncate(MAX_OFFERS);
            Window { from, until, population, offers }
        })
        .collect()
}

impl Window {
    /// An offer's name: `category = COFFEE`.
    pub(crate) fn offer_name(attributes: &[&Attribute], offer: u32) -> String {
        let mut group = match offer.checked_sub(1) {
            Some(group) => group as usize,
            None => return "anything".to_owned(),
        };
        for attribute in attributes {
            if let Some(label) = attribute.grouping.labels.get(group) {
                return format!("{} = {label}", attribute.grouping.column);
            }
            group -= attribute.n_groups();
        }
        "anything".to_owned()
    }

    /// Calls `see(offer, strength)` for every offer of the window.
    pub(crate) fn strengths(&self, bins: &Bins, mut see: impl FnMut(u32, Strength)) {
        let counts = self.counts(bins);
        for (offer, buyers) in &self.offers {
            see(*offer, strength(bins, &counts, buyers));
        }
    }

    /// Calls `see(offer, about the offer, strength)` with how much a kind of event within the horizon before the cutoff
    /// tells of each offer's buyers: events about products of the offer, and any at all.
    pub(crate) fn foretold(
        &self,
        history: &History<'_>,
        lines: &Lines,
        kind: u8,
        horizon_days: u32,
        attributes: &[&Attribute],
        mut see: impl FnMut(u32, bool, Strength),
    ) {
        let cutoff = history.as_of() - i64::from(self.until) * DAY;
        let since = cutoff - i64::from(horizon_days) * DAY;
        let n = lines.customers.len();
        let n_bins = usize::from(MAX_EVENTS) + 1;
        let mut any = Bins { n_bins, of: vec![0; n] };
        let mut about: BTreeMap<u32, BTreeMap<u32, u16>> = BTreeMap::new();
        for &place in &self.population {
            let Some(&customer) = lines.customers.get(place as usize) else { continue };
            let events = history.events_of(customer).since(since).before(cutoff);
            for (&of, &product) in events.kind.iter().zip(events.product) {
                if of != kind {
                    continue;
                }
                if let Some(bin) = any.of.get_mut(place as usize) {
                    *bin = (*bin + 1).min(MAX_EVENTS);
                }
                if product != NONE {
                    for offer in offers_of(attributes, product) {
                        let bin = about.entry(offer).or_default().entry(place).or_insert(0);
                        *bin = (*bin + 1).min(MAX_EVENTS);
                    }
                }
            }
        }
        self.strengths(&any, |offer, strength| see(offer, false, strength));
        let mut bins = Bins { n_bins, of: vec![0; n] };
        for (offer, buyers) in &self.offers {
            bins.of.fill(0);
            for (&place, &bin) in about.get(offer).into_iter().flatten() {
                if let Some(slot) = bins.of.get_mut(place as usize) {
                    *slot = bin;
                }
            }
            see(*offer, true, strength(&bins, &self.counts(&bins), buyers));
        }
    }

    /// Customers of each bin, in each half.
    fn counts(&self, bins: &Bins) -> [Vec<f64>; 2] {
        let mut counts = [vec![0.0; bins.n_bins], vec![0.0; bins.n_bins]];
        self.population.iter().for_each(|&place| add(&mut counts, bins, place));
        counts
    }
}

/// The even and the odd places are the two halves.
fn add(counts: &mut [Vec<f64>; 2], bins: &Bins, place: u32) {
    let bin = bins.of.get(place as usize).copied().unwrap_or(0);
    if let Some(count) = counts[(place % 2) as usize].get_mut(usize::from(bin)) {
        *count += 1.0;
    }
}

/// Minus the log-likelihood of so many buyers among `n` customers who each buy with probability p.
fn loss(buyers: f64, n: f64, p: f64) -> f64 {
    -(buyers * p.ln() + (n - buyers) * (1.0 - p).ln())
}

/// Each half judged by the shares of the other.
fn strength(bins: &Bins, n: &[Vec<f64>; 2], buyers: &[u32]) -> Strength {
    let mut bought = [vec![0.0; bins.n_bins], vec![0.0; bins.n_bins]];
    buyers.iter().for_each(|&place| add(&mut bought, bins, place));
    let mut strength = Strength { gain: 0.0, deviance: 0.0 };
    for (half, other) in [(0, 1), (1, 0)] {
        let (all, all_bought): (f64, f64) = (n[other].iter().sum(), bought[other].iter().sum());
        let share = (all_bought + 0.5) / (all + 1.0);
        for bin in 0..bins.n_bins {
            let p = (bought[other][bin] + PRIOR * share) / (n[other][bin] + PRIOR);
            let p = p.clamp(1e-6, 1.0 - 1e-6);
            let (bought, n) = (bought[half][bin], n[half][bin]);
            let base = loss(bought, n, share);
            strength.deviance += base;
            strength.gain += base - loss(bought, n, p);
        }
    }
    strength
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn a_copy_explains_nearly_all_and_noise_nothing() {
        let n = 2_000_u32;
        let window = Window {
            from: 0,
            until: 28,
            population: (0..n).collect(),
            offers: vec![(0, (0..n).filter(|place| place % 7 == 0).collect())],
        };
        let of = |bin: &dyn Fn(u32) -> u16| {
            let bins = Bins { n_bins: 50, of: (0..n).map(bin).collect() };
            let mut found = None;
            window.strengths(&bins, |_, strength| found = Some(strength.explained()));
            found.unwrap()
        };
        let copy = of(&|place| u16::from(place % 7 == 0));
        assert!(copy > 0.95, "{copy}");
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let drawn: Vec<u16> = (0..n).map(|_| rng.random_range(0..50)).collect();
        let noise = of(&|place| drawn[place as usize]);
        assert!((-0.2..0.02).contains(&noise), "{noise}");
    }
}
