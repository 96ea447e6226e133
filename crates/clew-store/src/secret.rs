//! Secrets that are shown once: `<word>_<public id>_<256 random bits><checksum>`. The word tells scanners what
//! they found, the checksum tells a typing error from a wrong secret without a look at the database, and only
//! the SHA-256 is stored.

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::{Error, Result};

const N_SECRET: usize = 64;
const N_CHECKSUM: usize = 8;

/// 256 bits that nobody can guess.
///
/// # Errors
/// When the operating system has none to give.
pub fn random() -> Result<[u8; 32]> {
    let mut bits = [0; 32];
    OsRng
        .try_fill_bytes(&mut bits)
        .map_err(|error| Error::io("the system's random numbers", std::io::Error::other(error)))?;
    Ok(bits)
}

/// A secret as it is shown once, and what of it is stored.
pub(crate) struct Minted {
    pub(crate) shown: SecretString,
    pub(crate) hash: [u8; 32],
    /// The last four characters, to tell one from another.
    pub(crate) last_four: String,
}

/// Makes a secret of a kind (`clew_live`, say) under a public id.
pub(crate) fn mint(word: &str, id: Uuid) -> Result<Minted> {
    let mut shown = format!("{word}_{}_{}", id.simple(), hex::encode(random()?));
    let checksum = checksum(&shown);
    shown.push_str(&checksum);
    let last_four = checksum[N_CHECKSUM - 4..].to_owned();
    Ok(Minted { hash: hash(&shown), last_four, shown: shown.into() })
}

/// The public id of a secret of a kind, when nothing is mistyped.
pub(crate) fn public_id(word: &str, text: &str) -> Option<Uuid> {
    let (id, secret) = text.strip_prefix(word)?.strip_prefix('_')?.split_once('_')?;
    let (said, sum) = text.split_at_checked(text.len().checked_sub(N_CHECKSUM)?)?;
    let well_formed = id.len() == 32 && secret.len() == N_SECRET + N_CHECKSUM && checksum(said) == sum;
    if well_formed { Uuid::try_parse(id).ok() } else { None }
}

/// SHA-256 suffices: the secret has 256 random bits, so there is nothing to guess and nothing to slow down.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// CRC-32 in eight hexadecimal digits: finds every error of one or two characters side by side.
fn checksum(text: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(text.as_bytes());
    format!("{:08x}", crc.sum())
}

#[cfg(test)]
mod any_bytes;

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn every_mistyped_character_is_found_offline() {
        let id = Uuid::now_v7();
        let minted = mint("clew_live", id).unwrap();
        let text = minted.shown.expose_secret();
        assert_eq!(public_id("clew_live", text), Some(id));
        assert_eq!(public_id("clew_test", text), None);
        assert!(text.ends_with(&minted.last_four));
        for place in 0..text.len() {
            for other in ["0", "1", "a", "f", "_", "G"] {
                let mut typed = text.to_owned();
                typed.replace_range(place..=place, other);
                assert_eq!(public_id("clew_live", &typed).is_some(), typed == text, "{other} at {place}");
            }
            let mut short = text.to_owned();
            short.remove(place);
            assert_eq!(public_id("clew_live", &short), None);
            if place > 0 && text[place - 1..place] != text[place..=place] {
                let mut swapped = text.to_owned();
                swapped.replace_range(
                    place - 1..=place,
                    &format!("{}{}", &text[place..=place], &text[place - 1..place]),
                );
                assert_eq!(public_id("clew_live", &swapped), None, "swapped at {place}");
            }
        }
        assert_eq!(public_id("clew_live", "clew_live_é"), None);
        assert_eq!(public_id("clew_live", ""), None);
    }
}
