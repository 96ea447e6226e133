//! A file that comes in: its format and compression, read off its name and its first bytes.

use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// What the rows are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A header and a line a row, cells between delimiters.
    Csv,
    /// A JSON object a line.
    Ndjson,
    /// Parquet.
    Parquet,
}

impl Format {
    /// The format of a file name's ending (`csv`, `ndjson`, `parquet`, …) or of a media type.
    pub fn parse(text: &str) -> Option<Format> {
        let text = text.split(';').next().unwrap_or(text).trim();
        match text.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "text/csv" | "text/tab-separated-values" => Some(Format::Csv),
            "ndjson" | "jsonl" | "application/x-ndjson" | "application/ndjson" | "application/jsonl" => {
                Some(Format::Ndjson)
            }
            "parquet" | "application/vnd.apache.parquet" | "application/x-parquet" => Some(Format::Parquet),
            _ => None,
        }
    }
}

/// What the bytes are compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// A file that comes in.
#[derive(Debug, Clone)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in messages.
    pub name: String,
    /// What its rows are written in.
    pub format: Format,
    /// What its bytes are compressed with.
    pub compression: Compression,
}

/// The largest window that a Zstandard file may ask for, 2^26 bytes: part of the bound on memory.
const ZSTD_WINDOW_LOG: u32 = 26;

/// A compressed file may unpack to so many times its size, and always to [`ALWAYS_UNPACKED`] bytes: beyond that it
/// was made to fill the machine. Real data come to 30 times at the most.
const MAX_RATIO: u64 = 200;
const ALWAYS_UNPACKED: u64 = 64 << 20;

/// So many bytes may this many compressed ones unpack to.
pub(crate) fn most_unpacked(n_bytes: u64) -> u64 {
    n_bytes.saturating_mul(MAX_RATIO).max(ALWAYS_UNPACKED)
}

impl File {
    /// Looks at a file. The compression is read off its first bytes, and so is the format when `format` is not
    /// given and the name's ending says none.
    pub fn open(path: &Path, format: Option<Format>) -> Result<File> {
        let name =
            path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        File::named(path, &name, format)
    }

    /// The same with another name in messages, for a file that lies under a name of our own.
    pub fn named(path: &Path, name: &str, format: Option<Format>) -> Result<File> {
        let mut file = File {
            path: path.to_owned(),
            name: name.to_owned(),
            format: Format::Csv,
            compression: Compression::None,
        };
        let mut start = [0_u8; 4];
        let n = fill(&mut file.raw()?, &mut start).map_err(|error| Error::io(path, error))?;
        file.compression = match start.get(..n).unwrap_or(&[]) {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
            _ => Compression::None,
        };
        let mut start = [0_u8; 256];
        let n = fill(&mut file.read()?.reader, &mut start).map_err(|error| file.broken(&error))?;
        let start = start.get(..n).unwrap_or(&[]);
        let by_name = || {
            let plain = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
            plain.rsplit_once('.').and_then(|(_, ending)| Format::parse(ending))
        };
        file.format = match format.or_else(by_name) {
            _ if start.starts_with(b"PAR1") => Format::Parquet,
            Some(Format::Parquet) => {
                return Err(Error::input(
                    name,
                    "is not Parquet: it does not begin with PAR1; send Parquet, or name the file .csv or .ndjson",
                ));
            }
            Some(format) => format,
            None if start.trim_ascii_start().starts_with(b"{") => Format::Ndjson,
            None => Format::Csv,
        };
        Ok(file)
    }

    /// Opens it for reading from the start, uncompressed.
    pub(crate) fn read(&self) -> Result<Opened> {
        let raw = self.raw()?;
        let size = raw.metadata().map_or(0, |metadata| metadata.len());
        let n_read = Arc::new(AtomicU64::new(0));
        let counted =
            BufReader::with_capacity(128 * 1024, Counted { inner: raw, n_read: Arc::clone(&n_read) });
        let reader: Box<dyn Read + Send> = match self.compression {
            Compression::None => Box::new(counted),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(counted)),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(counted)
                    .map_err(|error| Error::io(&self.path, error))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|error| Error::io(&self.path, error))?;
                Box::new(decoder)
            }
        };
        let reader: Box<dyn Read + Send> = match self.compression {
            Compression::None => reader,
            Compression::Gzip | Compression::Zstd => {
                Box::new(Bounded { inner: reader, n_left: most_unpacked(size) })
            }
        };
        Ok(Opened { reader, share: Share { n_read, size } })
    }

    pub(crate) fn raw(&self) -> Result<fs::File> {
        fs::File::open(&self.path).map_err(|error| Error::io(&self.path, error))
    }

    /// An error in reading: cut short, or damaged.
    pub(crate) fn broken(&self, error: &io::Error) -> Error {
        let remedy = match (self.compression, error.kind()) {
            (_, io::ErrorKind::FileTooLarge) => too_much(),
            (Compression::None, _) => format!("cannot be read to its end ({error}); send it again"),
            (_, io::ErrorKind::UnexpectedEof) => {
                "its compressed data ends too early: the file was cut short; send it again whole".to_owned()
            }
            _ => format!("its compressed data is damaged ({error}); compress and send it again"),
        };
        Error::input(self.name.clone(), remedy)
    }
}

/// What is said of data that unpack to too much.
pub(crate) fn too_much() -> String {
    format!("unpacks to more than {MAX_RATIO} times its size; send it in smaller files or uncompressed")
}

/// Ends with an error where a file unpacks to too much.
struct Bounded {
    inner: Box<dyn Read + Send>,
    n_left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        match self.n_left.checked_sub(n as u64) {
            Some(n_left) => self.n_left = n_left,
            None => return Err(io::ErrorKind::FileTooLarge.into()),
        }
        Ok(n)
    }
}

/// A file opened for reading.
pub(crate) struct Opened {
    pub(crate) reader: Box<dyn Read + Send>,
    pub(crate) share: Share,
}

/// How much of a file has been read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Share {
    n_read: Arc<AtomicU64>,
    size: u64,
}

impl Share {
    /// From 0 to 1.
    pub(crate) fn done(&self) -> f64 {
        if self.size == 0 {
            return 1.0;
        }
        (self.n_read.load(Ordering::Relaxed) as f64 / self.size as f64).min(1.0)
    }
}

struct Counted {
    inner: fs::File,
    n_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.n_read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Reads until `buffer` is full or the end is reached.
pub(crate) fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while let Some(rest) = buffer.get_mut(n..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(read) => n += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n)
}
