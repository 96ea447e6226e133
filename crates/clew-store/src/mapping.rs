//! The mapping of files that come in: renames columns, fixes constants, and names other forms of dates and numbers.
//!
//! `mapping.toml` beside the files, or the same as JSON with an import:
//!
//! ```toml
//! customer_id = "household_id"       # for every file that has a column of that name
//!
//! [events]
//! occurred_at = "day"                # our column = the file's column
//! revenue = "sales_value"
//! kind = "'purchase'"                # in single quotes: a constant, the same in every row
//!
//! [events.dates]                     # a date form: "standard", "unix_seconds", "unix_millis" or a pattern
//! occurred_at = "%d/%m/%Y"
//!
//! [events.kinds]                     # the file's word = our kind
//! achat = "purchase"
//!
//! [events.weights]                   # what a kind of your own says of the taste for a product; a purchase says 1
//! wishlist = 0.3
//!
//! [events.options]
//! file = "transactions-2017.csv.gz"  # another file name than events.* (in a folder)
//! delimiter = ";"                    # sniffed from the header when not given
//! decimal = ","                      # 12,5 instead of 12.5
//! encoding = "windows-1252"          # UTF-8 when not given
//! utc_offset = "+01:00"              # of times that say no offset themselves; UTC when not given
//! nulls = ["?", "unknown"]           # further words that mean "no value"
//!
//! [customers]
//! age = "âge au 1er janvier"
//!
//! [customers.types]                  # instead of the inferred type: number, text, tags, bool, date
//! postcode = "text"
//!
//! [customers.options]
//! ignore = ["email", "phone"]        # columns of the file that are left out
//! ```
//!
//! Columns that no line names keep their own names. The mapping of one import may leave out the table's name:
//! `{"occurred_at": "day", "kind": "'purchase'", "options": {"delimiter": ";"}}`.

use std::collections::BTreeMap;

use clew_crm::ColumnType;
use serde_json::{Map, Value};

use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::intake::DateForm;

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The file's column of that name.
    Column(String),
    /// The same value in every row.
    Constant(String),
}

/// How the bytes of a text file are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8; a line that is not is rejected.
    #[default]
    Utf8,
    /// The single-byte code of western Windows (and, but for 32 signs, ISO 8859-1).
    Windows1252,
}

/// The mapping of one table's file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EntityMapping {
    /// Our column → where its values come from. A missing one of these columns is an error.
    pub columns: BTreeMap<String, Origin>,
    /// The same for every file: only applied where the file has the column.
    pub shared: BTreeMap<String, Origin>,
    /// Our column → the form of its dates.
    pub dates: BTreeMap<String, DateForm>,
    /// Our column → its type.
    pub types: BTreeMap<String, ColumnType>,
    /// The file's word → our kind of event.
    pub kinds: BTreeMap<String, String>,
    /// How much a kind of event says of the taste for its product, against a purchase's 1.
    pub weights: BTreeMap<String, f64>,
    /// The file's name in its folder.
    pub file: Option<String>,
    /// What separates the cells of a CSV.
    pub delimiter: Option<u8>,
    /// Whether numbers are written with a decimal comma.
    pub decimal_comma: bool,
    /// The encoding of a CSV or NDJSON.
    pub encoding: Encoding,
    /// Seconds east of UTC of times that say no offset themselves.
    pub utc_offset: i32,
    /// Further words that mean "no value".
    pub nulls: Vec<String>,
    /// Columns of the file that are left out.
    pub ignore: Vec<String>,
}

/// The mappings of all tables.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    entities: BTreeMap<Entity, EntityMapping>,
    shared: BTreeMap<String, Origin>,
}

