//! Forged tokens, each refused alike.

use chrono::TimeZone;
use serde_json::{Value, json};

use super::*;

pub(super) const SECRET: &[u8] = b"thirty-two bytes of a test secret";
const OLD: &[u8] = b"thirty-two bytes of an old secret";
pub(super) const FOREIGN: &[u8] = b"thirty-two bytes of somebody else";

pub(super) fn now() -> DateTime<Utc> {
    Utc.timestamp_opt(1_000_000, 0).unwrap()
}

pub(super) fn config() -> TokenConfig {
    TokenConfig::hs256([SECRET, OLD], "clew", "clew").unwrap()
}

pub(super) fn subject() -> Subject {
    Subject { tenant_id: Uuid::from_u128(1), member_id: Uuid::from_u128(2), session_id: Uuid::from_u128(3) }
}

pub(super) fn head() -> Value {
    json!({"alg": "HS256", "typ": "at+jwt", "kid": config().keys[0].kid})
}

pub(super) fn claims() -> Value {
    json!({"iss": "clew", "aud": "clew", "sub": Uuid::from_u128(2), "client_id": "clew", "iat": 1_000_000,
        "exp": 1_000_900, "jti": Uuid::nil(), "tenant": Uuid::from_u128(1), "sid": Uuid::from_u128(3)})
}

pub(super) fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// Signed by hand, so that headers can be what no library writes.
pub(super) fn signed(head: &str, claims: &str, secret: &[u8]) -> String {
    let message = format!("{head}.{claims}");
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn with(mut value: Value, name: &str, new: Value) -> Value {
    value[name] = new;
    value
}

fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().shift_remove(name);
    value
}

fn of(head: &Value, claims: &Value) -> String {
    signed(&encoded(head), &encoded(claims), SECRET)
}

#[test]
fn a_token_of_ours_speaks_for_its_member() {
    let (token, expires_at) = config().issue(subject(), now()).unwrap();
    assert_eq!(expires_at, now() + TimeDelta::minutes(15));
    assert_eq!(config().verify(&token, now()).unwrap(), subject());
    assert!(config().verify(&token, expires_at).is_err(), "it has expired");
    // What the forgeries below start from is good.
    assert_eq!(config().verify(&of(&head(), &claims()), now()).unwrap(), subject());
}

#[test]
fn secrets_rotate() {
    let (old, _) = TokenConfig::hs256([OLD], "clew", "clew").unwrap().issue(subject(), now()).unwrap();
    assert!(config().verify(&old, now()).is_ok(), "the predecessor still verifies");
    let (new, _) = config().issue(subject(), now()).unwrap();
    let only_old = TokenConfig::hs256([OLD], "clew", "clew").unwrap();
    assert!(only_old.verify(&new, now()).is_err(), "and does not sign");
    let after = TokenConfig::hs256([SECRET], "clew", "clew").unwrap();
    assert!(after.verify(&old, now()).is_err(), "until it is removed");
    assert!(TokenConfig::hs256([b"short".as_slice()], "clew", "clew").is_none());
    assert!(TokenConfig::hs256([], "clew", "clew").is_none());
    assert_eq!(format!("{:?}", config()), "TokenConfig");
}

