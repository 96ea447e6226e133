//! A sign-in that has begun. It is kept by the page that began it, not here: an attempt is random bits and a seal, and
//! what the provider is shown of it (state, nonce, PKCE challenge) is made of those bits with a key that never leaves
//! the server. So whoever brings the answer back must be who began, and neither the attempt nor the answer tells enough
//! to make the other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// How long somebody may take to sign in at the provider.
pub(crate) const LIFETIME: TimeDelta = TimeDelta::minutes(10);
const VERSION: u8 = 1;
const N_RANDOM: usize = 32;
const N_SEALED: usize = 1 + 8 + N_RANDOM;
const N_SEAL: usize = 32;

/// Makes attempts, and knows them again.
pub(crate) struct Attempts {
    key: [u8; 32],
}

/// What one attempt consists of.
pub(crate) struct Attempt {
    /// What the page keeps.
    pub(crate) shown: String,
    /// What comes back with the code (RFC 6749, section 10.12).
    pub(crate) state: String,
    /// What the ID token must hold (OpenID Connect Core 1.0, section 3.1.2.1).
    pub(crate) nonce: String,
    /// What proves to the provider that the code is brought by who asked for it (RFC 7636, section 4.1).
    pub(crate) verifier: String,
    /// Until when.
    pub(crate) expires_at: DateTime<Utc>,
}

impl Attempts {
    /// With a key that all servers have.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// Begins one with random bits of its own.
    pub(crate) fn begin(&self, random: &[u8; N_RANDOM], now: DateTime<Utc>) -> Attempt {
        let expires_at = (now + LIFETIME).timestamp();
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&expires_at.to_be_bytes());
        bytes.extend_from_slice(random);
        let seal = self.made("seal", &bytes);
        self.of(&bytes, &seal, expires_at)
    }

    /// The attempt that the page has kept, if it is one of ours and not over.
    pub(crate) fn open(&self, shown: &str, now: DateTime<Utc>) -> Option<Attempt> {
        let bytes = URL_SAFE_NO_PAD.decode(shown).ok()?;
        let (sealed, seal) = bytes.split_at_checked(N_SEALED)?;
        let genuine: bool = self.made("seal", sealed).ct_eq(seal).into();
        let expires_at = i64::from_be_bytes(sealed.get(1..9)?.try_into().ok()?);
        let good = genuine && sealed.first() == Some(&VERSION) && now.timestamp() < expires_at;
        good.then(|| self.of(sealed, seal, expires_at))
    }

    fn of(&self, sealed: &[u8], seal: &[u8], expires_at: i64) -> Attempt {
        let word = |label: &str| URL_SAFE_NO_PAD.encode(self.made(label, sealed));
        Attempt {
            shown: URL_SAFE_NO_PAD.encode([sealed, seal].concat()),
            state: word("state"),
            nonce: word("nonce"),
            verifier: word("verifier"),
            expires_at: DateTime::from_timestamp(expires_at, 0).unwrap_or_default(),
        }
    }

    /// Bits for one use; labels are told apart by their lengths.
    fn made(&self, label: &str, sealed: &[u8]) -> [u8; N_SEAL] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&(label.len() as u64).to_le_bytes());
        hasher.update(label.as_bytes());
        hasher.update(sealed);
        *hasher.finalize().as_bytes()
    }
}

impl Attempt {
    /// The PKCE challenge, by the method `S256` (RFC 7636, section 4.2).
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }

    /// Whether the answer's state is this attempt's.
    pub(crate) fn is_answered_by(&self, state: &str) -> bool {
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000, 0).unwrap()
    }

    fn attempts() -> Attempts {
        Attempts::new([7; 32])
    }

    #[test]
    fn an_attempt_is_known_again_for_ten_minutes_and_its_parts_do_not_tell_one_another() {
        let begun = attempts().begin(&[3; 32], now());
        let known = attempts().open(&begun.shown, now() + LIFETIME - TimeDelta::seconds(1)).unwrap();
        assert_eq!(
            (&known.state, &known.nonce, &known.verifier),
            (&begun.state, &begun.nonce, &begun.verifier)
        );
        assert!(known.is_answered_by(&begun.state) && !known.is_answered_by(&begun.nonce));
        assert!(attempts().open(&begun.shown, now() + LIFETIME).is_none(), "it is over");
        assert!(Attempts::new([8; 32]).open(&begun.shown, now()).is_none(), "it is another server's");
        let other = attempts().begin(&[4; 32], now());
        let parts = [&begun, &other].map(|a| [&a.shown, &a.state, &a.nonce, &a.verifier]);
        assert_eq!(parts.iter().flatten().collect::<BTreeSet<_>>().len(), 8);
        // 43 characters: 256 bits, the least and the most that RFC 7636 makes sense of.
        assert_eq!((known.verifier.len(), known.challenge().len()), (43, 43));
    }

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_the_standard_s() {
        let attempt = Attempt {
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(),
            ..attempts().begin(&[3; 32], now())
        };
        assert_eq!(attempt.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    proptest! {
        #[test]
        fn whatever_else_is_brought_is_none(text in any::<String>(), bytes in any::<Vec<u8>>(), bit in 0_usize..8 * (N_SEALED + N_SEAL)) {
            prop_assert!(attempts().open(&text, now()).is_none());
            prop_assert!(attempts().open(&URL_SAFE_NO_PAD.encode(bytes), now()).is_none());
            let mut bytes = URL_SAFE_NO_PAD.decode(attempts().begin(&[3; 32], now()).shown).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(attempts().open(&URL_SAFE_NO_PAD.encode(bytes), now()).is_none());
        }
    }
}
