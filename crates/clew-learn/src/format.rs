//! The container that fitted models are kept in: named sections behind a checksummed table, laid so that a
//! memory map of the file can be read in place.
//!
//! Layout, all numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | magic `clewfile` |
//! | 8..12 | format version, u32 (now 1) |
//! | 12..16 | number of sections n, u32 |
//! | 16..24 | length of the whole file in bytes, u64 |
//! | 24..32 | zero |
//! | 32..64 | BLAKE3 of bytes 0..32 followed by the section table |
//! | 64..64 + 128 n | section table, entries of 128 bytes |
//! | then | sections in the order of the table, each starting at a multiple of 64, gaps zero |
//!
//! A table entry: name (64 bytes, UTF-8, padded with zeros), kind u32, zero u32, offset u64, length in bytes
//! u64, BLAKE3 of the section (32 bytes), zero (8 bytes). Kinds are those of [`Element::KIND`]; 0 is JSON.
//! Numbers that must come back bit for bit belong in typed sections, not in JSON.

use std::sync::Arc;

use bytemuck::Pod;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

pub use view::View;

mod view;

#[cfg(target_endian = "big")]
compile_error!("model files are little-endian and read in place");

const MAGIC: &[u8; 8] = b"clewfile";
const VERSION: u32 = 1;
const HEADER: usize = 64;
const ENTRY: usize = 128;
const NAME: usize = 64;
const ALIGNMENT: usize = 64;
const JSON: u32 = 0;

/// A number type that a section can hold.
pub trait Element: Pod {
    /// The kind's number in the section table.
    const KIND: u32;
}

macro_rules! elements {
    ($($kind:literal $element:ty),*) => { $(impl Element for $element { const KIND: u32 = $kind; })* };
}
elements!(1 u8, 2 u16, 3 u32, 4 u64, 5 i32, 6 i64, 7 f32, 8 f64, 9 half::f16, 10 i8, 11 i16);

/// Gathers sections and writes them as one file.
#[derive(Debug, Default)]
pub struct Writer {
    sections: Vec<(String, u32, Vec<u8>)>,
}

impl Writer {
    /// A writer without sections.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Adds a section of numbers. Errors on a name that is empty, used twice or longer than 64 bytes.
    pub fn section<T: Element>(&mut self, name: &str, data: &[T]) -> Result<()> {
        self.add(name, T::KIND, bytemuck::cast_slice(data).to_vec())
    }

    /// Adds a section of JSON. Errors as [`Writer::section`], and on what JSON cannot express.
    pub fn json<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        let bytes = serde_json::to_vec(value).map_err(|error| {
            Error::format(format!("section '{name}': {error}"), "keep maps keyed by text")
        })?;
        self.add(name, JSON, bytes)
    }

    fn add(&mut self, name: &str, kind: u32, bytes: Vec<u8>) -> Result<()> {
        if name.is_empty() || name.len() > NAME || name.contains('\0') {
            return Err(Error::format(format!("section name '{name}'"), "use 1 to 64 bytes without zeros"));
        }
        if self.sections.iter().any(|(known, ..)| known == name) {
            return Err(Error::format(format!("section '{name}' is written twice"), "give it another name"));
        }
        self.sections.push((name.to_owned(), kind, bytes));
        Ok(())
    }

    /// The whole file.
    pub fn finish(self) -> Vec<u8> {
        let mut offset = HEADER + ENTRY * self.sections.len();
        let mut table = Vec::with_capacity(ENTRY * self.sections.len());
        for (name, kind, bytes) in &self.sections {
            offset = offset.next_multiple_of(ALIGNMENT);
            let mut padded = [0_u8; NAME];
            for (slot, byte) in padded.iter_mut().zip(name.bytes()) {
                *slot = byte;
            }
            table.extend_from_slice(&padded);
            table.extend_from_slice(&kind.to_le_bytes());
            table.extend_from_slice(&0_u32.to_le_bytes());
            table.extend_from_slice(&(offset as u64).to_le_bytes());
            table.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            table.extend_from_slice(blake3::hash(bytes).as_bytes());
            table.extend_from_slice(&[0; 8]);
            offset += bytes.len();
        }
        let mut file = Vec::with_capacity(offset);
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&VERSION.to_le_bytes());
        file.extend_from_slice(&(self.sections.len() as u32).to_le_bytes());
        file.extend_from_slice(&(offset as u64).to_le_bytes());
        file.extend_from_slice(&[0; 8]);
        let hash = blake3::Hasher::new().update(&file).update(&table).finalize();
        file.extend_from_slice(hash.as_bytes());
        file.extend_from_slice(&table);
        for (_, _, bytes) in &self.sections {
            file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
            file.extend_from_slice(bytes);
        }
        file
    }
}

/// One entry of the section table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The section's name.
    pub name: String,
    /// 0 for JSON, else [`Element::KIND`].
    pub kind: u32,
    offset: usize,
    length: usize,
}

impl Section {
    /// Length in bytes.
    pub fn size_bytes(&self) -> usize {
        self.length
    }
}

