//! What each column of the customers' file tells of what they buy: its effect on its own, on customers from whom it was not learned.
//!
//! What a customer bought is seen as draws from the groups of each attribute of the catalogue (each category, each brand), a group
//! counting once a customer. For every value of the column the shares of the groups, pulled towards everybody's, are learned
//! on one half of the customers and judged on the other by the log-likelihood of what those bought. How hard to pull is
//! chosen on the half that is not judged, so that a column of many values that mean nothing is pulled flat. How much a
//! customer buys does not enter. Gains are summed customer by customer, and customers are the draws that the interval is
//! made of.
use clew_learn::Run;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::effect_size::Z95;
use crate::error::Result;
use crate::feature_attribute::{Attribute, Cut};
use crate::feature_state::Lines;
use crate::history::History;
use crate::leak_bins::{Bins, bins};

/// Purchases of everybody's shares that each value's are mixed with: what is chosen from.
const PULLS: [f64; 6] = [30.0, 100.0, 300.0, 1_000.0, 10_000.0, 100_000.0];
/// Groups of an attribute of the catalogue that are looked at, those that most customers bought.
const MAX_GROUPS: usize = 200;
/// Standard errors above nothing from which a column is said to tell something: dozens of columns that mean nothing stay below.
const TELLING: f64 = 4.0;

/// What a column tells of what customers buy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttributeFigures {
    /// The column of the customers' file.
    pub column: String,
    /// Share of what there is to know (of the log-likelihood of which groups of products customers bought) that it tells.
    pub explained: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Whether that is beyond chance, by four standard errors.
    pub tells: bool,
}

/// The figures of every column that is not left out, the most telling first.
pub(crate) fn figures(
    run: &Run<'_>,
    history: &History<'_>,
    lines: &Lines,
    attributes: &[Attribute],
    left_out: &[String],
) -> Result<Vec<AttributeFigures>> {
    let tastes: Vec<Taste> = attributes
        .iter()
        .filter(|attribute| attribute.grouping.cut != Cut::Words)
        .map(|attribute| Taste::new(lines, attribute))
        .collect();
    let table = history.customers();
    let columns: Vec<_> =
        table.columns().filter(|(name, _)| !left_out.iter().any(|column| column == name)).collect();
    let mut figures: Vec<AttributeFigures> = run.pool.install(|| {
        columns
            .par_iter()
            .map(|&(name, column)| {
                run.check()?;
                Ok(of_column(name, &bins(column, &lines.customers), &tastes, lines.customers.len()))
            })
            .collect::<Result<_>>()
    })?;
    figures.sort_by(|a, b| b.explained.total_cmp(&a.explained).then_with(|| a.column.cmp(&b.column)));
    Ok(figures)
}

/// Which groups of one attribute of the catalogue each customer bought from.
struct Taste {
    n_groups: usize,
    /// Pairs of a customer's place and a group, each once; by customer.
    bought: Vec<(u32, u32)>,
}

impl Taste {
    fn new(lines: &Lines, attribute: &Attribute) -> Taste {
        let mut bought = Vec::new();
        let mut count = vec![0_usize; attribute.n_groups()];
        for customer in 0..lines.customers.len() {
            let mut groups: Vec<u32> = lines
                .purchases
                .lines_of(customer)
                .flat_map(|line| attribute.of(line.product as usize).iter().copied())
                .collect();
            groups.sort_unstable();
            groups.dedup();
            groups.iter().for_each(|&group| count[group as usize] += 1);
            bought.extend(groups.into_iter().map(|group| (customer as u32, group)));
        }
        let mut order: Vec<u32> =
            (0..count.len() as u32).filter(|&group| count[group as usize] > 0).collect();
        order.sort_by(|&a, &b| count[b as usize].cmp(&count[a as usize]).then(a.cmp(&b)));
        order.truncate(MAX_GROUPS);
        let mut place = vec![None; count.len()];
        order.iter().zip(0..).for_each(|(&group, at)| place[group as usize] = Some(at));
        let bought =
            bought.into_iter().filter_map(|(customer, group)| Some((customer, place[group as usize]?)));
        Taste { n_groups: order.len(), bought: bought.collect() }
    }

    /// Adds to each customer's gains, one for each pull, by the shares of the other half; gives the log-likelihood there was to gain.
    fn gains(&self, bins: &Bins, gain: &mut [[f64; PULLS.len()]]) -> f64 {
        let bin_of = |customer: u32| usize::from(bins.of.get(customer as usize).copied().unwrap_or(0));
        let table = || vec![0.0_f64; bins.n_bins * self.n_groups];
        let mut count = [table(), table()];
        for &(customer, group) in &self.bought {
            count[(customer % 2) as usize][bin_of(customer) * self.n_groups + group as usize] += 1.0;
        }
        let of_bin: [Vec<f64>; 2] = [0, 1]
            .map(|half| count[half].chunks(self.n_groups.max(1)).map(|groups| groups.iter().sum()).collect());
        let everybody: [Vec<f64>; 2] = [0, 1].map(|half| {
            let all: f64 = of_bin[half].iter().sum::<f64>() + 0.5 * self.n_groups as f64;
            (0..self.n_groups)
                .map(|group| {
                    let n: f64 = count[half].iter().skip(group).step_by(self.n_groups).sum();
                    (n + 0.5) / all
                })
                .collect()
        });
        let mut deviance = 0.0;
        for &(customer, group) in &self.bought {
            let (other, bin) = ((customer % 2 == 0) as usize, bin_of(customer));
            let share = everybody[other][group as usize];
            let (n, all) = (count[other][bin * self.n_groups + group as usize], of_bin[other][bin]);
            deviance -= share.ln();
            if let Some(gain) = gain.get_mut(customer as usize) {
                for (gain, pull) in gain.iter_mut().zip(PULLS) {
                    *gain += ((n + pull * share) / (all + pull) / share).ln();
                }
            }
        }
        deviance
    }
}

fn of_column(name: &str, ways: &[Bins], tastes: &[Taste], n_customers: usize) -> AttributeFigures {
    let mut gain = vec![[0.0_f64; PULLS.len()]; n_customers];
    let mut deviance = 0.0;
    for bins in ways {
        for taste in tastes {
            deviance += taste.gains(bins, &mut gain);
        }
    }
    // The pull for one half is the one that was best on the other.
    let best = |half: usize| {
        let total = |pull: usize| gain.iter().skip(half).step_by(2).map(|gain| gain[pull]).sum::<f64>();
        (0..PULLS.len()).max_by(|&a, &b| total(a).total_cmp(&total(b))).unwrap_or(0)
    };
    let pulls = [best(1), best(0)];
    let (mut sum, mut square) = (0.0, 0.0);
    for (place, gain) in gain.iter().enumerate() {
        let value = gain[pulls[place % 2]];
        sum += value;
        square += value * value;
    }
    let share = |gain: f64| if deviance > 0.0 { gain / deviance } else { 0.0 };
    let error = square.sqrt();
    AttributeFigures {
        column: name.to_owned(),
        explained: share(sum),
        low: share(sum - Z95 * error),
        high: share(sum + Z95 * error),
        tells: error > 0.0 && sum > TELLING * error,
    }
}
