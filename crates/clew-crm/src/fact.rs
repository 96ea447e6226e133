//! Facts of a customer that expressions may ask for, from its events as known at a date.

use crate::column::ColumnType;
use crate::event::EventKind;
use crate::history::EventSlice;
use crate::ids::NONE;

const DAY: i64 = 86_400;

/// A number, day or yes-or-no said of a customer by its events before the history's date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "`meaning` says it, to the reader of the API as well")]
pub enum Fact {
    NEvents,
    NPurchases,
    NPurchases28d,
    NBaskets,
    NProducts,
    Revenue,
    Revenue365d,
    DaysSincePurchase,
    DaysSinceFirstPurchase,
    DaysSinceEvent,
    FirstSeen,
    LastSeen,
    NViews28d,
    NAddsToCart28d,
    NReturns,
    NMessages7d,
    NMessages28d,
    NMessagesOpened28d,
    NMessagesClicked28d,
    DaysSinceMessage,
    Unsubscribed,
}

impl Fact {
    /// All facts.
    pub const ALL: [Fact; 21] = [
        Fact::NEvents,
        Fact::NPurchases,
        Fact::NPurchases28d,
        Fact::NBaskets,
        Fact::NProducts,
        Fact::Revenue,
        Fact::Revenue365d,
        Fact::DaysSincePurchase,
        Fact::DaysSinceFirstPurchase,
        Fact::DaysSinceEvent,
        Fact::FirstSeen,
        Fact::LastSeen,
        Fact::NViews28d,
        Fact::NAddsToCart28d,
        Fact::NReturns,
        Fact::NMessages7d,
        Fact::NMessages28d,
        Fact::NMessagesOpened28d,
        Fact::NMessagesClicked28d,
        Fact::DaysSinceMessage,
        Fact::Unsubscribed,
    ];

