//! Customers, products or campaigns: their ids and their attribute columns.

mod build;

use std::fmt;

use crate::column::{Column, ColumnView};
use crate::ids::Ids;

pub use build::TableBuilder;

/// Ids and their attributes. Row i of each column belongs to the id of code i.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The ids.
    pub ids: Ids,
    /// The columns' names.
    pub names: Vec<String>,
    /// The columns, aligned with `names`; each as long as `ids`.
    pub columns: Vec<Column>,
}

impl Table {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.names.iter().position(|n| n == name).and_then(|i| self.columns.get(i))
    }

    /// All rows, borrowed.
    pub fn view(&self) -> TableView<'_> {
        TableView { table: self, n_rows: self.len() }
    }

    /// The first `n` rows, borrowed.
    pub fn first(&self, n: usize) -> TableView<'_> {
        TableView { table: self, n_rows: n.min(self.len()) }
    }

    /// Bytes of memory held.
    pub fn size_bytes(&self) -> usize {
        self.ids.size_bytes() + self.columns.iter().map(Column::size_bytes).sum::<usize>()
    }
}

/// The first rows of a [`Table`]: what a [`History`](crate::history::History) shows of customers or products.
#[derive(Clone, Copy)]
pub struct TableView<'a> {
    table: &'a Table,
    n_rows: usize,
}

impl<'a> TableView<'a> {
    /// How many rows it shows.
    pub fn len(&self) -> usize {
        self.n_rows
    }

    /// Whether it shows none.
    pub fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    /// The id of a row; empty beyond the last.
    pub fn id(&self, row: u32) -> &'a str {
        if (row as usize) < self.n_rows { self.table.ids.name(row) } else { "" }
    }

    /// The ids of all rows, in their order.
    pub fn ids(&self) -> Vec<String> {
        (0..self.n_rows as u32).map(|row| self.id(row).to_owned()).collect()
    }

    /// The row of an id.
    pub fn find(&self, id: &str) -> Option<u32> {
        self.table.ids.get(id).filter(|&row| (row as usize) < self.n_rows)
    }

    /// The columns' names.
    pub fn names(&self) -> &'a [String] {
        &self.table.names
    }

    /// The shown rows of the column of that name.
    pub fn column(&self, name: &str) -> Option<ColumnView<'a>> {
        self.table.column(name).map(|column| column.view(self.n_rows))
    }

    /// Names and shown rows of all columns.
    pub fn columns(&self) -> impl Iterator<Item = (&'a str, ColumnView<'a>)> + use<'a> {
        let (table, n) = (self.table, self.n_rows);
        table.names.iter().map(String::as_str).zip(table.columns.iter().map(move |c| c.view(n)))
    }
}

// Not the table: it may hold rows that are not shown.
impl fmt::Debug for TableView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = &self.table.names;
        f.debug_struct("TableView")
            .field("n_rows", &self.n_rows)
            .field("names", names)
            .finish_non_exhaustive()
    }
}

/// A cell on its way into a [`Table`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing known.
    Null,
    /// A number; NaN is null, an infinity is refused.
    Number(f64),
    /// A string; for a column of tags it is split at `|`.
    Text(&'a str),
    /// A set of strings.
    Tags(&'a [&'a str]),
    /// True or false.
    Bool(bool),
    /// Days since 1970-01-01.
    Date(i32),
}

impl Value<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Number(_) => "number",
            Value::Text(_) => "text",
            Value::Tags(_) => "tags",
            Value::Bool(_) => "bool",
            Value::Date(_) => "date",
        }
    }
}
