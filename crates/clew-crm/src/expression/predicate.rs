//! An expression that was read and checked, ready to select customers or products.

use std::sync::Arc;

use crate::bits::Bits;
use crate::column::{ColumnType, ColumnView};
use crate::error::{Error, Result};
use crate::expression::bound::{Bound, BoundColumn};
use crate::expression::check::check;
use crate::expression::evaluate::BLOCK;
use crate::expression::schema::{Schema, Scope};
use crate::expression::syntax::with_tree;
use crate::expression::tree::{TextTest, Tree};
use crate::expression::{ExpressionError, nearest};
use crate::history::History;
use crate::table::TableView;

/// A checked expression over customers or products. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    scope: Scope,
    source: Arc<str>,
    tree: Arc<Tree>,
}

/// A value that an expression asks for and that no row has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The column.
    pub column: String,
    /// The value.
    pub value: String,
    /// Values of the column that may have been meant.
    pub nearest: Vec<String>,
}

impl Predicate {
    /// Reads `source` and checks it against the names of `schema`.
    pub fn parse(source: &str, schema: &Schema) -> std::result::Result<Predicate, ExpressionError> {
        let tree = with_tree(source, |expr, info| check(source, expr, info, schema))?;
        Ok(Predicate { scope: schema.scope(), source: source.into(), tree: Arc::new(tree) })
    }

    /// What it speaks of.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The columns it reads, with the types they must have.
    pub fn columns(&self) -> impl Iterator<Item = (&str, ColumnType)> {
        self.tree.columns.iter().filter(|used| !used.is_id).map(|used| (used.name.as_str(), used.column_type))
    }

    /// For each customer (or product, by its scope) that the history knows, whether the expression is true of it.
    pub fn evaluate(&self, history: &History<'_>) -> Result<Bits> {
        Ok(rows(&self.bind(history)?))
    }

    /// The same of one customer or product; false for one that the history does not know.
    pub fn evaluate_row(&self, history: &History<'_>, row: u32) -> Result<bool> {
        let bound = self.bind(history)?;
        if row as usize >= bound.table.len() {
            return Ok(false);
        }
        Ok(bound.block(row as usize, 1)[0] & 1 == 1)
    }

    /// For each product of a catalogue, whether the expression, which must be one over products, is true of it.
    pub fn evaluate_products(&self, products: TableView<'_>) -> Result<Bits> {
        if self.scope != Scope::Product {
            return Err(Error::input(
                format!("the expression '{}' is over customers", self.source),
                "write one over product.<name>",
            ));
        }
        Ok(rows(&Bound::new(&self.tree, self.scope, products, None)?))
    }

    /// The texts and tags that it asks for by `==`, `in` or a tag and that no row of the table has: most often
    /// misspelt.
    pub fn unmatched(&self, table: TableView<'_>) -> Result<Vec<Unmatched>> {
        let bound = Bound::new(&self.tree, self.scope, table, None)?;
        let mut unmatched: Vec<Unmatched> = Vec::new();
        let mut look = |column: usize, wanted: &str| {
            let (Some(used), Some(place)) = (self.tree.columns.get(column), bound.columns.get(column)) else {
                return;
            };
            let near: Vec<&str> = match place {
                BoundColumn::Ids if table.find(wanted).is_none() => {
                    nearest(wanted, (0..table.len() as u32).map(|row| table.id(row)))
                }
                BoundColumn::Column(
                    ColumnView::Category { values, .. } | ColumnView::Tags { values, .. },
                ) if values.get(wanted).is_none() => nearest(wanted, values.iter()),
                _ => return,
            };
            let nearest = near.into_iter().map(str::to_owned).collect();
            unmatched.push(Unmatched { column: used.name.clone(), value: wanted.to_owned(), nearest });
        };
        for (column, test) in &self.tree.texts {
            if let TextTest::OneOf(values) = test {
                values.iter().take(20).for_each(|value| look(*column, value));
            }
        }
        self.tree.tags.iter().for_each(|(column, tag)| look(*column, tag));
        Ok(unmatched)
    }

    fn bind<'a>(&'a self, history: &History<'a>) -> Result<Bound<'a>> {
        let table = match self.scope {
            Scope::Customer => history.customers(),
            Scope::Product => history.products(),
        };
        Bound::new(&self.tree, self.scope, table, Some(*history))
    }
}

fn rows(bound: &Bound<'_>) -> Bits {
    let n = bound.table.len();
    let mut words = Vec::with_capacity(n.div_ceil(64));
    for start in (0..n).step_by(BLOCK) {
        let len = BLOCK.min(n - start);
        words.extend_from_slice(&bound.block(start, len)[..len.div_ceil(64)]);
    }
    Bits::from_words(words, n)
}
