//! A group of customers, written by a person as an expression.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::expression::{Predicate, Schema, Scope};
use crate::history::History;

/// A segment as a person writes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Segment {
    /// What people call it.
    pub name: String,
    /// True of its customers.
    pub expression: String,
}

impl Segment {
    /// Checks its expression against the names that customers have.
    pub fn compile(&self, history: &History<'_>) -> Result<Predicate> {
        self.check(&Schema::of(Scope::Customer, history))
    }

    /// Checks its expression against these names, which must be of customers.
    pub fn check(&self, schema: &Schema) -> Result<Predicate> {
        Predicate::parse(&self.expression, schema)
            .map_err(|error| Error::from(error).of("segment", &self.name))
    }

    /// Its customers as of the history's date, in rising order of their codes.
    pub fn members(&self, history: &History<'_>) -> Result<Vec<u32>> {
        Ok(self.compile(history)?.evaluate(history)?.ones().collect())
    }
}
