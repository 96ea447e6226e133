//! HTTP: routes, callers and rights, problems, OpenAPI.
//!
//! A handler's signature is its authorisation ([`caller::Caller`]), its body is about twenty lines: read,
//! decide, write, answer. There is no SQL here and no learning. [`router`] gives everything but the console,
//! which the binary merges in: `/` and all unknown paths outside `/v1` are left free.

mod act;
mod address;
mod ahead;
mod answer;
mod cache;
pub mod caller;
mod closed;
mod compute;
mod context;
mod example;
mod expression;
mod extract;
mod feed;
mod idempotency;
mod layers;
pub mod limit;
pub mod metrics;
mod moment;
pub mod openapi;
pub mod openid;
mod password;
mod patch;
pub mod problem;
mod refusal;
mod routes;
mod schema;
mod serving;
pub mod state;
#[cfg(test)]
mod testing;
pub mod token;
mod upload;

pub use ahead::open_ahead;
pub use limit::Requests;
pub use openapi::{document, document_text};
pub use openid::OpenIdConfig;
pub use routes::router;
pub use state::{ApiConfig, ApiParts, ApiState, Clock};
pub use token::TokenConfig;
