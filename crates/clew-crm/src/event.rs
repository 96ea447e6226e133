//! Events in columns: what a customer did, with which product, when; and the kinds of events.

use crate::error::{Error, Result};
use crate::ids::{Ids, NONE};

/// The codes of the well-known kinds. Custom kinds have codes from [`EventKind::FIRST_CUSTOM`] on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKind;

impl EventKind {
    /// A purchase of a product.
    pub const PURCHASE: u8 = 0;
    /// A product's page was seen.
    pub const VIEW: u8 = 1;
    /// A product was put into the basket.
    pub const ADD_TO_CART: u8 = 2;
    /// Words were searched for.
    pub const SEARCH: u8 = 3;
    /// A message of a campaign was sent to the customer.
    pub const MESSAGE_SENT: u8 = 4;
    /// A message was opened.
    pub const MESSAGE_OPENED: u8 = 5;
    /// A link of a message was followed.
    pub const MESSAGE_CLICKED: u8 = 6;
    /// The customer wants no more messages.
    pub const UNSUBSCRIBE: u8 = 7;
    /// A product was sent back.
    pub const RETURN: u8 = 8;
    /// The first code of a tenant's own kinds.
    pub const FIRST_CUSTOM: u8 = 9;

    /// The well-known kinds' names, in the order of their codes.
    pub const NAMES: [&'static str; 9] = [
        "purchase",
        "view",
        "add_to_cart",
        "search",
        "message_sent",
        "message_opened",
        "message_clicked",
        "unsubscribe",
        "return",
    ];

    /// The code of a well-known kind, by its own name or by that of the Segment e-commerce and e-mail specs
    /// ("Product Viewed", "Order Completed"); case, spaces, `_` and `-` do not matter. None for a custom kind.
    pub fn parse(name: &str) -> Option<u8> {
        let mut plain = String::with_capacity(name.len());
        plain.extend(name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).flat_map(char::to_lowercase));
        Some(match plain.as_str() {
            "purchase" | "ordercompleted" | "completedorder" | "productpurchased" => EventKind::PURCHASE,
            "view" | "productviewed" | "viewedproduct" => EventKind::VIEW,
            "addtocart" | "productadded" | "addedproduct" => EventKind::ADD_TO_CART,
            "search" | "productssearched" | "searchedproducts" => EventKind::SEARCH,
            "messagesent" | "emailsent" | "emaildelivered" => EventKind::MESSAGE_SENT,
            "messageopened" | "emailopened" => EventKind::MESSAGE_OPENED,
            "messageclicked" | "emaillinkclicked" => EventKind::MESSAGE_CLICKED,
            "unsubscribe" | "unsubscribed" => EventKind::UNSUBSCRIBE,
            "return" | "orderrefunded" | "productreturned" => EventKind::RETURN,
            _ => return None,
        })
    }

    /// How much one event of a kind says of the taste for its product, against a purchase's 1; custom kinds
    /// have [`EventKind::CUSTOM_WEIGHT`] unless the tenant says otherwise.
    pub fn weight(kind: u8) -> f32 {
        match kind {
            EventKind::PURCHASE => 1.0,
            EventKind::VIEW => 0.1,
            EventKind::ADD_TO_CART => 0.3,
            EventKind::SEARCH | EventKind::MESSAGE_CLICKED => 0.1,
            EventKind::MESSAGE_SENT | EventKind::MESSAGE_OPENED => 0.0,
            EventKind::UNSUBSCRIBE | EventKind::RETURN => 0.0,
            _ => EventKind::CUSTOM_WEIGHT,
        }
    }

    /// The weight of a custom kind for which the tenant gave none.
    pub const CUSTOM_WEIGHT: f32 = 0.1;
}

/// One event on its way into an [`EventTable`]; an empty string is as good as none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventRow<'a> {
    /// The kind's name, well-known or the tenant's own.
    pub kind: &'a str,
    /// The customer's id.
    pub customer: &'a str,
    /// Unix seconds, UTC.
    pub at: i64,
    /// The product's id, if the event is about one.
    pub product: Option<&'a str>,
    /// How many; null is taken as one.
    pub quantity: Option<f32>,
    /// Money paid for all of them together.
    pub revenue: Option<f32>,
    /// The campaign's id.
    pub campaign: Option<&'a str>,
    /// The words searched for.
    pub query: Option<&'a str>,
    /// What ties the events of one order together.
    pub basket: Option<&'a str>,
}

