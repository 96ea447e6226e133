//! All that a tenant sent, in memory, in columns: customers, products, campaigns and events.
//!
//! Learning never reads records, it reads a [`History`]: the same data as known at a date. What comes after the
//! date is reached only by asking who bought ([`Records::bought`]), which is for labels and for judging.

mod build;
mod check;
mod order;

use std::fmt;

use crate::bits::Bits;
use crate::event::EventTable;
use crate::feature_state::DAY;
use crate::history::{Event, History, is_purchase};
use crate::product_set::ProductSet;
use crate::table::Table;

/// What a tenant sent. The same rows in another order, or from another source, give the same records bit for bit:
/// codes follow the ids' order, events the customer's code, then time, then their own fields.
#[derive(Clone)]
pub struct Records {
    customers: Table,
    products: Table,
    campaigns: Table,
    /// By customer, then time. Its `customers`, `products`, `campaigns` and `baskets` are empty: the codes of the
    /// first three are rows of the tables, a basket's name is of no use any more.
    pub(crate) events: EventTable,
    customer_starts: Vec<u32>,
    product_starts: Vec<u32>,
    /// Positions in `events` by product, then time.
    product_positions: Vec<u32>,
    orphans: Orphans,
    pub(crate) customer_orphans: Firsts,
    pub(crate) product_orphans: Firsts,
    pub(crate) campaign_orphans: Firsts,
    pub(crate) kind_firsts: Firsts,
    pub(crate) query_firsts: Firsts,
}

// Counts only: ids and attributes belong into no log.
impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("n_customers", &self.n_customers())
            .field("n_products", &self.n_products())
            .field("n_campaigns", &self.n_campaigns())
            .field("n_events", &self.n_events())
            .finish_non_exhaustive()
    }
}

/// Ids that events speak of and that no file of customers, products or campaigns described. They are kept, with
/// nothing known of them, since the file may come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orphans {
    /// Customers that only events tell of.
    pub n_customers: usize,
    /// Products that only events tell of.
    pub n_products: usize,
    /// Campaigns that only events tell of.
    pub n_campaigns: usize,
    /// Events whose customer is an orphan.
    pub n_customer_events: usize,
    /// Events whose product is an orphan.
    pub n_product_events: usize,
}

/// When the codes from `n_declared` on were first seen in an event, in rising order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Firsts {
    n_declared: usize,
    at: Vec<i64>,
}

impl Firsts {
    /// How many codes were known before `as_of`.
    pub(crate) fn known_at(&self, as_of: i64) -> usize {
        self.n_declared + self.at.partition_point(|&at| at < as_of)
    }
}

