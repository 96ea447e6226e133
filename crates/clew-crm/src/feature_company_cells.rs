//! Cells: what each customer bought in each group of the catalogue, four bytes a cell, so that a pass over all customers stays cheap.
use clew_learn::Run;
use rayon::prelude::*;

use crate::feature_attribute::Attribute;
use crate::feature_state::{Lines, decay};
use crate::product_set::ProductSet;

/// Groups that take part, at most: those with the most customers.
const MAX_COLUMNS: usize = 1536;
/// Customers under which a group says nothing of others.
const MIN_CUSTOMERS: u32 = 10;
/// Days after which a purchase counts half.
const HALF_LIFE: f32 = 120.0;
/// Steps of a stored value: a cell holds ln(1 + decayed purchases) to a 4,096th.
const STEPS: f32 = 4096.0;
/// Customers counted in one task.
const CHUNK: usize = 4096;
const NO_COLUMN: u16 = u16::MAX;

/// The groups that take part.
#[derive(Default)]
pub(crate) struct Columns {
    /// By attribute and group: its column, or [`NO_COLUMN`].
    of: Vec<Vec<u16>>,
    /// Popularity of the products of each column.
    mass: Vec<f32>,
}

impl Columns {
    /// The groups with the most customers.
    pub(crate) fn choose(lines: &Lines, attributes: &[Attribute]) -> Columns {
        let mut ranked: Vec<(u32, usize, usize)> = Vec::new();
        for (at, attribute) in attributes.iter().enumerate() {
            let mut n_customers = vec![0_u32; attribute.n_groups()];
            let mut last = vec![u32::MAX; attribute.n_groups()];
            for customer in 0..lines.customers.len() {
                for line in lines.purchases.lines_of(customer) {
                    for &group in attribute.of(line.product as usize) {
                        let group = group as usize;
                        if last[group] != customer as u32 {
                            last[group] = customer as u32;
                            n_customers[group] += 1;
                        }
                    }
                }
            }
            ranked.extend(
                n_customers
                    .into_iter()
                    .enumerate()
                    .filter(|&(_, n)| n >= MIN_CUSTOMERS)
                    .map(|(group, n)| (n, at, group)),
            );
        }
        ranked.sort_unstable_by_key(|&(n, at, group)| (std::cmp::Reverse(n), at, group));
        ranked.truncate(MAX_COLUMNS);
        let mut of: Vec<Vec<u16>> = attributes.iter().map(|a| vec![NO_COLUMN; a.n_groups()]).collect();
        for (column, &(_, at, group)) in ranked.iter().enumerate() {
            of[at][group] = column as u16;
        }
        let mut columns = Columns { of, mass: vec![0.0; ranked.len()] };
        let mut mass = vec![0.0; ranked.len()];
        for (product, &popularity) in lines.popularity.iter().enumerate() {
            columns.each(attributes, product, |column| mass[column] += popularity);
        }
        columns.mass = mass;
        columns
    }

    /// How many.
    pub(crate) fn n(&self) -> usize {
        self.mass.len()
    }

    fn each(&self, attributes: &[Attribute], product: usize, mut see: impl FnMut(usize)) {
        for (attribute, of) in attributes.iter().zip(&self.of) {
            for &group in attribute.of(product) {
                let column = of[group as usize];
                if column != NO_COLUMN {
                    see(usize::from(column));
                }
            }
        }
    }

    /// Columns of which the offer is more than `share`, rising.
    pub(crate) fn own(
        &self,
        attributes: &[Attribute],
        offer: &ProductSet,
        popularity: &[f32],
        share: f32,
    ) -> Vec<usize> {
        let mut inside = vec![0.0_f32; self.n()];
        for &product in offer.products() {
            let mass = popularity.get(product as usize).copied().unwrap_or(0.0);
            self.each(attributes, product as usize, |column| inside[column] += mass);
        }
        (0..self.n()).filter(|&column| inside[column] > share * self.mass[column]).collect()
    }
}

/// Rows of (column, value), sparse.
#[derive(Default)]
pub(crate) struct Cells {
    ends: Vec<usize>,
    cells: Vec<(u16, u16)>,
}

impl Cells {
    /// Counts the purchases of the customers at least `from` days before the cutoff, as they stood `from` days before it.
    pub(crate) fn count(
        run: &Run<'_>,
        lines: &Lines,
        attributes: &[Attribute],
        columns: &Columns,
        customers: &[u32],
        from: u16,
    ) -> Cells {
        let decays: Vec<f32> = (0..2048).map(|age| decay(age, HALF_LIFE)).collect();
        let parts: Vec<Cells> = run.pool.install(|| {
            customers
                .par_chunks(CHUNK)
                .map(|part| {
                    let mut rows = Cells::default();
                    let mut sum = vec![0.0_f32; columns.n()];
                    let mut touched: Vec<usize> = Vec::new();
                    let mut row = Vec::new();
                    for &customer in part {
                        for line in lines.purchases.lines_of(customer as usize) {
                            let Some(age) = line.age.checked_sub(from) else { continue };
                            let weight = decays.get(usize::from(age)).copied().unwrap_or(0.0);
                            columns.each(attributes, line.product as usize, |column| {
                                if sum[column] == 0.0 {
                                    touched.push(column);
                                }
                                sum[column] += weight;
                            });
                        }
                        touched.sort_unstable();
                        touched.dedup();
                        row.clear();
                        for &column in &touched {
                            let value = (sum[column].ln_1p() * STEPS).min(f32::from(u16::MAX)) as u16;
                            sum[column] = 0.0;
                            if value > 0 {
                                row.push((column as u16, value));
                            }
                        }
                        touched.clear();
                        rows.push(&row);
                    }
                    rows
                })
                .collect()
        });
        let mut all = Cells::default();
        for part in parts {
            let before = all.cells.len();
            all.ends.extend(part.ends.iter().map(|end| before + end));
            all.cells.extend(part.cells);
        }
        all
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &[(u16, u16)]) {
        self.cells.extend_from_slice(row);
        self.ends.push(self.cells.len());
    }

    /// Rows.
    pub(crate) fn n_rows(&self) -> usize {
        self.ends.len()
    }

    /// Cells of a row, columns rising.
    pub(crate) fn row(&self, row: usize) -> &[(u16, u16)] {
        let from = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.cells[from..self.ends[row]]
    }

    /// What a cell's second number stands for.
    pub(crate) fn value(stored: u16) -> f32 {
        f32::from(stored) / STEPS
    }

    /// Products of a row with two weights per column.
    pub(crate) fn score(&self, row: usize, weights: &[[f32; 2]]) -> [f32; 2] {
        let mut sum = [0.0_f32; 2];
        for &(column, stored) in self.row(row) {
            let (value, [a, b]) = (f32::from(stored), weights[usize::from(column)]);
            sum[0] += value * a;
            sum[1] += value * b;
        }
        sum.map(|sum| sum / STEPS)
    }
}
