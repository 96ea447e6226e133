//! A tenant's data as known at a date. Nothing that happened at or after the date can be had from it, however it
//! is asked: this is where "never reads a day past `as_of`" is kept.

use std::borrow::Cow;
use std::fmt;

use crate::event::EventKind;
use crate::fact::Fact;
use crate::fact_columns::FactColumns;
use crate::records::Records;
use crate::table::TableView;

/// [`Records`] seen from a date: only events before `as_of`, and only the customers and products that were known
/// or had happened by then.
#[derive(Clone, Copy)]
pub struct History<'a> {
    records: &'a Records,
    as_of: i64,
    /// A bit a kind of event that is not to be learned from.
    hidden_kinds: [u64; 4],
    /// Facts that were counted before, of this very date.
    facts: Option<&'a FactColumns>,
}

// Not the records: they hold what came later.
impl fmt::Debug for History<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("as_of", &self.as_of).finish_non_exhaustive()
    }
}

impl<'a> History<'a> {
    pub(crate) fn new(records: &'a Records, as_of: i64) -> History<'a> {
        History { records, as_of, hidden_kinds: [0; 4], facts: None }
    }

    /// The same, with a place to keep facts of customers in, which must be for this date only.
    pub(crate) fn with_facts(self, facts: &'a FactColumns) -> History<'a> {
        History { facts: Some(facts), ..self }
    }

    /// A fact of the `n` customers from a code on. Where facts are kept, more than one customer has it counted for all.
    pub(crate) fn facts(&self, fact: Fact, start: usize, n: usize) -> Cow<'a, [f64]> {
        let kept = match self.facts {
            Some(facts) if n > 1 => Some(facts.of(fact, self)),
            Some(facts) => facts.known(fact),
            None => None,
        };
        if let Some(values) = kept.and_then(|column| column.get(start..start + n)) {
            return Cow::Borrowed(values);
        }
        let value = |row: usize| fact.value(&self.events_of(row as u32), self.as_of);
        (start..start + n).map(value).collect()
    }

    /// The date, Unix seconds: the first second that is not known.
    pub fn as_of(&self) -> i64 {
        self.as_of
    }

    /// The same data seen from an earlier date; a later one is taken as this one.
    #[must_use]
    pub fn earlier(&self, as_of: i64) -> History<'a> {
        History { as_of: as_of.min(self.as_of), facts: None, ..*self }
    }

    /// The same, with some kinds of events hidden from learning: [`History::hides`] says so of them, and they weigh nothing.
    /// Their events are still among those of a customer.
    #[must_use]
    pub fn without_kinds(&self, kinds: impl IntoIterator<Item = u8>) -> History<'a> {
        let mut hidden_kinds = self.hidden_kinds;
        for kind in kinds {
            hidden_kinds[usize::from(kind / 64)] |= 1 << (kind % 64);
        }
        History { hidden_kinds, ..*self }
    }

    /// Whether a kind of event is hidden from learning.
    #[inline]
    pub fn hides(&self, kind: u8) -> bool {
        self.hidden_kinds[usize::from(kind / 64)] & (1 << (kind % 64)) != 0
    }

    /// Customers and their attributes: those of the customers' file, then those that only events told of.
    pub fn customers(&self) -> TableView<'a> {
        self.records.customers().first(self.n_customers())
    }

    /// Products and their attributes, likewise.
    pub fn products(&self) -> TableView<'a> {
        self.records.products().first(self.n_products())
    }

    /// Campaigns and their attributes, likewise.
    pub fn campaigns(&self) -> TableView<'a> {
        self.records.campaigns().first(self.records.campaign_orphans.known_at(self.as_of))
    }

    /// How many customers are known; their codes are 0 up to this.
    pub fn n_customers(&self) -> usize {
        self.records.customer_orphans.known_at(self.as_of)
    }

    /// How many products are known; their codes are 0 up to this.
    pub fn n_products(&self) -> usize {
        self.records.product_orphans.known_at(self.as_of)
    }

    /// The customers with at least one event, in rising order.
    pub fn active_customers(&self) -> Vec<u32> {
        (0..self.n_customers() as u32).filter(|&customer| self.is_active(customer)).collect()
    }

    /// Whether a customer has at least one event.
    pub fn is_active(&self, customer: u32) -> bool {
        let (start, end) = self.records.run_of(customer);
        start < end && self.records.events.at.get(start).is_some_and(|&at| at < self.as_of)
    }

    /// A customer's events, oldest first; none for an unknown customer.
    pub fn events_of(&self, customer: u32) -> EventSlice<'a> {
        let (start, end) = self.records.run_of(customer);
        let events = &self.records.events;
        let at = &events.at[start..end];
        let end = if at.last().is_none_or(|&last| last < self.as_of) {
            end
        } else {
            start + at.partition_point(|&at| at < self.as_of)
        };
        EventSlice {
            kind: &events.kind[start..end],
            product: &events.product[start..end],
            at: &events.at[start..end],
            quantity: &events.quantity[start..end],
            revenue: &events.revenue[start..end],
            campaign: &events.campaign[start..end],
            query: &events.query[start..end],
            basket: &events.basket[start..end],
        }
    }

    /// A product's events, oldest first; none for an unknown product.
    pub fn events_of_product(&self, product: u32) -> ProductEvents<'a> {
        let positions = self.records.positions_of(product);
        let n = positions.partition_point(|&i| self.records.events.at[i as usize] < self.as_of);
        ProductEvents { records: self.records, positions: &positions[..n] }
    }

    /// How many events there are. Counts them customer by customer.
    pub fn n_events(&self) -> usize {
        (0..self.n_customers() as u32).map(|customer| self.events_of(customer).len()).sum()
    }

    /// When the first event happened.
    pub fn first_event(&self) -> Option<i64> {
        self.records.first_event().filter(|&at| at < self.as_of)
    }

    /// When the last event happened.
    pub fn last_event(&self) -> Option<i64> {
        (0..self.n_customers() as u32).filter_map(|c| self.events_of(c).at.last().copied()).max()
    }

    /// The name of a kind of event; empty for one that is not known yet.
    pub fn kind_name(&self, kind: u8) -> &'a str {
        if usize::from(kind) < self.n_kinds() { self.records.events.kinds.name(u32::from(kind)) } else { "" }
    }

    /// The codes of the kinds of events that are known.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = u8> + use<> {
        let n = self.n_kinds();
        (0..=u8::MAX).take(n)
    }

    /// How many kinds of events are known; their codes are 0 up to this.
    pub fn n_kinds(&self) -> usize {
        self.records.kind_firsts.known_at(self.as_of)
    }

    /// The weight of a kind of event, against a purchase's 1; 0 for a hidden one.
    pub fn kind_weight(&self, kind: u8) -> f32 {
        if self.hides(kind) {
            return 0.0;
        }
        self.records.events.kind_weights.get(usize::from(kind)).copied().unwrap_or(EventKind::CUSTOM_WEIGHT)
    }

    /// The words of a search; empty for one that is not known yet.
    pub fn query(&self, query: u32) -> &'a str {
        if (query as usize) < self.n_queries() { self.records.events.queries.name(query) } else { "" }
    }

    /// How many distinct searches are known; their codes are 0 up to this.
    pub fn n_queries(&self) -> usize {
        self.records.query_firsts.known_at(self.as_of)
    }
}

