//! Parquet: columns with types of their own, read in batches of rows.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ParquetMetaData;

use super::cell::{Cell, Record};
use super::file::{Compression, File, most_unpacked, too_much};
use super::guess;
use super::report::Rejections;
use crate::error::{Error, Result};

const BATCH_ROWS: usize = 4096;

/// Reads the rows of a Parquet file.
pub(crate) struct ParquetReader {
    file: File,
    batches: ParquetRecordBatchReader,
    batch: Option<RecordBatch>,
    next: usize,
    n_rows: u64,
    n_read: u64,
    columns: Vec<String>,
}

impl ParquetReader {
    pub(crate) fn open(file: &File) -> Result<ParquetReader> {
        let raw = match file.compression {
            Compression::None => file.raw()?,
            // Parquet is read from its end: an outer compression has to be undone first.
            Compression::Gzip | Compression::Zstd => {
                let mut plain =
                    tempfile::tempfile().map_err(|error| Error::io(std::env::temp_dir(), error))?;
                std::io::copy(&mut file.read()?.reader, &mut plain).map_err(|error| file.broken(&error))?;
                plain
            }
        };
        let metadata = contained(file, || ArrowReaderMetadata::load(&raw, ArrowReaderOptions::new()))?;
        guess::check_width(&file.name, metadata.schema().fields().len())?;
        check_sizes(file, metadata.metadata())?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(raw, metadata);
        let schema = Arc::clone(builder.schema());
        for field in schema.fields() {
            if !is_known(field.data_type()) {
                return Err(Error::input(
                    file.name.clone(),
                    format!(
                        "column '{}' is of type {}, which is not read; write it as text, a number, a boolean, a date, \
                         a timestamp or a list of text",
                        field.name(),
                        field.data_type()
                    ),
                ));
            }
        }
        let columns: Vec<String> =
            schema.fields().iter().map(|field| field.name().trim().to_owned()).collect();
        guess::check_header(&file.name, &columns)?;
        let n_rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let batches = contained(file, || builder.with_batch_size(BATCH_ROWS).build())?;
        Ok(ParquetReader { file: file.clone(), batches, batch: None, next: 0, n_rows, n_read: 0, columns })
    }

    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(crate) fn share(&self) -> f64 {
        if self.n_rows == 0 { 1.0 } else { self.n_read as f64 / self.n_rows as f64 }
    }

    /// Reads the next row; false at the end.
    pub(crate) fn read(&mut self, record: &mut Record, rejections: &mut Rejections) -> Result<bool> {
        loop {
            let batch = match self.batch.take() {
                Some(batch) if self.next < batch.num_rows() => batch,
                _ => match contained(&self.file, || Ok(self.batches.next().transpose()?))? {
                    None => return Ok(false),
                    Some(batch) => {
                        self.next = 0;
                        self.batch = Some(batch);
                        continue;
                    }
                },
            };
            self.n_read += 1;
            record.clear(self.n_read);
            let row = self.next;
            self.next += 1;
            let mut fault = None;
            for (i, column) in batch.columns().iter().enumerate() {
                match cell(column, row, record) {
                    Ok(cell) => record.push(cell),
                    Err(reason) => {
                        fault = Some((i, reason));
                        break;
                    }
                }
            }
            self.batch = Some(batch);
            match fault {
                None => return Ok(true),
                Some((i, reason)) => {
                    rejections.add(self.n_read, self.columns.get(i).map(String::as_str), reason)
                }
            }
        }
    }
}

/// Refuses columns that declare to unpack to too much.
fn check_sizes(file: &File, metadata: &ParquetMetaData) -> Result<()> {
    for group in metadata.row_groups() {
        for column in group.columns() {
            let packed = u64::try_from(column.compressed_size()).unwrap_or(0);
            // A size below nothing is no size.
            let unpacked = u64::try_from(column.uncompressed_size()).unwrap_or(u64::MAX);
            if unpacked > most_unpacked(packed) {
                let name = column.column_path().string();
                return Err(Error::input(file.name.clone(), format!("column '{name}' {}", too_much())));
            }
        }
    }
    Ok(())
}

/// What the library reads, or why the file cannot be read. Where it panics (arrow-ipc 59.3 does on a schema with types
/// that it does not know), that is the file's fault like any other.
fn contained<T>(
    file: &File,
    read: impl FnOnce() -> std::result::Result<T, parquet::errors::ParquetError>,
) -> Result<T> {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    let reason = match outcome {
        Ok(Ok(read)) => return Ok(read),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "its schema or its pages are damaged".to_owned(),
    };
    Err(Error::input(
        file.name.clone(),
        format!("cannot be read as Parquet ({reason}); write and send it again"),
    ))
}

