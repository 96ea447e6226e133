//! From Postgres into files: rows come by COPY, a thread of its own makes them columns.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Int64Array, StringArray, UInt8Array, UInt32Array, UInt64Array};
use futures_util::StreamExt;
use sqlx::PgConnection;
use tokio::sync::mpsc;

use super::dictionary::{CAMPAIGNS, CUSTOMERS, Dictionaries, PRODUCTS, QUERIES};
use super::part::{self, BATCH_ROWS, Kind, PartWriter};
use crate::basket;
use crate::error::{Error, Result};
use crate::ingest::binary::{BinaryReader, Malformed};

/// Bytes handed over at a time, and how many such pieces may wait.
const PIECE: usize = 512 * 1024;
const PIECES: usize = 8;

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Error {
        Error::corrupt(
            "the rows that Postgres sent",
            "they are not in the form that was asked for; try again",
        )
    }
}

/// Runs a COPY and hands its bytes to `read`, which runs on a thread of its own.
async fn copy_out<T: Send + 'static>(
    connection: &mut PgConnection,
    statement: &'static str,
    read: impl FnOnce(&mut mpsc::Receiver<Vec<u8>>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, mut receiver) = mpsc::channel(PIECES);
    let reading = tokio::task::spawn_blocking(move || read(&mut receiver));
    let mut rows = connection.copy_out_raw(statement).await?;
    let mut piece = Vec::with_capacity(PIECE);
    while let Some(row) = rows.next().await {
        piece.extend_from_slice(&row?);
        if piece.len() >= PIECE
            && sender.send(std::mem::replace(&mut piece, Vec::with_capacity(PIECE))).await.is_err()
        {
            break;
        }
    }
    // When nobody takes it, the other side has failed and says why.
    drop(sender.send(piece).await);
    drop((rows, sender));
    match reading.await {
        Ok(outcome) => outcome,
        Err(panic) => match panic.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            Err(error) => Err(Error::corrupt("snapshot", format!("was not written to its end: {error}"))),
        },
    }
}

/// Writes the events of the batches that are set (`clew.after_batch`, `clew.until_batch`) to a file. Gives how many
/// they are, and the dictionaries with their new strings.
pub(crate) async fn events(
    connection: &mut PgConnection,
    path: PathBuf,
    mut dictionaries: Dictionaries,
    on_rows: impl Fn(u64) + Send + 'static,
) -> Result<(u64, Dictionaries)> {
    let statement = "copy (
            select kind, customer_id, product_id, occurred_at, quantity, revenue, campaign_id, query, basket_id
            from events
            where tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid
                and batch > current_setting('clew.after_batch')::bigint
                and batch <= current_setting('clew.until_batch')::bigint
        ) to stdout (format binary)";
    copy_out(connection, statement, move |pieces| {
        let mut writer = PartWriter::create(&path, Kind::Events)?;
        let mut columns = Columns::default();
        let mut reader = BinaryReader::default();
        while let Some(piece) = pieces.blocking_recv() {
            reader.push(&piece);
            while reader.next()? {
                columns.push(&reader, &mut dictionaries)?;
                if columns.kind.len() == BATCH_ROWS {
                    writer.write(&columns.take()?)?;
                    on_rows(writer.n_rows);
                }
            }
        }
        if !columns.kind.is_empty() {
            writer.write(&columns.take()?)?;
        }
        Ok((writer.finish()?, dictionaries))
    })
    .await
}

#[derive(Default)]
struct Columns {
    kind: Vec<u8>,
    customer: Vec<u32>,
    product: Vec<u32>,
    at: Vec<i64>,
    quantity: Vec<f32>,
    revenue: Vec<f32>,
    campaign: Vec<u32>,
    query: Vec<u32>,
    basket: Vec<u64>,
}

impl Columns {
    fn push(&mut self, row: &BinaryReader, dictionaries: &mut Dictionaries) -> Result<()> {
        let number = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        self.kind.push(dictionaries.kind(row.text(0)?.unwrap_or(""))?);
        self.customer.push(dictionaries.code(CUSTOMERS, row.text(1)?));
        self.product.push(dictionaries.code(PRODUCTS, row.text(2)?));
        self.at.push(row.time(3)?.unwrap_or(0).div_euclid(1_000_000));
        self.quantity.push(number(row.number(4)?));
        self.revenue.push(number(row.number(5)?));
        self.campaign.push(dictionaries.code(CAMPAIGNS, row.text(6)?));
        self.query.push(dictionaries.code(QUERIES, row.text(7)?));
        self.basket.push(row.text(8)?.map_or(0, basket::hash));
        Ok(())
    }

    fn take(&mut self) -> Result<arrow_array::RecordBatch> {
        let Columns { kind, customer, product, at, quantity, revenue, campaign, query, basket } =
            std::mem::take(self);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from(kind)),
            Arc::new(UInt32Array::from(customer)),
            Arc::new(UInt32Array::from(product)),
            Arc::new(Int64Array::from(at)),
            Arc::new(Float32Array::from(quantity)),
            Arc::new(Float32Array::from(revenue)),
            Arc::new(UInt32Array::from(campaign)),
            Arc::new(UInt32Array::from(query)),
            Arc::new(UInt64Array::from(basket)),
        ];
        part::batch(Kind::Events, columns)
    }
}

/// The statement that gives the rows of a table that were written since `clew.after_batch`.
pub(crate) fn rows_statement(table: super::TableKind) -> &'static str {
    match table {
        super::TableKind::Customers => {
            "copy (select id, attributes::text from customers
                   where tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid
                       and batch > current_setting('clew.after_batch')::bigint order by id)
             to stdout (format binary)"
        }
        super::TableKind::Products => {
            "copy (select id, attributes::text from products
                   where tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid
                       and batch > current_setting('clew.after_batch')::bigint order by id)
             to stdout (format binary)"
        }
        super::TableKind::Campaigns => {
            "copy (select id, attributes::text from campaigns
                   where tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid
                       and batch > current_setting('clew.after_batch')::bigint order by id)
             to stdout (format binary)"
        }
    }
}

/// Writes rows of ids and attributes to a file; gives how many they are.
pub(crate) async fn rows(
    connection: &mut PgConnection,
    statement: &'static str,
    path: PathBuf,
) -> Result<u64> {
    copy_out(connection, statement, move |pieces| {
        let mut writer = PartWriter::create(&path, Kind::Rows)?;
        let mut rows = RowColumns::default();
        let mut reader = BinaryReader::default();
        while let Some(piece) = pieces.blocking_recv() {
            reader.push(&piece);
            while reader.next()? {
                rows.push(reader.text(0)?.unwrap_or(""), reader.text(1)?.unwrap_or("{}"));
                if rows.is_full() {
                    writer.write(&rows.take()?)?;
                }
            }
        }
        if !rows.ids.is_empty() {
            writer.write(&rows.take()?)?;
        }
        writer.finish()
    })
    .await
}

/// A batch of rows in the making.
#[derive(Default)]
pub(crate) struct RowColumns {
    ids: Vec<String>,
    attributes: Vec<String>,
}

impl RowColumns {
    pub(crate) fn push(&mut self, id: &str, attributes: &str) {
        self.ids.push(id.to_owned());
        self.attributes.push(attributes.to_owned());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.ids.len() >= BATCH_ROWS / 8
    }

    pub(crate) fn take(&mut self) -> Result<arrow_array::RecordBatch> {
        let RowColumns { ids, attributes } = std::mem::take(self);
        part::batch(
            Kind::Rows,
            vec![Arc::new(StringArray::from(ids)), Arc::new(StringArray::from(attributes))],
        )
    }
}
