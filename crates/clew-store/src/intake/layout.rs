//! Which of a file's columns holds what, by the mapping and by name; and the words that mean "no value".

use super::cell::{Cell, Record, Span};
use super::file::File;
use super::guess;
use super::key_columns;
use super::number;
use super::reader::Reader;
use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::mapping::{EntityMapping, Origin};

/// Where the values of a column of ours come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The file's column of that place and name.
    Column(usize, String),
    /// The same value in every row.
    Constant(String),
    /// Nowhere.
    Absent,
}

impl Place {
    /// Its name in messages: the file's column.
    pub(crate) fn shown(&self) -> String {
        match self {
            Place::Column(_, name) => name.clone(),
            Place::Constant(value) => format!("'{value}'"),
            Place::Absent => String::new(),
        }
    }
}

/// Finds where a column of ours comes from. A key column that comes from nowhere is an error.
pub(crate) fn find(
    reader: &mut Reader,
    file: &File,
    entity: Entity,
    mapping: &EntityMapping,
    name: &str,
) -> Result<Place> {
    if let Some(origin) = mapping.columns.get(name) {
        return match origin {
            Origin::Constant(value) => Ok(Place::Constant(value.clone())),
            Origin::Column(source) => match reader.place(source) {
                Some(place) => Ok(Place::Column(place, shown(reader, place))),
                None => Err(Error::input(
                    format!("{}, line 1", file.name),
                    format!(
                        "has no column '{source}', which the mapping names for {name}; {}",
                        header(reader, source, mapping)
                    ),
                )),
            },
        };
    }
    match mapping.shared.get(name) {
        Some(Origin::Constant(value)) => return Ok(Place::Constant(value.clone())),
        Some(Origin::Column(source)) if reader.has_header() => {
            if let Some(place) = reader.place(source) {
                return Ok(Place::Column(place, shown(reader, place)));
            }
        }
        Some(Origin::Column(source)) => {
            return Ok(Place::Column(reader.place(source).unwrap_or(0), source.clone()));
        }
        None => {}
    }
    let ignored = mapping.ignore.iter().any(|ignored| ignored == name);
    let place = if ignored { None } else { reader.place(name) };
    match place {
        Some(place) => Ok(Place::Column(place, shown(reader, place))),
        None if key_columns(entity).contains(&name) => Err(Error::input(
            format!("{}, line 1", file.name),
            format!(
                "has no column '{name}', without which {entity} cannot be read; {}; if another column holds it, say so \
                 in the mapping: [{entity}] {name} = \"its name\"{}",
                header(reader, name, mapping),
                if name == "kind" { ", or one kind for all rows: kind = \"'purchase'\"" } else { "" },
            ),
        )),
        None => Ok(Place::Absent),
    }
}

fn shown(reader: &Reader, place: usize) -> String {
    reader.columns().get(place).cloned().unwrap_or_default()
}

/// What the header holds, for a message about what it lacks.
fn header(reader: &Reader, wanted: &str, mapping: &EntityMapping) -> String {
    let columns = reader.columns();
    if let [only] = columns
        && only.chars().any(|c| matches!(c, ',' | ';' | '\t' | '|' | ':'))
    {
        let only: String = only.chars().take(60).collect();
        return match mapping.delimiter {
            Some(delimiter) => format!(
                "split at the mapping's {} its header is the one column '{only}'; correct or drop options.delimiter",
                guess::delimiter_name(delimiter)
            ),
            None => format!(
                "its header is the one column '{only}'; separate the columns by commas, or name what separates them \
                 in the mapping's options: delimiter = \":\""
            ),
        };
    }
    let listed: Vec<&str> = columns.iter().take(20).map(String::as_str).collect();
    let more = if columns.len() > listed.len() { ", …" } else { "" };
    let near = guess::nearest(wanted, columns.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!(" (is it '{near}'?)"));
    format!("its columns are {}{more}{near}", listed.join(", "))
}

/// Whether a text means "no value" in any column.
pub(crate) fn is_null(text: &str, nulls: &[String]) -> bool {
    matches!(text, "" | "NULL" | "null" | "\\N")
        || (!nulls.is_empty() && nulls.iter().any(|null| null == text))
}

/// Whether a text means "no value" where numbers, dates or booleans are expected.
pub(crate) fn is_na(text: &str, nulls: &[String]) -> bool {
    matches!(text, "NA" | "N/A" | "n/a" | "NaN" | "nan" | "None" | "none" | "-" | "?") || is_null(text, nulls)
}

/// The text at a place, whatever type the file gave it. `None` when there is no value.
pub(crate) fn text(record: &mut Record, place: &Place, nulls: &[String]) -> Option<Span> {
    match place {
        Place::Absent => None,
        Place::Constant(value) => Some(record.append(value)),
        Place::Column(index, _) => match record.cell(*index) {
            Cell::Null => None,
            Cell::Text(span) | Cell::Tags(span) => (!is_null(record.text(span), nulls)).then_some(span),
            Cell::Integer(value) => Some(record.append(&value.to_string())),
            Cell::Number(value) => Some(record.append(&value.to_string())),
            Cell::Bool(value) => Some(record.append(if value { "true" } else { "false" })),
            Cell::Time(micros) => Some(record.append(&super::date::show(micros))),
            Cell::Day(day) => Some(record.append(&super::date::show_day(day))),
        },
    }
}

/// The largest number that is taken; beyond it a value is a mistake, and f32 columns would lose it.
pub(crate) const LARGEST: f64 = 1e15;

/// The number at a place.
pub(crate) fn number(
    record: &Record,
    place: &Place,
    entity: &str,
    mapping: &EntityMapping,
) -> Result<Option<f64>, String> {
    let value = match place {
        Place::Absent => return Ok(None),
        Place::Constant(value) => number_of(value, entity, mapping)?,
        Place::Column(index, _) => match record.cell(*index) {
            Cell::Null => return Ok(None),
            Cell::Text(span) | Cell::Tags(span) => number_of(record.text(span), entity, mapping)?,
            Cell::Integer(value) => Some(value as f64),
            Cell::Number(value) => Some(value),
            Cell::Bool(_) | Cell::Time(_) | Cell::Day(_) => return Err("is not a number".to_owned()),
        },
    };
    match value {
        Some(value) if value.abs() > LARGEST => {
            Err(format!("{value} is out of range; numbers from -1e15 to 1e15 are taken"))
        }
        value => Ok(value),
    }
}

fn number_of(text: &str, entity: &str, mapping: &EntityMapping) -> Result<Option<f64>, String> {
    if is_na(text, &mapping.nulls) {
        return Ok(None);
    }
    if let Some(value) = number::parse(text, mapping.decimal_comma) {
        return Ok(Some(value));
    }
    let found: String = text.chars().take(40).collect();
    Err(if !mapping.decimal_comma && number::parse(text, true).is_some() {
        format!(
            "\"{found}\" is not a number; if the comma is the decimal sign, say so in the mapping: [{entity}.options] \
             decimal = \",\""
        )
    } else {
        format!(
            "\"{found}\" is not a number; write it with digits and a decimal point, or leave the cell empty"
        )
    })
}
