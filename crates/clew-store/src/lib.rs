//! Postgres (every SQL statement of the project), files in, and the object store (snapshots, fitted models).
//!
//! [`Store`] holds the connections; [`Tenant`] is a transaction with the tenant set and the only door to a
//! tenant's rows. Every noun has its file: `offer::insert(&mut tenant, …)`. Nothing outside this crate
//! contains SQL.

pub mod audit;
mod basket;
pub mod campaign;
pub mod cell;
pub mod checkpoint;
pub mod column;
pub mod cursor;
pub mod customer;
pub mod data;
pub mod drift;
pub mod entity;
mod erased;
pub mod erasure;
pub mod error;
mod event_key;
pub mod folder;
pub mod idempotency;
pub mod import;
pub mod ingest;
pub mod intake;
pub mod job;
pub mod key;
mod login;
pub mod mapping;
pub mod member;
pub mod migrate;
pub mod model;
pub mod object;
pub mod offer;
pub mod openid;
pub mod partition;
mod pool;
pub mod postgres;
pub mod queue;
pub mod quota;
pub mod retention;
pub mod row;
pub mod rule;
pub mod schedule;
pub mod scope;
pub mod secret;
pub mod segment;
pub mod session;
pub mod sign_in;
pub mod snapshot;
pub mod store;
pub mod tenant;
#[doc(hidden)]
pub mod testing;
mod text_enum;
pub mod wall;
pub mod webhook;

pub use cursor::{Page, Paged};
pub use entity::Entity;
pub use error::{Error, Result};
pub use queue::Queue;
pub use scope::{Operator, Scope, Tenant};
pub use store::{Store, StoreConfig};
