//! CSV: a header, then a record a line (or several, when cells in quotes hold line ends).
//!
//! A splitter of our own, because a file of any size and any fault has to be read in bounded memory: a quote
//! that is never closed costs its line and not the rest of the file, and every fault has its line.

use std::io;

use super::cell::{Cell, Record, Span};
use super::file::File;
use super::guess;
use super::report::Rejections;
use super::split::{MAX_RECORD, Window, decode_windows_1252, not_utf8};
use crate::error::{Error, Result};
use crate::mapping::{Encoding, EntityMapping};

/// Reads the records of a CSV.
pub(crate) struct CsvReader {
    file: File,
    window: Window,
    delimiter: u8,
    encoding: Encoding,
    columns: Vec<String>,
    decoded: String,
}

/// What stands at the start of a window.
enum Found {
    /// A record of so many bytes, of which the last so many are its line end, over so many lines.
    Record { n: usize, line_end: usize, n_lines: u64 },
    /// A quote was opened and not closed.
    Unclosed,
}

impl CsvReader {
    pub(crate) fn open(
        file: &File,
        mapping: &EntityMapping,
        known: &[&str],
    ) -> Result<(CsvReader, Option<String>)> {
        let opened = file.read()?;
        let mut window = Window::new(opened.reader, opened.share);
        let place = format!("{}, line 1", file.name);
        window.widen().map_err(|error| file.broken(&error))?;
        guess::refuse_utf16(&file.name, window.bytes())?;
        if window.bytes().starts_with(b"\xef\xbb\xbf") {
            window.advance(3, 0);
        }
        let mut reader = CsvReader {
            file: file.clone(),
            window,
            delimiter: b',',
            encoding: mapping.encoding,
            columns: Vec::new(),
            decoded: String::new(),
        };
        // The header is read twice: as one cell to see the delimiter, then with it.
        let Some(end) = reader.window.line_end().map_err(|error| file.broken(&error))? else {
            return Err(Error::input(
                place,
                format!(
                    "is longer than {MAX_RECORD} bytes: no header ends in it; end each line with a line feed"
                ),
            ));
        };
        let header = String::from_utf8_lossy(reader.window.bytes().get(..end).unwrap_or(&[])).into_owned();
        if header.trim().is_empty() {
            return Err(Error::input(place, "is empty; the first line must name the columns"));
        }
        let sniffed = guess::delimiter(&header, known);
        reader.delimiter = mapping.delimiter.unwrap_or(sniffed);
        let note = (mapping.delimiter.is_none() && sniffed != b',').then(|| {
            format!("the columns are separated by {}, as the header shows", guess::delimiter_name(sniffed))
        });
        let mut record = Record::default();
        let mut rejections = Rejections::default();
        if !reader.next(&mut record, &mut rejections, None)? {
            let reason = rejections.first.first().map_or("is empty", |rejected| rejected.reason.as_str());
            return Err(Error::input(place, format!("names no columns: {reason}")));
        }
        guess::check_width(&file.name, record.len())?;
        reader.columns = (0..record.len())
            .map(|i| match record.cell(i) {
                Cell::Text(span) => record.text(span).to_owned(),
                _ => String::new(),
            })
            .collect();
        guess::check_header(&file.name, &reader.columns)?;
        Ok((reader, note))
    }

    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(crate) fn share(&self) -> f64 {
        self.window.share.done()
    }

    /// Reads the next record that has as many cells as the header; false at the end.
    pub(crate) fn read(&mut self, record: &mut Record, rejections: &mut Rejections) -> Result<bool> {
        let n = self.columns.len();
        self.next(record, rejections, Some(n))
    }

    fn next(
        &mut self,
        record: &mut Record,
        rejections: &mut Rejections,
        n_cells: Option<usize>,
    ) -> Result<bool> {
        loop {
            if self.window.is_done().map_err(|error| self.file.broken(&error))? {
                return Ok(false);
            }
            let line = self.window.line;
            let found =
                find_record(&mut self.window, self.delimiter).map_err(|error| self.file.broken(&error))?;
            let Found::Record { n, line_end, n_lines } = found else {
                rejections.add(
                    line,
                    None,
                    format!(
                        "is longer than {MAX_RECORD} bytes, or a quote is opened in it and not closed; double the \
                         quotes within a cell"
                    ),
                );
                self.window.skip_line().map_err(|error| self.file.broken(&error))?;
                if n_cells.is_none() {
                    return Ok(false);
                }
                continue;
            };
            record.clear(line);
            let bytes = self.window.bytes().get(..n - line_end).unwrap_or(&[]);
            // Lines without anything are passed over.
            if bytes.is_empty() {
                self.window.advance(n, n_lines);
                continue;
            }
            let read = match self.encoding {
                Encoding::Utf8 => std::str::from_utf8(bytes)
                    .map_err(|error| not_utf8(bytes, error.valid_up_to(), self.window.offset)),
                Encoding::Windows1252 => {
                    self.decoded.clear();
                    decode_windows_1252(bytes, &mut self.decoded);
                    Ok(self.decoded.as_str())
                }
            };
            let outcome = read.and_then(|text| {
                split(text, self.delimiter, record);
                match n_cells {
                    Some(expected) if record.len() != expected => Err(format!(
                        "has {} cells where the header has {expected}; a cell that holds a delimiter must stand in quotes",
                        record.len()
                    )),
                    _ => Ok(()),
                }
            });
            self.window.advance(n, n_lines);
            match outcome {
                Ok(()) => return Ok(true),
                Err(reason) => {
                    rejections.add(line, None, reason);
                    if n_cells.is_none() {
                        return Ok(false);
                    }
                }
            }
        }
    }
}

