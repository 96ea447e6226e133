//! What drift compares, counted over a window of days.
use clew_learn::Run;
use rayon::prelude::*;

use crate::column::{Column, NULL_BOOL};
use crate::error::Result;
use crate::feature_state::DAY;
use crate::ids::NONE;
use crate::leak::LeftOut;
use crate::records::Records;

/// Values of a column that are counted on their own; the rest together.
const N_VALUES: usize = 20;
/// Columns of a table that are compared, at most.
const N_COLUMNS: usize = 16;
/// Customers between two looks at the stop flag.
const CHUNK: usize = 16_384;
/// Purchases whose revenue is kept, at most, from each chunk of customers.
const N_REVENUES: usize = 20_000;

/// A column of customers or products as a few values.
pub(crate) struct Binned {
    name: String,
    of_product: bool,
    /// A value a row.
    bins: Vec<u8>,
    n_bins: usize,
}

/// Events by the values of a column.
#[derive(Clone)]
pub(crate) struct Counted {
    pub(crate) name: String,
    pub(crate) of_product: bool,
    pub(crate) counts: Vec<u64>,
}

/// What a window of days holds.
#[derive(Default)]
pub(crate) struct Window {
    pub(crate) n_events: usize,
    /// Customers with an event in it.
    pub(crate) n_customers: usize,
    n_of_unknown_customers: usize,
    n_of_unknown_products: usize,
    n_with_product: usize,
    /// By the kind's code.
    pub(crate) kinds: Vec<u64>,
    /// By the day since 1970-01-01, every day of the window.
    pub(crate) per_day: Vec<(i64, u64)>,
    pub(crate) purchases_per_day: Vec<(i64, u64)>,
    pub(crate) values: Vec<Counted>,
    pub(crate) revenues: Vec<f32>,
}

impl Window {
    /// Share of the events whose customer had none before the window.
    pub(crate) fn unknown_customers(&self) -> f64 {
        self.n_of_unknown_customers as f64 / self.n_events.max(1) as f64
    }

    /// Share of the events with a product whose product had none before the window.
    pub(crate) fn unknown_products(&self) -> f64 {
        self.n_of_unknown_products as f64 / self.n_with_product.max(1) as f64
    }

    /// Counts values in the tenths of this window's own revenues.
    pub(crate) fn tenths(&self, values: &[f32]) -> Vec<u64> {
        let mut own = self.revenues.clone();
        own.sort_by(f32::total_cmp);
        let mut cuts: Vec<f32> = (1..10).filter_map(|n| own.get(n * own.len() / 10).copied()).collect();
        cuts.dedup();
        let mut counts = vec![0; cuts.len() + 1];
        for value in values {
            counts[cuts.partition_point(|cut| cut <= value)] += 1;
        }
        counts
    }

    fn add(&mut self, other: Window) {
        self.n_events += other.n_events;
        self.n_customers += other.n_customers;
        self.n_of_unknown_customers += other.n_of_unknown_customers;
        self.n_of_unknown_products += other.n_of_unknown_products;
        self.n_with_product += other.n_with_product;
        let sum = |into: &mut [u64], from: &[u64]| into.iter_mut().zip(from).for_each(|(a, b)| *a += b);
        sum(&mut self.kinds, &other.kinds);
        for (into, from) in
            [(&mut self.per_day, &other.per_day), (&mut self.purchases_per_day, &other.purchases_per_day)]
        {
            into.iter_mut().zip(from).for_each(|(a, b)| a.1 += b.1);
        }
        self.values.iter_mut().zip(&other.values).for_each(|(a, b)| sum(&mut a.counts, &b.counts));
        self.revenues.extend(other.revenues);
    }
}

/// The columns that are compared, each as a few values: the most frequent words, tenths of numbers, true and false, and nothing.
pub(crate) fn columns(records: &Records, left_out: &LeftOut) -> Vec<Binned> {
    let tables = [(records.customers(), false), (records.products(), true)];
    let mut all = Vec::new();
    for (table, of_product) in tables {
        let (noun, out) = match of_product {
            true => ("product", &left_out.product_columns),
            false => ("customer", &left_out.customer_columns),
        };
        let learned = table.names.iter().zip(&table.columns).filter(|(name, _)| !out.contains(name));
        let binned = learned.filter_map(|(name, column)| {
            let (bins, n_bins) = bins(column)?;
            (n_bins > 1).then(|| Binned { name: format!("{noun}.{name}"), of_product, bins, n_bins })
        });
        all.extend(binned.take(N_COLUMNS));
    }
    all
}

