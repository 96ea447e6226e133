//! Offers, rules and segments as a request refers to them: kept ones by id, others as they would be written.

use clew_store::Tenant;
use clew_store::key::Right;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::expression::{self, Scope};
use crate::problem::{Code, FieldError, Problem, Result};
use crate::routes::{offer, rule, segment};

/// An offer as it would be written; its name may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfferWritten {
    /// What people call it.
    #[serde(default = "unnamed")]
    #[schema(min_length = 1, max_length = 200, default = "offer", example = "Wines under 20")]
    pub(crate) name: String,
    /// True of its products.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 4096,
        example = "product.category == \"wine\" && product.price < 20.0"
    )]
    pub(crate) expression: Option<String>,
    /// Its products, by id.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 50_000, example = json!(null))]
    pub(crate) product_ids: Option<Vec<String>>,
    /// Days in which a purchase counts; the model's when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 365, example = 28)]
    pub(crate) horizon_days: Option<i32>,
    /// Share of the revenue that is profit.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1, example = 0.3)]
    pub(crate) margin: Option<f64>,
    /// Cost of one message, in the tenant's currency.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000, example = 0.05)]
    pub(crate) cost_per_contact: Option<f64>,
}

fn unnamed() -> String {
    "offer".to_owned()
}

/// A rule: a kept one's id, or one as it would be written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RuleRef {
    /// A kept rule's id.
    Id(Uuid),
    /// A rule as it would be written.
    Written(RuleWritten),
}

/// A rule as it would be written; name and reason may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleWritten {
    /// What people call it.
    #[serde(default = "unnamed_rule")]
    #[schema(min_length = 1, max_length = 200, default = "rule", example = "No alcohol to minors")]
    name: String,
    /// What it refuses.
    scope: Scope,
    /// True of what is refused.
    #[schema(min_length = 1, max_length = 4096, example = "customer.age < 18")]
    expression: String,
    /// What people are told.
    #[serde(default)]
    #[schema(max_length = 500, example = "under age")]
    reason: String,
}

fn unnamed_rule() -> String {
    "rule".to_owned()
}

/// A segment: a kept one's id, or an expression over customers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SegmentRef {
    /// A kept segment's id, or an expression over customers.
    #[schema(example = "customer.age >= 18")]
    Text(String),
    /// A segment as it would be written.
    Written {
        /// True of its customers.
        #[schema(min_length = 1, max_length = 4096, example = "customer.age >= 18")]
        expression: String,
    },
}

impl OfferWritten {
    /// A kept offer; a wrong id is an error of the field it stood in.
    pub(crate) async fn kept(tenant: &mut Tenant<'_>, id: Uuid, pointer: &str) -> Result<Self> {
        let row = offer::find(tenant, id).await.map_err(|problem| at(problem, pointer))?;
        Ok(Self {
            name: row.name,
            expression: row.expression,
            product_ids: row.product_ids,
            horizon_days: row.horizon_days,
            margin: row.margin,
            cost_per_contact: row.cost_per_contact,
        })
    }

    /// Checks what the schema cannot say.
    pub(crate) async fn check(&self, tenant: &mut Tenant<'_>, pointer: &str) -> Result<()> {
        let (expression, product_ids) = (self.expression.as_deref(), self.product_ids.as_deref());
        offer::check_selection(tenant, expression, product_ids, pointer).await
    }

    /// In the words of the CRM.
    pub(crate) fn into_crm(self) -> clew_crm::Offer {
        clew_crm::Offer { name: self.name, expression: self.expression, product_ids: self.product_ids }
    }
}

impl RuleRef {
    /// The rules in the words of the CRM, in their order.
    ///
    /// # Errors
    /// 422 with everything that is wrong, each under its place in `pointer`.
    pub(crate) async fn resolve(
        all: Vec<Self>,
        right: Option<Right>,
        tenant: &mut Tenant<'_>,
        pointer: &str,
    ) -> Result<Vec<clew_crm::Rule>> {
        let mut rules = Vec::with_capacity(all.len());
        let mut errors = Vec::new();
        for (index, one) in all.into_iter().enumerate() {
            let place = format!("{pointer}/{index}");
            match one {
                Self::Id(id) => match rule::find(tenant, id).await {
                    Ok(row) => rules.push(rule::crm_rule(row)),
                    Err(problem) if problem.code() == Code::NotFound => {
                        errors.push(FieldError { pointer: place, detail: problem.detail().to_owned() });
                    }
                    Err(problem) => return Err(problem),
                },
                Self::Written(new) => {
                    let place = format!("{place}/expression");
                    expression::check(right, tenant, new.scope, &new.expression, &place, &mut errors).await?;
                    rules.push(clew_crm::Rule::new(
                        &new.name,
                        new.scope.into(),
                        &new.expression,
                        &new.reason,
                    ));
                }
            }
        }
        if errors.is_empty() { Ok(rules) } else { Err(Problem::invalid(errors)) }
    }
}

impl SegmentRef {
    /// The segment's expression.
    pub(crate) async fn expression(
        self,
        right: Option<Right>,
        tenant: &mut Tenant<'_>,
        pointer: &str,
    ) -> Result<String> {
        let (source, place) = match self {
            Self::Text(text) => match Uuid::try_parse(&text) {
                Ok(id) => {
                    let row = segment::find(tenant, id).await.map_err(|problem| at(problem, pointer))?;
                    return Ok(row.expression);
                }
                Err(_) => (text, pointer.to_owned()),
            },
            Self::Written { expression } => (expression, format!("{pointer}/expression")),
        };
        expression::check_one(right, tenant, Scope::Customer, &source, &place).await?;
        Ok(source)
    }
}

/// Something that a body refers to and that is not there is an error of that field.
fn at(problem: Problem, pointer: &str) -> Problem {
    if problem.code() == Code::NotFound { Problem::field(pointer, problem.detail()) } else { problem }
}
