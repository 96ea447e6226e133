//! Values of attributes: cells read as their column's type, and written as JSON.

use clew_crm::{ColumnType, Value};

use super::cell::{Cell, Record, Span};
use super::date::{self, DateForm};
use super::infer::boolean;
use super::layout::{self, Place, is_na};
use crate::entity::Entity;
use crate::mapping::EntityMapping;

/// An attribute column of a file.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) column_type: ColumnType,
    pub(crate) form: DateForm,
    pub(crate) n_nulls: u64,
}

/// A value whose text, if it has one, still stands in the record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Typed {
    Null,
    Number(f64),
    Text(Span),
    Tags(Span),
    Bool(bool),
    Time { micros: i64, has_time: bool },
}

/// The attributes of a row.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    record: &'a Record,
    values: &'a [Typed],
    columns: &'a [Attribute],
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(record: &'a Record, values: &'a [Typed], columns: &'a [Attribute]) -> Attributes<'a> {
        Attributes { record, values, columns }
    }

    /// A value a column, in the order of the schema. Tags are text, joined by `|`.
    pub fn values(self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let record = self.record;
        self.values.iter().map(move |value| match *value {
            Typed::Null => Value::Null,
            Typed::Number(value) => Value::Number(value),
            Typed::Text(span) | Typed::Tags(span) => Value::Text(record.text(span)),
            Typed::Bool(value) => Value::Bool(value),
            Typed::Time { micros, .. } => Value::Date(date::day_of(micros)),
        })
    }

    /// The time that the attribute of that name holds, in microseconds since 1970.
    pub(crate) fn time(self, name: &str) -> Option<i64> {
        self.columns.iter().zip(self.values).find_map(|(column, value)| match value {
            Typed::Time { micros, .. } if column.name == name => Some(*micros),
            _ => None,
        })
    }

    /// Writes the attributes as an object of JSON, without those that have no value.
    pub fn write_json(self, json: &mut Vec<u8>) {
        json.push(b'{');
        let mut is_first = true;
        for (column, value) in self.columns.iter().zip(self.values) {
            if matches!(value, Typed::Null) {
                continue;
            }
            if !is_first {
                json.push(b',');
            }
            is_first = false;
            write_string(json, &column.name);
            json.push(b':');
            match *value {
                Typed::Null => {}
                Typed::Number(value) => json.extend(
                    serde_json::Number::from_f64(value)
                        .map_or_else(
                            || "null".to_owned(),
                            |number| {
                                if value.fract() == 0.0 && value.abs() < 1e15 {
                                    format!("{value:.0}")
                                } else {
                                    number.to_string()
                                }
                            },
                        )
                        .bytes(),
                ),
                Typed::Bool(value) => json.extend(if value { &b"true"[..] } else { b"false" }),
                Typed::Text(span) => write_string(json, self.record.text(span)),
                Typed::Tags(span) => {
                    json.push(b'[');
                    let tags = self.record.text(span).split('|').map(str::trim).filter(|tag| !tag.is_empty());
                    for (i, tag) in tags.enumerate() {
                        if i > 0 {
                            json.push(b',');
                        }
                        write_string(json, tag);
                    }
                    json.push(b']');
                }
                Typed::Time { micros, has_time } => {
                    let shown =
                        if has_time { date::show(micros) } else { date::show_day(date::day_of(micros)) };
                    write_string(json, &shown);
                }
            }
        }
        json.push(b'}');
    }
}

fn write_string(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    let mut start = 0;
    let bytes = text.as_bytes();
    for (i, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        json.extend(bytes.get(start..i).unwrap_or(&[]));
        match byte {
            b'"' | b'\\' => json.extend([b'\\', byte]),
            _ => json.extend(format!("\\u{byte:04x}").bytes()),
        }
        start = i + 1;
    }
    json.extend(bytes.get(start..).unwrap_or(&[]));
    json.push(b'"');
}

/// The value of an attribute in a row, or why it is none of the column's type.
pub(crate) fn typed(
    record: &mut Record,
    attribute: &Attribute,
    entity: Entity,
    mapping: &EntityMapping,
) -> Result<Typed, String> {
    match attribute.column_type {
        ColumnType::Number => layout::number(record, &attribute.place, entity.as_str(), mapping)
            .map(|value| value.map_or(Typed::Null, Typed::Number)),
        ColumnType::Text => {
            Ok(layout::text(record, &attribute.place, &mapping.nulls).map_or(Typed::Null, Typed::Text))
        }
        ColumnType::Tags => {
            Ok(layout::text(record, &attribute.place, &mapping.nulls).map_or(Typed::Null, Typed::Tags))
        }
        ColumnType::Bool => {
            if let Place::Column(index, _) = &attribute.place
                && let Cell::Bool(value) = record.cell(*index)
            {
                return Ok(Typed::Bool(value));
            }
            let Some(text) =
                layout::text(record, &attribute.place, &mapping.nulls).map(|span| record.text(span))
            else {
                return Ok(Typed::Null);
            };
            match text {
                text if is_na(text, &mapping.nulls) => Ok(Typed::Null),
                "1" => Ok(Typed::Bool(true)),
                "0" => Ok(Typed::Bool(false)),
                text => boolean(text).map(Typed::Bool).ok_or_else(|| {
                    let found: String = text.chars().take(40).collect();
                    format!("\"{found}\" is neither true nor false")
                }),
            }
        }
        ColumnType::Date => date_of(record, attribute, entity, mapping),
    }
}

fn date_of(
    record: &Record,
    attribute: &Attribute,
    entity: Entity,
    mapping: &EntityMapping,
) -> Result<Typed, String> {
    let form = &attribute.form;
    let time = |micros: i64| Typed::Time { micros, has_time: true };
    let read = |text: &str| -> Result<Typed, String> {
        if is_na(text, &mapping.nulls) {
            return Ok(Typed::Null);
        }
        if *form == DateForm::Standard
            && let Some(found) = date::standard(text, mapping.utc_offset)
        {
            // A day is a day wherever it is: no offset is taken off it.
            return Ok(if found.has_time {
                time(found.micros)
            } else {
                Typed::Time {
                    micros: found.micros + i64::from(mapping.utc_offset) * 1_000_000,
                    has_time: false,
                }
            });
        }
        form.read(text, mapping.utc_offset)
            .map(time)
            .ok_or_else(|| form.complaint(text, entity.as_str(), &attribute.name))
    };
    match &attribute.place {
        Place::Absent => Ok(Typed::Null),
        Place::Constant(value) => read(value),
        Place::Column(index, _) => match record.cell(*index) {
            Cell::Null => Ok(Typed::Null),
            Cell::Text(span) | Cell::Tags(span) => read(record.text(span)),
            Cell::Integer(value) => read(&value.to_string()),
            Cell::Number(value) => form
                .read_number(value)
                .map(time)
                .ok_or_else(|| form.complaint(&value.to_string(), entity.as_str(), &attribute.name)),
            Cell::Time(micros) => Ok(time(micros)),
            Cell::Day(day) => Ok(Typed::Time { micros: i64::from(day) * 86_400_000_000, has_time: false }),
            Cell::Bool(value) => read(&value.to_string()),
        },
    }
}
