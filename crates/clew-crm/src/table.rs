//! Customers, products or campaigns: their ids and their attribute columns.

use crate::column::{Column, ColumnType, ColumnView, NULL_BOOL, NULL_DATE};
use crate::error::{Error, Result};
use crate::ids::{Ids, NONE};

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
#[derive(Debug, Clone, Copy)]
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

enum Building {
    Number(Vec<f64>),
    Category {
        codes: Vec<u32>,
        values: Ids,
    },
    /// The (start, length) of each row in the pool: a row that is replaced points to its new place.
    Tags {
        rows: Vec<(u32, u32)>,
        pool: Vec<u32>,
        values: Ids,
    },
    Bool(Vec<u8>),
    Date(Vec<i32>),
}

/// Fills a [`Table`] row by row; a later row of the same id replaces the earlier one whole.
pub struct TableBuilder {
    ids: Ids,
    names: Vec<String>,
    columns: Vec<Building>,
    row: usize,
    n_replaced: usize,
}

impl TableBuilder {
    /// A builder for these columns, in this order.
    pub fn new(schema: Vec<(String, ColumnType)>) -> TableBuilder {
        let mut names = Vec::with_capacity(schema.len());
        let mut columns = Vec::with_capacity(schema.len());
        for (name, column_type) in schema {
            names.push(name);
            columns.push(match column_type {
                ColumnType::Number => Building::Number(Vec::new()),
                ColumnType::Text => Building::Category { codes: Vec::new(), values: Ids::new() },
                ColumnType::Tags => Building::Tags { rows: Vec::new(), pool: Vec::new(), values: Ids::new() },
                ColumnType::Bool => Building::Bool(Vec::new()),
                ColumnType::Date => Building::Date(Vec::new()),
            });
        }
        TableBuilder { ids: Ids::new(), names, columns, row: 0, n_replaced: 0 }
    }

    /// Starts the row of `id`, all null, and gives its code. What was known of `id` is forgotten.
    pub fn row(&mut self, id: &str) -> u32 {
        let n = self.ids.len();
        let code = self.ids.intern(id);
        self.row = code as usize;
        if self.row < n {
            self.n_replaced += 1;
            self.columns.iter_mut().for_each(|column| column.clear(code as usize));
        } else {
            self.columns.iter_mut().for_each(Building::extend);
        }
        code
    }

    /// Sets a cell of the row begun last. Refuses a value of another type, an infinity and an unknown column.
    pub fn set(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        let Some(building) = self.columns.get_mut(column) else {
            return Err(Error::input(
                format!("there is no column {column}"),
                format!("the table has {} columns", self.names.len()),
            ));
        };
        let row = self.row;
        if row >= self.ids.len() {
            return Err(Error::input("a cell was set before any row", "begin a row first"));
        }
        let wanted = match (building, value) {
            (building, Value::Null) => {
                building.clear(row);
                return Ok(());
            }
            (Building::Number(values), Value::Number(number)) => {
                if !number.is_infinite() {
                    values[row] = number;
                    return Ok(());
                }
                "a finite number"
            }
            (Building::Category { codes, values }, Value::Text(text)) => {
                codes[row] = values.intern(text);
                return Ok(());
            }
            (Building::Tags { rows, pool, values }, Value::Tags(tags)) => {
                return set_tags(&mut rows[row], pool, values, tags.iter().copied());
            }
            (Building::Tags { rows, pool, values }, Value::Text(text)) => {
                return set_tags(&mut rows[row], pool, values, text.split('|'));
            }
            (Building::Bool(values), Value::Bool(flag)) => {
                values[row] = u8::from(flag);
                return Ok(());
            }
            (Building::Date(values), Value::Date(day)) => {
                values[row] = day;
                return Ok(());
            }
            (Building::Number(_), _) => "number",
            (Building::Category { .. }, _) => "text",
            (Building::Tags { .. }, _) => "tags",
            (Building::Bool(_), _) => "bool",
            (Building::Date(_), _) => "date",
        };
        Err(Error::input(
            format!(
                "column '{}' of '{}' holds {wanted}, not {}",
                self.names[column],
                self.ids.name(row as u32),
                value.kind()
            ),
            "correct the value or leave the cell empty",
        ))
    }

    /// How many rows replaced an earlier one of the same id.
    pub fn n_replaced(&self) -> usize {
        self.n_replaced
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The table.
    pub fn finish(mut self) -> Table {
        self.ids.shrink_to_fit();
        let columns = self.columns.into_iter().map(Building::finish).collect();
        Table { ids: self.ids, names: self.names, columns }
    }
}

fn set_tags<'a>(
    row: &mut (u32, u32),
    pool: &mut Vec<u32>,
    values: &mut Ids,
    tags: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let start = pool.len();
    pool.extend(tags.map(str::trim).filter(|tag| !tag.is_empty()).map(|tag| values.intern(tag)));
    if pool.len() > NONE as usize {
        pool.truncate(start);
        return Err(Error::input("more than 4,294,967,295 tags in one column", "drop the column"));
    }
    pool[start..].sort_unstable();
    let mut kept = start;
    for i in start..pool.len() {
        if i == start || pool[i] != pool[kept - 1] {
            pool[kept] = pool[i];
            kept += 1;
        }
    }
    pool.truncate(kept);
    *row = (start as u32, (kept - start) as u32);
    Ok(())
}

impl Building {
    fn extend(&mut self) {
        match self {
            Building::Number(values) => values.push(f64::NAN),
            Building::Category { codes, .. } => codes.push(NONE),
            Building::Tags { rows, .. } => rows.push((0, 0)),
            Building::Bool(values) => values.push(NULL_BOOL),
            Building::Date(values) => values.push(NULL_DATE),
        }
    }

    fn clear(&mut self, row: usize) {
        match self {
            Building::Number(values) => values[row] = f64::NAN,
            Building::Category { codes, .. } => codes[row] = NONE,
            Building::Tags { rows, .. } => rows[row] = (0, 0),
            Building::Bool(values) => values[row] = NULL_BOOL,
            Building::Date(values) => values[row] = NULL_DATE,
        }
    }

    fn finish(self) -> Column {
        match self {
            Building::Number(values) => Column::Number(values),
            Building::Category { codes, values } => Column::Category { codes, values },
            Building::Tags { rows, pool, values } => {
                let mut starts = Vec::with_capacity(rows.len() + 1);
                let mut codes = Vec::with_capacity(rows.iter().map(|row| row.1 as usize).sum());
                starts.push(0);
                for (start, n) in rows {
                    codes.extend_from_slice(&pool[start as usize..][..n as usize]);
                    starts.push(codes.len() as u32);
                }
                Column::Tags { starts, codes, values }
            }
            Building::Bool(values) => Column::Bool(values),
            Building::Date(values) => Column::Date(values),
        }
    }
}
