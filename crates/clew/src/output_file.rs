//! Result files: CSV (plain, `.gz`, `.zst`) or Parquet by the file's name, whole or not at all.

mod parquet;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::write::GzEncoder;

use crate::failure::WrongUse;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Text.
    Text,
    /// Whole numbers.
    Whole,
    /// Numbers; written with as many digits as it takes to read the same bits again.
    Number,
    /// The same from 32 bits.
    Single,
}

/// A value on its way into a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    /// Text.
    Text(&'a str),
    /// A whole number.
    Whole(u64),
    /// A number.
    Number(f64),
    /// A number of 32 bits.
    Single(f32),
    /// Nothing.
    Empty,
}

/// A file that appears under its name when it is finished, and not before; dropped unfinished, it leaves nothing.
pub(crate) struct OutputFile {
    path: PathBuf,
    unfinished: PathBuf,
    table: Option<Table>,
    n_rows: u64,
}

enum Table {
    Plain(csv::Writer<BufWriter<File>>),
    Gzip(csv::Writer<GzEncoder<BufWriter<File>>>),
    Zstd(csv::Writer<zstd::Encoder<'static, BufWriter<File>>>),
    Parquet(Box<parquet::Parquet>),
}

impl OutputFile {
    /// Begins a file with these columns. The ending of its name says how it is written.
    ///
    /// # Errors
    /// A [`WrongUse`] for an ending that is not known; when the folder cannot be written to.
    pub(crate) fn create(path: &Path, columns: &[(&str, Of)]) -> anyhow::Result<Self> {
        let form = form(path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let unfinished = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = File::create(&unfinished).with_context(|| {
            format!("could not write {}; is its folder there and writable?", path.display())
        })?;
        // From here on the unfinished file is removed whatever happens.
        let mut out = Self { path: path.to_owned(), unfinished, table: None, n_rows: 0 };
        let begin = || -> anyhow::Result<Table> {
            let file = BufWriter::with_capacity(1 << 16, file);
            let header = columns.iter().map(|(name, _)| *name);
            Ok(match form {
                Form::Plain => Table::Plain(headed(file, header)?),
                Form::Gzip => Table::Gzip(headed(GzEncoder::new(file, flate2::Compression::new(4)), header)?),
                Form::Zstd => Table::Zstd(headed(zstd::Encoder::new(file, 3)?, header)?),
                Form::Parquet => Table::Parquet(Box::new(parquet::Parquet::create(file, columns)?)),
            })
        };
        out.table = Some(begin().with_context(|| format!("could not write {}", path.display()))?);
        Ok(out)
    }

    /// Adds a row: a cell a column, in their order.
    ///
    /// # Errors
    /// When it cannot be written, for instance to a full disk.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> anyhow::Result<()> {
        self.n_rows += 1;
        let written = match self.table.as_mut() {
            Some(Table::Plain(csv)) => write_row(csv, cells),
            Some(Table::Gzip(csv)) => write_row(csv, cells),
            Some(Table::Zstd(csv)) => write_row(csv, cells),
            Some(Table::Parquet(parquet)) => parquet.row(cells),
            None => Ok(()),
        };
        written.with_context(|| format!("could not write {}; is the disk full?", self.path.display()))
    }

    /// Makes the file appear under its name, and gives its number of rows.
    ///
    /// # Errors
    /// As [`Self::row`].
    pub(crate) fn finish(mut self) -> anyhow::Result<u64> {
        let inner = |error: csv::IntoInnerError<_>| error.into_error();
        let ended = match self.table.take() {
            Some(Table::Plain(csv)) => end(csv.into_inner().map_err(|e| e.into_error())),
            Some(Table::Gzip(csv)) => {
                end(csv.into_inner().map_err(|e| e.into_error()).and_then(GzEncoder::finish))
            }
            Some(Table::Zstd(csv)) => end(csv.into_inner().map_err(inner).and_then(zstd::Encoder::finish)),
            Some(Table::Parquet(parquet)) => parquet.finish().and_then(|file| end(Ok(file))),
            None => Ok(()),
        };
        ended
            .and_then(|()| Ok(fs::rename(&self.unfinished, &self.path)?))
            .with_context(|| format!("could not write {}; is the disk full?", self.path.display()))?;
        Ok(self.n_rows)
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        // After finish the name is gone already.
        let _ = fs::remove_file(&self.unfinished);
    }
}

/// Writes a whole file under its name, or nothing.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let unfinished = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written.with_context(|| {
        format!("could not write {}; is its folder there, and the disk not full?", path.display())
    })
}

