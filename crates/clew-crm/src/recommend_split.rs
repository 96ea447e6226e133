//! What the choice of a recommender is judged on: events before the date that are kept aside from the fit.
//!
//! Where the events have dates, those of the last days; where they all carry much the same date, a share of each
//! customer's. Nothing but the training's own lines is looked at.
use clew_learn::Run;
use clew_learn::sparse::Csr;
use rand::Rng;
use rand::seq::SliceRandom;

use crate::error::Result;
use crate::feature_state::{Lines, decay};

/// Days that are kept aside at most, and the share of all days that they are.
const MOST_DAYS: u16 = 28;
const SHARE_OF_DAYS: u16 = 6;
/// Days of history below which a share of the events is kept aside instead.
const FEWEST_DAYS: u16 = 30;
/// Share of each customer's products that is then kept aside.
const SHARE_OF_PRODUCTS: f64 = 0.2;
/// Products of customers that are learned from, at most: more do not change what is chosen.
const MOST_VALUES: usize = 2_000_000;
/// Customers who are judged, at most.
const MOST_JUDGED: usize = 5_000;

/// Two parts of the same customers' events.
pub(crate) struct Split {
    /// In words, for the report: "the last 28 days".
    pub(crate) kept_aside: String,
    /// Customers × products to learn from.
    pub(crate) training: Csr,
    /// Some of its rows: the customers who are judged, from what they are judged.
    pub(crate) rows: Csr,
    /// Of those customers, the products of the events kept aside that they did not have before.
    pub(crate) wanted: Csr,
}

impl Split {
    /// Keeps events aside; none where too little would be left on either side.
    pub(crate) fn new(run: &Run<'_>, lines: &Lines, half_life_days: f32) -> Result<Option<Split>> {
        let by_days = lines.n_days >= FEWEST_DAYS;
        let n_days = if by_days { (lines.n_days / SHARE_OF_DAYS).clamp(1, MOST_DAYS) } else { 0 };
        let only_purchases = lines.purchases.n_lines() > 0;
        let mut rng = run.rng(0x7370_6c69);
        let mut customers: Vec<usize> = (0..lines.customers.len()).collect();
        customers.shuffle(&mut rng);
        let (mut training, mut wanted) = (Vec::new(), Vec::new());
        let mut judged: Vec<usize> = Vec::new();
        let mut n_rows = 0;
        for customer in customers {
            if training.len() >= MOST_VALUES {
                break;
            }
            let bought = lines.purchases.lines_of(customer).map(|line| (line.product, line.age, 1.0, true));
            let seen = lines
                .interest
                .lines_of(customer)
                .map(|line| (line.product, line.age, line.value, !only_purchases));
            let mut all: Vec<(u32, u16, f32, bool)> = bought.chain(seen).collect();
            all.sort_by_key(|line| line.0);
            let (held, before) = (training.len(), wanted.len());
            for same in all.chunk_by(|a, b| a.0 == b.0) {
                let aside = !by_days && rng.random_bool(SHARE_OF_PRODUCTS);
                let known = |line: &&(u32, u16, f32, bool)| !aside && line.1 >= n_days;
                let weight: f32 = same
                    .iter()
                    .filter(known)
                    .map(|line| line.2 * decay(line.1 - n_days, half_life_days))
                    .sum();
                if weight > 0.0 {
                    training.push((n_rows as u32, same[0].0, (1.0 + weight).log2()));
                } else if same.iter().any(|line| line.3) {
                    wanted.push((n_rows as u32, same[0].0, 1.0));
                }
            }
            if training.len() > held && wanted.len() > before {
                judged.push(n_rows);
            }
            n_rows += usize::from(training.len() > held || wanted.len() > before);
        }
        judged.truncate(MOST_JUDGED);
        if judged.is_empty() {
            return Ok(None);
        }
        let n_products = lines.popularity.len();
        let training = Csr::from_triplets(n_rows, n_products, &training)?;
        let wanted = Csr::from_triplets(n_rows, n_products, &wanted)?.select_rows(&judged)?;
        let kept_aside = if by_days {
            format!("the last {n_days} days")
        } else {
            format!("{:.0} % of each customer's products", 100.0 * SHARE_OF_PRODUCTS)
        };
        Ok(Some(Split { kept_aside, rows: training.select_rows(&judged)?, training, wanted }))
    }
}
