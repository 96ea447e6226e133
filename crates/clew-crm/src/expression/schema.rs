//! The names that an expression may use, with their types: the tenant's columns and the facts known of a customer.

use serde::{Deserialize, Serialize};

use crate::column::ColumnType;
use crate::fact::Fact;
use crate::history::History;
use crate::table::TableView;

/// What an expression speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A customer: its columns and the facts of its history.
    Customer,
    /// A product: its columns.
    Product,
}

impl Scope {
    /// The word an expression of this scope begins its names with.
    pub fn word(self) -> &'static str {
        match self {
            Scope::Customer => "customer",
            Scope::Product => "product",
        }
    }
}

/// A name that an expression may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaEntry {
    /// The name, as in `customer.<name>`.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// What it says; only for the names that clew brings itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<&'static str>,
}

/// The names that an expression of a scope may use, those of the tenant's columns first. A column hides the fact
/// of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schema {
    scope: Scope,
    entries: Vec<SchemaEntry>,
    #[serde(skip)]
    sources: Vec<Source>,
}

/// Where a name's values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Column,
    Id,
    Fact(Fact),
}

impl Schema {
    /// The names for columns of these names and types.
    pub fn new(scope: Scope, columns: impl IntoIterator<Item = (String, ColumnType)>) -> Schema {
        let mut schema = Schema { scope, entries: Vec::new(), sources: Vec::new() };
        for (name, column_type) in columns {
            schema.add(name, column_type, None, Source::Column);
        }
        let (id, meaning) = match scope {
            Scope::Customer => ("customer_id", "the customer's id"),
            Scope::Product => ("product_id", "the product's id"),
        };
        schema.add(id.to_owned(), ColumnType::Text, Some(meaning), Source::Id);
        if scope == Scope::Customer {
            for fact in Fact::ALL {
                let (name, meaning) = (fact.name().to_owned(), Some(fact.meaning()));
                schema.add(name, fact.column_type(), meaning, Source::Fact(fact));
            }
        }
        schema
    }

    /// The names for a table's columns.
    pub fn of_table(scope: Scope, table: TableView<'_>) -> Schema {
        Schema::new(scope, table.columns().map(|(name, column)| (name.to_owned(), column.column_type())))
    }

    /// The names of a history's customers or products.
    pub fn of(scope: Scope, history: &History<'_>) -> Schema {
        match scope {
            Scope::Customer => Schema::of_table(scope, history.customers()),
            Scope::Product => Schema::of_table(scope, history.products()),
        }
    }

    /// What it speaks of.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// All names.
    pub fn entries(&self) -> &[SchemaEntry] {
        &self.entries
    }

    pub(super) fn find(&self, name: &str) -> Option<(ColumnType, Source)> {
        let i = self.entries.iter().position(|entry| entry.name == name)?;
        Some((self.entries.get(i)?.column_type, *self.sources.get(i)?))
    }

    fn add(&mut self, name: String, column_type: ColumnType, meaning: Option<&'static str>, source: Source) {
        if !self.entries.iter().any(|entry| entry.name == name) {
            self.entries.push(SchemaEntry { name, column_type, meaning });
            self.sources.push(source);
        }
    }
}