fn is_known(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(key, value) => {
            key.is_integer() && matches!(**value, DataType::Utf8 | DataType::LargeUtf8)
        }
        DataType::List(item) | DataType::LargeList(item) => {
            matches!(item.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean | DataType::Null => {
            true
        }
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) | DataType::Decimal128(..) => true,
        DataType::Float32 | DataType::Float64 => true,
        other => other.is_integer(),
    }
}

fn cell(column: &ArrayRef, row: usize, record: &mut Record) -> Result<Cell, String> {
    if column.is_null(row) {
        return Ok(Cell::Null);
    }
    let number = |value: f64| {
        if value.is_infinite() { Err("is infinite; leave the cell empty".to_owned()) } else { Ok(value) }
            .map(|value| if value.is_nan() { Cell::Null } else { Cell::Number(value) })
    };
    Ok(match column.data_type() {
        DataType::Utf8 => text(column.as_string::<i32>().value(row), record),
        DataType::LargeUtf8 => text(column.as_string::<i64>().value(row), record),
        DataType::Utf8View => text(column.as_string_view().value(row), record),
        DataType::Dictionary(key, _) => match **key {
            DataType::Int8 => dictionary::<Int8Type>(column, row, record),
            DataType::Int16 => dictionary::<Int16Type>(column, row, record),
            DataType::Int64 => dictionary::<Int64Type>(column, row, record),
            DataType::UInt8 => dictionary::<UInt8Type>(column, row, record),
            DataType::UInt16 => dictionary::<UInt16Type>(column, row, record),
            DataType::UInt32 => dictionary::<UInt32Type>(column, row, record),
            DataType::UInt64 => dictionary::<UInt64Type>(column, row, record),
            _ => dictionary::<Int32Type>(column, row, record),
        },
        DataType::List(_) => tags(&column.as_list::<i32>().value(row), record),
        DataType::LargeList(_) => tags(&column.as_list::<i64>().value(row), record),
        DataType::Boolean => Cell::Bool(column.as_boolean().value(row)),
        DataType::Int8 => Cell::Integer(column.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Cell::Integer(column.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Cell::Integer(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Cell::Integer(column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => Cell::Integer(column.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => Cell::Integer(column.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => Cell::Integer(column.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => {
            let value = column.as_primitive::<UInt64Type>().value(row);
            i64::try_from(value).map_or_else(|_| text(&value.to_string(), record), Cell::Integer)
        }
        // Through the shortest decimal, so that 0.1 as f32 is 0.1.
        DataType::Float32 => {
            let value = column.as_primitive::<Float32Type>().value(row);
            number(if value.is_finite() {
                value.to_string().parse().unwrap_or(f64::from(value))
            } else {
                value.into()
            })?
        }
        DataType::Float64 => number(column.as_primitive::<Float64Type>().value(row))?,
        DataType::Decimal128(_, _) => {
            let shown = column.as_primitive::<Decimal128Type>().value_as_string(row);
            shown.parse().map_or_else(|_| text(&shown, record), Cell::Number)
        }
        DataType::Date32 => Cell::Day(column.as_primitive::<Date32Type>().value(row)),
        DataType::Date64 => Cell::Time(column.as_primitive::<Date64Type>().value(row).saturating_mul(1000)),
        DataType::Timestamp(unit, _) => Cell::Time(match unit {
            TimeUnit::Second => {
                column.as_primitive::<TimestampSecondType>().value(row).saturating_mul(1_000_000)
            }
            TimeUnit::Millisecond => {
                column.as_primitive::<TimestampMillisecondType>().value(row).saturating_mul(1000)
            }
            TimeUnit::Microsecond => column.as_primitive::<TimestampMicrosecondType>().value(row),
            TimeUnit::Nanosecond => {
                column.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1000)
            }
        }),
        _ => Cell::Null,
    })
}

fn text(text: &str, record: &mut Record) -> Cell {
    let text = text.trim();
    if text.is_empty() { Cell::Null } else { Cell::Text(record.append(text)) }
}

fn dictionary<K: ArrowDictionaryKeyType>(column: &ArrayRef, row: usize, record: &mut Record) -> Cell {
    let column = column.as_dictionary::<K>();
    match (column.key(row), column.values().data_type()) {
        (Some(key), DataType::Utf8) => text(column.values().as_string::<i32>().value(key), record),
        (Some(key), DataType::LargeUtf8) => text(column.values().as_string::<i64>().value(key), record),
        _ => Cell::Null,
    }
}

fn tags(values: &ArrayRef, record: &mut Record) -> Cell {
    let mut span = record.append("");
    for i in (0..values.len()).filter(|&i| values.is_valid(i)) {
        if record.end() > span.start {
            record.append_char('|');
        }
        record.append(match values.data_type() {
            DataType::Utf8 => values.as_string::<i32>().value(i),
            DataType::LargeUtf8 => values.as_string::<i64>().value(i),
            _ => values.as_string_view().value(i),
        });
    }
    span.end = record.end();
    if span.start == span.end { Cell::Null } else { Cell::Tags(span) }
}