/// A customer's events in columns, oldest first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventSlice<'a> {
    /// Kinds' codes.
    pub kind: &'a [u8],
    /// Products' codes, or [`NONE`](crate::ids::NONE).
    pub product: &'a [u32],
    /// Unix seconds.
    pub at: &'a [i64],
    /// How many; NaN is null.
    pub quantity: &'a [f32],
    /// Money; NaN is null.
    pub revenue: &'a [f32],
    /// Campaigns' codes, or [`NONE`](crate::ids::NONE).
    pub campaign: &'a [u32],
    /// Searches' codes, or [`NONE`](crate::ids::NONE).
    pub query: &'a [u32],
    /// What ties the events of one order together, or [`NONE`](crate::ids::NONE).
    pub basket: &'a [u32],
}

impl EventSlice<'_> {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// The part of them that happened at or after `from`.
    #[must_use]
    pub fn since(&self, from: i64) -> Self {
        self.part(self.at.partition_point(|&at| at < from), self.len())
    }

    /// The part of them that happened before `until`.
    #[must_use]
    pub fn before(&self, until: i64) -> Self {
        self.part(0, self.at.partition_point(|&at| at < until))
    }

    /// Whether event `i` is a purchase that counts: quantity and revenue above zero where they are given.
    #[inline]
    pub fn is_purchase(&self, i: usize) -> bool {
        is_purchase(self.kind[i], self.quantity[i], self.revenue[i])
    }

    fn part(&self, start: usize, end: usize) -> Self {
        EventSlice {
            kind: &self.kind[start..end],
            product: &self.product[start..end],
            at: &self.at[start..end],
            quantity: &self.quantity[start..end],
            revenue: &self.revenue[start..end],
            campaign: &self.campaign[start..end],
            query: &self.query[start..end],
            basket: &self.basket[start..end],
        }
    }
}

/// Whether an event is a purchase that counts: its quantity and its revenue are above zero where they are given.
#[inline]
pub fn is_purchase(kind: u8, quantity: f32, revenue: f32) -> bool {
    let counts = |value: f32| value > 0.0 || value.is_nan();
    kind == EventKind::PURCHASE && counts(quantity) && counts(revenue)
}

/// One event of a product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// The kind's code.
    pub kind: u8,
    /// The customer's code.
    pub customer: u32,
    /// The product's code, or [`NONE`](crate::ids::NONE).
    pub product: u32,
    /// Unix seconds.
    pub at: i64,
    /// How many; NaN is null.
    pub quantity: f32,
    /// Money; NaN is null.
    pub revenue: f32,
    /// The campaign's code, or [`NONE`](crate::ids::NONE).
    pub campaign: u32,
    /// The search's code, or [`NONE`](crate::ids::NONE).
    pub query: u32,
    /// What ties the events of one order together, or [`NONE`](crate::ids::NONE).
    pub basket: u32,
}

impl Event {
    /// Whether it is a purchase that counts.
    pub fn is_purchase(&self) -> bool {
        is_purchase(self.kind, self.quantity, self.revenue)
    }
}

/// A product's events, oldest first.
#[derive(Clone, Copy)]
pub struct ProductEvents<'a> {
    records: &'a Records,
    positions: &'a [u32],
}

impl fmt::Debug for ProductEvents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> ProductEvents<'a> {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// The events, oldest first; a jump in memory each.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Event> + ExactSizeIterator + use<'a> {
        let records = self.records;
        self.positions.iter().map(move |&position| records.event(position as usize))
    }
}