/// An opened file whose checksums held. Clones share the bytes.
#[derive(Clone)]
pub struct File {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    sections: Arc<[Section]>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").field("sections", &self.sections).finish_non_exhaustive()
    }
}

const RETRAIN: &str = "fetch the file again or train again";

impl File {
    /// Opens a file held in memory or mapped into it, and verifies every checksum. Errors on foreign,
    /// truncated or damaged files and on versions from the future.
    pub fn open(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Result<File> {
        // Typed views need the base aligned; a map always is, a buffer may not be.
        let misaligned = !(*bytes).as_ref().as_ptr().cast::<u64>().is_aligned();
        let bytes = if misaligned { view::Aligned::copy((*bytes).as_ref()) } else { bytes };
        let sections = read_table((*bytes).as_ref())?;
        Ok(File { bytes, sections: sections.into() })
    }

    /// The sections in file order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Whether the file has a section of this name.
    pub fn has(&self, name: &str) -> bool {
        self.sections.iter().any(|section| section.name == name)
    }

    /// A section's numbers, in place.
    pub fn view<T: Element>(&self, name: &str) -> Result<&[T]> {
        let section = self.find(name, T::KIND)?;
        bytemuck::try_cast_slice(self.bytes_of(section))
            .map_err(|_| Error::format(format!("section '{name}' is cut within a number"), RETRAIN))
    }

    /// As [`File::view`], but keeps the file open by itself, so it has no lifetime to carry around.
    pub fn shared<T: Element>(&self, name: &str) -> Result<View<T>> {
        self.view::<T>(name)?;
        let section = self.find(name, T::KIND)?;
        Ok(View::new(Arc::clone(&self.bytes), section.offset, section.length))
    }

    /// A JSON section's value.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let section = self.find(name, JSON)?;
        serde_json::from_slice(self.bytes_of(section)).map_err(|error| {
            Error::format(format!("section '{name}': {error}"), "read it with the version that wrote it")
        })
    }

    fn find(&self, name: &str, kind: u32) -> Result<&Section> {
        let section = self
            .sections
            .iter()
            .find(|section| section.name == name)
            .ok_or_else(|| Error::format(format!("section '{name}' is missing"), RETRAIN))?;
        if section.kind != kind {
            return Err(Error::format(
                format!("section '{name}' is of kind {} where {kind} was expected", section.kind),
                "read it with the version that wrote it",
            ));
        }
        Ok(section)
    }

    fn bytes_of(&self, section: &Section) -> &[u8] {
        (*self.bytes).as_ref().get(section.offset..section.offset + section.length).unwrap_or(&[])
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    bytes
        .get(at..at + N)
        .and_then(|part| part.try_into().ok())
        .ok_or_else(|| Error::format("the model file is truncated", RETRAIN))
}

fn read_table(bytes: &[u8]) -> Result<Vec<Section>> {
    if bytes.get(..8) != Some(MAGIC.as_slice()) {
        return Err(Error::format("this is not a model file", "give a file written by a training"));
    }
    let version = u32::from_le_bytes(number(bytes, 8)?);
    if version != VERSION {
        return Err(Error::format(
            format!("the model file has version {version}, this program reads {VERSION}"),
            "use the program that wrote it, or train again",
        ));
    }
    let n_sections = u32::from_le_bytes(number(bytes, 12)?) as usize;
    let length = u64::from_le_bytes(number(bytes, 16)?);
    if bytes.len() as u64 != length {
        return Err(Error::format(format!("the model file has {} of {length} bytes", bytes.len()), RETRAIN));
    }
    let table = bytes
        .get(HEADER..HEADER + ENTRY * n_sections)
        .ok_or_else(|| Error::format("the model file is truncated", RETRAIN))?;
    let hash = blake3::Hasher::new().update(&number::<32>(bytes, 0)?).update(table).finalize();
    if hash.as_bytes() != &number::<32>(bytes, 32)? {
        return Err(Error::format("the model file's table is damaged", RETRAIN));
    }
    table
        .chunks_exact(ENTRY)
        .map(|entry| {
            let name: Vec<u8> = entry.iter().take(NAME).copied().take_while(|&byte| byte != 0).collect();
            let name = String::from_utf8(name)
                .map_err(|_| Error::format("the model file's table is damaged", RETRAIN))?;
            let kind = u32::from_le_bytes(number(entry, NAME)?);
            let offset = u64::from_le_bytes(number(entry, NAME + 8)?) as usize;
            let length = u64::from_le_bytes(number(entry, NAME + 16)?) as usize;
            let damaged = || Error::format(format!("section '{name}' is damaged"), RETRAIN);
            let end = offset.checked_add(length).ok_or_else(damaged)?;
            let data =
                bytes.get(offset..end).filter(|_| offset.is_multiple_of(ALIGNMENT)).ok_or_else(damaged)?;
            if blake3::hash(data).as_bytes() != &number::<32>(entry, NAME + 24)? {
                return Err(damaged());
            }
            Ok(Section { name, kind, offset, length })
        })
        .collect()
}
