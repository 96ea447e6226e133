//! Bins of customers by one column, finer than what is learned from: a copy of a rare answer must show, also when it is empty for most.
use hashbrown::HashMap;

use crate::column::{ColumnView, NULL_DATE};
use crate::ids::NONE;

/// Bands of a number by its quantiles, and as many again by those of its distinct values.
const N_BANDS: usize = 16;
/// Customers of a text from which it has a bin of its own; the others share one.
const SUPPORT: usize = 10;
/// Texts with a bin of their own, and tags that are looked at, at most.
const MAX_VALUES: (usize, usize) = (500, 100);

/// The bin of every customer.
pub(crate) struct Bins {
    pub(crate) n_bins: usize,
    /// Aligned with the customers.
    pub(crate) of: Vec<u16>,
}

/// Every way to look at a column: one, but for tags, each of which is looked at by itself. A null is a bin like another:
/// what is empty for all who did not buy tells as much as a word.
pub(crate) fn bins(column: ColumnView<'_>, customers: &[u32]) -> Vec<Bins> {
    match column {
        ColumnView::Number(values) => {
            vec![of_numbers(customers.iter().map(|&c| values.get(c as usize).copied().unwrap_or(f64::NAN)))]
        }
        ColumnView::Date(days) => {
            let day = |c: u32| days.get(c as usize).copied().filter(|&day| day != NULL_DATE);
            vec![of_numbers(customers.iter().map(|&c| day(c).map_or(f64::NAN, f64::from)))]
        }
        ColumnView::Bool(values) => {
            let of =
                customers.iter().map(|&c| u16::from(values.get(c as usize).copied().unwrap_or(2).min(2)));
            vec![Bins { n_bins: 3, of: of.collect() }]
        }
        ColumnView::Category { codes, .. } => {
            let code = |c: u32| codes.get(c as usize).copied().unwrap_or(NONE);
            vec![of_codes(customers.iter().map(|&c| code(c)))]
        }
        ColumnView::Tags { starts, codes, .. } => of_tags(starts, codes, customers),
    }
}

fn of_numbers(values: impl Iterator<Item = f64>) -> Bins {
    let values: Vec<f64> = values.collect();
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let quantiles = |of: &[f64]| -> Vec<f64> {
        (1..N_BANDS).filter_map(|band| of.get(band * of.len() / N_BANDS).copied()).collect()
    };
    let mut edges = quantiles(&sorted);
    sorted.dedup();
    edges.extend(quantiles(&sorted));
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    let bin =
        |value: f64| if value.is_nan() { 0 } else { 1 + edges.partition_point(|&edge| edge <= value) as u16 };
    Bins { n_bins: edges.len() + 2, of: values.into_iter().map(bin).collect() }
}

fn of_codes(codes: impl Iterator<Item = u32>) -> Bins {
    let codes: Vec<u32> = codes.collect();
    let mut count: HashMap<u32, usize, ahash::RandomState> =
        HashMap::with_hasher(ahash::RandomState::with_seeds(1, 2, 3, 4));
    codes.iter().filter(|&&code| code != NONE).for_each(|&code| *count.entry(code).or_insert(0) += 1);
    let mut kept: Vec<(u32, usize)> = count.into_iter().filter(|&(_, n)| n >= SUPPORT).collect();
    kept.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    kept.truncate(MAX_VALUES.0);
    let mut place: HashMap<u32, u16, ahash::RandomState> =
        HashMap::with_hasher(ahash::RandomState::with_seeds(1, 2, 3, 4));
    // 0 is null, 1 is any text that is rare.
    place.extend(kept.iter().zip(2_u16..).map(|(&(code, _), at)| (code, at)));
    let bin = |code: u32| if code == NONE { 0 } else { place.get(&code).copied().unwrap_or(1) };
    Bins { n_bins: kept.len() + 2, of: codes.into_iter().map(bin).collect() }
}

fn of_tags(starts: &[u32], codes: &[u32], customers: &[u32]) -> Vec<Bins> {
    let tags = |customer: u32| -> &[u32] {
        let at = customer as usize;
        match (starts.get(at), starts.get(at + 1)) {
            (Some(&from), Some(&to)) => codes.get(from as usize..to as usize).unwrap_or(&[]),
            _ => &[],
        }
    };
    let n = codes.iter().max().map_or(0, |&code| code as usize + 1);
    let mut count = vec![0_usize; n];
    customers.iter().flat_map(|&customer| tags(customer)).for_each(|&code| count[code as usize] += 1);
    let mut kept: Vec<u32> = (0..n as u32).filter(|&code| count[code as usize] >= SUPPORT).collect();
    kept.sort_by(|a, b| count[*b as usize].cmp(&count[*a as usize]).then(a.cmp(b)));
    kept.truncate(MAX_VALUES.1);
    kept.into_iter()
        .map(|code| Bins {
            n_bins: 2,
            of: customers.iter().map(|&customer| u16::from(tags(customer).contains(&code))).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_zero_for_most_still_has_bins_of_the_rest() {
        let values: Vec<f64> = (0..1000).map(|i| if i % 100 == 0 { f64::from(i) } else { 0.0 }).collect();
        let customers: Vec<u32> = (0..1000).collect();
        let bins = bins(ColumnView::Number(&values), &customers);
        assert_ne!(bins[0].of[900], bins[0].of[1]);
        assert!(bins[0].of.iter().all(|&bin| usize::from(bin) < bins[0].n_bins));
    }

    #[test]
    fn a_null_is_a_bin_of_its_own() {
        let days = [NULL_DATE, 10, 11, 12];
        let bins = bins(ColumnView::Date(&days), &[0, 1, 2, 3, 7]);
        assert_eq!((bins[0].of[0], bins[0].of[4]), (0, 0));
        assert!(bins[0].of[1..4].iter().all(|&bin| bin > 0));
    }
}
