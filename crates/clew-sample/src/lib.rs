//! A generator of realistic tenants with a known truth, for the demo, tests and benchmarks: a French shop.
//!
//! ```text
//! params ─► Shop (catalogue, campaigns, effects: all that fits in memory)
//!             └─► chunk(i): the customers of a chunk and their whole lives, independent of all other chunks
//!                    └─► folder::write (CSV, plain, gzip or zstd)   or   memory::records (clew-crm's Records)
//! ```
//!
//! Tastes are latent: twelve traits per customer, of which first name, age, sex, postcode and e-mail domain explain
//! a part, and the rest is the customer's own. Products carry the same traits by category and brand. A life is a
//! queue of visits: the next need of a category that is bought again and again, browsing by taste and season,
//! carts that were left and taken up again, campaigns. `truth.json` and `truth.csv` tell what was planted.
//!
//! Same parameters, same bytes, whatever the number of threads. No clock: the shop ends at [`SampleParams::end`].

mod brand;
mod campaign;
mod catalogue;
mod category;
mod customer;
mod department;
mod domain;
mod effect;
mod error;
pub mod folder;
mod life;
pub mod memory;
mod name;
mod params;
mod price;
mod product;
mod random;
mod row;
mod session;
mod shop;
mod taste;
mod time;
mod truth;

pub use crate::error::{Error, Result};
pub use crate::folder::{Compression, Summary};
pub use crate::params::{DEFAULT_END, SampleParams};
pub use crate::row::{CampaignRow, CustomerRow, EventRow, Kind, ProductRow};
pub use crate::shop::{Chunk, Shop};
pub use crate::taste::TRAITS;
