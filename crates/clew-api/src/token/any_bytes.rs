//! Whatever text comes as an access token, it is refused or it is one of ours to the last bit. `PROPTEST_CASES` says how
//! many of each are tried.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::tests::{FOREIGN, SECRET, claims, config, encoded, head, now, signed, subject};
use super::*;

/// Any JSON, small.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("HS256")),
        Just(json!("none")),
        Just(json!("at+jwt")),
        Just(json!("clew")),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The object with some of its fields, or new ones, set to anything.
fn changed(whole: Value, changes: Vec<(String, Value)>) -> Value {
    let mut whole = whole;
    for (name, value) in changes {
        whole[name] = value;
    }
    whole
}

fn changes(names: &'static [&'static str]) -> impl Strategy<Value = Vec<(String, Value)>> {
    let name = prop_oneof![4 => prop::sample::select(names).prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec((name, any_json()), 1..4)
}

const IN_HEAD: &[&str] = &["alg", "typ", "kid", "jwk", "jku", "x5c", "crit"];
const IN_CLAIMS: &[&str] = &["iss", "aud", "sub", "iat", "exp", "nbf", "jti", "tenant", "sid"];

proptest! {
    #[test]
    fn what_is_no_token_is_refused(text in any::<String>(), parts in any::<[Vec<u8>; 3]>(), json in any_json()) {
        let of_bytes = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let of_json = signed(&encoded(&json), &encoded(&json), SECRET);
        for token in [text.clone(), of_bytes, of_json, format!("{}.{text}.", encoded(&head()))] {
            prop_assert!(config().verify(&token, now()).is_err(), "{:?} was taken", token);
        }
    }

    #[test]
    fn a_token_with_one_bit_changed_is_refused(place in any::<Index>(), bit in 0..8_u8) {
        let (token, _) = config().issue(subject(), now()).unwrap();
        prop_assert_eq!(config().verify(&token, now()).unwrap(), subject());
        let mut bytes = token.clone().into_bytes();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(config().verify(&String::from_utf8_lossy(&bytes), now()).is_err(), "bit {} of {}", bit, at);
        prop_assert!(config().verify(&token[..at], now()).is_err(), "cut at {}", at);
    }

    #[test]
    fn a_header_that_is_not_ours_is_refused(changes in changes(IN_HEAD)) {
        let head_of_another = changed(head(), changes);
        prop_assume!(head_of_another != head());
        let token = signed(&encoded(&head_of_another), &encoded(&claims()), SECRET);
        prop_assert!(config().verify(&token, now()).is_err());
    }

    #[test]
    fn claims_are_ours_or_refused(changes in changes(IN_CLAIMS)) {
        let others = changed(claims(), changes);
        let forged = signed(&encoded(&head()), &encoded(&others), FOREIGN);
        prop_assert!(config().verify(&forged, now()).is_err(), "signed by another");
        // Signed by us they are read as they are: who it is for, and for how long, must still be said rightly.
        let token = signed(&encoded(&head()), &encoded(&others), SECRET);
        if config().verify(&token, now()).is_ok() {
            prop_assert_eq!(&others["iss"], &json!("clew"));
            let exp = others["exp"].as_i64().unwrap();
            prop_assert!(exp > now().timestamp() && exp <= now().timestamp() + 900 + SKEW_S);
        }
    }
}
