//! Fills a table row by row.

use crate::column::{Column, ColumnType, NULL_BOOL, NULL_DATE};
use crate::error::{Error, Result};
use crate::ids::{Ids, NONE};
use crate::table::{Table, Value};

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
    n_rows: usize,
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
        TableBuilder { ids: Ids::new(), names, columns, row: 0, n_rows: 0, n_replaced: 0 }
    }

    /// Starts the row of `id`, all null, and gives its code. What was known of `id` is forgotten.
    pub fn row(&mut self, id: &str) -> u32 {
        let n = self.ids.len();
        let code = self.ids.intern(id);
        self.row = code as usize;
        self.n_rows += 1;
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
            // Not by its id, which may be a person's address: messages go to logs.
            format!(
                "column '{}' of row {} holds {wanted}, not {}",
                self.names[column],
                self.n_rows,
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
