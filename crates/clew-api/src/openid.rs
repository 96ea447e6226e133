//! Signing in with an account at an outside OpenID provider: the authorisation code flow of OpenID Connect Core 1.0,
//! section 3.1, with PKCE (RFC 7636), after RFC 9700. The provider is the configuration's; nothing that comes with a
//! request says where keys or tokens are had. The browser carries the code alone, never a token of the provider's.

mod attempt;
mod fetch;
mod id_token;
mod provider;

pub(crate) use attempt::Attempts;
pub(crate) use provider::{Provider, Returned, Unsigned};

use std::fmt;

use secrecy::SecretString;
use url::{Host, Url};

/// The page that the provider sends the browser back to, below the service's public address.
const RETURN_PATH: &str = "/";

/// Which provider members may sign in with, and what this service is to it.
#[derive(Clone)]
pub struct OpenIdConfig {
    /// As the provider writes it: the comparison is exact.
    issuer: String,
    issuer_url: Url,
    client_id: String,
    client_secret: Option<SecretString>,
    redirect_uri: String,
    name: String,
    http: reqwest::Client,
}

impl fmt::Debug for OpenIdConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenIdConfig")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

impl OpenIdConfig {
    /// The provider of this issuer, at which this service, reached at `public_url`, is registered as `client_id`.
    /// `name` is what people call the provider.
    ///
    /// # Errors
    /// What is wrong, and with which of the settings.
    pub fn new(
        issuer: &str,
        public_url: &str,
        client_id: &str,
        client_secret: Option<SecretString>,
        name: &str,
    ) -> Result<Self, String> {
        let issuer_url = address(issuer).map_err(|fault| format!("openid_issuer: {fault}"))?;
        let public_url = address(public_url).map_err(|fault| format!("public_url: {fault}"))?;
        if client_id.is_empty() {
            return Err(
                "openid_client_id: is empty; give the id under which the provider knows clew".to_owned()
            );
        }
        let here = public_url.as_str().trim_end_matches('/');
        Ok(Self {
            issuer: issuer.to_owned(),
            http: fetch::client(is_private(&issuer_url))
                .map_err(|error| format!("openid_issuer: {error}"))?,
            issuer_url,
            client_id: client_id.to_owned(),
            client_secret,
            redirect_uri: format!("{here}{RETURN_PATH}"),
            name: name.to_owned(),
        })
    }

    /// What people call the provider.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// An address to begin others with: TLS, but on this machine alone, and nothing after the path.
fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .map_err(|_| format!("\"{text}\" is no address; write it whole, such as https://clew.example.com"))?;
    let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.scheme() {
        _ if !is_bare || url.password().is_some() || url.host().is_none() => {
            Err("has more than scheme, host, port and path; leave the rest out".to_owned())
        }
        "https" => Ok(url),
        "http" if is_private(&url) => Ok(url),
        _ => Err("is not https, which only an address of this machine (127.0.0.1) may do without".to_owned()),
    }
}

/// Whether an address is of this machine.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_are_named() {
        let with = |issuer: &str, public: &str, client: &str| {
            OpenIdConfig::new(issuer, public, client, None, "Provider").map(|config| config.redirect_uri)
        };
        let issuer = "https://id.example.com/realms/shop";
        assert_eq!(with(issuer, "https://clew.example.com", "clew").unwrap(), "https://clew.example.com/");
        assert_eq!(with(issuer, "https://example.com/clew/", "clew").unwrap(), "https://example.com/clew/");
        assert_eq!(
            with("http://127.0.0.1:9/", "http://localhost:8080", "clew").unwrap(),
            "http://localhost:8080/"
        );
        for (issuer, public, client, named) in [
            ("http://id.example.com", "https://clew.example.com", "clew", "openid_issuer: is not https"),
            (
                "id.example.com",
                "https://clew.example.com",
                "clew",
                "openid_issuer: \"id.example.com\" is no address",
            ),
            ("https://id.example.com?x=1", "https://clew.example.com", "clew", "openid_issuer: has more"),
            ("https://me:pw@id.example.com", "https://clew.example.com", "clew", "openid_issuer: has more"),
            ("https://id.example.com#x", "https://clew.example.com", "clew", "openid_issuer: has more"),
            (issuer, "http://clew.example.com", "clew", "public_url: is not https"),
            (issuer, "", "clew", "public_url: \"\" is no address"),
            (issuer, "javascript:alert(1)", "clew", "public_url: has more"),
            (issuer, "https://clew.example.com", "", "openid_client_id: is empty"),
        ] {
            let fault = with(issuer, public, client).unwrap_err();
            assert!(fault.starts_with(named), "{fault}");
        }
    }
}
