//! Whatever text comes as a cursor, none is taken but one that was sealed for the very same tenant, list and filter.
//! `PROPTEST_CASES` says how many of each are tried.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// Positions such as lists are kept by: ids, times, names, and anything.
fn position() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<u128>().prop_map(|id| Uuid::from_u128(id).to_string()),
        any::<i64>().prop_map(|micros| micros.to_string()),
        any::<String>(),
    ]
}

fn refused(sealer: &Sealer, cursor: &str) -> bool {
    matches!(sealer.open(cursor), Err(Error::Input { place, .. }) if place == "cursor")
}

proptest! {
    #[test]
    fn what_was_not_sealed_is_refused(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..120),
                                      secret in any::<[u8; 32]>(), filter in any::<String>()) {
        let sealer = Sealer::new(&secret, "offers", &filter);
        let mut versioned = bytes.clone();
        versioned.insert(0, VERSION);
        for cursor in [text, URL_SAFE_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(versioned)] {
            prop_assert!(refused(&sealer, &cursor), "{:?} was taken", cursor);
        }
    }

    #[test]
    fn a_cursor_with_one_bit_changed_is_refused(position in position(), secret in any::<[u8; 32]>(),
                                                place in any::<Index>(), bit in 0..8_u8) {
        let sealer = Sealer::new(&secret, "offers", "");
        let cursor = sealer.seal(&position);
        prop_assert_eq!(sealer.open(&cursor).unwrap(), position);
        // In what is sent, and in what that stands for.
        let mut sent = cursor.clone().into_bytes();
        let at = place.index(sent.len());
        sent[at] ^= 1 << bit;
        prop_assert!(refused(&sealer, &String::from_utf8_lossy(&sent)));
        let mut meant = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        let at = place.index(meant.len());
        meant[at] ^= 1 << bit;
        prop_assert!(refused(&sealer, &URL_SAFE_NO_PAD.encode(meant)));
        prop_assert!(refused(&sealer, &cursor[..place.index(cursor.len())]));
        let padded = cursor + "=";
        prop_assert!(refused(&sealer, &padded));
    }

    #[test]
    fn a_cursor_holds_for_its_tenant_list_and_filter_alone(
        position in position(), secrets in any::<[[u8; 32]; 2]>(), lists in any::<[String; 2]>(),
        filters in any::<[String; 2]>(), cut in any::<Index>(),
    ) {
        let sealer = Sealer::new(&secrets[0], &lists[0], &filters[0]);
        let cursor = sealer.seal(&position);
        prop_assert_eq!(sealer.open(&cursor).unwrap(), position);
        prop_assume!(secrets[0] != secrets[1] && lists[0] != lists[1] && filters[0] != filters[1]);
        prop_assert!(refused(&Sealer::new(&secrets[1], &lists[0], &filters[0]), &cursor), "another tenant's");
        prop_assert!(refused(&Sealer::new(&secrets[0], &lists[1], &filters[0]), &cursor), "another list's");
        prop_assert!(refused(&Sealer::new(&secrets[0], &lists[0], &filters[1]), &cursor), "another filter's");
        prop_assert!(refused(&Sealer::of_operators(&lists[0]), &cursor), "the operators'");
        // List and filter that read the same one after the other are not the same.
        let both = format!("{}{}", lists[0], filters[0]);
        let border = (0..=both.len()).filter(|at| both.is_char_boundary(*at)).collect::<Vec<_>>();
        let (list, filter) = both.split_at(border[cut.index(border.len())]);
        if list != lists[0] {
            prop_assert!(refused(&Sealer::new(&secrets[0], list, filter), &cursor), "{:?} {:?}", list, filter);
        }
    }
}
