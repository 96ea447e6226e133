//! Forged ID tokens, each refused; what their claims must be is tried whole in `tests/openid`.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::{EncodingKey, crypto};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A key to sign with, and what of it is published.
fn ec() -> (EncodingKey, Jwk) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
    published(key, Algorithm::ES256)
}

fn rsa(size: KeySize) -> (EncodingKey, Jwk) {
    let whole = KeyPair::generate(size).unwrap();
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = whole.as_der().unwrap();
    // The key of PKCS#1 stands after version, algorithm and the head of its octet string.
    published(EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]), Algorithm::RS256)
}

fn published(key: EncodingKey, algorithm: Algorithm) -> (EncodingKey, Jwk) {
    let mut public = Jwk::from_encoding_key(&key, algorithm).unwrap();
    public.common.key_id = Some("k".to_owned());
    (key, public)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_000_000, 0).unwrap()
}

fn expected() -> Expected<'static> {
    Expected { issuer: "https://id.example.com", client_id: "clew", nonce: "n", now: now() }
}

fn claims() -> Value {
    json!({"iss": "https://id.example.com", "aud": "clew", "sub": "s", "nonce": "n", "exp": 1_000_300, "iat": 1_000_000,
        "email": "Anna@Example.com", "email_verified": true})
}

fn signed(head: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encoded(head), encoded(&claims()));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

#[test]
fn a_good_token_tells_whose_account_it_is() {
    for ((key, public), algorithm) in [(ec(), Algorithm::ES256), (rsa(KeySize::Rsa2048), Algorithm::RS256)] {
        let name = format!("{algorithm:?}");
        for head in [
            json!({"alg": name, "kid": "k"}),
            json!({"alg": name, "typ": "JWT", "kid": "k"}),
            json!({"alg": name, "typ": "jwt"}),
        ] {
            let token = signed(&head, &key, algorithm);
            let account = verify(&token, std::slice::from_ref(&public), &expected()).unwrap();
            assert_eq!((account.subject.as_str(), account.email.as_deref()), ("s", Some("anna@example.com")));
        }
    }
}

#[test]
fn forged_tokens_are_refused() {
    let (key, public) = ec();
    let (_, other) = ec();
    let (rsa_key, rsa_public) = rsa(KeySize::Rsa2048);
    let good = json!({"alg": "ES256", "kid": "k"});
    let verified = |token: &str, keys: &[Jwk]| verify(token, keys, &expected());
    let with = |name: &str, value: Value| {
        let mut head = good.clone();
        head[name] = value;
        signed(&head, &key, Algorithm::ES256)
    };
    let is = |token: &str, keys: &[&Jwk], why: Refused| {
        let keys: Vec<Jwk> = keys.iter().map(|&key| key.clone()).collect();
        assert_eq!(verified(token, &keys).unwrap_err(), why, "{token}");
    };
    is(&signed(&good, &key, Algorithm::ES256), &[&other], Refused::Signature);
    is(&with("kid", json!("x")), &[&public], Refused::UnknownKey);
    is(&with("alg", json!("RS256")), &[&public], Refused::UnknownKey);
    is(&with("typ", json!("at+jwt")), &[&public], Refused::Form);
    is(&with("typ", json!("logout+jwt")), &[&public], Refused::Form);
    is(&with("crit", json!(["b64"])), &[&public], Refused::Form);
    for algorithm in ["none", "None", "HS256", "HS512", ""] {
        is(&with("alg", json!(algorithm)), &[&public], Refused::Form);
    }
    // A key or its address in the header is not looked at: the signature is by the published one or by none.
    let (thief, thief_public) = ec();
    let smuggled =
        json!({"alg": "ES256", "kid": "k", "jwk": thief_public, "jku": "https://evil.example.com/keys"});
    is(&signed(&smuggled, &thief, Algorithm::ES256), &[&public], Refused::Signature);
    // Without a name there must be just one key that it can be.
    is(&signed(&json!({"alg": "ES256"}), &key, Algorithm::ES256), &[&public, &other], Refused::UnknownKey);
    // Signed by one kind of key and said to be by another.
    is(&signed(&good, &rsa_key, Algorithm::RS256), &[&public], Refused::Signature);
    is(&signed(&good, &rsa_key, Algorithm::RS256), &[&rsa_public], Refused::UnknownKey);
    // The public key as a secret (RFC 8725, section 2.1).
    let secret = EncodingKey::from_secret(serde_json::to_string(&public).unwrap().as_bytes());
    is(&signed(&json!({"alg": "HS256", "kid": "k"}), &secret, Algorithm::HS256), &[&public], Refused::Form);
    // A key for encryption does not sign.
    let mut encrypts = public.clone();
    encrypts.common.public_key_use = Some(PublicKeyUse::Encryption);
    is(&signed(&good, &key, Algorithm::ES256), &[&encrypts], Refused::UnknownKey);
    is(&signed(&good, &key, Algorithm::ES256), &[], Refused::UnknownKey);
    let whole = signed(&good, &key, Algorithm::ES256);
    is(whole.rsplit_once('.').unwrap().0, &[&public], Refused::Form);
    is(&format!("{}.", whole.rsplit_once('.').unwrap().0), &[&public], Refused::Signature);
    is(&format!("{whole}{}", "A".repeat(N_TOKEN_MAX)), &[&public], Refused::Form);
}

proptest! {
    #[test]
    fn whatever_else_is_brought_is_refused(text in any::<String>(), parts in any::<[Vec<u8>; 3]>(), place in any::<prop::sample::Index>()) {
        let (key, public) = ec();
        let keys = [public];
        prop_assert!(verify(&text, &keys, &expected()).is_err());
        prop_assert!(verify(&parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join("."), &keys, &expected()).is_err());
        let mut token = signed(&json!({"alg": "ES256", "kid": "k"}), &key, Algorithm::ES256).into_bytes();
        let place = place.index(token.len());
        // The next but one of the alphabet: never the same bits, also where a last character's are not all used.
        token[place] = if token[place] == b'A' { b'w' } else { b'A' };
        let token = String::from_utf8(token).unwrap();
        prop_assert!(verify(&token, &keys, &expected()).is_err());
    }
}
