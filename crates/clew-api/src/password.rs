//! Passwords: hashed with Argon2id at the library's current parameters, off the threads that answer, a few at a time;
//! and chosen by the rules of NIST SP 800-63B-4, section 3.1.1.2: long, neither common nor expected, and otherwise as
//! people like.

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::problem::{Problem, Result};

/// The fewest characters of a password that is the only factor.
pub(crate) const MIN_CHARACTERS: usize = 15;
/// The most; more would only be slow to send.
pub(crate) const MAX_CHARACTERS: usize = 256;

/// A hash of no password, with a salt and an output of zeros: it takes the time of any other.
fn nobodys() -> String {
    let (m, t, p) = (Params::DEFAULT_M_COST, Params::DEFAULT_T_COST, Params::DEFAULT_P_COST);
    format!("$argon2id$v=19$m={m},t={t},p={p}${}${}", "A".repeat(22), "A".repeat(43))
}

/// Hashes passwords, each of which needs 19 MiB and some hundredths of a second: as many at a time as there are places.
#[derive(Debug)]
pub(crate) struct Passwords {
    places: Semaphore,
}

impl Passwords {
    pub(crate) fn new(n_places: usize) -> Self {
        Self { places: Semaphore::new(n_places.max(1)) }
    }

    /// A PHC string of the password under a salt of its own.
    pub(crate) async fn hash(&self, password: &SecretString) -> Result<String> {
        let password = password.clone();
        self.off_thread(move || hash(&password)).await?
    }

    /// Whether it is the password of the hash. Without a hash it is not, which takes just as long.
    pub(crate) async fn verify(&self, password: &SecretString, hash: Option<String>) -> Result<bool> {
        let password = password.clone();
        let hash = hash.unwrap_or_else(nobodys);
        self.off_thread(move || {
            Argon2::default().verify_password(password.expose_secret().as_bytes(), hash.as_str()).is_ok()
        })
        .await
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = self.places.acquire().await.map_err(Problem::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
    }
}

fn hash(password: &SecretString) -> Result<String> {
    let salt = clew_store::secret::random()?;
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt[..16])
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether a hash was made with other parameters than today's, so that a sign-in should renew it.
pub(crate) fn is_outdated(hash: &str) -> bool {
    let parameters = |hash: &str| hash.rsplitn(3, '$').nth(2).map(str::to_owned);
    parameters(hash) != parameters(&nobodys())
}

/// Words that many passwords are made of.
const COMMON: [&str; 24] = [
    "correcthorsebatterystaple",
    "password",
    "passwort",
    "passphrase",
    "motdepasse",
    "contrasena",
    "welcome",
    "bienvenue",
    "administrator",
    "admin",
    "letmein",
    "changeme",
    "iloveyou",
    "jetaime",
    "monkey",
    "dragon",
    "football",
    "princess",
    "sunshine",
    "summer",
    "winter",
    "secret",
    "master",
    "clew",
];
/// Rows of keys and of the alphabet, along which a finger or a mind slides.
const ROWS: [&str; 5] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "qwertzuiopasdfghjklyxcvbnm",
];
/// Fewer characters than these, beside common and expected words, are no secret.
const N_OWN_MIN: usize = 8;

/// What stands against a password; `about` is what others would expect in it: the e-mail, the names of member and tenant.
pub(crate) fn fault(password: &str, about: &[&str]) -> Option<String> {
    let n = password.chars().count();
    if n < MIN_CHARACTERS {
        return Some(format!(
            "expected at least {MIN_CHARACTERS} characters; a few words in a row are easy to keep"
        ));
    }
    if n > MAX_CHARACTERS {
        return Some(format!("expected at most {MAX_CHARACTERS} characters"));
    }
    let mut own: String = password.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    if own.is_empty() {
        own = password.to_owned();
    }
    let before = own.len();
    let expected = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let expected = expected.map(str::to_lowercase).filter(|word| word.chars().count() >= 4);
    for word in expected.chain(COMMON.map(str::to_owned)) {
        own = own.replace(&word, "");
    }
    if own.len() < before && own.chars().count() < N_OWN_MIN {
        return Some("is made of words that many use, or that are known of you; use others".to_owned());
    }
    if is_monotonous(&own) {
        return Some("is a repetition or a row of neighbouring characters; use a few words".to_owned());
    }
    None
}

