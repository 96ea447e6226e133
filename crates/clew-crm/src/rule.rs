//! Business rules: each refuses the customers or the products of which its expression is true, with a reason.

use serde::{Deserialize, Serialize};

use crate::bits::Bits;
use crate::error::{Error, Result};
use crate::expression::{Predicate, Schema, Scope};
use crate::history::History;
use crate::product_set::ProductSet;

/// Where a rule is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppliesTo {
    /// Gain curves, and the audiences cut from them.
    GainCurves,
    /// Members of segments.
    Segments,
    /// Recommendations.
    Recommendations,
}

impl AppliesTo {
    /// All places.
    pub const ALL: [AppliesTo; 3] = [AppliesTo::GainCurves, AppliesTo::Segments, AppliesTo::Recommendations];
}

/// A rule as a person writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What people call it.
    pub name: String,
    /// What it refuses: customers or products.
    pub scope: Scope,
    /// True of what is refused.
    pub expression: String,
    /// What people are told.
    #[serde(default)]
    pub reason: String,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Where it is in force.
    #[serde(default = "everywhere")]
    pub applies_to: Vec<AppliesTo>,
}

fn yes() -> bool {
    true
}

fn everywhere() -> Vec<AppliesTo> {
    AppliesTo::ALL.to_vec()
}

impl Rule {
    /// A rule in force everywhere.
    pub fn new(name: &str, scope: Scope, expression: &str, reason: &str) -> Rule {
        Rule {
            name: name.to_owned(),
            scope,
            expression: expression.to_owned(),
            reason: reason.to_owned(),
            enabled: true,
            applies_to: everywhere(),
        }
    }

    /// Checks its expression against the names that the history's customers or products have.
    pub fn compile(&self, history: &History<'_>) -> Result<CompiledRule> {
        self.check(&Schema::of(self.scope, history))
    }

    /// Checks its expression against these names, which must be of the rule's scope.
    pub fn check(&self, schema: &Schema) -> Result<CompiledRule> {
        if schema.scope() != self.scope {
            return Err(Error::input(
                format!("rule '{}' is over {}s", self.name, self.scope.word()),
                "check it against the names of its own scope",
            ));
        }
        let predicate = Predicate::parse(&self.expression, schema)
            .map_err(|error| Error::from(error).of("rule", &self.name))?;
        Ok(CompiledRule { rule: self.clone(), predicate })
    }

    /// Whether it is in force there.
    pub fn is_in_force(&self, place: AppliesTo) -> bool {
        self.enabled && self.applies_to.contains(&place)
    }
}

/// A rule whose expression was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledRule {
    rule: Rule,
    predicate: Predicate,
}

impl CompiledRule {
    /// The rules that are in force at a place, checked, in their order. Rules not in force there are not even
    /// checked, so that a broken one can be switched off.
    pub fn compile_all(rules: &[Rule], place: AppliesTo, history: &History<'_>) -> Result<Vec<CompiledRule>> {
        rules.iter().filter(|rule| rule.is_in_force(place)).map(|rule| rule.compile(history)).collect()
    }

    /// The rule as it was written.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What it refuses.
    pub fn scope(&self) -> Scope {
        self.rule.scope
    }

    /// Its expression, true of what is refused.
    pub fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// A bit for each customer (or product, by its scope) that the history knows: whether it is refused.
    pub fn refused(&self, history: &History<'_>) -> Result<Bits> {
        self.predicate.evaluate(history).map_err(|error| error.of("rule", &self.rule.name))
    }

    /// Whether one customer or product is refused.
    pub fn refuses(&self, history: &History<'_>, row: u32) -> Result<bool> {
        self.predicate.evaluate_row(history, row).map_err(|error| error.of("rule", &self.rule.name))
    }
}

/// Who and what rules refuse, each rule's own word kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Refusals {
    /// A bit a customer: refused by any rule.
    pub customers: Bits,
    /// A bit a product: refused by any rule.
    pub products: Bits,
    /// What each rule refuses, in the rules' order; over customers or products by its scope.
    pub by_rule: Vec<Bits>,
}

impl Refusals {
    /// What these rules refuse of a history's customers and products.
    pub fn of(rules: &[CompiledRule], history: &History<'_>) -> Result<Refusals> {
        let mut refusals = Refusals {
            customers: Bits::new(history.n_customers(), false),
            products: Bits::new(history.n_products(), false),
            by_rule: Vec::with_capacity(rules.len()),
        };
        for rule in rules {
            let refused = rule.refused(history)?;
            match rule.scope() {
                Scope::Customer => refusals.customers.or(&refused),
                Scope::Product => refusals.products.or(&refused),
            }
            refusals.by_rule.push(refused);
        }
        Ok(refusals)
    }

    /// The products of `products` that no rule refuses.
    pub fn allowed(&self, products: &ProductSet) -> ProductSet {
        let mut allowed = products.mask().clone();
        allowed.and_not(&self.products);
        ProductSet::from_bits(allowed)
    }
}
