//! Access tokens of signed-in members: JWTs in the profile of RFC 9068, checked by RFC 8725. One algorithm, keys
//! from the configuration alone, and a header of exactly `alg`, `typ` and `kid`; issuer, audience, subject and a
//! life of at most fifteen minutes are required. What a member may do is not in the token: it is looked up.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::problem::{Code, Problem, Result};

/// How long an access token lasts.
pub(crate) const LIFETIME: TimeDelta = TimeDelta::minutes(15);
const TYPE: &str = "at+jwt";
const N_SECRET_MIN: usize = 32;
const N_TOKEN_MAX: usize = 2_048;
/// How far the clocks of two servers may differ.
const SKEW_S: i64 = 60;

/// How tokens are signed and verified.
#[derive(Clone)]
pub struct TokenConfig {
    /// The first signs; all verify.
    keys: Vec<Key>,
    validation: Validation,
    issuer: String,
    audience: String,
    place_key: [u8; 32],
    attempt_key: [u8; 32],
}

#[derive(Clone)]
struct Key {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl fmt::Debug for TokenConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenConfig")
    }
}

/// Exactly these: a key, an address of keys or a critical extension in the header is somebody else's idea.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The member.
    sub: Uuid,
    client_id: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
    tenant: Uuid,
    /// The session.
    sid: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
}

/// Who a token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) tenant_id: Uuid,
    pub(crate) member_id: Uuid,
    pub(crate) session_id: Uuid,
}

impl TokenConfig {
    /// Tokens signed with HMAC-SHA-256. The first secret signs; the others, its predecessors, still verify until
    /// their last tokens have expired. None when there is none, or one has fewer than 32 bytes (RFC 7518, section 3.2).
    pub fn hs256<'a>(
        secrets: impl IntoIterator<Item = &'a [u8]>,
        issuer: &str,
        audience: &str,
    ) -> Option<Self> {
        let secrets: Vec<&[u8]> = secrets.into_iter().collect();
        if secrets.iter().any(|secret| secret.len() < N_SECRET_MIN) {
            return None;
        }
        let place_key = blake3::derive_key("clew 2026-11-23 places of sign-in", secrets.first()?);
        let attempt_key = blake3::derive_key("clew 2026-11-24 attempts with OpenID", secrets.first()?);
        let key = |secret: &[u8]| Key {
            // Says which secret it is, and nothing of it.
            kid: blake3::Hash::from(blake3::derive_key("clew 2026-11-23 token kid", secret)).to_hex()[..16]
                .into(),
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The times are compared with the injected clock below.
        validation.validate_exp = false;
        Some(Self {
            keys: secrets.into_iter().map(key).collect(),
            validation,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            place_key,
            attempt_key,
        })
    }

    /// A token for a member's session, with the moment when it ends.
    pub(crate) fn issue(&self, subject: Subject, now: DateTime<Utc>) -> Result<(String, DateTime<Utc>)> {
        let key = self.keys.first().ok_or_else(unauthenticated)?;
        let expires_at = now + LIFETIME;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: subject.member_id,
            client_id: "clew".to_owned(),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
            jti: Uuid::now_v7(),
            tenant: subject.tenant_id,
            sid: subject.session_id,
            nbf: None,
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        let token = encode(&header, &claims, &key.encoding).map_err(Problem::internal)?;
        Ok((token, expires_at))
    }

    /// Verifies a token at a moment.
    ///
    /// # Errors
    /// 401, without saying what was wrong with it.
    pub(crate) fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Subject> {
        let key = self.key_of(token).ok_or_else(unauthenticated)?;
        let claims = decode::<Claims>(token, &key.decoding, &self.validation)
            .map_err(|error| unauthenticated().caused_by(error))?
            .claims;
        let now_s = now.timestamp();
        let lives = claims.exp > now_s
            && claims.iat <= now_s + SKEW_S
            && claims.nbf.is_none_or(|nbf| nbf <= now_s)
            && claims.exp.checked_sub(claims.iat).is_some_and(|s| (1..=LIFETIME.num_seconds()).contains(&s));
        if !lives {
            return Err(unauthenticated());
        }
        Ok(Subject { tenant_id: claims.tenant, member_id: claims.sub, session_id: claims.sid })
    }

    /// The key that the header names, when the header is just as ours are.
    fn key_of(&self, token: &str) -> Option<&Key> {
        if token.len() > N_TOKEN_MAX || token.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return None;
        }
        let head = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
        let head: Head = serde_json::from_slice(&head).ok()?;
        let ours = head.alg == "HS256" && head.typ == TYPE;
        self.keys.iter().find(|key| ours && key.kid == head.kid)
    }

    /// What sign-ins with an OpenID provider are made with.
    pub(crate) fn attempt_key(&self) -> [u8; 32] {
        self.attempt_key
    }

    /// A hash of who tries to sign in from where, that only this configuration can make. Parts are told apart by
    /// their lengths.
    pub(crate) fn place(&self, parts: &[&str]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.place_key);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// The one answer to every credential that does not hold.
pub(crate) fn unauthenticated() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "send `Authorization: Bearer …` with an API key that is known, not revoked and not expired, or with the access \
         token of a member whose session goes on",
    )
}

#[cfg(test)]
mod any_bytes;
#[cfg(test)]
mod tests;
