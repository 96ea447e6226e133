//! What a file's header gives away: its delimiter, its encoding, its faults.

use std::collections::HashMap;

use crate::error::{Error, Result};

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The delimiter of a header: the one that makes most of the known names appear, then most cells.
pub(crate) fn delimiter(header: &str, known: &[&str]) -> u8 {
    let mut best = (0, 0, b',');
    for delimiter in DELIMITERS {
        let cells = cells(header, delimiter);
        let n_known =
            cells.iter().filter(|cell| known.iter().any(|name| cell.eq_ignore_ascii_case(name))).count();
        if (n_known, cells.len()) > (best.0, best.1) {
            best = (n_known, cells.len(), delimiter);
        }
    }
    best.2
}

fn cells(header: &str, delimiter: u8) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for c in header.trim_end().chars() {
        if c == '"' {
            quoted = !quoted;
        } else if c == char::from(delimiter) && !quoted {
            cells.push(String::new());
        } else if let Some(cell) = cells.last_mut() {
            cell.push(c);
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// A delimiter's name for people.
pub(crate) fn delimiter_name(delimiter: u8) -> &'static str {
    match delimiter {
        b',' => "commas",
        b';' => "semicolons",
        b'\t' => "tabs",
        b'|' => "vertical bars",
        _ => "the mapping's delimiter",
    }
}

/// Refuses UTF-16, which spreadsheets write as "Unicode text".
pub(crate) fn refuse_utf16(name: &str, bytes: &[u8]) -> Result<()> {
    let zeros = bytes.iter().take(64).filter(|&&byte| byte == 0).count();
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || zeros > 8 {
        return Err(Error::input(format!("{name}, byte 1"), "is UTF-16 or binary; save the file as UTF-8"));
    }
    Ok(())
}

/// The most columns that a file may have; of NDJSON, the most keys that its objects may have together.
pub(crate) const MAX_COLUMNS: usize = 2000;

/// Refuses a header of too many columns, before room is made for them.
pub(crate) fn check_width(name: &str, n_columns: usize) -> Result<()> {
    if n_columns > MAX_COLUMNS {
        return Err(Error::input(
            format!("{name}, line 1"),
            format!("names {n_columns} columns; at most {MAX_COLUMNS} are read, so leave some out"),
        ));
    }
    Ok(())
}

/// Refuses a header that names a column twice.
pub(crate) fn check_header(name: &str, columns: &[String]) -> Result<()> {
    let mut seen = HashMap::new();
    for (i, column) in columns.iter().enumerate() {
        if column.is_empty() {
            continue;
        }
        if let Some(first) = seen.insert(column.as_str(), i) {
            return Err(Error::input(
                format!("{name}, line 1"),
                format!(
                    "names column '{column}' twice ({} and {}); rename or drop one of them",
                    first + 1,
                    i + 1
                ),
            ));
        }
    }
    Ok(())
}

/// The names most like `wanted`, for "did you mean".
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    let wanted = plain(wanted);
    names
        .map(|name| (distance(&wanted, &plain(name)), name))
        .filter(|(distance, _)| *distance * 3 <= wanted.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, &above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != *y)).min(above + 1).min(left + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_seen_in_the_header() {
        let known = ["customer_id", "kind"];
        assert_eq!(delimiter("kind,customer_id,occurred_at", &known), b',');
        assert_eq!(delimiter("kind;customer_id;price, net", &known), b';');
        assert_eq!(delimiter("kind\tcustomer_id\toccurred_at", &known), b'\t');
        assert_eq!(delimiter("\"customer_id\"|\"a,b,c,d\"", &known), b'|');
        assert_eq!(delimiter("customer_id", &known), b',');
        assert_eq!(delimiter("a;b;c", &known), b';');
    }

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let names = ["household", "Customer ID", "day"];
        assert_eq!(nearest("customer_id", names.into_iter()), Some("Customer ID"));
        assert_eq!(nearest("occurred_at", names.into_iter()), None);
    }

    #[test]
    fn a_column_named_twice_is_refused() {
        let header = ["a", "b", "", "", "a"].map(str::to_owned);
        let message = check_header("customers.csv", &header).unwrap_err().to_string();
        assert!(message.contains("'a' twice (1 and 5)"), "{message}");
    }
}
