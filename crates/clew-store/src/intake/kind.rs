//! Kinds of events under one spelling each, in files and in requests alike.

use std::collections::HashMap;

use clew_crm::EventKind;

use crate::mapping::EntityMapping;

/// The longest name of a kind of the tenant's own, in bytes.
const MAX_KIND: usize = 64;

/// The most kinds that a file may name, spelled in whatever way.
const MAX_KINDS: usize = 1000;

/// The kinds that a file has named so far.
#[derive(Default)]
pub(crate) struct Kinds {
    by_word: HashMap<String, usize>,
    pub(crate) names: Vec<String>,
}

impl Kinds {
    /// The place among `names` of the kind that a file's word means.
    pub(crate) fn find(&mut self, word: &str, mapping: &EntityMapping) -> Result<usize, String> {
        if let Some(&place) = self.by_word.get(word) {
            return Ok(place);
        }
        if self.by_word.len() >= MAX_KINDS {
            return Err(format!(
                "is one kind of event more than {MAX_KINDS}; does the column hold kinds at all?"
            ));
        }
        let name = canonical(mapping.kinds.get(word).map_or(word, String::as_str))?;
        let place = match self.names.iter().position(|known| *known == name) {
            Some(place) => place,
            None => {
                self.names.push(name);
                self.names.len() - 1
            }
        };
        self.by_word.insert(word.to_owned(), place);
        Ok(place)
    }
}

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
            "\"{shown}\" is no kind of event; a kind of your own has at most {MAX_KIND} bytes and no \
             control characters"
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
