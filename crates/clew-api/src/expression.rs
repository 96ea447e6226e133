//! Expressions as they are written: checked against the tenant's columns before they are kept.

use clew_crm::{Predicate, Schema};
use clew_store::{Entity, Tenant, data};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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

/// Checks an expression; what is wrong with it is added to `errors` under `pointer`.
pub(crate) async fn check(
    tenant: &mut Tenant<'_>,
    scope: Scope,
    source: &str,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Result<()> {
    let schema = names(tenant, scope).await?;
    if let Err(error) = Predicate::parse(source, &schema) {
        errors.push(FieldError { pointer: pointer.to_owned(), detail: error.to_string() });
    }
    Ok(())
}

/// Checks an expression that is one field of a request.
pub(crate) async fn check_one(
    tenant: &mut Tenant<'_>,
    scope: Scope,
    source: &str,
    pointer: &str,
) -> Result<()> {
    let mut errors = Vec::new();
    check(tenant, scope, source, pointer, &mut errors).await?;
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}