impl Mapping {
    /// Reads `mapping.toml`.
    pub fn from_toml(text: &str) -> Result<Mapping> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line =
                error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            Error::input(format!("mapping.toml, line {line}"), error.message().to_owned())
        })?;
        let value = serde_json::to_value(table)
            .map_err(|error| Error::input("mapping.toml", format!("cannot be read: {error}")))?;
        Mapping::read(&value, None)
    }

    /// Reads a mapping in JSON, either with the tables' names on top or that of `entity` alone.
    pub fn from_json(value: &Value, entity: Entity) -> Result<Mapping> {
        Mapping::read(value, Some(entity))
    }

    /// The mapping of one table's file.
    pub fn of(&self, entity: Entity) -> EntityMapping {
        let mut mapping = self.entities.get(&entity).cloned().unwrap_or_default();
        mapping.shared.clone_from(&self.shared);
        mapping
    }

    fn read(value: &Value, alone: Option<Entity>) -> Result<Mapping> {
        let Value::Object(top) = value else {
            return Err(Error::input(
                "mapping",
                "must be an object of the form {\"our column\": \"the file's column\"}",
            ));
        };
        let mut mapping = Mapping::default();
        let mut rest = Map::new();
        for (name, value) in top {
            match (Entity::parse(name), value) {
                (Some(entity), Value::Object(section)) => {
                    mapping.entities.insert(entity, section_of(entity.as_str(), section)?);
                }
                _ => drop(rest.insert(name.clone(), value.clone())),
            }
        }
        match alone {
            Some(entity) if mapping.entities.is_empty() => {
                mapping.entities.insert(entity, section_of(entity.as_str(), &rest)?);
            }
            _ => {
                for (name, value) in &rest {
                    mapping.shared.insert(name.clone(), origin(&format!("mapping: {name}"), value)?);
                }
            }
        }
        Ok(mapping)
    }
}

fn section_of(entity: &str, section: &Map<String, Value>) -> Result<EntityMapping> {
    let mut mapping = EntityMapping::default();
    for (name, value) in section {
        let place = format!("mapping: {entity}.{name}");
        match (name.as_str(), value) {
            ("columns", Value::Object(columns)) => {
                for (name, value) in columns {
                    mapping.columns.insert(name.clone(), origin(&format!("{place}.{name}"), value)?);
                }
            }
            ("dates", Value::Object(dates)) => {
                for (name, value) in dates {
                    let form = value.as_str().and_then(DateForm::parse).ok_or_else(|| {
                        Error::input(
                            format!("{place}.{name}"),
                            format!(
                                "{value} is no form of dates; write \"standard\", \"unix_seconds\", \
                                 \"unix_millis\" or a pattern such as \"%d/%m/%Y %H:%M\""
                            ),
                        )
                    })?;
                    mapping.dates.insert(name.clone(), form);
                }
            }
            ("types", Value::Object(types)) => {
                for (name, value) in types {
                    let column_type = serde_json::from_value(value.clone()).map_err(|_| {
                        Error::input(
                            format!("{place}.{name}"),
                            format!("{value} is no type; write \"number\", \"text\", \"tags\", \"bool\" or \"date\""),
                        )
                    })?;
                    mapping.types.insert(name.clone(), column_type);
                }
            }
            ("kinds", Value::Object(kinds)) => {
                for (name, value) in kinds {
                    mapping.kinds.insert(name.clone(), string(&format!("{place}.{name}"), value)?);
                }
            }
            ("weights", Value::Object(weights)) => {
                for (name, value) in weights {
                    let weight =
                        value.as_f64().filter(|weight| (0.0..=1000.0).contains(weight)).ok_or_else(|| {
                            Error::input(
                                format!("{place}.{name}"),
                                format!("{value} is no weight; write a number from 0 to 1000"),
                            )
                        })?;
                    mapping.weights.insert(name.clone(), weight);
                }
            }
            ("options", Value::Object(options)) => {
                for (name, value) in options {
                    set_option(&mut mapping, &format!("{place}.{name}"), name, value)?;
                }
            }
            (_, Value::Object(_)) => {
                return Err(Error::input(
                    place,
                    "is not known; a table's parts are columns, dates, types, kinds, weights and options",
                ));
            }
            _ => drop(mapping.columns.insert(name.clone(), origin(&place, value)?)),
        }
    }
    Ok(mapping)
}