    /// Its name in an expression, as in `customer.n_purchases`.
    pub fn name(self) -> &'static str {
        self.texts().0
    }

    /// What it says.
    pub fn meaning(self) -> &'static str {
        self.texts().1
    }

    /// What it holds.
    pub fn column_type(self) -> ColumnType {
        match self {
            Fact::Unsubscribed => ColumnType::Bool,
            Fact::FirstSeen | Fact::LastSeen => ColumnType::Date,
            _ => ColumnType::Number,
        }
    }

    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Fact::NEvents => ("n_events", "how many events there are"),
            Fact::NPurchases => ("n_purchases", "how many lines were bought"),
            Fact::NPurchases28d => ("n_purchases_28d", "how many lines were bought in the last 28 days"),
            Fact::NBaskets => ("n_baskets", "how many orders were placed"),
            Fact::NProducts => ("n_products", "how many different products were bought"),
            Fact::Revenue => ("revenue", "money spent"),
            Fact::Revenue365d => ("revenue_365d", "money spent in the last 365 days"),
            Fact::DaysSincePurchase => {
                ("days_since_purchase", "whole days since the last purchase; null without one")
            }
            Fact::DaysSinceFirstPurchase => {
                ("days_since_first_purchase", "whole days since the first purchase; null without one")
            }
            Fact::DaysSinceEvent => {
                ("days_since_event", "whole days since the last event of any kind; null without one")
            }
            Fact::FirstSeen => ("first_seen", "the day of the first event; null without one"),
            Fact::LastSeen => ("last_seen", "the day of the last event; null without one"),
            Fact::NViews28d => ("n_views_28d", "how many products were viewed in the last 28 days"),
            Fact::NAddsToCart28d => {
                ("n_adds_to_cart_28d", "how many products were put into the basket in the last 28 days")
            }
            Fact::NReturns => ("n_returns", "how many lines were sent back"),
            Fact::NMessages7d => ("n_messages_7d", "how many messages were sent in the last 7 days"),
            Fact::NMessages28d => ("n_messages_28d", "how many messages were sent in the last 28 days"),
            Fact::NMessagesOpened28d => {
                ("n_messages_opened_28d", "how many messages were opened in the last 28 days")
            }
            Fact::NMessagesClicked28d => {
                ("n_messages_clicked_28d", "how many messages were clicked in the last 28 days")
            }
            Fact::DaysSinceMessage => {
                ("days_since_message", "whole days since the last message sent; null without one")
            }
            Fact::Unsubscribed => ("unsubscribed", "whether the customer ever unsubscribed"),
        }
    }

    /// Its value for a customer with these events, all before `as_of` (Unix seconds). Null is NaN, a day counts
    /// from 1970-01-01, yes is 1 and no is 0.
    pub fn value(self, events: &EventSlice<'_>, as_of: i64) -> f64 {
        let last_days = |n: i64| events.since(as_of.saturating_sub(n * DAY));
        match self {
            Fact::NEvents => events.len() as f64,
            Fact::NPurchases => n_purchases(events),
            Fact::NPurchases28d => n_purchases(&last_days(28)),
            Fact::NBaskets => n_baskets(events),
            Fact::NProducts => n_products(events),
            Fact::Revenue => revenue(events),
            Fact::Revenue365d => revenue(&last_days(365)),
            Fact::DaysSincePurchase => {
                days_since((0..events.len()).rev().find(|&i| events.is_purchase(i)), events, as_of)
            }
            Fact::DaysSinceFirstPurchase => {
                days_since((0..events.len()).find(|&i| events.is_purchase(i)), events, as_of)
            }
            Fact::DaysSinceEvent => days_since(events.len().checked_sub(1), events, as_of),
            Fact::FirstSeen => events.at.first().map_or(f64::NAN, |at| at.div_euclid(DAY) as f64),
            Fact::LastSeen => events.at.last().map_or(f64::NAN, |at| at.div_euclid(DAY) as f64),
            Fact::NViews28d => n_of(&last_days(28), EventKind::VIEW),
            Fact::NAddsToCart28d => n_of(&last_days(28), EventKind::ADD_TO_CART),
            Fact::NReturns => n_of(events, EventKind::RETURN),
            Fact::NMessages7d => n_of(&last_days(7), EventKind::MESSAGE_SENT),
            Fact::NMessages28d => n_of(&last_days(28), EventKind::MESSAGE_SENT),
            Fact::NMessagesOpened28d => n_of(&last_days(28), EventKind::MESSAGE_OPENED),
            Fact::NMessagesClicked28d => n_of(&last_days(28), EventKind::MESSAGE_CLICKED),
            Fact::DaysSinceMessage => days_since(
                events.kind.iter().rposition(|&kind| kind == EventKind::MESSAGE_SENT),
                events,
                as_of,
            ),
            Fact::Unsubscribed => f64::from(u8::from(events.kind.contains(&EventKind::UNSUBSCRIBE))),
        }
    }
}

fn n_of(events: &EventSlice<'_>, kind: u8) -> f64 {
    events.kind.iter().filter(|&&k| k == kind).count() as f64
}

fn purchases<'e>(events: &'e EventSlice<'_>) -> impl Iterator<Item = usize> + 'e {
    (0..events.len()).filter(|&i| events.is_purchase(i))
}

fn n_purchases(events: &EventSlice<'_>) -> f64 {
    purchases(events).count() as f64
}

/// An order is a basket, or, without a basket's id, all that was bought in the same second.
fn n_baskets(events: &EventSlice<'_>) -> f64 {
    let mut orders: Vec<(u32, i64)> = purchases(events)
        .map(|i| (events.basket[i], if events.basket[i] == NONE { events.at[i] } else { 0 }))
        .collect();
    orders.sort_unstable();
    orders.dedup();
    orders.len() as f64
}

fn n_products(events: &EventSlice<'_>) -> f64 {
    let mut products: Vec<u32> =
        purchases(events).map(|i| events.product[i]).filter(|&product| product != NONE).collect();
    products.sort_unstable();
    products.dedup();
    products.len() as f64
}

fn revenue(events: &EventSlice<'_>) -> f64 {
    purchases(events).map(|i| f64::from(events.revenue[i])).filter(|revenue| !revenue.is_nan()).sum()
}

fn days_since(i: Option<usize>, events: &EventSlice<'_>, as_of: i64) -> f64 {
    match i.and_then(|i| events.at.get(i)) {
        Some(&at) => as_of.saturating_sub(at).div_euclid(DAY) as f64,
        None => f64::NAN,
    }
}