/// A value a row, the last for null; none for days, which move by themselves.
fn bins(column: &Column) -> Option<(Vec<u8>, usize)> {
    match column {
        Column::Number(values) => {
            let mut known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
            known.sort_by(f64::total_cmp);
            let mut cuts: Vec<f64> =
                (1..10).filter_map(|n| known.get(n * known.len() / 10).copied()).collect();
            cuts.dedup();
            let null = cuts.len() as u8 + 1;
            let bin = |value: &f64| {
                if value.is_nan() { null } else { cuts.partition_point(|cut| cut <= value) as u8 }
            };
            Some((values.iter().map(bin).collect(), usize::from(null) + 1))
        }
        Column::Category { codes, values } => Some(words(codes.iter().copied(), values.len())),
        Column::Tags { starts, codes, values } => {
            // A set counts by its first tag: what matters is whether the mix has moved.
            let first = |run: &[u32]| if run[0] < run[1] { codes[run[0] as usize] } else { NONE };
            Some(words(starts.windows(2).map(first), values.len()))
        }
        Column::Bool(values) => Some((values.clone(), usize::from(NULL_BOOL) + 1)),
        Column::Date(_) => None,
    }
}

fn words(codes: impl Iterator<Item = u32> + Clone, n_words: usize) -> (Vec<u8>, usize) {
    let mut counts = vec![0_u32; n_words];
    codes.clone().filter(|&code| code != NONE).for_each(|code| counts[code as usize] += 1);
    let mut order: Vec<usize> = (0..n_words).collect();
    order.sort_by_key(|&word| (std::cmp::Reverse(counts[word]), word));
    let rest = N_VALUES.min(n_words) as u8;
    let mut bin = vec![rest; n_words];
    order.iter().take(N_VALUES).enumerate().for_each(|(place, &word)| bin[word] = place as u8);
    let bins = codes.map(|code| bin.get(code as usize).copied().unwrap_or(rest + 1)).collect();
    (bins, usize::from(rest) + 2)
}

/// Counts the events at or after `from` and before `to`.
pub(crate) fn count(
    run: &Run<'_>,
    records: &Records,
    columns: &[Binned],
    from: i64,
    to: i64,
) -> Result<Window> {
    let history = records.history(to);
    let (n_customers, n_kinds) = (history.n_customers(), history.n_kinds());
    let known: Vec<bool> = (0..records.n_products() as u32)
        .map(|product| {
            records.positions_of(product).first().is_some_and(|&at| records.event(at as usize).at < from)
        })
        .collect();
    let empty = || {
        let first = from.div_euclid(DAY);
        let days = || (first..=(to - 1).max(from).div_euclid(DAY)).map(|day| (day, 0)).collect::<Vec<_>>();
        Window {
            kinds: vec![0; n_kinds],
            per_day: days(),
            purchases_per_day: days(),
            values: columns
                .iter()
                .map(|column| Counted {
                    name: column.name.clone(),
                    of_product: column.of_product,
                    counts: vec![0; column.n_bins],
                })
                .collect(),
            ..Window::default()
        }
    };
    let parts: Vec<Window> = run.pool.install(|| {
        (0..n_customers.div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                run.check()?;
                let mut window = empty();
                let first_day = from.div_euclid(DAY);
                for customer in chunk * CHUNK..((chunk + 1) * CHUNK).min(n_customers) {
                    let all = history.events_of(customer as u32);
                    let events = all.since(from);
                    window.n_customers += usize::from(!events.is_empty());
                    if events.len() == all.len() {
                        window.n_of_unknown_customers += events.len();
                    }
                    for i in 0..events.len() {
                        window.n_events += 1;
                        let day = (events.at[i].div_euclid(DAY) - first_day) as usize;
                        window.kinds[usize::from(events.kind[i])] += 1;
                        window.per_day[day].1 += 1;
                        if events.is_purchase(i) {
                            window.purchases_per_day[day].1 += 1;
                            if !events.revenue[i].is_nan() && window.revenues.len() < N_REVENUES {
                                window.revenues.push(events.revenue[i]);
                            }
                        }
                        let product = events.product[i];
                        if product != NONE {
                            window.n_with_product += 1;
                            window.n_of_unknown_products += usize::from(!known[product as usize]);
                        }
                        for (column, counted) in columns.iter().zip(&mut window.values) {
                            let row = if column.of_product { product } else { customer as u32 };
                            if let Some(&bin) = column.bins.get(row as usize) {
                                counted.counts[usize::from(bin)] += 1;
                            }
                        }
                    }
                }
                Ok(window)
            })
            .collect::<Result<_>>()
    })?;
    let mut sum = empty();
    parts.into_iter().for_each(|part| sum.add(part));
    Ok(sum)
}