fn set_option(mapping: &mut EntityMapping, place: &str, name: &str, value: &Value) -> Result<()> {
    match name {
        "file" => {
            let file = string(place, value)?;
            if file.contains(['/', '\\']) || file.starts_with('.') {
                return Err(Error::input(place, "must be the name of a file in the same folder"));
            }
            mapping.file = Some(file);
        }
        "delimiter" => match string(place, value)?.as_bytes() {
            [delimiter] if delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\n' | b'\r') => {
                mapping.delimiter = Some(*delimiter);
            }
            _ => return Err(Error::input(place, "must be one sign, such as \",\", \";\", \"|\" or \"\\t\"")),
        },
        "decimal" => {
            mapping.decimal_comma = match string(place, value)?.as_str() {
                "," => true,
                "." => false,
                _ => return Err(Error::input(place, "must be \".\" or \",\"")),
            };
        }
        "encoding" => {
            mapping.encoding = match string(place, value)?.to_ascii_lowercase().as_str() {
                "utf-8" | "utf8" => Encoding::Utf8,
                "windows-1252" | "cp1252" | "latin1" | "latin-1" | "iso-8859-1" => Encoding::Windows1252,
                _ => {
                    return Err(Error::input(
                        place,
                        "must be \"utf-8\" or \"windows-1252\" (which reads ISO 8859-1 too)",
                    ));
                }
            };
        }
        "utc_offset" => {
            let text = string(place, value)?;
            mapping.utc_offset = crate::intake::utc_offset(&text)
                .ok_or_else(|| Error::input(place, "must be of the form \"+01:00\""))?;
        }
        "nulls" => mapping.nulls = strings(place, value)?,
        "ignore" => mapping.ignore = strings(place, value)?,
        _ => {
            return Err(Error::input(
                place,
                "is not known; the options are file, delimiter, decimal, encoding, utc_offset, nulls and ignore",
            ));
        }
    }
    Ok(())
}

fn origin(place: &str, value: &Value) -> Result<Origin> {
    match value {
        Value::String(text) => match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            Some(constant) => Ok(Origin::Constant(constant.replace("''", "'"))),
            None if text.is_empty() => Err(Error::input(place, "must name a column of the file")),
            None => Ok(Origin::Column(text.clone())),
        },
        Value::Number(_) | Value::Bool(_) => Ok(Origin::Constant(value.to_string())),
        _ => Err(Error::input(
            place,
            "must be the name of a column of the file, or a constant such as \"'purchase'\"",
        )),
    }
}

fn string(place: &str, value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| Error::input(place, format!("{value} must be a string")))
}

fn strings(place: &str, value: &Value) -> Result<Vec<String>> {
    let list =
        value.as_array().ok_or_else(|| Error::input(place, format!("{value} must be a list of strings")))?;
    list.iter().map(|value| string(place, value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"
        customer_id = "household_id"
        [events]
        kind = "'purchase'"
        quantity = 1
        [events.columns]
        revenue = "sales_value"
        [events.dates]
        occurred_at = "%d/%m/%Y"
        [events.options]
        delimiter = ";"
        utc_offset = "-05:30"
        [customers.types]
        postcode = "text"
    "#;

    #[test]
    fn a_mapping_file_is_read() {
        let mapping = Mapping::from_toml(EXAMPLE).unwrap();
        let events = mapping.of(Entity::Events);
        assert_eq!(events.columns["kind"], Origin::Constant("purchase".into()));
        assert_eq!(events.columns["quantity"], Origin::Constant("1".into()));
        assert_eq!(events.columns["revenue"], Origin::Column("sales_value".into()));
        assert_eq!(events.shared["customer_id"], Origin::Column("household_id".into()));
        assert_eq!(events.dates["occurred_at"], DateForm::Pattern("%d/%m/%Y".into()));
        assert_eq!((events.delimiter, events.utc_offset), (Some(b';'), -19_800));
        assert_eq!(mapping.of(Entity::Customers).types["postcode"], ColumnType::Text);
        assert_eq!(mapping.of(Entity::Products).columns, BTreeMap::new());
    }

    #[test]
    fn the_mapping_of_one_import_may_leave_out_the_name_of_the_table() {
        let alone = serde_json::json!({"kind": "'view'", "options": {"decimal": ","}});
        let named = serde_json::json!({"events": alone});
        let mapping = Mapping::from_json(&alone, Entity::Events).unwrap();
        assert_eq!(mapping, Mapping::from_json(&named, Entity::Events).unwrap());
        assert!(mapping.of(Entity::Events).decimal_comma);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        let cases = [
            ("[events.dates]\noccurred_at = \"dd/mm\"", "events.dates.occurred_at"),
            ("[events.options]\ndelimeter = \";\"", "events.options.delimeter"),
            ("[events.options]\nfile = \"../secret.csv\"", "events.options.file"),
            ("[customers.types]\nage = \"integer\"", "customers.types.age"),
            ("[events]\nkind = [\"a\"]", "events.kind"),
            ("[events.weird]\na = \"b\"", "events.weird"),
            ("a = \"b\"\nc = ", "line 2"),
        ];
        for (text, place) in cases {
            let message = Mapping::from_toml(text).unwrap_err().to_string();
            assert!(message.contains(place), "{message}");
        }
    }
}
