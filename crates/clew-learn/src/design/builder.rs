//! A design put together column by column.

use std::collections::HashMap;

use ndarray::Array2;

use super::{Design, Kind, MISSING};
use crate::error::{Error, Result};

/// Most values that a category may have: beyond, a code would not be exact in f32.
const MOST_VALUES: usize = 1 << 24;

/// Takes columns one by one and checks each.
#[derive(Debug, Clone, Default)]
pub struct DesignBuilder {
    names: Vec<String>,
    kinds: Vec<Kind>,
    columns: Vec<Vec<f32>>,
}

impl DesignBuilder {
    /// A design without columns.
    pub fn new() -> DesignBuilder {
        DesignBuilder::default()
    }

    /// Adds a column of numbers, one a row; NaN is missing. Errors on an infinite value, a name used before, or
    /// another number of rows than the column before.
    pub fn number(mut self, name: &str, values: Vec<f32>) -> Result<DesignBuilder> {
        if let Some(row) = values.iter().position(|value| value.is_infinite()) {
            return Err(Error::input(format!("row {row} of column '{name}' is infinite"), "drop or fill it"));
        }
        self.add(name, Kind::Number, values)?;
        Ok(self)
    }

    /// Adds a category: the position of each row's value in `values`, or [`MISSING`]. Errors as
    /// [`DesignBuilder::number`], on a code outside `values`, a value named twice, more than 2²⁴ values.
    pub fn category(mut self, name: &str, codes: &[u32], values: Vec<String>) -> Result<DesignBuilder> {
        if values.len() > MOST_VALUES {
            return Err(Error::input(
                format!("category '{name}' has {} values", values.len()),
                "use at most 2^24; hash or target-encode it",
            ));
        }
        if positions(&values).len() != values.len() {
            return Err(Error::input(
                format!("category '{name}' names a value twice"),
                "give each value one code",
            ));
        }
        let cells = codes
            .iter()
            .enumerate()
            .map(|(row, &code)| match code {
                MISSING => Ok(f32::NAN),
                code if (code as usize) < values.len() => Ok(code as f32),
                code => Err(Error::input(
                    format!("row {row} of category '{name}' has the code {code} of {} values", values.len()),
                    "use codes of the values given, or MISSING",
                )),
            })
            .collect::<Result<_>>()?;
        self.add(name, Kind::Category(values), cells)?;
        Ok(self)
    }

    /// Adds a category given as text, `None` where missing; values are coded in the order of the alphabet, so
    /// the order of the rows does not matter. Errors as [`DesignBuilder::category`].
    pub fn text(self, name: &str, cells: &[Option<&str>]) -> Result<DesignBuilder> {
        let mut values: Vec<&str> = cells.iter().copied().flatten().collect();
        values.sort_unstable();
        values.dedup();
        let codes: Vec<u32> = cells
            .iter()
            .map(|cell| match cell.map(|cell| values.binary_search(&cell)) {
                Some(Ok(code)) => u32::try_from(code).unwrap_or(MISSING),
                _ => MISSING,
            })
            .collect();
        self.category(name, &codes, values.into_iter().map(str::to_owned).collect())
    }

    fn add(&mut self, name: &str, kind: Kind, cells: Vec<f32>) -> Result<()> {
        if let Some(first) = self.columns.first()
            && first.len() != cells.len()
        {
            return Err(Error::input(
                format!(
                    "column '{name}' has {} rows where '{}' has {}",
                    cells.len(),
                    self.names[0],
                    first.len()
                ),
                "give every column the same rows",
            ));
        }
        if self.names.iter().any(|known| known == name) {
            return Err(Error::input(format!("two columns are named '{name}'"), "rename one of them"));
        }
        self.names.push(name.to_owned());
        self.kinds.push(kind);
        self.columns.push(cells);
        Ok(())
    }

    /// The design. Errors without any column.
    pub fn finish(self) -> Result<Design> {
        let Some(first) = self.columns.first() else {
            return Err(Error::input("a design without columns", "add at least one"));
        };
        let data = Array2::from_shape_fn((first.len(), self.columns.len()), |(row, column)| {
            self.columns[column][row]
        });
        Ok(Design { names: self.names, kinds: self.kinds, data })
    }
}

/// The code of each name, as a cell.
pub(super) fn positions(values: &[String]) -> HashMap<&str, f32> {
    values.iter().enumerate().map(|(code, value)| (value.as_str(), code as f32)).collect()
}

pub(super) fn check_names(names: &[String]) -> Result<()> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::input(format!("two columns are named '{}'", pair[0]), "rename one of them")),
        None => Ok(()),
    }
}
