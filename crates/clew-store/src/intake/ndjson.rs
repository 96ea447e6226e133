//! NDJSON: a JSON object a line; a column is a key that any of the objects has.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use super::cell::{Cell, Record};
use super::file::File;
use super::guess::{self, MAX_COLUMNS};
use super::report::Rejections;
use super::split::{MAX_RECORD, Window, decode_windows_1252, not_utf8};
use crate::error::Result;
use crate::mapping::{Encoding, EntityMapping};

/// Reads the objects of an NDJSON file.
pub(crate) struct NdjsonReader {
    file: File,
    window: Window,
    encoding: Encoding,
    columns: Columns,
    decoded: String,
}

#[derive(Default)]
struct Columns {
    names: Vec<String>,
    index: HashMap<String, usize>,
}

impl Columns {
    fn place(&mut self, name: &str) -> Option<usize> {
        if let Some(&place) = self.index.get(name) {
            return Some(place);
        }
        if self.names.len() >= MAX_COLUMNS {
            return None;
        }
        self.index.insert(name.to_owned(), self.names.len());
        self.names.push(name.to_owned());
        Some(self.names.len() - 1)
    }
}

impl NdjsonReader {
    pub(crate) fn open(file: &File, mapping: &EntityMapping) -> Result<NdjsonReader> {
        let opened = file.read()?;
        let mut window = Window::new(opened.reader, opened.share);
        window.widen().map_err(|error| file.broken(&error))?;
        guess::refuse_utf16(&file.name, window.bytes())?;
        if window.bytes().starts_with(b"\xef\xbb\xbf") {
            window.advance(3, 0);
        }
        let columns = Columns::default();
        Ok(NdjsonReader {
            file: file.clone(),
            window,
            encoding: mapping.encoding,
            columns,
            decoded: String::new(),
        })
    }

    /// The keys seen so far; later ones are added at the end.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns.names
    }

    /// The place of a column, whether or not it was seen already.
    pub(crate) fn place(&mut self, name: &str) -> Option<usize> {
        self.columns.place(name)
    }

    pub(crate) fn share(&self) -> f64 {
        self.window.share.done()
    }

    /// Reads the next object; false at the end.
    pub(crate) fn read(&mut self, record: &mut Record, rejections: &mut Rejections) -> Result<bool> {
        loop {
            if self.window.is_done().map_err(|error| self.file.broken(&error))? {
                return Ok(false);
            }
            let line = self.window.line;
            let Some(end) = self.window.line_end().map_err(|error| self.file.broken(&error))? else {
                rejections.add(
                    line,
                    None,
                    format!("is longer than {MAX_RECORD} bytes; write one object a line"),
                );
                self.window.skip_line().map_err(|error| self.file.broken(&error))?;
                continue;
            };
            record.clear(line);
            let bytes = self.window.bytes().get(..end).unwrap_or(&[]).trim_ascii();
            let outcome = if bytes.is_empty() {
                None
            } else {
                let read = match self.encoding {
                    Encoding::Utf8 => std::str::from_utf8(bytes)
                        .map_err(|error| not_utf8(bytes, error.valid_up_to(), self.window.offset)),
                    Encoding::Windows1252 => {
                        self.decoded.clear();
                        decode_windows_1252(bytes, &mut self.decoded);
                        Ok(self.decoded.as_str())
                    }
                };
                let columns = &mut self.columns;
                Some(read.and_then(|text| object(text, columns, record)))
            };
            self.window.advance(end + 1, 1);
            match outcome {
                None => {}
                Some(Ok(())) => return Ok(true),
                Some(Err(reason)) => rejections.add(line, None, reason),
            }
        }
    }
}

fn object(text: &str, columns: &mut Columns, record: &mut Record) -> Result<(), String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let complaint = |error: serde_json::Error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        format!("is not an object of JSON: {message}, at byte {} of the line", error.column())
    };
    Object { columns, record }.deserialize(&mut deserializer).map_err(complaint)?;
    deserializer.end().map_err(complaint)
}

struct Object<'a> {
    columns: &'a mut Columns,
    record: &'a mut Record,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Key { columns: self.columns })? {
            let cell = map.next_value_seed(CellSeed { record: self.record, list: false })?;
            self.record.set(place, cell);
        }
        Ok(())
    }
}

struct Key<'a> {
    columns: &'a mut Columns,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = usize;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<usize, E> {
        self.columns
            .place(name)
            .ok_or_else(|| E::custom(format!("key '{name}' is one more than {MAX_COLUMNS}")))
    }
}

/// A value of a key, or an entry of a list.
struct CellSeed<'a> {
    record: &'a mut Record,
    list: bool,
}

impl<'de> DeserializeSeed<'de> for CellSeed<'_> {
    type Value = Cell;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Cell, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed<'_> {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.list {
            "a string or a number"
        } else {
            "a string, a number, true, false, null or a list"
        })
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Cell, E> {
        if self.list {
            self.record.append(if value { "true" } else { "false" });
        }
        Ok(Cell::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Cell, E> {
        if self.list {
            self.record.append(&value.to_string());
        }
        Ok(Cell::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Cell, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Ok(Cell::Text(self.record.append(&value.to_string()))),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Cell, E> {
        if self.list {
            self.record.append(&value.to_string());
        }
        Ok(Cell::Number(value))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Cell, E> {
        let text = text.trim();
        let span = self.record.append(text);
        Ok(if text.is_empty() { Cell::Null } else { Cell::Text(span) })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cell, A::Error> {
        if self.list {
            return Err(A::Error::custom("a list within a list; flatten it"));
        }
        let mut span = self.record.append("");
        loop {
            let end = self.record.end();
            if end > span.start {
                self.record.append_char('|');
            }
            if list.next_element_seed(CellSeed { record: self.record, list: true })?.is_none() {
                span.end = end;
                return Ok(if span.start == span.end { Cell::Null } else { Cell::Tags(span) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Columns, Record), String> {
        let (mut columns, mut record) = (Columns::default(), Record::default());
        object(text, &mut columns, &mut record).map(|()| (columns, record))
    }

    fn text(record: &Record, index: usize) -> String {
        match record.cell(index) {
            Cell::Text(span) | Cell::Tags(span) => record.text(span).to_owned(),
            cell => format!("{cell:?}"),
        }
    }

    #[test]
    fn an_object_becomes_cells() {
        let (columns, record) = read(
            r#"{"id": "A 1", "n": 12345678901, "x": 1.5, "b": true, "none": null, "tags": ["a", "b c", 3], "u": "\u00e9\n", "big": 18446744073709551615}"#,
        )
        .unwrap();
        assert_eq!(columns.names, ["id", "n", "x", "b", "none", "tags", "u", "big"]);
        assert_eq!(text(&record, 0), "A 1");
        assert_eq!(record.cell(1), Cell::Integer(12_345_678_901));
        assert_eq!(record.cell(2), Cell::Number(1.5));
        assert_eq!(record.cell(3), Cell::Bool(true));
        assert_eq!(record.cell(4), Cell::Null);
        assert_eq!(text(&record, 5), "a|b c|3");
        assert_eq!(text(&record, 6), "é");
        assert_eq!(text(&record, 7), "18446744073709551615");
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for (text, expected) in [
            ("[1]", "an object"),
            (r#"{"a": {"b": 1}}"#, "invalid type: map"),
            (r#"{"a": 1} x"#, "trailing characters, at byte 10"),
            (r#"{"a": "#, "EOF"),
            (r#"{"a": [[1]]}"#, "a list within a list"),
        ] {
            let message = read(text).err().unwrap();
            assert!(message.contains(expected), "{message}");
        }
    }
}