/// Finds the end of the record that the window starts with.
fn find_record(window: &mut Window, delimiter: u8) -> io::Result<Found> {
    loop {
        let bytes = window.bytes();
        // Mostly: a line without quotes.
        match memchr::memchr2(b'\n', b'"', bytes) {
            Some(at) if bytes.get(at) == Some(&b'\n') => return Ok(record(bytes, at, 1)),
            None if window.is_last() => return Ok(Found::Record { n: bytes.len(), line_end: 0, n_lines: 1 }),
            None => {}
            Some(_) => match quoted_end(bytes, delimiter) {
                Some((at, n_lines)) => return Ok(record(bytes, at, n_lines)),
                None if window.is_last() => {
                    return Ok(if is_closed(bytes, delimiter) {
                        let n_lines = 1 + memchr::memchr_iter(b'\n', bytes).count() as u64;
                        Found::Record { n: bytes.len(), line_end: 0, n_lines }
                    } else {
                        Found::Unclosed
                    });
                }
                None => {}
            },
        }
        if !window.widen()? && !window.is_last() {
            return Ok(Found::Unclosed);
        }
    }
}

fn record(bytes: &[u8], newline: usize, n_lines: u64) -> Found {
    let carriage = newline > 0 && bytes.get(newline - 1) == Some(&b'\r');
    Found::Record { n: newline + 1, line_end: 1 + usize::from(carriage), n_lines }
}

/// Walks over cells, some in quotes; gives the place of the line end after them and the lines passed.
fn quoted_end(bytes: &[u8], delimiter: u8) -> Option<(usize, u64)> {
    let (mut i, mut n_lines) = (0, 1);
    loop {
        // At the start of a cell.
        if bytes.get(i) == Some(&b'"') {
            i += 1;
            loop {
                let at = i + memchr::memchr2(b'"', b'\n', bytes.get(i..)?)?;
                i = at + 1;
                if bytes.get(at) == Some(&b'\n') {
                    n_lines += 1;
                } else if bytes.get(i) == Some(&b'"') {
                    i += 1;
                } else {
                    break;
                }
            }
        }
        let at = i + memchr::memchr2(delimiter, b'\n', bytes.get(i..)?)?;
        if bytes.get(at) == Some(&b'\n') {
            return Some((at, n_lines));
        }
        i = at + 1;
    }
}

/// Whether a last record without a line end has all its quotes closed.
fn is_closed(bytes: &[u8], delimiter: u8) -> bool {
    let mut ended = bytes.to_vec();
    ended.push(b'\n');
    quoted_end(&ended, delimiter).is_some()
}

/// Splits a record's text into cells, without blanks around them.
fn split(text: &str, delimiter: u8, record: &mut Record) {
    let bytes = text.as_bytes();
    if memchr::memchr(b'"', bytes).is_none() {
        let text_start = record.append(text).start;
        let mut start = 0;
        for end in memchr::memchr_iter(delimiter, bytes).chain(std::iter::once(bytes.len())) {
            push(record, bytes, text_start, start, end);
            start = end + 1;
        }
        return;
    }
    let mut i = 0;
    loop {
        let mut span_start = record.end();
        if bytes.get(i) == Some(&b'"') {
            i += 1;
            while let Some(found) = bytes.get(i..).and_then(|rest| memchr::memchr(b'"', rest)) {
                record.append(text.get(i..i + found).unwrap_or(""));
                i += found + 1;
                if bytes.get(i) != Some(&b'"') {
                    break;
                }
                record.append_char('"');
                i += 1;
            }
        }
        let end =
            bytes.get(i..).and_then(|rest| memchr::memchr(delimiter, rest)).map_or(bytes.len(), |at| i + at);
        record.append(text.get(i..end).unwrap_or(""));
        let mut span = Span { start: span_start, end: record.end() };
        let cell = record.text(span);
        span_start += (cell.len() - cell.trim_start().len()) as u32;
        span = Span { start: span_start, end: span_start + cell.trim().len() as u32 };
        record.push(if span.start == span.end { Cell::Null } else { Cell::Text(span) });
        if end >= bytes.len() {
            return;
        }
        i = end + 1;
    }
}

/// Makes a cell of `bytes[start..end]`, which stand in the record's text from `text_start` on.
fn push(record: &mut Record, bytes: &[u8], text_start: u32, mut start: usize, mut end: usize) {
    let blank = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_whitespace);
    while start < end && blank(start) {
        start += 1;
    }
    while start < end && blank(end - 1) {
        end -= 1;
    }
    if start == end {
        record.push(Cell::Null);
    } else {
        record.push(Cell::Text(Span { start: text_start + start as u32, end: text_start + end as u32 }));
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
