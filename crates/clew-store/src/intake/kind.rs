//! Kinds of events under one spelling each, in files and in requests alike.

use clew_crm::EventKind;

/// The longest name of a kind of the tenant's own, in bytes.
const MAX_KIND: usize = 64;

/// Our name of a well-known kind, however it is spelled; a kind of the tenant's own as it is, without blanks around.
pub(crate) fn canonical(word: &str) -> Result<String, String> {
    let word = word.trim();
    if let Some(code) = EventKind::parse(word) {
        return Ok(EventKind::NAMES
            .get(usize::from(code))
            .map_or_else(|| word.to_owned(), |name| (*name).to_owned()));
    }
    if word.is_empty() {
        return Err("has no kind".to_owned());
    }
    if word.len() > MAX_KIND || word.contains(|c: char| c.is_control()) {
        let shown: String = word.chars().take(40).collect();
        return Err(format!(
            "\"{shown}\" is no kind of event; a kind of your own has at most {MAX_KIND} bytes"
        ));
    }
    Ok(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_kinds_get_our_name_and_others_keep_theirs() {
        assert_eq!(canonical(" Order Completed ").as_deref(), Ok("purchase"));
        assert_eq!(canonical("coupon_redeemed").as_deref(), Ok("coupon_redeemed"));
        assert!(canonical("  ").is_err());
        assert!(canonical(&"x".repeat(65)).is_err());
    }
}
