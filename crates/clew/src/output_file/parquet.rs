//! Result files as Parquet: rows are gathered into columns and written in groups.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::{ArrayRef, Float32Array, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{Cell, Of};

/// Rows that are gathered before they are handed on.
const N_GATHERED: usize = 65_536;

/// A Parquet file on its way.
pub(super) struct Parquet {
    writer: ArrowWriter<BufWriter<File>>,
    schema: Arc<Schema>,
    columns: Vec<Column>,
    n_gathered: usize,
}

enum Column {
    Text(Vec<Option<String>>),
    Whole(Vec<Option<u64>>),
    Number(Vec<Option<f64>>),
    Single(Vec<Option<f32>>),
}

impl Parquet {
    pub(super) fn create(file: BufWriter<File>, columns: &[(&str, Of)]) -> anyhow::Result<Self> {
        let field = |(name, of): &(&str, Of)| {
            let data_type = match of {
                Of::Text => DataType::Utf8,
                Of::Whole => DataType::UInt64,
                Of::Number => DataType::Float64,
                Of::Single => DataType::Float32,
            };
            Field::new(*name, data_type, true)
        };
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let level = ZstdLevel::try_new(3).context("the compression is not to be had")?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?;
        let columns = columns
            .iter()
            .map(|(_, of)| match of {
                Of::Text => Column::Text(Vec::new()),
                Of::Whole => Column::Whole(Vec::new()),
                Of::Number => Column::Number(Vec::new()),
                Of::Single => Column::Single(Vec::new()),
            })
            .collect();
        Ok(Self { writer, schema, columns, n_gathered: 0 })
    }

    pub(super) fn row(&mut self, cells: &[Cell<'_>]) -> anyhow::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            match (column, cell) {
                (Column::Text(values), Cell::Text(value)) => values.push(Some((*value).to_owned())),
                (Column::Text(values), _) => values.push(None),
                (Column::Whole(values), Cell::Whole(value)) => values.push(Some(*value)),
                (Column::Whole(values), _) => values.push(None),
                (Column::Number(values), Cell::Number(value)) => values.push(Some(*value)),
                (Column::Number(values), _) => values.push(None),
                (Column::Single(values), Cell::Single(value)) => values.push(Some(*value)),
                (Column::Single(values), _) => values.push(None),
            }
        }
        self.n_gathered += 1;
        if self.n_gathered >= N_GATHERED { self.hand_on() } else { Ok(()) }
    }

    fn hand_on(&mut self) -> anyhow::Result<()> {
        self.n_gathered = 0;
        let arrays = self
            .columns
            .iter_mut()
            .map(|column| -> ArrayRef {
                match column {
                    Column::Text(values) => Arc::new(StringArray::from(std::mem::take(values))),
                    Column::Whole(values) => Arc::new(UInt64Array::from(std::mem::take(values))),
                    Column::Number(values) => Arc::new(Float64Array::from(std::mem::take(values))),
                    Column::Single(values) => Arc::new(Float32Array::from(std::mem::take(values))),
                }
            })
            .collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        self.writer.write(&batch)?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> anyhow::Result<BufWriter<File>> {
        if self.n_gathered > 0 {
            self.hand_on()?;
        }
        Ok(self.writer.into_inner()?)
    }
}
