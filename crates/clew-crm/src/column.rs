//! One attribute of all customers, products or campaigns, as a column of plain numbers.

use serde::{Deserialize, Serialize};

use crate::ids::{Ids, NONE};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// A number.
    Number,
    /// A string.
    Text,
    /// A set of strings.
    Tags,
    /// True or false.
    Bool,
    /// A day.
    Date,
}

impl ColumnType {
    /// The type's name as it stands in the API and in messages.
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Number => "number",
            ColumnType::Text => "text",
            ColumnType::Tags => "tags",
            ColumnType::Bool => "bool",
            ColumnType::Date => "date",
        }
    }
}

/// The null of a [`Column::Bool`].
pub const NULL_BOOL: u8 = 2;
/// The null of a [`Column::Date`].
pub const NULL_DATE: i32 = i32::MIN;

/// A column; the row is the customer's, product's or campaign's code.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers; NaN is null, infinities do not occur.
    Number(Vec<f64>),
    /// Strings, each a code into `values`; [`NONE`] is null.
    Category {
        /// A code a row.
        codes: Vec<u32>,
        /// The distinct strings.
        values: Ids,
    },
    /// Sets of strings: row i holds `codes[starts[i]..starts[i + 1]]`, sorted and without doubles. Empty is null.
    Tags {
        /// One more than there are rows.
        starts: Vec<u32>,
        /// Codes into `values`.
        codes: Vec<u32>,
        /// The distinct strings.
        values: Ids,
    },
    /// 0 false, 1 true, 2 null.
    Bool(Vec<u8>),
    /// Days since 1970-01-01; `i32::MIN` is null.
    Date(Vec<i32>),
}

impl Column {
    /// What it holds.
    pub fn column_type(&self) -> ColumnType {
        self.view(0).column_type()
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        match self {
            Column::Number(values) => values.len(),
            Column::Category { codes, .. } => codes.len(),
            Column::Tags { starts, .. } => starts.len().saturating_sub(1),
            Column::Bool(values) => values.len(),
            Column::Date(values) => values.len(),
        }
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `n` rows (all when there are fewer).
    pub fn view(&self, n: usize) -> ColumnView<'_> {
        let n = n.min(self.len());
        match self {
            Column::Number(values) => ColumnView::Number(&values[..n]),
            Column::Category { codes, values } => ColumnView::Category { codes: &codes[..n], values },
            Column::Tags { starts, codes, values } => {
                let starts = starts.get(..=n).unwrap_or(&[]);
                let end = starts.last().map_or(0, |&end| end as usize);
                ColumnView::Tags { starts, codes: &codes[..end], values }
            }
            Column::Bool(values) => ColumnView::Bool(&values[..n]),
            Column::Date(values) => ColumnView::Date(&values[..n]),
        }
    }

    /// How many rows are null.
    pub fn n_nulls(&self) -> usize {
        match self {
            Column::Number(values) => values.iter().filter(|v| v.is_nan()).count(),
            Column::Category { codes, .. } => codes.iter().filter(|&&c| c == NONE).count(),
            Column::Tags { starts, .. } => starts.windows(2).filter(|w| w[0] == w[1]).count(),
            Column::Bool(values) => values.iter().filter(|&&v| v == NULL_BOOL).count(),
            Column::Date(values) => values.iter().filter(|&&v| v == NULL_DATE).count(),
        }
    }

    /// Bytes of memory held.
    pub fn size_bytes(&self) -> usize {
        match self {
            Column::Number(values) => values.capacity() * 8,
            Column::Category { codes, values } => codes.capacity() * 4 + values.size_bytes(),
            Column::Tags { starts, codes, values } => {
                (starts.capacity() + codes.capacity()) * 4 + values.size_bytes()
            }
            Column::Bool(values) => values.capacity(),
            Column::Date(values) => values.capacity() * 4,
        }
    }
}

/// The first rows of a [`Column`], borrowed; nulls as there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ColumnView<'a> {
    /// Numbers; NaN is null.
    Number(&'a [f64]),
    /// Codes into `values`; [`NONE`] is null.
    Category {
        /// A code a row.
        codes: &'a [u32],
        /// The distinct strings.
        values: &'a Ids,
    },
    /// Row i holds `codes[starts[i]..starts[i + 1]]`.
    Tags {
        /// One more than there are rows (none at all when there are no rows).
        starts: &'a [u32],
        /// Codes into `values`.
        codes: &'a [u32],
        /// The distinct strings.
        values: &'a Ids,
    },
    /// 0 false, 1 true, 2 null.
    Bool(&'a [u8]),
    /// Days since 1970-01-01; `i32::MIN` is null.
    Date(&'a [i32]),
}

impl ColumnView<'_> {
    /// What it holds.
    pub fn column_type(&self) -> ColumnType {
        match self {
            ColumnView::Number(_) => ColumnType::Number,
            ColumnView::Category { .. } => ColumnType::Text,
            ColumnView::Tags { .. } => ColumnType::Tags,
            ColumnView::Bool(_) => ColumnType::Bool,
            ColumnView::Date(_) => ColumnType::Date,
        }
    }
}
