//! What type a column of attributes has, seen over all of its cells.

use clew_crm::ColumnType;

use super::cell::{Cell, Record};
use super::date::{self, DateForm};
use super::layout::{is_na, is_null};
use super::number;
use crate::mapping::EntityMapping;

/// What has been seen of a column.
#[derive(Debug, Clone)]
pub(crate) struct Guess {
    n: u64,
    n_na: u64,
    number: bool,
    boolean: bool,
    date: bool,
    list: bool,
    n_bars: u64,
}

impl Default for Guess {
    fn default() -> Guess {
        Guess { n: 0, n_na: 0, number: true, boolean: true, date: true, list: false, n_bars: 0 }
    }
}

impl Guess {
    /// Looks at one more cell.
    pub(crate) fn add(&mut self, cell: Cell, record: &Record, mapping: &EntityMapping) {
        match cell {
            Cell::Null => return,
            Cell::Text(span) => return self.add_text(record.text(span), mapping),
            Cell::Tags(_) => self.list = true,
            Cell::Integer(_) | Cell::Number(_) => (self.boolean, self.date) = (false, false),
            Cell::Bool(_) => (self.number, self.date) = (false, false),
            Cell::Time(_) | Cell::Day(_) => (self.number, self.boolean) = (false, false),
        }
        self.n += 1;
    }

    fn add_text(&mut self, text: &str, mapping: &EntityMapping) {
        if is_null(text, &mapping.nulls) {
            return;
        }
        if is_na(text, &mapping.nulls) {
            self.n_na += 1;
            return;
        }
        self.n += 1;
        self.number = self.number && number::is_plain(text, mapping.decimal_comma);
        self.boolean = self.boolean && boolean(text).is_some();
        self.date = self.date && date::standard(text, 0).is_some();
        if memchr::memchr(b'|', text.as_bytes()).is_some() && !text.contains(" | ") {
            self.n_bars += 1;
        }
    }

    /// The type of the column of that name.
    pub(crate) fn column_type(&self, name: &str, form: Option<&DateForm>) -> ColumnType {
        if form.is_some() {
            ColumnType::Date
        } else if self.list || is_tags_by_name(name) {
            ColumnType::Tags
        } else if self.n == 0 {
            ColumnType::Text
        } else if self.boolean {
            ColumnType::Bool
        } else if self.number && !is_code_by_name(name) {
            ColumnType::Number
        } else if self.date {
            ColumnType::Date
        } else if self.n_bars > 0 && self.n_bars * 100 >= self.n {
            // Lists are written with bars. Fewer than one in a hundred is a title with a bar in it.
            ColumnType::Tags
        } else {
            ColumnType::Text
        }
    }
}

/// The type that holds the values of both: a column that was sent before as another type.
pub(crate) fn widest(a: ColumnType, b: ColumnType) -> ColumnType {
    match (a, b) {
        (a, b) if a == b => a,
        (ColumnType::Tags, _) | (_, ColumnType::Tags) => ColumnType::Tags,
        _ => ColumnType::Text,
    }
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn is_tags_by_name(name: &str) -> bool {
    name == "tags" || name.ends_with("_tags")
}

/// Codes that may be all digits and are no quantities: there is no sense in half a postcode.
fn is_code_by_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "postcode" | "zip" | "zipcode" | "postal" | "department" | "phone" | "ean" | "gtin" | "siret"
    ) || name.ends_with("_id")
        || name.ends_with("_code")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(name: &str, texts: &[&str]) -> ColumnType {
        let mut guess = Guess::default();
        let mapping = EntityMapping::default();
        for text in texts {
            let mut record = Record::default();
            let span = record.append(text);
            guess.add(Cell::Text(span), &record, &mapping);
        }
        guess.column_type(name, None)
    }

    #[test]
    fn types_are_inferred_over_all_cells() {
        let cases: [(&str, &[&str], ColumnType); 14] = [
            ("age", &["31", "", "NA", "40.5"], ColumnType::Number),
            ("age", &["19-24", "31"], ColumnType::Text),
            ("code", &["01000", "75001"], ColumnType::Text),
            ("postcode", &["69001", "75001"], ColumnType::Text),
            ("manufacturer_id", &["1", "2"], ColumnType::Text),
            ("active", &["true", "FALSE", ""], ColumnType::Bool),
            ("flag", &["0", "1"], ColumnType::Number),
            ("since", &["2016-12-31", "2017-01-01 08:00"], ColumnType::Date),
            ("since", &["2016-12-31", "31/12/2016"], ColumnType::Text),
            ("tags", &["one"], ColumnType::Tags),
            ("labels", &["a|b", "c"], ColumnType::Tags),
            ("title", &["Shirt | blue", "c"], ColumnType::Text),
            ("empty", &["", "NULL"], ColumnType::Text),
            ("country", &["NA", "FR"], ColumnType::Text),
        ];
        for (name, texts, expected) in cases {
            assert_eq!(infer(name, texts), expected, "{name} {texts:?}");
        }
    }

    #[test]
    fn a_column_sent_as_two_types_gets_one_that_holds_both() {
        assert_eq!(widest(ColumnType::Number, ColumnType::Number), ColumnType::Number);
        assert_eq!(widest(ColumnType::Number, ColumnType::Date), ColumnType::Text);
        assert_eq!(widest(ColumnType::Text, ColumnType::Tags), ColumnType::Tags);
    }
}
