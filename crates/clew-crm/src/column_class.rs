//! What a column of the customers' file may be used for: as it was declared, or as its name and values suggest.
//!
//! A guess errs on the side of the person: a column that is taken for more than it is can be corrected, one that was
//! learned from or shown cannot be taken back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::column::{ColumnType, ColumnView, NULL_DATE};
use crate::column_words::{COUNTED, FIRST_NAMES, NAMES_OF_PERSONS, SENSITIVE_VALUES, WORDS, is_in, is_named};
use crate::ids::NONE;
use crate::leak::LeftOut;
use crate::records::Records;

/// Values of a column that are looked at.
const N_LOOKED_AT: usize = 1_000;
/// Values that it takes where one could be by chance what it looks like.
const N_TELLING: usize = 5;
/// Share of them that must look alike.
const MOST: f64 = 0.8;
/// Share of them that must be well-known first names, or confessions, where not all can be known.
const MANY: f64 = 0.5;
/// Share of the days of a column that must lie before [`BORN_BEFORE`]: adults were born then, hardly any shop's customers joined.
const SOME: f64 = 0.3;
/// 1990-01-01 and 1900-01-01 in days since 1970-01-01.
const BORN_BEFORE: i32 = 7_305;
const BORN_AFTER: i32 = -25_567;

/// What a column may be used for, the most open first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnClass {
    /// Learned from and shown.
    Plain,
    /// Learned from, never shown: names, e-mail addresses, dates of birth, postcodes.
    Personal,
    /// Never learned from: it stands for one person, and says nothing of another.
    Identifier,
    /// Neither learned from nor shown, unless an owner lets it be learned from: what GDPR articles 9 and 10 protect.
    Sensitive,
}

/// What was found, or said, of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnUse {
    /// Its class.
    pub class: ColumnClass,
    /// Whether an owner lets it be learned from although it is sensitive.
    pub learn: bool,
}

impl ColumnUse {
    /// Whether models learn from it.
    pub fn is_learned(self) -> bool {
        match self.class {
            ColumnClass::Plain | ColumnClass::Personal => true,
            ColumnClass::Identifier => false,
            ColumnClass::Sensitive => self.learn,
        }
    }

    /// Whether answers show its values to those who are not owners.
    pub fn is_shown(self) -> bool {
        self.class == ColumnClass::Plain
    }
}

impl From<ColumnClass> for ColumnUse {
    fn from(class: ColumnClass) -> Self {
        Self { class, learn: false }
    }
}

impl ColumnClass {
    const ALL: [Self; 4] = [Self::Plain, Self::Personal, Self::Identifier, Self::Sensitive];