/// A line on standard error.
pub(crate) fn tell(text: &str) {
    // What nobody can read is no fault.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Gzip,
    Zstd,
    Parquet,
}

fn form(path: &Path) -> anyhow::Result<Form> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    for (ending, form) in [
        (".csv", Form::Plain),
        (".csv.gz", Form::Gzip),
        (".csv.zst", Form::Zstd),
        (".parquet", Form::Parquet),
    ] {
        if name.ends_with(ending) {
            return Ok(form);
        }
    }
    let text = format!("{}: end the name in .csv, .csv.gz, .csv.zst or .parquet", path.display());
    Err(WrongUse::new(text).into())
}

fn headed<'a, W: Write>(out: W, header: impl Iterator<Item = &'a str>) -> anyhow::Result<csv::Writer<W>> {
    let mut csv = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(out);
    csv.write_record(header)?;
    Ok(csv)
}

fn write_row<W: Write>(csv: &mut csv::Writer<W>, cells: &[Cell<'_>]) -> anyhow::Result<()> {
    let mut text = String::new();
    for cell in cells {
        use std::fmt::Write as _;
        text.clear();
        match cell {
            Cell::Text(value) => text.push_str(value),
            Cell::Whole(value) => write!(text, "{value}")?,
            Cell::Number(value) => write!(text, "{value}")?,
            Cell::Single(value) => write!(text, "{value}")?,
            Cell::Empty => {}
        }
        csv.write_field(&text)?;
    }
    csv.write_record(None::<&[u8]>)?;
    Ok(())
}

fn end(file: io::Result<BufWriter<File>>) -> anyhow::Result<()> {
    let file = file?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn write(name: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        let columns = [("id", Of::Text), ("n", Of::Whole), ("x", Of::Number), ("p", Of::Single)];
        let mut out = OutputFile::create(&path, &columns).unwrap();
        out.row(&[Cell::Text("a,b"), Cell::Whole(3), Cell::Number(0.1), Cell::Single(0.1)]).unwrap();
        out.row(&[Cell::Text("c"), Cell::Whole(4), Cell::Empty, Cell::Single(1e-9)]).unwrap();
        assert!(!path.exists(), "the file is there before it is whole");
        assert_eq!(out.finish().unwrap(), 2);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        (dir, path)
    }

    #[test]
    fn csv_is_written_plain_and_compressed() {
        let expected = "id,n,x,p\n\"a,b\",3,0.1,0.1\nc,4,,0.000000001\n";
        let (_dir, path) = write("out.csv");
        assert_eq!(fs::read_to_string(path).unwrap(), expected);
        let (_dir, path) = write("out.csv.gz");
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, expected);
        let (_dir, path) = write("out.csv.zst");
        assert_eq!(zstd::decode_all(File::open(path).unwrap()).unwrap(), expected.as_bytes());
    }

    #[test]
    fn parquet_can_be_read_again() {
        let (_dir, path) = write("out.parquet");
        let file = File::open(path).unwrap();
        let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 2);
        assert_eq!(batches[0].schema().fields().len(), 4);
    }

    #[test]
    fn what_is_dropped_leaves_nothing_and_what_is_unknown_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(OutputFile::create(&dir.path().join("a.csv"), &[("id", Of::Text)]).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let refused = OutputFile::create(&dir.path().join("a.xlsx"), &[]).err().unwrap();
        assert!(refused.to_string().contains(".parquet"), "{refused}");
    }
}
