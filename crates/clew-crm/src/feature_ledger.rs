//! Ledger: the dated lines of chosen customers before a cutoff, in columns, by customer and by product.
//!
//! A ledger is filled from a [`History`](crate::history::History) only, so nothing at or after the cutoff can be in it.
//! Ages are whole days before the cutoff, 0 for the day that ends at it.
use rayon::prelude::*;

use crate::checkpoint::add;
use crate::product_set::ProductSet;

/// Age given to what never happened; larger than any real age.
pub(crate) const NEVER: u16 = u16::MAX;

/// Lines looked through at a time.
const SCANNED: usize = 1 << 16;

/// Dated lines (customer, product, age, value), in order of customer, then of time.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    starts: Vec<usize>,
    product: Vec<u32>,
    age: Vec<u16>,
    value: Vec<f32>,
    customer: Vec<u32>,
    product_starts: Vec<usize>,
    product_lines: Vec<u32>,
}

/// One line of a ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Index of the product.
    pub(crate) product: u32,
    /// Whole days before the cutoff.
    pub(crate) age: u16,
    /// Revenue, or the weight of the event.
    pub(crate) value: f32,
}

/// Fills a ledger customer by customer, oldest line first.
#[derive(Debug, Default)]
pub(crate) struct LedgerBuilder {
    ledger: Ledger,
}

impl LedgerBuilder {
    /// A ledger without lines.
    pub(crate) fn new() -> LedgerBuilder {
        LedgerBuilder { ledger: Ledger { starts: vec![0], ..Ledger::default() } }
    }

    /// Adds a line of the customer at hand; lines come oldest first.
    pub(crate) fn line(&mut self, product: u32, age: u16, value: f32) {
        let customer = (self.ledger.starts.len() - 1) as u32;
        self.ledger.product.push(product);
        self.ledger.age.push(age);
        self.ledger.value.push(value);
        self.ledger.customer.push(customer);
    }

    /// Ends the customer at hand.
    pub(crate) fn end_customer(&mut self) {
        self.ledger.starts.push(self.ledger.product.len());
    }

    /// Builds the index by product; `n_products` must exceed every product seen.
    pub(crate) fn finish(self, n_products: usize) -> Ledger {
        let mut ledger = self.ledger;
        let mut starts = vec![0_usize; n_products + 1];
        for &product in &ledger.product {
            starts[product as usize + 1] += 1;
        }
        for place in 0..n_products {
            starts[place + 1] += starts[place];
        }
        let mut at = starts.clone();
        let mut lines = vec![0_u32; ledger.product.len()];
        for (line, &product) in ledger.product.iter().enumerate() {
            lines[at[product as usize]] = line as u32;
            at[product as usize] += 1;
        }
        ledger.product_starts = starts;
        ledger.product_lines = lines;
        ledger
    }
}

impl Ledger {
    /// Adds the lines to a hash; the index by product follows from them.
    pub(crate) fn hash(&self, hasher: &mut blake3::Hasher) {
        let starts: Vec<u64> = self.starts.iter().map(|&start| start as u64).collect();
        add(hasher, &starts);
        add(hasher, &self.product);
        add(hasher, &self.age);
        add(hasher, &self.value);
    }

    /// Customers of the ledger, also those without a line.
    pub(crate) fn n_customers(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Products of the index.
    pub(crate) fn n_products(&self) -> usize {
        self.product_starts.len().saturating_sub(1)
    }

    /// Lines of all customers.
    pub(crate) fn n_lines(&self) -> usize {
        self.product.len()
    }

    /// Lines of one customer, oldest first.
    pub(crate) fn lines_of(
        &self,
        customer: usize,
    ) -> impl DoubleEndedIterator<Item = Line> + ExactSizeIterator + '_ {
        let (from, to) = (self.starts[customer], self.starts[customer + 1]);
        (from..to).map(|line| self.line(line))
    }

    /// Lines of a product as (customer, line), in order of customer, then of time.
    pub(crate) fn lines_of_product(&self, product: usize) -> impl Iterator<Item = (u32, Line)> + '_ {
        let (from, to) = (self.product_starts[product], self.product_starts[product + 1]);
        self.product_lines[from..to]
            .iter()
            .map(|&line| (self.customer[line as usize], self.line(line as usize)))
    }

    /// Number of lines of a product.
    pub(crate) fn n_lines_of_product(&self, product: usize) -> usize {
        self.product_starts[product + 1] - self.product_starts[product]
    }

    fn line(&self, line: usize) -> Line {
        Line { product: self.product[line], age: self.age[line], value: self.value[line] }
    }

    /// The line at a position, and whose it is.
    pub(crate) fn at(&self, line: u32) -> (u32, Line) {
        (self.customer[line as usize], self.line(line as usize))
    }

    /// Positions of the lines of the products, rising: in order of customer, then of time; inside the pool of a run.
    ///
    /// Small selections go through the index by product, large ones through all lines.
    pub(crate) fn lines_in(&self, products: &ProductSet) -> Vec<u32> {
        let n_wanted: usize =
            products.products().iter().map(|&product| self.n_lines_of_product(product as usize)).sum();
        if n_wanted * 24 < self.n_lines() {
            let mut lines = Vec::with_capacity(n_wanted);
            for &product in products.products() {
                let (from, to) =
                    (self.product_starts[product as usize], self.product_starts[product as usize + 1]);
                lines.extend_from_slice(&self.product_lines[from..to]);
            }
            lines.par_sort_unstable();
            return lines;
        }
        let parts: Vec<Vec<u32>> = self
            .product
            .par_chunks(SCANNED)
            .enumerate()
            .map(|(part, these)| {
                let from = (part * SCANNED) as u32;
                (from..)
                    .zip(these)
                    .filter(|&(_, &product)| products.contains(product))
                    .map(|(line, _)| line)
                    .collect()
            })
            .collect();
        parts.concat()
    }

    /// Calls `see(customer, line)` for every line of the products, in order of customer, then of time.
    pub(crate) fn each_line(&self, products: &ProductSet, mut see: impl FnMut(u32, Line)) {
        for line in self.lines_in(products) {
            let (customer, line) = self.at(line);
            see(customer, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_see_the_same_lines_in_the_same_order() {
        let mut builder = LedgerBuilder::new();
        for customer in 0..40_u32 {
            for age in (0..30_u16).rev() {
                builder.line((customer * 7 + u32::from(age) * 3) % 50, age, 1.0);
            }
            builder.end_customer();
        }
        let ledger = builder.finish(50);
        let collect = |products: ProductSet| {
            let mut seen = Vec::new();
            ledger.each_line(&products, |customer, line| seen.push((customer, line.age, line.product)));
            seen
        };
        let by_index = collect(ProductSet::new(50, [3]));
        let by_scan: Vec<_> = (0..40_u32)
            .flat_map(|customer| {
                ledger.lines_of(customer as usize).map(move |line| (customer, line.age, line.product))
            })
            .filter(|&(_, _, product)| product == 3)
            .collect();
        assert!(!by_index.is_empty());
        assert_eq!(by_index, by_scan);
        assert_eq!(collect(ProductSet::new(50, 0..50)).len(), ledger.n_lines());
    }
}