    /// The word in the API.
    pub fn name(self) -> &'static str {
        match self {
            ColumnClass::Plain => "plain",
            ColumnClass::Personal => "personal",
            ColumnClass::Identifier => "identifier",
            ColumnClass::Sensitive => "sensitive",
        }
    }

    /// The class of that word.
    pub fn parse(word: &str) -> Option<ColumnClass> {
        Self::ALL.into_iter().find(|class| class.name() == word)
    }

    /// What a column's name suggests, in English or French.
    pub fn guess_by_name(name: &str, column_type: ColumnType) -> ColumnClass {
        let mut words = words(name);
        if words.iter().any(|word| matches!(word.as_str(), "email" | "mail" | "courriel")) {
            // Not where somebody lives.
            words.retain(|word| !matches!(word.as_str(), "address" | "adresse"));
        }
        if words.iter().any(|word| matches!(word.as_str(), "domain" | "domaine" | "provider")) {
            // Where many have their mail.
            words.retain(|word| !matches!(word.as_str(), "email" | "e" | "mail"));
        }
        let counts = matches!(column_type, ColumnType::Number | ColumnType::Bool)
            && words.iter().any(|word| is_in(COUNTED, word));
        let named = WORDS.iter().rev().find(|(_, patterns)| is_named(patterns, &words));
        match named {
            Some(_) if counts => ColumnClass::Plain,
            // Whether there is one, not which: but whether somebody is pregnant is what must not be known.
            Some((class, _)) if column_type == ColumnType::Bool && *class != ColumnClass::Sensitive => {
                ColumnClass::Plain
            }
            Some((class, _)) => *class,
            None if column_type == ColumnType::Text && is_name_of_person(&words) => ColumnClass::Personal,
            None => ColumnClass::Plain,
        }
    }

    /// What a column's name and these of its values suggest, whichever says more. Only the first thousand values are
    /// looked at.
    pub fn guess<'a>(
        name: &str,
        column_type: ColumnType,
        values: impl IntoIterator<Item = &'a str>,
    ) -> ColumnClass {
        let named = ColumnClass::guess_by_name(name, column_type);
        if !matches!(column_type, ColumnType::Text | ColumnType::Tags | ColumnType::Date) {
            return named;
        }
        let values: Vec<&str> =
            values.into_iter().map(str::trim).filter(|value| !value.is_empty()).take(N_LOOKED_AT).collect();
        named.max(guess_by_values(&values))
    }

    /// The same of a column in memory.
    pub fn guess_column(name: &str, column: ColumnView<'_>) -> ColumnClass {
        match column {
            ColumnView::Category { codes, values } => {
                let filled = codes.iter().filter(|&&code| code != NONE);
                ColumnClass::guess(name, ColumnType::Text, filled.map(|&code| values.name(code)))
            }
            ColumnView::Tags { codes, values, .. } => {
                ColumnClass::guess(name, ColumnType::Tags, codes.iter().map(|&code| values.name(code)))
            }
            ColumnView::Date(days) => {
                let days: Vec<i32> =
                    days.iter().copied().filter(|&day| day != NULL_DATE).take(N_LOOKED_AT).collect();
                let named = ColumnClass::guess_by_name(name, ColumnType::Date);
                named.max(if are_births(&days) { ColumnClass::Personal } else { ColumnClass::Plain })
            }
            ColumnView::Number(_) | ColumnView::Bool(_) => {
                ColumnClass::guess_by_name(name, column.column_type())
            }
        }
    }
}

impl LeftOut {
    /// Leaves out the customers' columns that look as if they must not be learned from, where nobody has said anything
    /// of them; but for those that are trusted.
    #[must_use]
    pub fn with_guesses(mut self, records: &Records) -> LeftOut {
        let table = records.customers().view();
        for (name, column) in table.columns() {
            let known = self.trusted.iter().chain(&self.customer_columns).any(|known| known == name);
            if !known && !ColumnUse::from(ColumnClass::guess_column(name, column)).is_learned() {
                self.customer_columns.push(name.to_owned());
            }
        }
        self
    }
}

