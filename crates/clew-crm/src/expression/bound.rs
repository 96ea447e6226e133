//! A checked expression bound to a table: its names are columns now, and what it asks of texts is asked of codes.

use crate::bits::Bits;
use crate::column::ColumnView;
use crate::error::{Error, Result};
use crate::expression::Scope;
use crate::expression::tree::{TextTest, Tree, UsedColumn};
use crate::history::History;
use crate::ids::NONE;
use crate::table::TableView;

/// A column in use.
#[derive(Clone, Copy)]
pub(super) enum BoundColumn<'a> {
    Column(ColumnView<'a>),
    Ids,
}

/// A test of a text column: the distinct values were tested, a row only needs its code.
pub(super) enum BoundText<'a> {
    /// No value passes.
    Never,
    /// One value passes.
    Code(&'a [u32], u32),
    /// All values but this one pass.
    NotCode(&'a [u32], u32),
    /// The values whose bit is set pass.
    Codes(&'a [u32], Bits),
    /// These rows pass; sorted.
    Rows(Vec<u32>),
    /// The rows' ids must be tested one by one.
    Ids(&'a TextTest),
}

/// A checked expression with the columns of one table.
pub(super) struct Bound<'a> {
    pub(super) tree: &'a Tree,
    pub(super) table: TableView<'a>,
    pub(super) history: Option<History<'a>>,
    pub(super) columns: Vec<BoundColumn<'a>>,
    pub(super) texts: Vec<BoundText<'a>>,
    /// The tag's code, if any row has it.
    pub(super) tags: Vec<(ColumnView<'a>, Option<u32>)>,
}

impl<'a> Bound<'a> {
    /// Refuses a table that lacks a column of the expression, or has it with another type.
    pub(super) fn new(
        tree: &'a Tree,
        scope: Scope,
        table: TableView<'a>,
        history: Option<History<'a>>,
    ) -> Result<Bound<'a>> {
        let columns = tree
            .columns
            .iter()
            .map(|used| bind(used, scope, table))
            .collect::<Result<Vec<BoundColumn<'a>>>>()?;
        let texts = tree
            .texts
            .iter()
            .map(|(column, test)| match columns.get(*column) {
                Some(BoundColumn::Column(ColumnView::Category { codes, values })) => match test {
                    TextTest::OneOf(wanted) => match wanted.as_slice() {
                        [] => BoundText::Never,
                        [only] => {
                            values.get(only).map_or(BoundText::Never, |code| BoundText::Code(codes, code))
                        }
                        several => {
                            let mut passing = Bits::new(values.len(), false);
                            several
                                .iter()
                                .filter_map(|v| values.get(v))
                                .for_each(|code| passing.set(code, true));
                            BoundText::Codes(codes, passing)
                        }
                    },
                    TextTest::Not(value) => BoundText::NotCode(codes, values.get(value).unwrap_or(NONE)),
                    test => {
                        let mut names = values.iter();
                        let passing =
                            Bits::from_fn(values.len(), |_| names.next().is_some_and(|v| test.passes(v)));
                        BoundText::Codes(codes, passing)
                    }
                },
                Some(BoundColumn::Ids) => match test {
                    TextTest::OneOf(wanted) => {
                        let mut rows: Vec<u32> = wanted.iter().filter_map(|id| table.find(id)).collect();
                        rows.sort_unstable();
                        BoundText::Rows(rows)
                    }
                    test => BoundText::Ids(test),
                },
                _ => BoundText::Never,
            })
            .collect();
        let tags = tree
            .tags
            .iter()
            .filter_map(|(column, tag)| match columns.get(*column) {
                Some(BoundColumn::Column(view @ ColumnView::Tags { values, .. })) => {
                    Some((*view, values.get(tag)))
                }
                _ => None,
            })
            .collect();
        Ok(Bound { tree, table, history, columns, texts, tags })
    }

    /// The text of a row; None for null.
    pub(super) fn text(&self, column: usize, row: usize) -> Option<&'a str> {
        match self.columns.get(column)? {
            BoundColumn::Ids => Some(self.table.id(row as u32)),
            BoundColumn::Column(ColumnView::Category { codes, values }) => {
                codes.get(row).filter(|&&code| code != NONE).map(|&code| values.name(code))
            }
            BoundColumn::Column(_) => None,
        }
    }
}

fn bind<'a>(used: &UsedColumn, scope: Scope, table: TableView<'a>) -> Result<BoundColumn<'a>> {
    if used.is_id {
        return Ok(BoundColumn::Ids);
    }
    let (word, name) = (scope.word(), used.name.as_str());
    let Some(view) = table.column(name) else {
        return Err(Error::input(
            format!("the {word}s have no column '{name}' any more"),
            "correct the expression or send the column again",
        ));
    };
    if view.column_type() != used.column_type {
        let (now, then) = (view.column_type().name(), used.column_type.name());
        return Err(Error::input(
            format!("column '{name}' of the {word}s holds {now}, but {then} when the expression was checked"),
            "check the expression again",
        ));
    }
    Ok(BoundColumn::Column(view))
}