/// Few characters, one piece again and again, or a walk along a row, forwards or backwards.
fn is_monotonous(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let n_distinct = characters.iter().collect::<std::collections::BTreeSet<_>>().len();
    let repeats = |period: usize| characters.iter().zip(characters.iter().skip(period)).all(|(a, b)| a == b);
    let walks = |row: &str| {
        let round = row.repeat(2);
        let neighbours =
            |a: char, b: char| round.contains(&format!("{a}{b}")) || round.contains(&format!("{b}{a}"));
        let steps = characters.iter().zip(characters.iter().skip(1));
        let n_steps = steps.clone().filter(|(a, b)| neighbours(**a, **b)).count();
        4 * n_steps >= 3 * characters.len().saturating_sub(1)
    };
    n_distinct < 5 || (1..=characters.len() / 2).any(repeats) || ROWS.into_iter().any(walks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_nobodys_is_not() {
        let passwords = Passwords::new(1);
        let secret = SecretString::from("seven grey herons");
        let one = passwords.hash(&secret).await.unwrap();
        let two = passwords.hash(&secret).await.unwrap();
        assert_ne!(one, two, "each has a salt of its own");
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert!(passwords.verify(&secret, Some(one.clone())).await.unwrap());
        assert!(!passwords.verify(&"seven grey heron".into(), Some(one.clone())).await.unwrap());
        assert!(!passwords.verify(&secret, None).await.unwrap());
        assert!(!passwords.verify(&secret, Some("damaged".into())).await.unwrap());
        assert!(!is_outdated(&one));
        assert!(is_outdated(&one.replace("t=2", "t=1")));
    }

    /// What is compared for an unknown e-mail costs what a real one costs: same algorithm, version, parameters, lengths.
    #[test]
    fn nobodys_hash_is_as_dear_as_any() {
        let real = hash(&"seven grey herons".into()).unwrap();
        let (real, nobodys) = (PasswordHash::new(&real).unwrap(), nobodys());
        let nobodys = PasswordHash::new(&nobodys).unwrap();
        assert_eq!((real.algorithm, real.version), (nobodys.algorithm, nobodys.version));
        assert_eq!(real.params, nobodys.params);
        assert_eq!(real.salt.unwrap().len(), nobodys.salt.unwrap().len());
        assert_eq!(real.hash.unwrap().len(), nobodys.hash.unwrap().len());
    }

    #[test]
    fn long_passwords_of_ones_own_are_taken() {
        let about = ["anna.lenoir@example.com", "Anna Lenoir", "Maison Lenoir"];
        for good in [
            "seven grey herons",
            "Sept hérons gris.",
            "kX9!vw2#qLm4$zRt",
            "8273 9917 2238 1164",
            "七羽の灰色の鷺が川辺に静かに立つ",
            "the password is: marmalade skies",
        ] {
            assert_eq!(fault(good, &about), None, "{good}");
        }
        for bad in [
            "short",
            "fourteen chars",
            "aaaaaaaaaaaaaaaaaaaa",
            "passwordpassword",
            "Password1234567890!",
            "123456789012345",
            "abcdefghijklmnopqrst",
            "qwertyuiopasdfgh",
            "poiuytrewqlkjhgf",
            "herons1herons1herons1",
            "anna.lenoir@example.com",
            "Maison Lenoir 2026!",
            "correct horse battery staple",
            "!!!!!!!!!!!!!!!!!!!!!!!!",
        ] {
            assert!(fault(bad, &about).is_some(), "{bad}");
        }
        assert!(fault(&"x y".repeat(100), &[]).is_some(), "too long");
    }
}