/// The words of a name, in lower case and without accents: `dateOfBirth` and `Date de naissance` alike.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let starts = c.is_uppercase() && was_lower;
        was_lower = c.is_lowercase();
        if !c.is_alphanumeric() || starts {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase().map(unaccented));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn unaccented(c: char) -> char {
    match c {
        'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    }
}

/// `name` alone, or with a word that makes it a person's: `city_name` is none.
fn is_name_of_person(words: &[String]) -> bool {
    let is_name = |word: &String| matches!(word.as_str(), "name" | "nom" | "noms");
    words.iter().any(is_name) && words.iter().all(|word| is_name(word) || is_in(NAMES_OF_PERSONS, word))
}

fn guess_by_values(values: &[&str]) -> ColumnClass {
    let share = |test: &dyn Fn(&str) -> bool| {
        values.iter().filter(|value| test(value)).count() as f64 / values.len().max(1) as f64
    };
    let lower = |value: &str| value.to_lowercase().chars().map(unaccented).collect::<String>();
    // Words that may stand for something else too: a city may be called Florence, a person Christian.
    let known = |list: &str, n_least: usize| {
        let found: Vec<String> =
            values.iter().map(|value| lower(value)).filter(|value| is_in(list, value)).collect();
        found.iter().collect::<BTreeSet<_>>().len() >= n_least
            && found.len() as f64 >= MANY * values.len() as f64
    };
    let days: Vec<i32> = values.iter().filter_map(|value| day_of(value)).collect();
    if known(SENSITIVE_VALUES, 2) {
        ColumnClass::Sensitive
    } else if share(&is_phone) >= MOST || share(&is_iban) >= MOST || share(&is_french_person) >= MOST {
        ColumnClass::Identifier
    } else if share(&is_email) >= MOST
        || (values.len() >= N_TELLING && share(&is_postcode) >= MOST)
        || known(FIRST_NAMES, N_TELLING)
        || (days.len() as f64 >= MOST * values.len() as f64 && are_births(&days))
    {
        ColumnClass::Personal
    } else {
        ColumnClass::Plain
    }
}

fn is_email(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.') && !text.contains(' '))
}

/// Nine to fifteen figures (ITU-T E.164 allows fifteen), written as a national or an international number.
fn is_phone(text: &str) -> bool {
    let figures = text.bytes().filter(u8::is_ascii_digit).count();
    (9..=15).contains(&figures)
        && text.starts_with(['+', '0', '('])
        && !text.starts_with("0.")
        && text.chars().all(|c| c.is_ascii_digit() || " +-.()/".contains(c))
}

/// Two letters, two check figures, the account, and the remainder of 1 (ISO 13616, ISO 7064).
fn is_iban(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let shape = (15..=34).contains(&plain.len())
        && matches!(plain.as_slice(), [a, b, c, d, rest @ ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase()
            && c.is_ascii_digit() && d.is_ascii_digit() && rest.iter().all(u8::is_ascii_alphanumeric));
    let remainder = plain.iter().cycle().skip(4).take(plain.len()).fold(0_u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        letter => (sum * 100 + u32::from(letter.to_ascii_uppercase().wrapping_sub(b'A')) + 10) % 97,
    });
    shape && remainder == 1
}

/// The French number of a person: sex, year and month of birth, place, order and perhaps the check figures.
fn is_french_person(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let department = |c: &u8| c.is_ascii_digit() || matches!(c, b'A' | b'B');
    matches!(plain.len(), 13 | 15)
        && matches!(plain.as_slice(), [b'1' | b'2', y, z, m @ (b'0' | b'1'), n, d, e, rest @ ..]
            if [y, z, n, d].iter().all(|c| c.is_ascii_digit()) && department(e)
                && (1..=12).contains(&((m - b'0') * 10 + (n - b'0'))) && rest.iter().all(u8::is_ascii_digit))
}

/// Five figures below 99000, of which the first two are a French department, or the form of a British one.
fn is_postcode(text: &str) -> bool {
    let bytes = text.as_bytes();
    let french = bytes.len() == 5
        && bytes.iter().all(u8::is_ascii_digit)
        && (1_000..99_000).contains(&text.parse().unwrap_or(0_u32));
    let british = text.rsplit_once(' ').is_some_and(|(outward, inward)| {
        (2..=4).contains(&outward.len())
            && outward.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && outward.starts_with(|c: char| c.is_ascii_uppercase())
            && matches!(inward.as_bytes(), [n, a, b] if n.is_ascii_digit() && a.is_ascii_uppercase() && b.is_ascii_uppercase())
    });
    french || british
}

/// The day that a text in the form of a date (`1984-02-29`) tells, roughly: every year has 365.25 days.
fn day_of(text: &str) -> Option<i32> {
    let year: i32 = text.get(..4)?.parse().ok()?;
    let rest = text.get(4..10)?;
    let is_date =
        rest.bytes().enumerate().all(|(i, b)| if i % 3 == 0 { b == b'-' } else { b.is_ascii_digit() });
    is_date.then_some((year - 1970) * 1461 / 4)
}

fn are_births(days: &[i32]) -> bool {
    let n = days.iter().filter(|day| (BORN_AFTER..BORN_BEFORE).contains(*day)).count();
    n >= N_TELLING && n as f64 >= SOME * days.len() as f64
}

#[cfg(test)]
#[path = "column_class_tests.rs"]
mod tests;
