//! What is kept from those who are not owners where answers are about groups of customers: groups that a sensitive
//! column marks off, and groups marked off by any closed column that are so small, or leave so few out, that who is in
//! tells what the column says of somebody.

use std::collections::BTreeMap;

use clew_crm::{Bits, ColumnClass, CompiledRule, History, Predicate, Scope};
use clew_store::key::Right;
use clew_store::{Entity, Tenant, column, tenant};

use crate::problem::{Code, Problem, Result};
use crate::refusal;

/// The customers' columns that are not plain, as far as they are closed to somebody: to owners none is.
pub(crate) struct Closed {
    columns: BTreeMap<String, ColumnClass>,
    minimum_support: usize,
}

impl Closed {
    /// Those closed to the holder of a right.
    pub(crate) async fn of(right: Option<Right>, tenant: &mut Tenant<'_>) -> Result<Self> {
        let minimum_support = tenant::find_own(tenant).await?.minimum_support.unsigned_abs() as usize;
        let mut columns = BTreeMap::new();
        if right != Some(Right::Owner) {
            let all = column::all(tenant, Entity::Customers).await?.into_iter();
            let closed = all.filter(|(_, column)| !column.usable().is_shown());
            columns.extend(closed.map(|(name, column)| (name, column.usable().class)));
        }
        Ok(Self { columns, minimum_support })
    }

    /// Whether a customers' column is closed.
    pub(crate) fn contains(&self, scope: Scope, column: &str) -> bool {
        scope == Scope::Customer && self.columns.contains_key(column)
    }

    /// The first sensitive column that an expression names.
    pub(crate) fn sensitive(&self, predicate: &Predicate) -> Option<String> {
        self.named(predicate)
            .find(|name| self.columns.get(*name) == Some(&ColumnClass::Sensitive))
            .map(str::to_owned)
    }

    /// The first closed column that an expression names.
    pub(crate) fn first<'a>(&'a self, predicate: &'a Predicate) -> Option<&'a str> {
        self.named(predicate).next()
    }

    fn named<'a>(&'a self, predicate: &'a Predicate) -> impl Iterator<Item = &'a str> {
        let names = predicate.columns().map(|(name, _)| name);
        names.filter(|name| self.contains(predicate.scope(), name))
    }

    /// Lets an answer about the `n` of `n_known` customers pass of whom an expression is true.
    ///
    /// # Errors
    /// 403 when it would tell too much.
    pub(crate) fn check(&self, predicate: &Predicate, n: usize, n_known: usize) -> Result<()> {
        if let Some(name) = self.sensitive(predicate) {
            let detail = format!("customer.{name} is sensitive: only an owner sees who that is");
            return Err(Problem::new(Code::Forbidden, detail));
        }
        match self.first(predicate) {
            Some(name) if n.min(n_known.saturating_sub(n)) < self.minimum_support => Err(self.too_few(name)),
            _ => Ok(()),
        }
    }

    /// Lets a gain curve of a segment under rules be drawn. Where the caller chose the rules (`are_chosen`), each that
    /// names a closed column must take and leave enough customers, so that it does not tell whether anybody has a value;
    /// the tenant's own are an owner's, and must only be asked about enough customers. Before it is drawn, since that
    /// nobody is left is told too.
    ///
    /// # Errors
    /// 403 when it would tell too much.
    pub(crate) fn check_curve(
        &self,
        history: &History<'_>,
        segment: Option<&Predicate>,
        rules: &[CompiledRule],
        are_chosen: bool,
    ) -> Result<()> {
        let mut asked = segment.into_iter().chain(rules.iter().map(CompiledRule::predicate));
        if asked.all(|predicate| self.first(predicate).is_none()) {
            return Ok(());
        }
        let active = history.active_customers();
        let mut kept = Bits::new(history.customers().len(), false);
        active.iter().for_each(|&customer| kept.set(customer, true));
        if let Some(segment) = segment {
            kept.and(&segment.evaluate(history).map_err(|e| refusal::crm(e, "/segment"))?);
            self.check(segment, kept.count(), active.len())?;
        }
        for rule in rules.iter().filter(|rule| rule.scope() == Scope::Customer) {
            let n_before = kept.count();
            kept.and_not(&rule.refused(history).map_err(|e| refusal::crm(e, "/rules"))?);
            let n_left = kept.count();
            let n = if are_chosen { n_left.min(n_before - n_left) } else { n_before };
            if let Some(name) = self.first(rule.predicate())
                && n < self.minimum_support
            {
                return Err(self.too_few(name));
            }
        }
        Ok(())
    }

    fn too_few(&self, name: &str) -> Problem {
        let detail = format!(
            "customer.{name} is not shown, and fewer than {} customers are told apart by it here: only an owner sees \
             who that is",
            self.minimum_support
        );
        Problem::new(Code::Forbidden, detail)
    }
}
