//! JWTs of signed-in members, checked by RFC 8725: the algorithm is the configured one and no other, issuer
//! and audience must be ours, `exp` is required. Sign-in itself comes with the members.

use std::fmt;

use chrono::{DateTime, Utc};
use clew_store::key::Right;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use uuid::Uuid;

use crate::problem::{Code, Problem, Result};

/// How JWTs are verified.
#[derive(Clone)]
pub struct TokenConfig {
    key: DecodingKey,
    validation: Validation,
}

impl fmt::Debug for TokenConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenConfig")
    }
}

/// The claims that are read.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: Uuid,
    tenant: Uuid,
    right: Right,
    exp: i64,
    #[serde(default)]
    nbf: i64,
}

/// Who a token speaks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bearer {
    pub(crate) member_id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) right: Right,
}

impl TokenConfig {
    /// Tokens signed with HMAC-SHA-256. The secret must have at least 32 bytes (RFC 7518, section 3.2).
    pub fn hs256(secret: &[u8], issuer: &str, audience: &str) -> Option<Self> {
        (secret.len() >= 32)
            .then(|| Self::new(DecodingKey::from_secret(secret), Algorithm::HS256, issuer, audience))
    }

    /// Tokens signed with Ed25519; `x` is the public key as in a JWK (RFC 8037): base64url without padding.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub fn ed25519(x: &str, issuer: &str, audience: &str) -> Result<Self, jsonwebtoken::errors::Error> {
        Ok(Self::new(DecodingKey::from_ed_components(x)?, Algorithm::EdDSA, issuer, audience))
    }

    fn new(key: DecodingKey, algorithm: Algorithm, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The times are compared with the injected clock below.
        validation.validate_exp = false;
        Self { key, validation }
    }

    /// Verifies a token at a moment.
    ///
    /// # Errors
    /// 401, without saying what was wrong with it.
    pub(crate) fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Bearer> {
        let claims = decode::<Claims>(token, &self.key, &self.validation)
            .map_err(|error| unauthenticated().caused_by(error))?
            .claims;
        let now_s = now.timestamp();
        // Members are readers, marketers or owners; no token makes an operator.
        let of_a_member = matches!(claims.right, Right::Reader | Right::Marketer | Right::Owner);
        if now_s >= claims.exp || now_s < claims.nbf || !of_a_member {
            return Err(unauthenticated());
        }
        Ok(Bearer { member_id: claims.sub, tenant_id: claims.tenant, right: claims.right })
    }
}

/// The one answer to every credential that does not hold.
pub(crate) fn unauthenticated() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "send `Authorization: Bearer <API key>` with a key that is known, not revoked and not expired",
    )
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &[u8] = b"thirty-two bytes of a test secret";

    fn now() -> DateTime<Utc> {
        Utc.timestamp_opt(1_000, 0).unwrap()
    }

    fn claims() -> Value {
        json!({"sub": Uuid::nil(), "tenant": Uuid::nil(), "right": "marketer", "exp": 1_001, "iss": "clew", "aud": "clew"})
    }

    fn verify(algorithm: Algorithm, secret: &[u8], claims: &Value) -> Option<Right> {
        let token = encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap();
        let config = TokenConfig::hs256(SECRET, "clew", "clew").unwrap();
        config.verify(&token, now()).ok().map(|bearer| bearer.right)
    }

    #[test]
    fn a_good_token_speaks_for_its_member() {
        assert_eq!(verify(Algorithm::HS256, SECRET, &claims()), Some(Right::Marketer));
    }

    #[test]
    fn everything_else_is_refused() {
        assert_eq!(verify(Algorithm::HS384, SECRET, &claims()), None, "another algorithm");
        assert_eq!(verify(Algorithm::HS256, &[7; 32], &claims()), None, "another secret");
        for (name, value) in [
            ("exp", json!(1_000)),
            ("exp", Value::Null),
            ("nbf", json!(1_001)),
            ("iss", json!("other")),
            ("aud", json!("other")),
            ("right", json!("operator")),
            ("right", json!("ingest")),
            ("tenant", json!("x")),
        ] {
            let mut changed = claims();
            changed[name] = value.clone();
            assert_eq!(verify(Algorithm::HS256, SECRET, &changed), None, "{name} = {value}");
        }
        for name in ["exp", "iss", "aud", "sub"] {
            let mut without = claims();
            without.as_object_mut().unwrap().shift_remove(name);
            assert_eq!(verify(Algorithm::HS256, SECRET, &without), None, "without {name}");
        }
        let config = TokenConfig::hs256(SECRET, "clew", "clew").unwrap();
        let none = "eyJhbGciOiJub25lIn0.eyJyaWdodCI6Im93bmVyIn0.";
        assert!(config.verify(none, now()).is_err() && config.verify("", now()).is_err());
        assert!(TokenConfig::hs256(b"short", "clew", "clew").is_none());
    }
}
