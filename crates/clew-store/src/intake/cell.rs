//! One row of a file as it was found: cells of text, or of the types that NDJSON and Parquet know.

/// A range of bytes in a [`Record`]'s text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A cell of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(Span),
    /// A set of strings, joined by `|`.
    Tags(Span),
    Integer(i64),
    Number(f64),
    Bool(bool),
    /// Microseconds since 1970, UTC.
    Time(i64),
    /// Days since 1970.
    Day(i32),
}

/// A row of a file; reused from row to row.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The line, the first being 1.
    pub(crate) line: u64,
    text: String,
    cells: Vec<Cell>,
}

impl Record {
    pub(crate) fn clear(&mut self, line: u64) {
        self.line = line;
        self.text.clear();
        self.cells.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(crate) fn cell(&self, index: usize) -> Cell {
        self.cells.get(index).copied().unwrap_or(Cell::Null)
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Whether a text holds a zero byte, which Postgres does not take.
    pub(crate) fn has_zero_byte(&self) -> bool {
        memchr::memchr(0, self.text.as_bytes()).is_some()
    }

    pub(crate) fn push(&mut self, cell: Cell) {
        self.cells.push(cell);
    }

    /// Sets a cell, filling up with nulls before it.
    pub(crate) fn set(&mut self, index: usize, cell: Cell) {
        if index >= self.cells.len() {
            self.cells.resize(index + 1, Cell::Null);
        }
        if let Some(place) = self.cells.get_mut(index) {
            *place = cell;
        }
    }

    /// Appends text, without making it a cell; spans are then made of [`Record::end`].
    pub(crate) fn append(&mut self, text: &str) -> Span {
        let start = self.end();
        self.text.push_str(text);
        Span { start, end: self.end() }
    }

    pub(crate) fn append_char(&mut self, c: char) {
        self.text.push(c);
    }

    /// Where the next text will begin. Rows are far shorter than 4 GiB: readers cap them.
    pub(crate) fn end(&self) -> u32 {
        self.text.len() as u32
    }
}