#[test]
fn forged_tokens_are_refused_alike() {
    let (good_head, good_claims) = (encoded(&head()), encoded(&claims()));
    let good = of(&head(), &claims());
    let signature = good.rsplit_once('.').unwrap().1.to_owned();
    let old_kid = config().keys[1].kid.clone();
    let jwk = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(FOREIGN)});
    let twice =
        r#"{"alg":"none","alg":"HS256","typ":"at+jwt","kid":"KID"}"#.replace("KID", &config().keys[0].kid);
    let exp_twice = claims().to_string().replacen('{', r#"{"exp":1000001,"#, 1);
    let tokens: Vec<(&str, String)> = vec![
        // The signature.
        ("no signature", format!("{good_head}.{good_claims}.")),
        ("no third part", format!("{good_head}.{good_claims}")),
        ("a fourth part", format!("{good}.{signature}")),
        ("five parts, as an encrypted one has", format!("{good_head}....{signature}")),
        ("another secret", signed(&good_head, &good_claims, FOREIGN)),
        ("an empty secret", signed(&good_head, &good_claims, b"")),
        ("the predecessor's secret under the new name", signed(&good_head, &good_claims, OLD)),
        (
            "the signature of other claims",
            format!("{good_head}.{}.{signature}", encoded(&with(claims(), "sub", json!(Uuid::nil())))),
        ),
        (
            "the signature of another header",
            format!("{}.{good_claims}.{signature}", encoded(&with(head(), "kid", json!(old_kid)))),
        ),
        ("a cut signature", good[..good.len() - 2].to_owned()),
        ("a longer signature", format!("{good}AA")),
        // The algorithm.
        ("alg none", format!("{}.{good_claims}.", encoded(&with(head(), "alg", json!("none"))))),
        ("alg NONE, signed", of(&with(head(), "alg", json!("NONE")), &claims())),
        ("alg hs256", of(&with(head(), "alg", json!("hs256")), &claims())),
        ("alg HS384", of(&with(head(), "alg", json!("HS384")), &claims())),
        ("alg RS256", of(&with(head(), "alg", json!("RS256")), &claims())),
        ("alg EdDSA", of(&with(head(), "alg", json!("EdDSA")), &claims())),
        ("no alg", of(&without(head(), "alg"), &claims())),
        ("alg twice", signed(&URL_SAFE_NO_PAD.encode(twice), &good_claims, SECRET)),
        // The rest of the header.
        ("typ JWT", of(&with(head(), "typ", json!("JWT")), &claims())),
        ("no typ", of(&without(head(), "typ"), &claims())),
        ("typ of a refresh token", of(&with(head(), "typ", json!("rt+jwt")), &claims())),
        ("no kid", of(&without(head(), "kid"), &claims())),
        ("an unknown kid", of(&with(head(), "kid", json!("0000000000000000")), &claims())),
        ("a kid that is a path", of(&with(head(), "kid", json!("../../dev/null")), &claims())),
        ("a kid that is SQL", of(&with(head(), "kid", json!("' or 1=1 --")), &claims())),
        ("its own key", signed(&encoded(&with(head(), "jwk", jwk)), &good_claims, FOREIGN)),
        ("an address of keys", of(&with(head(), "jku", json!("https://example.com/keys")), &claims())),
        ("an address of certificates", of(&with(head(), "x5u", json!("https://example.com/c")), &claims())),
        ("a certificate", of(&with(head(), "x5c", json!(["MIIB"])), &claims())),
        ("a critical extension", of(&with(head(), "crit", json!(["exp"])), &claims())),
        ("an unencoded payload", of(&with(head(), "b64", json!(false)), &claims())),
        // The claims.
        ("expired", of(&head(), &with(with(claims(), "iat", json!(999_000)), "exp", json!(999_900)))),
        ("expiring now", of(&head(), &with(with(claims(), "iat", json!(999_500)), "exp", json!(1_000_000)))),
        ("no exp", of(&head(), &without(claims(), "exp"))),
        ("exp null", of(&head(), &with(claims(), "exp", Value::Null))),
        ("exp a text", of(&head(), &with(claims(), "exp", json!("1000900")))),
        ("exp without end", of(&head(), &with(claims(), "exp", json!(i64::MAX)))),
        ("exp twice", signed(&good_head, &URL_SAFE_NO_PAD.encode(exp_twice), SECRET)),
        ("a life of sixteen minutes", of(&head(), &with(claims(), "exp", json!(1_000_960)))),
        ("no iat", of(&head(), &without(claims(), "iat"))),
        (
            "issued tomorrow",
            of(&head(), &with(with(claims(), "iat", json!(1_086_400)), "exp", json!(1_087_000))),
        ),
        ("issued before time began", of(&head(), &with(claims(), "iat", json!(i64::MIN)))),
        ("not yet", of(&head(), &with(claims(), "nbf", json!(1_000_001)))),
        ("no iss", of(&head(), &without(claims(), "iss"))),
        ("another issuer", of(&head(), &with(claims(), "iss", json!("https://clew")))),
        ("no aud", of(&head(), &without(claims(), "aud"))),
        ("another audience", of(&head(), &with(claims(), "aud", json!("other")))),
        ("two audiences", of(&head(), &with(claims(), "aud", json!(["other", "clew"])))),
        ("no sub", of(&head(), &without(claims(), "sub"))),
        ("sub no id", of(&head(), &with(claims(), "sub", json!("admin")))),
        ("no tenant", of(&head(), &without(claims(), "tenant"))),
        ("tenant a list", of(&head(), &with(claims(), "tenant", json!([Uuid::from_u128(1)])))),
        ("no session", of(&head(), &without(claims(), "sid"))),
        ("claims a list", of(&head(), &json!([claims()]))),
        // Its form.
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("padded", of(&head(), &claims()).replacen('.', "=.", 1)),
        ("a space in front", format!(" {good}")),
        ("a null behind", format!("{good}\0")),
        (
            "much too long",
            signed(&good_head, &encoded(&with(claims(), "x", json!("x".repeat(4_096)))), SECRET),
        ),
    ];
    assert!(tokens.len() >= 40);
    let answers: std::collections::BTreeSet<String> = tokens
        .iter()
        .map(|(name, token)| match config().verify(token, now()) {
            Ok(_) => panic!("{name} was taken"),
            Err(problem) => format!("{:?} {}", problem.code(), problem.detail()),
        })
        .collect();
    assert_eq!(answers.len(), 1, "all get the same answer: {answers:?}");
}
