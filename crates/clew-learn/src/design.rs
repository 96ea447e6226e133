//! A design matrix: one row per case, one named column per feature, missing values as NaN.

use ndarray::{Array2, ArrayView2};

use crate::error::{Error, Result};

/// Named feature columns over rows of f32. NaN stands for "missing"; infinities are refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    names: Vec<String>,
    data: Array2<f32>,
}

impl Design {
    /// `data` is rows × features, one name per feature. Errors on a wrong number of names, a name given
    /// twice, or an infinite value.
    pub fn new(names: Vec<String>, data: Array2<f32>) -> Result<Design> {
        if names.len() != data.ncols() {
            return Err(Error::input(
                format!("{} names for {} columns", names.len(), data.ncols()),
                "name every column once",
            ));
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::input(format!("two columns are named '{}'", pair[0]), "rename one of them"));
        }
        if let Some(((row, column), _)) = data.indexed_iter().find(|(_, value)| value.is_infinite()) {
            return Err(Error::input(
                format!("row {row} of column '{}' is infinite", names[column]),
                "drop or fill it",
            ));
        }
        Ok(Design { names, data })
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Rows × features.
    pub fn data(&self) -> ArrayView2<'_, f32> {
        self.data.view()
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.data.nrows()
    }

    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The same columns, only the given rows. Rows that do not exist are an error.
    pub fn select_rows(&self, rows: &[usize]) -> Result<Design> {
        if let Some(row) = rows.iter().find(|&&row| row >= self.data.nrows()) {
            return Err(Error::input(
                format!("row {row} of a design of {} rows", self.data.nrows()),
                "select rows that exist",
            ));
        }
        Ok(Design { names: self.names.clone(), data: self.data.select(ndarray::Axis(0), rows) })
    }
}
