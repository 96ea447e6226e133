//! The files that a snapshot is made of, in Parquet with zstd: dictionaries, events, and rows of attributes.
//!
//! An event holds codes, not strings: the nth string of a dictionary, over all of the snapshot's dictionary files in
//! order. Null is [`NONE`] for a code, NaN for a number, 0 for a basket, which is held as a hash.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray, UInt8Array, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::error::{Error, Result};

/// Rows a batch, and rows a group of a file.
pub(crate) const BATCH_ROWS: usize = 64 * 1024;
const GROUP_ROWS: usize = 1 << 20;

/// What a file of a snapshot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Strings, each with the number of its dictionary.
    Dictionary,
    /// Events.
    Events,
    /// Ids and their attributes as JSON.
    Rows,
}

impl Kind {
    pub(crate) fn schema(self) -> SchemaRef {
        let field = |name: &str, data_type: DataType| Field::new(name, data_type, false);
        Arc::new(Schema::new(match self {
            Kind::Dictionary => vec![field("dictionary", DataType::UInt8), field("value", DataType::Utf8)],
            Kind::Events => vec![
                field("kind", DataType::UInt8),
                field("customer", DataType::UInt32),
                field("product", DataType::UInt32),
                field("at", DataType::Int64),
                field("quantity", DataType::Float32),
                field("revenue", DataType::Float32),
                field("campaign", DataType::UInt32),
                field("query", DataType::UInt32),
                field("basket", DataType::UInt64),
            ],
            Kind::Rows => vec![field("id", DataType::Utf8), field("attributes", DataType::Utf8)],
        }))
    }
}

/// Writes a file of a snapshot.
pub(crate) struct PartWriter {
    writer: ArrowWriter<File>,
    path: std::path::PathBuf,
    pub(crate) n_rows: u64,
}

impl PartWriter {
    pub(crate) fn create(path: &Path, kind: Kind) -> Result<PartWriter> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_created_by("clew".to_owned());
        if kind == Kind::Events {
            let at = ColumnPath::from("at");
            properties = properties
                .set_column_dictionary_enabled(at.clone(), false)
                .set_column_encoding(at, Encoding::DELTA_BINARY_PACKED);
        }
        let io = |error| Error::io(path, error);
        let file = File::create(path).map_err(io)?;
        let writer = ArrowWriter::try_new(file, kind.schema(), Some(properties.build()))
            .map_err(|e| failed(path, &e))?;
        Ok(PartWriter { writer, path: path.to_owned(), n_rows: 0 })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.n_rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|error| failed(&self.path, &error))
    }

    /// Ends the file; gives how many rows it has.
    pub(crate) fn finish(self) -> Result<u64> {
        let PartWriter { writer, path, n_rows } = self;
        writer.close().map_err(|error| failed(&path, &error))?;
        Ok(n_rows)
    }
}

/// Opens a file of a snapshot. One that is not as it was written is told of as damaged.
pub(crate) fn read(path: &Path, kind: Kind) -> Result<ParquetRecordBatchReader> {
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|_| damaged(path))?;
    if builder.schema().fields() != kind.schema().fields() {
        return Err(damaged(path));
    }
    builder.with_batch_size(BATCH_ROWS).build().map_err(|_| damaged(path))
}

/// A batch of such columns.
pub(crate) fn batch(kind: Kind, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(kind.schema(), columns).map_err(|error| {
        Error::corrupt("snapshot", format!("its columns do not fit ({error}); make it anew"))
    })
}

pub(crate) fn damaged(path: &Path) -> Error {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Error::corrupt(
        format!("snapshot part {name}"),
        "delete the tenant's snapshots; they are made anew from the database",
    )
}

fn failed(path: &Path, error: &parquet::errors::ParquetError) -> Error {
    Error::io(path, std::io::Error::other(error.to_string()))
}

/// The columns of a batch of events.
pub(crate) struct EventColumns<'a> {
    pub(crate) kind: &'a [u8],
    pub(crate) customer: &'a [u32],
    pub(crate) product: &'a [u32],
    pub(crate) at: &'a [i64],
    pub(crate) quantity: &'a [f32],
    pub(crate) revenue: &'a [f32],
    pub(crate) campaign: &'a [u32],
    pub(crate) query: &'a [u32],
    pub(crate) basket: &'a [u64],
}

impl<'a> EventColumns<'a> {
    /// Views a batch read from a file of events.
    pub(crate) fn of(batch: &'a RecordBatch) -> Option<EventColumns<'a>> {
        fn column<T: Array + 'static>(batch: &RecordBatch, index: usize) -> Option<&T> {
            batch.columns().get(index)?.as_any().downcast_ref::<T>()
        }
        Some(EventColumns {
            kind: column::<UInt8Array>(batch, 0)?.values(),
            customer: column::<UInt32Array>(batch, 1)?.values(),
            product: column::<UInt32Array>(batch, 2)?.values(),
            at: column::<Int64Array>(batch, 3)?.values(),
            quantity: column::<Float32Array>(batch, 4)?.values(),
            revenue: column::<Float32Array>(batch, 5)?.values(),
            campaign: column::<UInt32Array>(batch, 6)?.values(),
            query: column::<UInt32Array>(batch, 7)?.values(),
            basket: column::<UInt64Array>(batch, 8)?.values(),
        })
    }
}

/// The two columns of a batch of strings: ids and attributes.
pub(crate) fn row_columns(batch: &RecordBatch) -> Option<(&StringArray, &StringArray)> {
    let column = |index: usize| batch.columns().get(index)?.as_any().downcast_ref::<StringArray>();
    Some((column(0)?, column(1)?))
}

/// The two columns of a batch of a dictionary.
pub(crate) fn dictionary_columns(batch: &RecordBatch) -> Option<(&[u8], &StringArray)> {
    let numbers = batch.columns().first()?.as_any().downcast_ref::<UInt8Array>()?;
    Some((numbers.values(), batch.columns().get(1)?.as_any().downcast_ref::<StringArray>()?))
}
