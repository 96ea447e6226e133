//! Files in: customers, products, events and campaigns from CSV, NDJSON or Parquet, plain, gzip or zstd.
//!
//! A file is read row by row in bounded memory, whatever its size. What a file is (format, compression,
//! delimiter) is read off its first bytes; a [`Mapping`](crate::mapping::Mapping) renames columns, fixes
//! constants and names other forms of dates and numbers. A line that cannot be used is [`Rejected`] with its
//! number, column and reason, and reading goes on; only what makes the whole file unusable is an
//! [`Error`](crate::Error).
//!
//! [`EventFile`] reads events, [`TableFile`] customers, products and campaigns with their inferred columns.

mod attribute;
mod cell;
mod csv;
mod date;
mod event;
mod file;
mod guess;
mod infer;
mod kind;
mod layout;
mod ndjson;
mod number;
mod outlier;
mod parquet;
mod reader;
mod report;
mod split;
mod value;

pub use attribute::{AttributeRow, TableFile};
pub use date::{DateForm, EARLIEST};
pub(crate) use date::{day_of_text, offset as utc_offset};
pub(crate) use event::MAX_QUERY;
pub use event::{EventFile, EventRow, MAX_ID};
pub use file::{Compression, File, Format};
pub(crate) use kind::canonical as canonical_kind;
pub(crate) use layout::LARGEST;
pub use report::{ColumnReport, FileReport, N_LISTED, Note, Rejected, RejectedSink};
pub use value::Attributes;

use crate::entity::Entity;

/// The columns without which a file of this entity cannot be read.
pub fn key_columns(entity: Entity) -> &'static [&'static str] {
    match entity {
        Entity::Customers => &["customer_id"],
        Entity::Products => &["product_id"],
        Entity::Events => &["kind", "customer_id", "occurred_at"],
        Entity::Campaigns => &["campaign_id"],
    }
}
