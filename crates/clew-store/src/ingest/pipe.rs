//! A file read on a thread of its own, its rows sent to Postgres as they come: COPY in bounded memory.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgConnection;
use tokio::sync::mpsc;

use super::binary::BinaryRows;
use crate::cell;
use crate::column::Unquoted;
use crate::error::{Error, Result};
use crate::intake::{Rejected, RejectedSink};

/// Bytes sent at a time, and how many such pieces may wait: the bound on memory between file and Postgres.
const PIECE: usize = 256 * 1024;
const PIECES: usize = 8;

/// The most rejected lines that are listed; beyond it a file is wrong altogether, and they are only counted.
const MAX_LISTED: u64 = 100_000;

/// Takes the rows of a file from its reading thread.
pub(crate) struct RowSink {
    rows: BinaryRows,
    sender: mpsc::Sender<Vec<u8>>,
}

impl RowSink {
    /// Where the next row is to be written.
    pub(crate) fn rows(&mut self) -> &mut BinaryRows {
        &mut self.rows
    }

    /// Sends what was written when it is enough. False when nobody takes it any more.
    pub(crate) fn flush(&mut self) -> bool {
        self.rows.len() < PIECE || self.sender.blocking_send(self.rows.take()).is_ok()
    }

    fn end(mut self) -> bool {
        self.rows.end();
        self.sender.blocking_send(self.rows.take()).is_ok()
    }
}

/// Runs `read` on a thread of its own and COPYs what it writes. Gives what it gave and how many rows were sent.
pub(crate) async fn copy<T: Send + 'static>(
    connection: &mut PgConnection,
    statement: &'static str,
    read: impl FnOnce(&mut RowSink) -> Result<T> + Send + 'static,
) -> Result<(T, u64)> {
    let (sender, mut receiver) = mpsc::channel(PIECES);
    let reading = tokio::task::spawn_blocking(move || {
        let mut sink = RowSink { rows: BinaryRows::new(), sender };
        let outcome = read(&mut sink)?;
        // When nobody takes it, the other side has failed and says why.
        sink.end();
        Ok(outcome)
    });
    let mut copy = connection.copy_in_raw(statement).await?;
    while let Some(piece) = receiver.recv().await {
        if let Err(error) = copy.send(piece).await {
            drop(receiver);
            drop(copy.abort("the connection failed").await);
            return Err(error.into());
        }
    }
    match reading.await {
        Ok(Ok(outcome)) => Ok((outcome, copy.finish().await?)),
        Ok(Err(error)) => {
            copy.abort("the file cannot be used").await?;
            Err(error)
        }
        Err(panic) => {
            copy.abort("reading failed").await?;
            match panic.try_into_panic() {
                // The worker names the phase and contains it.
                Ok(payload) => std::panic::resume_unwind(payload),
                Err(error) => Err(Error::input("file", format!("was not read to its end: {error}"))),
            }
        }
    }
}

/// Said of a value that must not be shown to everybody who may read the list.
const NOT_QUOTED: &str = "is not of the column's type; what personal columns hold is not quoted here";

/// The list of rejected lines, in a temporary file as CSV.
#[derive(Clone)]
pub(crate) struct Listing {
    open: Arc<Mutex<Open>>,
    unquoted: Arc<Option<Unquoted>>,
}

struct Open {
    file: std::io::BufWriter<tempfile::NamedTempFile>,
    n: u64,
    error: Option<std::io::Error>,
}

impl Listing {
    /// An empty list, which quotes nothing of these columns.
    pub(crate) fn new(unquoted: Option<Unquoted>) -> Result<Listing> {
        let file = tempfile::NamedTempFile::new().map_err(|error| Error::io(std::env::temp_dir(), error))?;
        let mut file = std::io::BufWriter::new(file);
        let error = file.write_all(b"line,column,reason\n").err();
        Ok(Listing { open: Arc::new(Mutex::new(Open { file, n: 0, error })), unquoted: Arc::new(unquoted) })
    }

    /// What a reader hands its rejected lines to.
    pub(crate) fn sink(&self) -> RejectedSink {
        let listing = self.clone();
        Box::new(move |rejected| listing.add(rejected))
    }

    fn add(&self, rejected: &Rejected) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.n += 1;
        let column = rejected.column.as_deref().unwrap_or("");
        let reason = match &*self.unquoted {
            Some(unquoted) if unquoted.contains(column) => NOT_QUOTED,
            _ => &rejected.reason,
        };
        let line = match open.n {
            n if n <= MAX_LISTED => {
                format!("{},{},{}\n", rejected.line, cell::csv(column), cell::csv(reason))
            }
            n if n == MAX_LISTED + 1 => {
                format!(",,\"more than {MAX_LISTED} lines; the others are only counted\"\n")
            }
            _ => return,
        };
        let written = open.file.write_all(line.as_bytes());
        if let (Err(error), None) = (written, &open.error) {
            open.error = Some(error);
        }
    }

    /// The file, if a line was rejected.
    pub(crate) fn file(&self) -> Result<Option<std::path::PathBuf>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let error = open.error.take().or_else(|| open.file.flush().err());
        let path = open.file.get_ref().path().to_owned();
        match error {
            Some(error) => Err(Error::io(path, error)),
            None => Ok((open.n > 0).then_some(path)),
        }
    }
}
