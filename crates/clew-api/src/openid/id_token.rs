//! The ID token: who signed in, as the provider says (OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use clew_store::member;
use clew_store::openid::Account;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use serde_json::Value;

/// Signatures that only the provider can make. Neither `none` nor a secret that the client knows as well.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
const N_TOKEN_MAX: usize = 16_384;
const N_SUBJECT_MAX: usize = 255;
/// How far the provider's clock may differ.
const SKEW_S: i64 = 60;
/// An ID token is asked for and used at once; one that is older is not the answer to this attempt.
const AGE_MAX_S: i64 = 600;

/// Why a token says nothing. For the log, so it holds nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("is not a JWT of the form that an ID token has")]
    Form,
    #[error("is signed by a key that the provider does not publish")]
    UnknownKey,
    #[error("is not signed by the provider")]
    Signature,
    #[error("is of another issuer, for another client, or lacks a claim")]
    Claims,
    #[error("is not of now")]
    Time,
    #[error("is not the answer to this attempt")]
    Nonce,
}

#[derive(Deserialize)]
struct Head {
    alg: Algorithm,
    typ: Option<String>,
    kid: Option<String>,
    /// What one must understand and does not (RFC 7515, section 4.1.11).
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Value,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    email: Option<String>,
    email_verified: Option<Value>,
}

/// What a token must be for.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) now: DateTime<Utc>,
}

/// The account that the token is of.
///
/// # Errors
/// [`Refused::UnknownKey`] when newer keys of the provider may help; else for good.
pub(crate) fn verify(token: &str, keys: &[Jwk], expected: &Expected<'_>) -> Result<Account, Refused> {
    let head = head(token)?;
    let key = key_of(&head, keys)?;
    let decoding = DecodingKey::from_jwk(key).map_err(|_| Refused::UnknownKey)?;
    let mut validation = Validation::new(head.alg);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // The times are compared with the injected clock below.
    validation.validate_exp = false;
    let claims = decode::<Claims>(token, &decoding, &validation)
        .map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidIssuer
            | jsonwebtoken::errors::ErrorKind::InvalidAudience
            | jsonwebtoken::errors::ErrorKind::MissingRequiredClaim(_)
            | jsonwebtoken::errors::ErrorKind::Json(_) => Refused::Claims,
            _ => Refused::Signature,
        })?
        .claims;
    claims.check(expected)?;
    let is_verified = matches!(&claims.email_verified, Some(Value::Bool(true)))
        || claims.email_verified.as_ref().and_then(Value::as_str) == Some("true");
    let email = claims.email.as_deref().filter(|_| is_verified).and_then(member::email);
    Ok(Account { issuer: expected.issuer.to_owned(), subject: claims.sub, email })
}

impl Claims {
    fn check(&self, expected: &Expected<'_>) -> Result<(), Refused> {
        // For several, `azp` says whose it is; for another, it is not ours.
        let n_for = self.aud.as_array().map_or(1, Vec::len);
        let is_ours = self.azp.as_deref().map_or(n_for == 1, |azp| azp == expected.client_id);
        let named = (1..=N_SUBJECT_MAX).contains(&self.sub.len()) && self.sub.is_ascii();
        if !is_ours || !named || self.sub.contains(char::is_control) {
            return Err(Refused::Claims);
        }
        let now = expected.now.timestamp();
        let lives = self.exp > now.saturating_sub(SKEW_S)
            && self.iat <= now.saturating_add(SKEW_S)
            && self.iat >= now.saturating_sub(AGE_MAX_S)
            && self.nbf.is_none_or(|nbf| nbf <= now.saturating_add(SKEW_S));
        match (lives, self.nonce.as_deref() == Some(expected.nonce)) {
            (false, _) => Err(Refused::Time),
            (true, false) => Err(Refused::Nonce),
            (true, true) => Ok(()),
        }
    }
}

fn head(token: &str) -> Result<Head, Refused> {
    if token.len() > N_TOKEN_MAX || token.bytes().filter(|byte| *byte == b'.').count() != 2 {
        return Err(Refused::Form);
    }
    let head = token.split('.').next().and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
    let head: Head = serde_json::from_slice(&head.unwrap_or_default()).map_err(|_| Refused::Form)?;
    let is_jwt = head.typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("jwt"));
    if !is_jwt || head.crit.is_some() || !ALGORITHMS.contains(&head.alg) {
        return Err(Refused::Form);
    }
    Ok(head)
}

/// The provider's key that the header names, by its id alone, or the only one that fits when it names none.
fn key_of<'a>(head: &Head, keys: &'a [Jwk]) -> Result<&'a Jwk, Refused> {
    let fits = |key: &&Jwk| {
        let signs = key.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
        let algorithm = key.common.key_algorithm.map(|algorithm| algorithm.to_string());
        signs && algorithm.is_none_or(|name| name.parse::<Algorithm>().is_ok_and(|of| of == head.alg))
    };
    let named = |key: &&Jwk| head.kid.is_none() || key.common.key_id == head.kid;
    let mut found = keys.iter().filter(named).filter(fits);
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        _ => Err(Refused::UnknownKey),
    }
}

#[cfg(test)]
mod tests;
