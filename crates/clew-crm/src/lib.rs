//! Predictive CRM: history, offers, propensity, gain curves, rules, recommendations. Pure functions over columns.
//!
//! Nothing here does I/O, knows the clock, or has a thread pool of its own; and nothing that learns reads
//! anything but a [`history::History`], which shows no event at or after its date.

// Records: what a tenant sent, and how it is selected.
pub mod bits;
pub mod column;
pub mod error;
pub mod event;
pub mod expression;
pub mod history;
pub mod ids;
pub mod product_set;
pub mod records;
pub mod table;

pub use bits::Bits;
pub use column::{Column, ColumnType, ColumnView};
pub use error::{Error, Result};
pub use event::{EventKind, EventRow, EventTable};
pub use expression::ExpressionError;
pub use history::{Event, EventSlice, History, ProductEvents};
pub use ids::{Ids, NONE};
pub use product_set::ProductSet;
pub use records::{Orphans, Records};
pub use table::{Table, TableBuilder, TableView, Value};
