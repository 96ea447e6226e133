//! A design matrix: one row per case, one named column per feature, numbers beside categories, missing values
//! as NaN.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use builder::DesignBuilder;

mod builder;

/// The code of a missing category, where categories are given as codes.
pub const MISSING: u32 = u32::MAX;

/// What the numbers of a column mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A measurement: larger is more.
    Number,
    /// The position of a value in this list of names; the order means nothing.
    Category(Vec<String>),
}

/// Named feature columns over rows of f32. NaN stands for "missing"; infinities are refused. A category's
/// cell holds the position of its value's name, exact in f32: at most 2²⁴ values.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    names: Vec<String>,
    kinds: Vec<Kind>,
    data: Array2<f32>,
}

impl Design {
    /// `data` is rows × features, one name per feature, all numbers. Errors on a wrong number of names, a name
    /// given twice, or an infinite value. [`DesignBuilder`] takes categories as well.
    pub fn new(names: Vec<String>, data: Array2<f32>) -> Result<Design> {
        if names.len() != data.ncols() {
            return Err(Error::input(
                format!("{} names for {} columns", names.len(), data.ncols()),
                "name every column once",
            ));
        }
        builder::check_names(&names)?;
        if let Some(((row, column), _)) = data.indexed_iter().find(|(_, value)| value.is_infinite()) {
            return Err(Error::input(
                format!("row {row} of column '{}' is infinite", names[column]),
                "drop or fill it",
            ));
        }
        let kinds = vec![Kind::Number; names.len()];
        Ok(Design { names, kinds, data })
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What each column is.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Rows × features; a category's cell is its code.
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

    /// The positions of the columns that are categories: what trees are told.
    pub fn categories(&self) -> Vec<usize> {
        (0..self.kinds.len()).filter(|&column| matches!(self.kinds[column], Kind::Category(_))).collect()
    }

    /// The codes of a category column, [`MISSING`] where missing; `None` for a number or a column that is not
    /// there.
    pub fn codes(&self, column: usize) -> Option<Vec<u32>> {
        matches!(self.kinds.get(column), Some(Kind::Category(_))).then(|| {
            let code = |value: &f32| if value.is_nan() { MISSING } else { *value as u32 };
            self.data.column(column).iter().map(code).collect()
        })
    }

    /// The name of a category's value in a row; `None` where missing, for a number, or outside the design.
    pub fn value(&self, row: usize, column: usize) -> Option<&str> {
        match (self.kinds.get(column), self.data.get((row, column))) {
            (Some(Kind::Category(values)), Some(code)) if !code.is_nan() => {
                values.get(*code as usize).map(String::as_str)
            }
            _ => None,
        }
    }

    /// The same columns, only the given rows. Rows that do not exist are an error.
    pub fn select_rows(&self, rows: &[usize]) -> Result<Design> {
        if let Some(row) = rows.iter().find(|&&row| row >= self.data.nrows()) {
            return Err(Error::input(
                format!("row {row} of a design of {} rows", self.data.nrows()),
                "select rows that exist",
            ));
        }
        Ok(Design {
            names: self.names.clone(),
            kinds: self.kinds.clone(),
            data: self.data.select(ndarray::Axis(0), rows),
        })
    }

    /// The rows of this design with the columns of `learned`: found by name, in its order, each category coded
    /// as there. A value that was not learned becomes missing. Errors when a column is absent or of another
    /// kind.
    pub fn aligned_to(&self, learned: &Design) -> Result<Design> {
        let mut data = Array2::zeros((self.n_rows(), learned.names.len()));
        for (to, (name, kind)) in learned.names.iter().zip(&learned.kinds).enumerate() {
            let Some(from) = self.position(name) else {
                return Err(Error::input(
                    format!("there is no column '{name}'"),
                    "give every learned column",
                ));
            };
            match (&self.kinds[from], kind) {
                (Kind::Number, Kind::Number) => data.column_mut(to).assign(&self.data.column(from)),
                (Kind::Category(own), Kind::Category(learned)) => {
                    let code = builder::positions(learned);
                    let translated: Vec<f32> =
                        own.iter().map(|value| code.get(value.as_str()).map_or(f32::NAN, |&c| c)).collect();
                    for (to, from) in data.column_mut(to).iter_mut().zip(self.data.column(from)) {
                        *to = if from.is_nan() { f32::NAN } else { translated[*from as usize] };
                    }
                }
                _ => {
                    return Err(Error::input(
                        format!("column '{name}' is a number in one design and a category in the other"),
                        "give it the kind it was learned with",
                    ));
                }
            }
        }
        Ok(Design { names: learned.names.clone(), kinds: learned.kinds.clone(), data })
    }

    /// Numbers as they are, and for each value of a category a column `name=value` of 0 and 1 in its place; a
    /// missing category is 0 in all of them. For models that read numbers only.
    pub fn one_hot(&self) -> Result<Design> {
        let (mut names, mut from) = (Vec::new(), Vec::new());
        for (column, (name, kind)) in self.names.iter().zip(&self.kinds).enumerate() {
            match kind {
                Kind::Number => {
                    names.push(name.clone());
                    from.push((column, None));
                }
                Kind::Category(values) => {
                    for (code, value) in values.iter().enumerate() {
                        names.push(format!("{name}={value}"));
                        from.push((column, Some(code as f32)));
                    }
                }
            }
        }
        let data = Array2::from_shape_fn((self.n_rows(), names.len()), |(row, to)| {
            let (column, code) = from[to];
            let value = self.data[[row, column]];
            code.map_or(value, |code| f32::from(u8::from(value == code)))
        });
        Design::new(names, data)
    }
}
