//! The strings that events name by number.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, UInt8Array};
use clew_crm::{EventKind, Ids, NONE};

use super::part::{self, BATCH_ROWS, Kind, PartWriter};
use crate::error::{Error, Result};

/// How many dictionaries there are.
const N: usize = 5;

/// The dictionaries of a snapshot, by number: kinds, customers, products, campaigns, queries.
#[derive(Debug, Clone)]
pub(crate) struct Dictionaries {
    all: [Ids; N],
    /// How many strings of each were read from files; those after them are new.
    n_known: [usize; N],
}

pub(crate) const KINDS: usize = 0;
pub(crate) const CUSTOMERS: usize = 1;
pub(crate) const PRODUCTS: usize = 2;
pub(crate) const CAMPAIGNS: usize = 3;
pub(crate) const QUERIES: usize = 4;

impl Dictionaries {
    /// The well-known kinds and nothing else.
    pub(crate) fn new() -> Dictionaries {
        let mut all: [Ids; N] = Default::default();
        all[KINDS] = EventKind::NAMES.iter().collect();
        let n_known = all.each_ref().map(Ids::len);
        Dictionaries { all, n_known }
    }

    /// Reads the next file of strings.
    pub(crate) fn read(&mut self, path: &Path) -> Result<()> {
        for batch in part::read(path, Kind::Dictionary)? {
            let batch = batch.map_err(|_| part::damaged(path))?;
            let (numbers, values) = part::dictionary_columns(&batch).ok_or_else(|| part::damaged(path))?;
            for (number, value) in numbers.iter().zip(values.iter()) {
                let ids = self.all.get_mut(usize::from(*number)).ok_or_else(|| part::damaged(path))?;
                ids.intern(value.unwrap_or(""));
            }
        }
        self.n_known = self.all.each_ref().map(Ids::len);
        Ok(())
    }

    /// The code of a string, given now if it had none.
    pub(crate) fn code(&mut self, number: usize, text: Option<&str>) -> u32 {
        match (text, self.all.get_mut(number)) {
            (Some(text), Some(ids)) => ids.intern(text),
            _ => NONE,
        }
    }

    /// The code of a kind.
    pub(crate) fn kind(&mut self, kind: &str) -> Result<u8> {
        u8::try_from(self.code(KINDS, Some(kind))).map_err(|_| {
            Error::input(
                format!("event kind '{kind}'"),
                "is the 248th kind of the tenant's own; map kinds to fewer names",
            )
        })
    }

    /// Writes the strings that no file holds yet; gives how many they are, and no file if none.
    pub(crate) fn write_new(&mut self, path: &Path) -> Result<u64> {
        if self.all.each_ref().map(Ids::len) == self.n_known {
            return Ok(0);
        }
        let mut writer = PartWriter::create(path, Kind::Dictionary)?;
        for (number, (ids, n_known)) in self.all.iter().zip(self.n_known).enumerate() {
            let mut values = ids.iter().skip(n_known);
            loop {
                let some: StringArray = values.by_ref().take(BATCH_ROWS).map(Some).collect();
                let n = arrow_array::Array::len(&some);
                if n == 0 {
                    break;
                }
                let numbers: ArrayRef = Arc::new(UInt8Array::from(vec![number as u8; n]));
                writer.write(&part::batch(Kind::Dictionary, vec![numbers, Arc::new(some)])?)?;
            }
        }
        self.n_known = self.all.each_ref().map(Ids::len);
        writer.finish()
    }

    pub(crate) fn into_parts(self) -> [Ids; N] {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_keep_their_numbers_from_file_to_file() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("1"), dir.path().join("2"));
        let mut dictionaries = Dictionaries::new();
        assert_eq!(dictionaries.kind("purchase").unwrap(), 0);
        assert_eq!(dictionaries.kind("wish").unwrap(), 9);
        assert_eq!(dictionaries.code(CUSTOMERS, Some("b")), 0);
        assert_eq!(dictionaries.code(PRODUCTS, None), NONE);
        assert_eq!(dictionaries.write_new(&first).unwrap(), 2);
        assert_eq!(dictionaries.code(CUSTOMERS, Some("a")), 1);
        assert_eq!(dictionaries.code(QUERIES, Some("é")), 0);
        assert_eq!(dictionaries.write_new(&second).unwrap(), 2);
        assert_eq!(dictionaries.write_new(&dir.path().join("3")).unwrap(), 0);
        let mut again = Dictionaries::new();
        again.read(&first).unwrap();
        again.read(&second).unwrap();
        assert_eq!(again.all, dictionaries.all);
    }
}
