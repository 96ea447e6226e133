//! Whatever text comes as an API key, an invitation or a refresh token, none is looked up but one that was minted for
//! that very kind, to the last bit; and its hash is that of no other. `PROPTEST_CASES` says how many of each are tried.

use proptest::prelude::*;
use proptest::sample::Index;
use secrecy::ExposeSecret as _;

use super::*;

/// Every kind of secret there is.
const WORDS: [&str; 4] = ["clew_live", "clew_test", "clew_refresh", "clew_invite"];

/// Texts put together of what stands in secrets, and of anything.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned),
        Just("clew".to_owned()),
        Just("_".to_owned()),
        "[0-9a-f]{8}",
        "[0-9a-fA-F]{32}",
        "[0-9a-f]{64}",
        "[0-9a-f]{72}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|all| all.concat())
}

proptest! {
    #[test]
    fn what_was_not_minted_is_refused(text in text(), id in "[0-9a-f]{32}", secret in "[0-9a-f]{72}") {
        for word in WORDS {
            prop_assert_eq!(public_id(word, &text), None);
            let said = format!("{word}_{id}_{secret}");
            let (body, sum) = said.split_at(said.len() - N_CHECKSUM);
            // The checksum is public: who knows it gets as far as the hash, which is another one.
            prop_assert_eq!(public_id(word, &said).is_some(), checksum(body) == sum);
        }
    }

    #[test]
    fn a_secret_with_one_bit_changed_is_refused(id in any::<u128>(), word in prop::sample::select(WORDS.to_vec()),
                                                place in any::<Index>(), bit in 0..8_u8) {
        let minted = mint(word, Uuid::from_u128(id)).unwrap();
        let shown = minted.shown.expose_secret().to_owned();
        prop_assert_eq!(public_id(word, &shown), Some(Uuid::from_u128(id)));
        prop_assert_eq!(hash(&shown), minted.hash);
        for other in WORDS.into_iter().filter(|other| *other != word) {
            prop_assert_eq!(public_id(other, &shown), None);
        }
        let mut bytes = shown.clone().into_bytes();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let changed = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert_eq!(public_id(word, &changed), None);
        // With its checksum made good again it is another secret.
        if let Some((body, _)) = changed.split_at_checked(changed.len() - N_CHECKSUM)
            && body != &shown[..shown.len() - N_CHECKSUM]
        {
            let whole_again = format!("{body}{}", checksum(body));
            prop_assert_ne!(hash(&whole_again), minted.hash);
        }
        prop_assert_eq!(public_id(word, &shown[..place.index(shown.len())]), None);
        let doubled = format!("{shown}{shown}");
        prop_assert_eq!(public_id(word, &doubled), None);
    }
}