/// Events in columns, one entry each in all of them, in any order. Codes refer to this table's own interned ids
/// until [`Records::new`](crate::records::Records::new) recodes them.
#[derive(Debug, Clone, PartialEq)]
pub struct EventTable {
    /// Codes into `kinds`.
    pub kind: Vec<u8>,
    /// Codes into `customers`.
    pub customer: Vec<u32>,
    /// Codes into `products`, or [`NONE`].
    pub product: Vec<u32>,
    /// Unix seconds, UTC.
    pub at: Vec<i64>,
    /// How many; NaN is null.
    pub quantity: Vec<f32>,
    /// Money; NaN is null.
    pub revenue: Vec<f32>,
    /// Codes into `campaigns`, or [`NONE`].
    pub campaign: Vec<u32>,
    /// Codes into `queries`, or [`NONE`].
    pub query: Vec<u32>,
    /// Codes into `baskets`, or [`NONE`].
    pub basket: Vec<u32>,
    /// Kinds' names; the well-known ones come first.
    pub kinds: Ids,
    /// Weights of the kinds, aligned with `kinds`.
    pub kind_weights: Vec<f32>,
    /// Customers' ids.
    pub customers: Ids,
    /// Products' ids.
    pub products: Ids,
    /// Campaigns' ids.
    pub campaigns: Ids,
    /// Searched words.
    pub queries: Ids,
    /// Baskets' ids.
    pub baskets: Ids,
}

impl Default for EventTable {
    fn default() -> EventTable {
        EventTable::new()
    }
}

impl EventTable {
    /// No events.
    pub fn new() -> EventTable {
        EventTable::with_capacity(0)
    }

    /// No events, with room for `n`.
    pub fn with_capacity(n: usize) -> EventTable {
        EventTable {
            kind: Vec::with_capacity(n),
            customer: Vec::with_capacity(n),
            product: Vec::with_capacity(n),
            at: Vec::with_capacity(n),
            quantity: Vec::with_capacity(n),
            revenue: Vec::with_capacity(n),
            campaign: Vec::with_capacity(n),
            query: Vec::with_capacity(n),
            basket: Vec::with_capacity(n),
            kinds: EventKind::NAMES.iter().collect(),
            kind_weights: (0..EventKind::FIRST_CUSTOM).map(EventKind::weight).collect(),
            customers: Ids::new(),
            products: Ids::new(),
            campaigns: Ids::new(),
            queries: Ids::new(),
            baskets: Ids::new(),
        }
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// The code of a kind, given now if it is a new custom one. Refuses the 248th custom kind.
    pub fn intern_kind(&mut self, name: &str) -> Result<u8> {
        if let Some(code) = self.kinds.get(name) {
            return Ok(code as u8);
        }
        if let Some(code) = EventKind::parse(name) {
            return Ok(code);
        }
        if self.kinds.len() > usize::from(u8::MAX) {
            return Err(Error::input(
                format!("'{name}' is the 248th custom kind of event"),
                "map the kinds to fewer names; 247 custom ones are understood",
            ));
        }
        self.kind_weights.push(EventKind::CUSTOM_WEIGHT);
        Ok(self.kinds.intern(name) as u8)
    }

    /// Sets how much an event of a kind says of the taste for its product, against a purchase's 1.
    pub fn set_kind_weight(&mut self, name: &str, weight: f32) -> Result<()> {
        if !(0.0..=1000.0).contains(&weight) {
            return Err(Error::input(
                format!("the weight {weight} of kind '{name}' is out of range"),
                "give a number from 0 to 1000",
            ));
        }
        let code = self.intern_kind(name)?;
        self.kind_weights[usize::from(code)] = weight;
        Ok(())
    }

    /// Adds an event. Refuses an infinite quantity or revenue, and too many kinds.
    pub fn push(&mut self, row: &EventRow<'_>) -> Result<()> {
        let number = |value: Option<f32>, name: &str| match value {
            Some(v) if v.is_infinite() => Err(Error::input(
                format!("the {name} of event {} is infinite", self.len() + 1),
                "correct the value or leave the cell empty",
            )),
            Some(v) => Ok(v),
            None => Ok(f32::NAN),
        };
        let quantity = number(row.quantity, "quantity")?;
        let revenue = number(row.revenue, "revenue")?;
        let kind = self.intern_kind(row.kind)?;
        let code = |ids: &mut Ids, name: Option<&str>| match name {
            Some(name) if !name.is_empty() => ids.intern(name),
            _ => NONE,
        };
        self.kind.push(kind);
        self.customer.push(self.customers.intern(row.customer));
        self.product.push(code(&mut self.products, row.product));
        self.at.push(row.at);
        self.quantity.push(quantity);
        self.revenue.push(revenue);
        self.campaign.push(code(&mut self.campaigns, row.campaign));
        self.query.push(code(&mut self.queries, row.query));
        self.basket.push(code(&mut self.baskets, row.basket));
        Ok(())
    }

    /// Bytes of memory held.
    pub fn size_bytes(&self) -> usize {
        self.kind.capacity()
            + self.at.capacity() * 8
            + 4 * (self.customer.capacity() + self.product.capacity() + self.quantity.capacity())
            + 4 * (self.revenue.capacity() + self.campaign.capacity() + self.query.capacity())
            + 4 * self.basket.capacity()
            + [&self.customers, &self.products, &self.campaigns, &self.queries, &self.baskets]
                .map(Ids::size_bytes)
                .iter()
                .sum::<usize>()
    }
}
