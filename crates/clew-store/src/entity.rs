//! The four kinds of rows that a tenant sends.

use crate::text_enum::text_enum;

text_enum! {
    /// What a file or a request holds: which of the four tables its rows go to.
    pub enum Entity {
        /// Persons in the tenant's file.
        Customers = "customers",
        /// Articles of the catalogue.
        Products = "products",
        /// Dated facts.
        Events = "events",
        /// Messages sent to an audience.
        Campaigns = "campaigns",
    }
}
