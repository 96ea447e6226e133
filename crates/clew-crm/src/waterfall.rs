//! How many customers, buyers and euros each rule took away, rule by rule.

use serde::{Deserialize, Serialize};

use crate::bits::Bits;
use crate::expression::Scope;
use crate::rule::CompiledRule;

/// What each rule took, in the order of the rules: a customer whom two rules refuse counts at the first. Rules over products come before
/// those over customers, wherever they stand: what a customer rule took is told of what they left of the offer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Waterfall {
    /// A step a rule.
    pub steps: Vec<WaterfallStep>,
}

/// What one rule took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaterfallStep {
    /// The rule's name.
    pub rule: String,
    /// Its reason.
    pub reason: String,
    /// What it refuses.
    pub scope: Scope,
    /// Customers taken; 0 for a rule over products.
    pub n_customers: usize,
    /// Products taken from the offer; 0 for a rule over customers.
    pub n_products: usize,
    /// Expected buyers lost with them.
    pub expected_buyers: f64,
    /// Expected revenue lost with them.
    pub expected_revenue: f64,
}

impl Waterfall {
    /// Takes the customers that `refused` marks out of `kept` and adds the rule's step. `worth` gives the expected
    /// buyers (the propensity) and the expected revenue of a customer.
    pub fn take_customers(
        &mut self,
        rule: &CompiledRule,
        refused: &Bits,
        kept: &mut Bits,
        mut worth: impl FnMut(u32) -> (f64, f64),
    ) {
        let mut taken = kept.clone();
        taken.and(refused);
        kept.and_not(refused);
        let (mut expected_buyers, mut expected_revenue) = (0.0, 0.0);
        for customer in taken.ones() {
            let (buyers, revenue) = worth(customer);
            expected_buyers += buyers;
            expected_revenue += revenue;
        }
        self.push(rule, taken.count(), 0, expected_buyers, expected_revenue);
    }

    /// Adds the step of a rule that took `n_products` from the offer, and with them these expected buyers and
    /// revenue.
    pub fn take_products(
        &mut self,
        rule: &CompiledRule,
        n_products: usize,
        expected_buyers: f64,
        expected_revenue: f64,
    ) {
        self.push(rule, 0, n_products, expected_buyers, expected_revenue);
    }

    /// Customers taken by all rules together.
    pub fn n_customers(&self) -> usize {
        self.steps.iter().map(|step| step.n_customers).sum()
    }

    fn push(
        &mut self,
        rule: &CompiledRule,
        n_customers: usize,
        n_products: usize,
        expected_buyers: f64,
        expected_revenue: f64,
    ) {
        let rule = rule.rule();
        self.steps.push(WaterfallStep {
            rule: rule.name.clone(),
            reason: rule.reason.clone(),
            scope: rule.scope,
            n_customers,
            n_products,
            expected_buyers,
            expected_revenue,
        });
    }
}
