//! Surroundings: how much each customer bought in each group of an attribute (each category, each brand), whatever the offer.
use clew_learn::columns::{self, Column};

use crate::feature_attribute::Attribute;
use crate::feature_customer::days;
use crate::feature_ledger::{Ledger, NEVER};
use crate::feature_state::decay;
use crate::product_set::ProductSet;

/// Purchases by group and customer.
pub(crate) struct Surroundings {
    starts: Vec<usize>,
    cells: Vec<Cell>,
    /// Share of all decayed purchases that each group has.
    share: Vec<f32>,
    /// Decayed purchases of each customer, over all groups.
    total: Vec<f32>,
}

/// One customer in one group.
#[derive(Clone, Copy)]
struct Cell {
    customer: u32,
    decayed: f32,
    last: u16,
}

/// What surrounds one offer by one attribute, for each customer.
pub(crate) struct Around {
    /// Decayed purchases in the groups of the offer's products, each group by its share of the offer.
    decayed: Vec<f32>,
    /// Days since the last purchase in a group that has a tenth of the offer or more.
    last: Vec<u16>,
    /// Share of the purchases that an average customer has in those groups.
    share: f32,
}

/// Features for each attribute.
pub(crate) const N_FEATURES: usize = 3;

impl Surroundings {
    /// Counts the purchases by group.
    pub(crate) fn new(attribute: &Attribute, purchases: &Ledger, popularity: &[f32]) -> Surroundings {
        let n_groups = attribute.n_groups();
        let decays: Vec<f32> = (0..1024).map(|age| decay(age, 90.0)).collect();
        let mut found: Vec<(u32, Cell)> = Vec::new();
        let mut at = vec![u32::MAX; n_groups];
        let mut total = vec![0.0; purchases.n_customers()];
        for (customer, total) in total.iter_mut().enumerate() {
            let from = found.len();
            for line in purchases.lines_of(customer) {
                let decayed = decays.get(usize::from(line.age)).copied().unwrap_or(0.0);
                *total += decayed;
                for &group in attribute.of(line.product as usize) {
                    let place = at[group as usize] as usize;
                    match found.get_mut(place) {
                        Some((g, cell)) if place >= from && *g == group => {
                            cell.decayed += decayed;
                            cell.last = line.age;
                        }
                        _ => {
                            at[group as usize] = found.len() as u32;
                            found.push((group, Cell { customer: customer as u32, decayed, last: line.age }));
                        }
                    }
                }
            }
        }
        let mut starts = vec![0_usize; n_groups + 1];
        for &(group, _) in &found {
            starts[group as usize + 1] += 1;
        }
        for group in 0..n_groups {
            starts[group + 1] += starts[group];
        }
        let mut place = starts.clone();
        let mut cells = vec![Cell { customer: 0, decayed: 0.0, last: NEVER }; found.len()];
        let mut share = vec![0.0_f64; n_groups];
        for (group, cell) in found {
            let group = group as usize;
            cells[place[group]] = cell;
            place[group] += 1;
            share[group] += f64::from(cell.decayed);
        }
        let all: f64 = total.iter().map(|&t| f64::from(t)).sum::<f64>().max(1e-9);
        debug_assert_eq!(popularity.len(), purchases.n_products());
        Surroundings { starts, cells, share: share.into_iter().map(|s| (s / all) as f32).collect(), total }
    }

    /// What surrounds the offer: each group of its products counts by its share of the offer's popularity.
    pub(crate) fn around(&self, attribute: &Attribute, offer: &ProductSet, popularity: &[f32]) -> Around {
        let mut weight = hashbrown::HashMap::<u32, f32, ahash::RandomState>::with_hasher(
            ahash::RandomState::with_seeds(1, 2, 3, 4),
        );
        let mut sum = 0.0_f32;
        for &product in offer.products() {
            let w = popularity.get(product as usize).copied().unwrap_or(0.0) + 0.2;
            sum += w;
            for &group in attribute.of(product as usize) {
                *weight.entry(group).or_insert(0.0) += w;
            }
        }
        let mut weight: Vec<(u32, f32)> =
            weight.into_iter().map(|(group, w)| (group, w / sum.max(1e-9))).collect();
        weight.sort_unstable_by_key(|&(group, _)| group);
        let mut around =
            Around { decayed: vec![0.0; self.total.len()], last: vec![NEVER; self.total.len()], share: 0.0 };
        for &(group, w) in &weight {
            let group = group as usize;
            around.share += w * self.share[group];
            for cell in &self.cells[self.starts[group]..self.starts[group + 1]] {
                around.decayed[cell.customer as usize] += w * cell.decayed;
                if w >= 0.1 {
                    let last = &mut around.last[cell.customer as usize];
                    *last = (*last).min(cell.last);
                }
            }
        }
        around
    }
}

impl Around {
    /// Fills three columns: how much, how long ago, and how much against an average customer of as many purchases.
    pub(crate) fn fill(&self, places: &[usize], surroundings: &Surroundings, out: &mut [Column]) {
        let [much, last, leaning] = out else { return };
        for (lane, &place) in places.iter().enumerate() {
            let decayed = self.decayed[place];
            much[lane] = decayed;
            last[lane] = days(self.last[place]);
            leaning[lane] = (decayed + 10.0 * self.share) / ((surroundings.total[place] + 10.0) * self.share);
        }
        columns::ln_1p(much);
        if self.share > 0.0 {
            columns::ln(leaning);
        } else {
            leaning.fill(0.0);
        }
    }
}
