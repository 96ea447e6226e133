//! The provider: what it says of itself (OpenID Connect Discovery 1.0), its keys, and a code that is exchanged for who
//! signed in.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use clew_store::openid::Account;
use jsonwebtoken::jwk::Jwk;
use reqwest::RequestBuilder;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::attempt::Attempt;
use super::fetch::{self, Failed};
use super::id_token::{self, Expected, Refused};
use super::{OpenIdConfig, address};

/// How long the provider's word and keys are believed.
const BELIEVED: TimeDelta = TimeDelta::hours(1);
/// How soon they may be asked for again, when a key is missing.
const ASKED_AGAIN: TimeDelta = TimeDelta::minutes(1);
/// How many codes are exchanged at the same time.
const N_PLACES: usize = 16;

/// What the provider says of itself.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// The keys, of which those of a kind that is not known here are passed over.
#[derive(Deserialize)]
struct Keys {
    keys: Vec<Value>,
}

/// What is known of the provider.
struct Known {
    authorization_endpoint: Url,
    token_endpoint: Url,
    takes_basic: bool,
    says_issuer: bool,
    keys: Vec<Jwk>,
    at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
}

/// What the browser brought back from the provider.
pub(crate) struct Returned<'a> {
    pub(crate) code: &'a str,
    /// Who says that it answered (RFC 9207).
    pub(crate) issuer: Option<&'a str>,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsigned {
    /// The provider is away, or not as it should be: nothing that the browser did.
    #[error(transparent)]
    Provider(#[from] Failed),
    /// The code is none, or was used, or is another's.
    #[error("the OpenID provider does not take the code")]
    Code,
    /// The answer is another provider's.
    #[error("the answer is not of the OpenID provider that is configured")]
    Issuer,
    /// The ID token does not hold.
    #[error("the ID token {0}")]
    Token(Refused),
}

/// The provider that members may sign in with.
pub(crate) struct Provider {
    config: OpenIdConfig,
    known: Mutex<Option<Arc<Known>>>,
    places: Semaphore,
}

impl Provider {
    pub(crate) fn new(config: OpenIdConfig) -> Self {
        Self { config, known: Mutex::new(None), places: Semaphore::new(N_PLACES) }
    }

    /// Where the browser is to go for this attempt (OpenID Connect Core 1.0, section 3.1.2.1).
    pub(crate) async fn authorization_url(
        &self,
        attempt: &Attempt,
        now: DateTime<Utc>,
    ) -> Result<Url, Failed> {
        let mut url = self.known(now, BELIEVED).await?.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.config.redirect_uri)
            .append_pair("scope", "openid email")
            .append_pair("state", &attempt.state)
            .append_pair("nonce", &attempt.nonce)
            .append_pair("code_challenge", &attempt.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    /// The account that signed in at the provider in this attempt.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn account(
        &self,
        attempt: &Attempt,
        returned: &Returned<'_>,
        now: DateTime<Utc>,
    ) -> Result<Account, Unsigned> {
        let known = self.known(now, BELIEVED).await?;
        if returned.issuer.map_or(known.says_issuer, |issuer| issuer != self.config.issuer) {
            return Err(Unsigned::Issuer);
        }
        let token = self.exchange(&known, attempt, returned.code).await?;
        let expected = Expected {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            nonce: &attempt.nonce,
            now,
        };
        match id_token::verify(&token, &known.keys, &expected) {
            // It may have taken a new key since.
            Err(Refused::UnknownKey) => {
                let known = self.known(now, ASKED_AGAIN).await?;
                id_token::verify(&token, &known.keys, &expected)
            }
            found => found,
        }
        .map_err(Unsigned::Token)
    }

    /// The ID token for the code (OpenID Connect Core 1.0, section 3.1.3).
    async fn exchange(&self, known: &Known, attempt: &Attempt, code: &str) -> Result<String, Unsigned> {
        let request = self.token_request(known, attempt, code);
        let _place = self.places.acquire().await.map_err(|_| Failed::Unfit("places are closed"))?;
        match fetch::send(request).await? {
            (200, body) => {
                let tokens: Tokens = serde_json::from_slice(&body).map_err(Failed::Malformed)?;
                Ok(tokens.id_token)
            }
            (status @ 400..=401, body) => match serde_json::from_slice(&body) {
                Ok(TokenError { error }) if error == "invalid_grant" => Err(Unsigned::Code),
                Ok(TokenError { error }) if error == "invalid_client" => Err(Failed::Unfit(
                    "client is not the one configured; check openid_client_id and its secret",
                )
                .into()),
                _ => Err(Failed::Status(status).into()),
            },
            (status, _) => Err(Failed::Status(status).into()),
        }
    }

    /// The request that brings the code, with what proves who asks.
    fn token_request(&self, known: &Known, attempt: &Attempt, code: &str) -> RequestBuilder {
        let config = &self.config;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &config.redirect_uri)
            .append_pair("code_verifier", &attempt.verifier);
        let mut request = config.http.post(known.token_endpoint.clone());
        match &config.client_secret {
            Some(secret) if known.takes_basic => {
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                // RFC 6749, section 2.3.1: each is encoded as in a form before.
                request =
                    request.basic_auth(encoded(&config.client_id), Some(encoded(secret.expose_secret())));
            }
            secret => {
                form.append_pair("client_id", &config.client_id);
                if let Some(secret) = secret {
                    form.append_pair("client_secret", secret.expose_secret());
                }
            }
        }
        request.header("content-type", "application/x-www-form-urlencoded").body(form.finish())
    }

    /// What is known of the provider, asked again when it is older than this. While one asks, the others wait.
    async fn known(&self, now: DateTime<Utc>, age: TimeDelta) -> Result<Arc<Known>, Failed> {
        let mut known = self.known.lock().await;
        if let Some(fresh) = known.as_ref().filter(|known| now - known.at < age) {
            return Ok(Arc::clone(fresh));
        }
        let asked = Arc::new(self.ask(now).await?);
        *known = Some(Arc::clone(&asked));
        Ok(asked)
    }

    async fn ask(&self, now: DateTime<Utc>) -> Result<Known, Failed> {
        let http = &self.config.http;
        // Section 4 of Discovery: after the issuer, less a slash at its end.
        let place = format!(
            "{}/.well-known/openid-configuration",
            self.config.issuer_url.as_str().trim_end_matches('/')
        );
        let metadata: Metadata = fetch::json(http.get(place)).await?;
        if metadata.issuer != self.config.issuer {
            return Err(Failed::Unfit(
                "metadata are of another issuer than openid_issuer; write it as the provider does",
            ));
        }
        let endpoint =
            |text: &str| endpoint(text).ok_or(Failed::Unfit("metadata name an endpoint without TLS"));
        let Keys { keys } = fetch::json(http.get(endpoint(&metadata.jwks_uri)?)).await?;
        Ok(Known {
            authorization_endpoint: endpoint(&metadata.authorization_endpoint)?,
            token_endpoint: endpoint(&metadata.token_endpoint)?,
            // What a provider takes that does not say (OpenID Connect Discovery 1.0, section 3).
            takes_basic: metadata
                .token_endpoint_auth_methods_supported
                .is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic")),
            says_issuer: metadata.authorization_response_iss_parameter_supported,
            keys: keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect(),
            at: now,
        })
    }
}

/// An endpoint may have a query (RFC 6749, section 3.1), which an issuer may not.
fn endpoint(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let mut bare = url.clone();
    bare.set_query(None);
    address(bare.as_str()).ok()?;
    Some(url)
}
