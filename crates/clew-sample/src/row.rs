//! The rows that a sample consists of, as sinks receive them.

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A product was bought.
    Purchase,
    /// A product was looked at.
    View,
    /// A product was put into the cart.
    AddToCart,
    /// Words were searched for.
    Search,
    /// A campaign's message went out.
    MessageSent,
    /// … and was opened.
    MessageOpened,
    /// … and was clicked.
    MessageClicked,
    /// The customer wants no more messages.
    Unsubscribe,
    /// A product came back.
    Return,
    /// The customer was in a campaign's audience and, by chance, got no message.
    HeldOut,
}

impl Kind {
    /// The kind as files and the API write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::View => "view",
            Self::AddToCart => "add_to_cart",
            Self::Search => "search",
            Self::MessageSent => "message_sent",
            Self::MessageOpened => "message_opened",
            Self::MessageClicked => "message_clicked",
            Self::Unsubscribe => "unsubscribe",
            Self::Return => "return",
            Self::HeldOut => "held_out",
        }
    }
}

/// A customer as the shop knows them.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerRow {
    /// The number in the sample; the id is `C` and seven digits.
    pub number: u32,
    /// The first name.
    pub first_name: &'static str,
    /// A nickname; empty when none was chosen.
    pub nickname: String,
    /// `F` or `M`, when told.
    pub sex: Option<&'static str>,
    /// Years, when told.
    pub age: Option<u8>,
    /// Five digits.
    pub postcode: String,
    /// `01` … `976`.
    pub department: &'static str,
    /// The part of the address behind the @.
    pub email_domain: &'static str,
    /// Unix seconds.
    pub joined: i64,
    /// Whether messages were ever wanted.
    pub newsletter: bool,
    /// Where the customer came from.
    pub source: &'static str,
}

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductRow<'a> {
    /// The number in the sample; the id is `P` and seven digits.
    pub number: u32,
    /// The title.
    pub title: String,
    /// The first level of the catalogue.
    pub aisle: &'static str,
    /// The second level.
    pub category: &'static str,
    /// The brand.
    pub brand: &'a str,
    /// Cents.
    pub price: u32,
    /// Tags.
    pub tags: Vec<&'static str>,
    /// Unix seconds of the launch.
    pub launched: i64,
}

/// A campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignRow {
    /// The number in the sample; the id is `M` and four digits.
    pub number: u16,
    /// A name a person would give it.
    pub name: String,
    /// The category it promotes.
    pub category: &'static str,
    /// Unix seconds.
    pub sent: i64,
    /// The share of its audience that got no message, by chance.
    pub holdout_share: f32,
}

/// An event of a customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventRow {
    /// The customer's number.
    pub customer: u32,
    /// What happened.
    pub kind: Kind,
    /// Unix seconds.
    pub at: i64,
    /// The product's number.
    pub product: Option<u32>,
    /// How many pieces; 0 when the event has none.
    pub quantity: u16,
    /// Cents for all pieces; 0 when the event has none.
    pub revenue: u32,
    /// The campaign's number.
    pub campaign: Option<u16>,
    /// The words searched for; empty when the event has none.
    pub query: &'static str,
    /// The purchase's basket, counted per customer from 1; 0 when the event has none.
    pub basket: u32,
}
