//! What is fetched from the provider: JSON, small, soon, from where it was looked for.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;

/// The most that an answer may have; a provider's keys and metadata are some kilobytes.
const MAX_BYTES: usize = 256 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is nothing. For the log alone, so it holds no part of an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("the OpenID provider could not be asked")]
    Unasked(#[source] reqwest::Error),
    #[error("the OpenID provider's answer has more than {} KiB", MAX_BYTES >> 10)]
    TooLarge,
    #[error("the OpenID provider answered with {0}")]
    Status(u16),
    #[error("the OpenID provider's answer is not as it should be")]
    Malformed(#[source] serde_json::Error),
    #[error("the OpenID provider's {0}")]
    Unfit(&'static str),
}

/// A client that follows nothing, and speaks without TLS to this machine alone.
pub(crate) fn client(is_private: bool) -> reqwest::Result<Client> {
    Client::builder()
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .https_only(!is_private)
        .user_agent("clew")
        .build()
}

/// The status of an answer and its body.
pub(crate) async fn send(request: RequestBuilder) -> Result<(u16, Vec<u8>), Failed> {
    // The address may hold what a log should not.
    let unasked = |error: reqwest::Error| Failed::Unasked(error.without_url());
    let mut answer = request.header("accept", "application/json").send().await.map_err(unasked)?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(unasked)? {
        if body.len() + part.len() > MAX_BYTES {
            return Err(Failed::TooLarge);
        }
        body.extend_from_slice(&part);
    }
    Ok((answer.status().as_u16(), body))
}

/// A good answer, read.
pub(crate) async fn json<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Failed> {
    match send(request).await? {
        (200, body) => serde_json::from_slice(&body).map_err(Failed::Malformed),
        (status, _) => Err(Failed::Status(status)),
    }
}
