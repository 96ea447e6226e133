//! Trying a rule before it is in force: how many it would refuse, and a few of them.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::caller::{Caller, Reader};
use crate::closed::Closed;
use crate::expression::{self, Scope};
use crate::extract::Body;
use crate::moment::Moment;
use crate::problem::Result;
use crate::serving;
use crate::state::ApiState;

const N_EXAMPLES: usize = 10;

/// A rule to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RuleTest {
    /// What it refuses.
    scope: Scope,
    /// True of what is refused.
    #[schema(min_length = 1, max_length = 4096, example = "customer.age < 18")]
    expression: String,
    /// Nothing at or after this is known; the end of the data when absent.
    #[serde(default)]
    as_of: Option<Moment>,
}

/// What a rule would refuse.
#[derive(Debug, Serialize, ToSchema)]
struct RuleTestResult {
    /// Customers or products that are known.
    #[schema(example = 50_000)]
    n_known: usize,
    /// Those it refuses.
    #[schema(example = 1_790)]
    n_refused: usize,
    /// Ids of a few that it refuses.
    #[schema(example = json!(["c-20817", "c-3"]))]
    refused: Vec<String>,
    /// Values that the expression asks for and that nothing has: most often misspelt.
    #[schema(example = json!([]))]
    unmatched: Vec<String>,
}

/// Tries a rule on the data, without keeping it. Where the expression names columns that are not plain, those who are not
/// owners are told of no group, nor of all but a group, of fewer customers than the tenant's `minimum_support`.
#[utoipa::path(post, path = "/v1/rules/test", operation_id = "test_rule", tag = "rules",
    security(("key" = ["reader"])), request_body = RuleTest,
    responses((status = 200, description = "What it would refuse.", body = RuleTestResult)))]
async fn test_rule(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Body { value: test, .. }: Body<RuleTest>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    expression::check_one(caller.right, &mut tenant, test.scope, &test.expression, "/expression").await?;
    let closed = Closed::of(caller.right, &mut tenant).await?;
    drop(tenant);
    let records = serving::records(&state, caller.tenant_id).await?;
    let result = state
        .compute()
        .run(move |_| {
            let as_of = test.as_of.map(Moment::seconds).or_else(|| records.end_of_data().map(|(end, _)| end));
            let history = records.history(as_of.unwrap_or(i64::MAX));
            let rule = clew_crm::Rule::new("tried", test.scope.into(), &test.expression, "");
            let rule = rule.compile(&history)?;
            let refused = rule.refused(&history)?;
            let table = match test.scope {
                Scope::Customer => history.customers(),
                Scope::Product => history.products(),
            };
            closed.check(rule.predicate(), refused.count(), table.len())?;
            let mut unmatched = rule.predicate().unmatched(table)?;
            unmatched.retain(|value| !closed.contains(rule.scope(), &value.column));
            Ok(RuleTestResult {
                n_known: table.len(),
                n_refused: refused.count(),
                refused: refused.ones().take(N_EXAMPLES).map(|row| table.id(row).to_owned()).collect(),
                unmatched: unmatched.into_iter().map(|u| format!("{}: {}", u.column, u.value)).collect(),
            })
        })
        .await?;
    Answer::ok(&result)
}

/// The route that tries rules.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(test_rule))
}
