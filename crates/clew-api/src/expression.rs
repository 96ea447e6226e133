//! Expressions as they are written: checked against the tenant's columns before they are kept.

use clew_crm::{Predicate, Schema};
use clew_store::key::Right;
use clew_store::{Entity, Tenant, data};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::closed::Closed;
use crate::problem::{FieldError, Problem, Result};

/// What an expression speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    Customer,
    Product,
}

impl Scope {
    pub(crate) fn word(self) -> &'static str {
        clew_crm::Scope::from(self).word()
    }
}

impl From<Scope> for clew_crm::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Customer => Self::Customer,
            Scope::Product => Self::Product,
        }
    }
}

/// The names that expressions may use, as the tenant's data stands now.
pub(crate) async fn names(tenant: &mut Tenant<'_>, scope: Scope) -> Result<Schema> {
    let entity = match scope {
        Scope::Customer => Entity::Customers,
        Scope::Product => Entity::Products,
    };
    Ok(Schema::new(scope.into(), data::attributes(tenant, entity).await?))
}

/// Checks an expression that the holder of a right has written; what is wrong with it is added to `errors` under
/// `pointer`. Sensitive columns are named by owners alone: who is asked for by one is as good as told.
pub(crate) async fn check(
    right: Option<Right>,
    tenant: &mut Tenant<'_>,
    scope: Scope,
    source: &str,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Result<()> {
    let schema = names(tenant, scope).await?;
    let detail = match Predicate::parse(source, &schema) {
        Err(error) => error.to_string(),
        Ok(_) if scope == Scope::Product => return Ok(()),
        Ok(predicate) => match Closed::of(right, tenant).await?.sensitive(&predicate) {
            Some(name) => format!("customer.{name} is sensitive: only an owner may ask for it"),
            None => return Ok(()),
        },
    };
    errors.push(FieldError { pointer: pointer.to_owned(), detail });
    Ok(())
}

/// Checks the expression of a rule that is kept, as [`check_one`] does. Closed columns are named by owners alone: a rule
/// is in force in answers about whomever, and tells by who is left out.
pub(crate) async fn check_kept_rule(
    right: Option<Right>,
    tenant: &mut Tenant<'_>,
    scope: Scope,
    source: &str,
    pointer: &str,
) -> Result<()> {
    check_one(right, tenant, scope, source, pointer).await?;
    let schema = names(tenant, scope).await?;
    let closed = Closed::of(right, tenant).await?;
    let predicate = Predicate::parse(source, &schema).map_err(|e| Problem::field(pointer, e.to_string()))?;
    match closed.first(&predicate) {
        Some(name) => Err(Problem::field(
            pointer,
            format!("customer.{name} is not shown: only an owner may keep a rule that asks for it"),
        )),
        None => Ok(()),
    }
}

/// Checks an expression over products that is one field of a request.
pub(crate) async fn check_products(tenant: &mut Tenant<'_>, source: &str, pointer: &str) -> Result<()> {
    check_one(None, tenant, Scope::Product, source, pointer).await
}

/// Checks an expression that is one field of a request, as [`check`] does.
pub(crate) async fn check_one(
    right: Option<Right>,
    tenant: &mut Tenant<'_>,
    scope: Scope,
    source: &str,
    pointer: &str,
) -> Result<()> {
    let mut errors = Vec::new();
    check(right, tenant, scope, source, pointer, &mut errors).await?;
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}