impl Records {
    /// The data as known at `as_of` (Unix seconds): shows no event at or after it.
    pub fn history(&self, as_of: i64) -> History<'_> {
        History::new(self, as_of)
    }

    /// Customers: those of the customers' file by rising id, then orphans by their first event.
    pub fn customers(&self) -> &Table {
        &self.customers
    }

    /// Products, likewise.
    pub fn products(&self) -> &Table {
        &self.products
    }

    /// Campaigns, likewise.
    pub fn campaigns(&self) -> &Table {
        &self.campaigns
    }

    /// How many customers there are, orphans included.
    pub fn n_customers(&self) -> usize {
        self.customers.len()
    }

    /// How many products there are, orphans included.
    pub fn n_products(&self) -> usize {
        self.products.len()
    }

    /// How many campaigns there are, orphans included.
    pub fn n_campaigns(&self) -> usize {
        self.campaigns.len()
    }

    /// How many events there are.
    pub fn n_events(&self) -> usize {
        self.events.len()
    }

    /// How many events there are of each kind, by name, in the order of the kinds' codes.
    pub fn n_events_by_kind(&self) -> Vec<(&str, usize)> {
        let mut counts = [0usize; 256];
        self.events.kind.iter().for_each(|&kind| counts[usize::from(kind)] += 1);
        self.events.kinds.iter().zip(counts).collect()
    }

    /// Ids that only events tell of.
    pub fn orphans(&self) -> Orphans {
        self.orphans
    }

    /// When the first event happened, Unix seconds.
    pub fn first_event(&self) -> Option<i64> {
        self.events.at.iter().min().copied()
    }

    /// When the last event happened, Unix seconds.
    pub fn last_event(&self) -> Option<i64> {
        self.events.at.iter().max().copied()
    }

    /// One second after the last event, Unix seconds, and how many events are later still: those of clocks that run ahead. A hundredth
    /// of the events at most is taken for such, and only after a gap of 60 days to all others. None without events.
    pub fn end_of_data(&self) -> Option<(i64, usize)> {
        const GAP: usize = 60;
        let at = &self.events.at;
        let first_day = self.first_event()?.div_euclid(DAY);
        // No file holds a year beyond 9999.
        let day_of = |at: i64| (at.div_euclid(DAY) - first_day).clamp(0, 4_000_000) as usize;
        let mut count = vec![0_usize; day_of(self.last_event()?) + 1];
        at.iter().for_each(|&at| count[day_of(at)] += 1);
        let (mut end, mut later) = (count.len(), 0);
        let mut with_events = count.iter().enumerate().rev().filter(|&(_, &n)| n > 0).peekable();
        let mut seen = 0;
        while let Some((day, n)) = with_events.next() {
            seen += n;
            if seen * 100 > at.len() {
                break;
            }
            if let Some(&(before, _)) = with_events.peek()
                && day - before > GAP
            {
                (end, later) = (before + 1, seen);
            }
        }
        let last = at.iter().copied().filter(|&at| day_of(at) < end).max()?;
        Some((last + 1, later))
    }

    /// The customers, in rising order, who bought a product of `products` at or after `from` and before `until`
    /// (Unix seconds): a purchase with quantity and revenue above zero where they are given.
    pub fn bought(&self, products: &ProductSet, from: i64, until: i64) -> Vec<u32> {
        let mut buyers = Bits::new(self.n_customers(), false);
        self.each_purchase(products, from, until, |position| {
            buyers.set(self.events.customer[position], true)
        });
        buyers.ones().collect()
    }

    /// The same customers, each with the revenue of those purchases (0 where none is given).
    pub fn spent(&self, products: &ProductSet, from: i64, until: i64) -> Vec<(u32, f64)> {
        let mut purchases = Vec::new();
        self.each_purchase(products, from, until, |position| purchases.push(position as u32));
        purchases.sort_unstable();
        let mut spent: Vec<(u32, f64)> = Vec::new();
        for position in purchases {
            let customer = self.events.customer[position as usize];
            let revenue = f64::from(self.events.revenue[position as usize]);
            let revenue = if revenue.is_nan() { 0.0 } else { revenue };
            match spent.last_mut() {
                Some(last) if last.0 == customer => last.1 += revenue,
                _ => spent.push((customer, revenue)),
            }
        }
        spent
    }

    /// Bytes of memory held.
    pub fn size_bytes(&self) -> usize {
        self.customers.size_bytes()
            + self.products.size_bytes()
            + self.campaigns.size_bytes()
            + self.events.size_bytes()
            + 4 * (self.customer_starts.len() + self.product_starts.len() + self.product_positions.len())
    }

    /// Calls `f` with the position of each purchase that counts.
    fn each_purchase(&self, products: &ProductSet, from: i64, until: i64, mut f: impl FnMut(usize)) {
        let events = &self.events;
        for &product in products.products() {
            let positions = self.positions_of(product);
            let start = positions.partition_point(|&i| events.at[i as usize] < from);
            for &position in &positions[start..] {
                let position = position as usize;
                if events.at[position] >= until {
                    break;
                }
                if is_purchase(events.kind[position], events.quantity[position], events.revenue[position]) {
                    f(position);
                }
            }
        }
    }

    /// Where a customer's events start and end.
    pub(crate) fn run_of(&self, customer: u32) -> (usize, usize) {
        run(&self.customer_starts, customer)
    }

    /// The positions of a product's events by time.
    pub(crate) fn positions_of(&self, product: u32) -> &[u32] {
        let (start, end) = run(&self.product_starts, product);
        &self.product_positions[start..end]
    }

    pub(crate) fn event(&self, i: usize) -> Event {
        let events = &self.events;
        Event {
            kind: events.kind[i],
            customer: events.customer[i],
            product: events.product[i],
            at: events.at[i],
            quantity: events.quantity[i],
            revenue: events.revenue[i],
            campaign: events.campaign[i],
            query: events.query[i],
            basket: events.basket[i],
        }
    }
}

fn run(starts: &[u32], code: u32) -> (usize, usize) {
    match (starts.get(code as usize), starts.get(code as usize + 1)) {
        (Some(&start), Some(&end)) => (start as usize, end as usize),
        _ => (0, 0),
    }
}
