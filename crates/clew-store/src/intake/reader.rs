//! One face for the three formats: rows of cells under column names.

use super::cell::Record;
use super::csv::CsvReader;
use super::file::{File, Format};
use super::ndjson::NdjsonReader;
use super::parquet::ParquetReader;
use super::report::Rejections;
use crate::error::Result;
use crate::mapping::EntityMapping;

/// A file's rows, whatever its format.
pub(crate) enum Reader {
    Csv(Box<CsvReader>),
    Ndjson(Box<NdjsonReader>),
    Parquet(Box<ParquetReader>),
}

impl Reader {
    /// Opens a file; `known` are the names that a header is expected to hold. Also gives what is worth telling of
    /// the delimiter.
    pub(crate) fn open(
        file: &File,
        mapping: &EntityMapping,
        known: &[&str],
    ) -> Result<(Reader, Option<String>)> {
        Ok(match file.format {
            Format::Csv => {
                let (reader, note) = CsvReader::open(file, mapping, known)?;
                (Reader::Csv(Box::new(reader)), note)
            }
            Format::Ndjson => (Reader::Ndjson(Box::new(NdjsonReader::open(file, mapping)?)), None),
            Format::Parquet => (Reader::Parquet(Box::new(ParquetReader::open(file)?)), None),
        })
    }

    /// The columns; of NDJSON those seen so far, later ones are added at the end.
    pub(crate) fn columns(&self) -> &[String] {
        match self {
            Reader::Csv(reader) => reader.columns(),
            Reader::Ndjson(reader) => reader.columns(),
            Reader::Parquet(reader) => reader.columns(),
        }
    }

    /// The place of a column. In NDJSON, which has no header, every name has one.
    pub(crate) fn place(&mut self, name: &str) -> Option<usize> {
        if let Reader::Ndjson(reader) = self {
            return reader.place(name);
        }
        let columns = self.columns();
        columns.iter().position(|column| column == name).or_else(|| {
            let mut alike =
                columns.iter().enumerate().filter(|(_, column)| column.eq_ignore_ascii_case(name));
            match (alike.next(), alike.next()) {
                (Some((place, _)), None) => Some(place),
                _ => None,
            }
        })
    }

    /// Whether the columns are known before the first row.
    pub(crate) fn has_header(&self) -> bool {
        !matches!(self, Reader::Ndjson(_))
    }

    /// Reads the next row; false at the end.
    pub(crate) fn read(&mut self, record: &mut Record, rejections: &mut Rejections) -> Result<bool> {
        match self {
            Reader::Csv(reader) => reader.read(record, rejections),
            Reader::Ndjson(reader) => reader.read(record, rejections),
            Reader::Parquet(reader) => reader.read(record, rejections),
        }
    }

    /// The share of the file that has been read, 0..=1.
    pub(crate) fn share(&self) -> f64 {
        match self {
            Reader::Csv(reader) => reader.share(),
            Reader::Ndjson(reader) => reader.share(),
            Reader::Parquet(reader) => reader.share(),
        }
    }
}
