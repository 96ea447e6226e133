//! Recommendations: products for a customer, best first, with reasons.

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_crm::recommend::RecommendRequest;
use clew_crm::{Predicate, Recommendation as Recommended, Rule, Scope};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Answer;
use crate::caller::{Caller, Reader};
use crate::expression;
use crate::extract::{Body, OwnId, Query};
use crate::moment::Moment;
use crate::problem::{FieldError, Problem, Result};
use crate::routes::rule::{AppliesTo, kept_rules};
use crate::serving::{Serving, Versions};
use crate::state::ApiState;

/// What is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RecommendationsQuery {
    /// Products wanted.
    #[serde(default = "ten")]
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: usize,
    /// Only products of which this expression is true.
    #[param(max_length = 4096, example = "product.category == \"wine\"")]
    filter: Option<String>,
    /// Whether reasons are given.
    #[serde(default)]
    #[param(default = false)]
    explain: bool,
    /// Whether products that the customer bought or viewed before are left out.
    #[serde(default)]
    #[param(default = false)]
    exclude_seen: bool,
    /// Nothing at or after this is known; the model's own date when absent.
    #[param(inline)]
    as_of: Option<Moment>,
}

/// What is asked for, for many customers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ManyRecommendations {
    /// The customers, by id.
    #[schema(value_type = BTreeSet<String>, min_items = 1, max_items = 1000, example = json!(["c-20817", "c-3"]))]
    customer_ids: Vec<String>,
    /// Products wanted for each.
    #[serde(default = "ten")]
    #[schema(minimum = 1, maximum = 100, default = 10)]
    limit: usize,
    /// Only products of which this expression is true.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 4096, example = "product.price < 50.0")]
    filter: Option<String>,
    /// Whether reasons are given.
    #[serde(default)]
    #[schema(default = false)]
    explain: bool,
    /// Whether products that a customer bought or viewed before are left out.
    #[serde(default)]
    #[schema(default = false)]
    exclude_seen: bool,
    /// Nothing at or after this is known; the model's own date when absent.
    #[serde(default)]
    as_of: Option<Moment>,
}

fn ten() -> usize {
    10
}

/// One product for one customer.
#[derive(Debug, Serialize, ToSchema)]
struct Recommendation {
    /// 1 for the best.
    #[schema(example = 1)]
    rank: usize,
    #[schema(example = "p-1042")]
    product_id: String,
    /// Orders products for this customer.
    #[schema(example = 1.84)]
    score: f64,
    /// In plain words, the strongest first; empty unless asked for.
    #[schema(example = json!(["bought 4 times, last 20 days ago"]))]
    reasons: Vec<String>,
}

/// Products for a customer.
#[derive(Debug, Serialize, ToSchema)]
struct Recommendations {
    #[schema(example = "c-20817")]
    customer_id: String,
    /// Best first; empty for a customer whom a rule refuses.
    data: Vec<Recommendation>,
    /// The model that answered.
    model_id: Uuid,
    /// Nothing at or after this was known.
    as_of: DateTime<Utc>,
}

/// Products for many customers.
#[derive(Debug, Serialize, ToSchema)]
struct RecommendationsOfMany {
    /// In the order asked for.
    data: Vec<RecommendationsOfOne>,
    /// Customers asked for that are not known.
    #[schema(example = json!([]))]
    unknown_customer_ids: Vec<String>,
    /// The model that answered.
    model_id: Uuid,
    /// Nothing at or after this was known.
    as_of: DateTime<Utc>,
}

/// Products for one of many customers.
#[derive(Debug, Serialize, ToSchema)]
struct RecommendationsOfOne {
    #[schema(example = "c-20817")]
    customer_id: String,
    /// Best first; empty for a customer whom a rule refuses.
    data: Vec<Recommendation>,
}

impl From<Recommended> for Recommendation {
    fn from(one: Recommended) -> Self {
        Self { rank: one.rank, product_id: one.product_id, score: one.score, reasons: one.reasons }
    }
}

/// What both operations ask of the model.
struct Wanted {
    limit: usize,
    filter: Option<String>,
    filter_at: &'static str,
    explain: bool,
    exclude_seen: bool,
    rules: Vec<Rule>,
}

impl Wanted {
    fn filter(&self, serving: &Serving) -> Result<Option<Predicate>> {
        let parse = |source: &String| serving.predicate(Scope::Product, source, self.filter_at);
        self.filter.as_ref().map(parse).transpose()
    }
}

/// Checks the filter, and reads the rules and the versions, in one transaction.
async fn prepare(
    caller: &Caller<Reader>,
    state: &ApiState,
    filter: Option<&str>,
    filter_at: &str,
) -> Result<(Vec<Rule>, Versions)> {
    let mut tenant = caller.open(state).await?;
    if let Some(filter) = filter {
        expression::check_products(&mut tenant, filter, filter_at).await?;
    }
    let rules = kept_rules(&mut tenant, AppliesTo::Recommendations).await?;
    Ok((rules, Serving::find(&mut tenant).await?))
}

/// Recommends products to a customer.
#[utoipa::path(get, path = "/v1/customers/{id}/recommendations", operation_id = "list_recommendations",
    tag = "recommendations", security(("key" = ["reader"])), params(("id" = String, Path), RecommendationsQuery),
    responses((status = 200, description = "Products, best first.", body = Recommendations),
        (status = 409, description = "No model yet.")))]
async fn list_recommendations(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    OwnId(customer_id): OwnId,
    Query(query): Query<RecommendationsQuery>,
) -> Result<Answer> {
    let (rules, versions) = prepare(&caller, &state, query.filter.as_deref(), "?filter").await?;
    let serving = versions.open(&state, query.as_of).await?;
    let wanted = Wanted {
        limit: query.limit,
        filter: query.filter,
        filter_at: "?filter",
        explain: query.explain,
        exclude_seen: query.exclude_seen,
        rules,
    };
    let (model_id, as_of) = (serving.model_id, serving.as_of);
    let customer =
        serving.history().customers().find(&customer_id).ok_or_else(|| Problem::not_found("customer"))?;
    let found = state.compute().run(move |run| recommend(run, &serving, &[customer], &wanted)).await?;
    let data = found.into_iter().flatten().map(Into::into).collect();
    Answer::ok(&Recommendations { customer_id, data, model_id, as_of })
}

/// Recommends products to many customers at once.
#[utoipa::path(post, path = "/v1/recommendations", operation_id = "compute_recommendations",
    tag = "recommendations", security(("key" = ["reader"])), request_body = ManyRecommendations,
    responses((status = 200, description = "Products for each customer.", body = RecommendationsOfMany),
        (status = 409, description = "No model yet.")))]
async fn compute_recommendations(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Body { value: request, .. }: Body<ManyRecommendations>,
) -> Result<Answer> {
    check_ids(&request.customer_ids)?;
    let (rules, versions) = prepare(&caller, &state, request.filter.as_deref(), "/filter").await?;
    let serving = versions.open(&state, request.as_of).await?;
    let wanted = Wanted {
        limit: request.limit,
        filter: request.filter,
        filter_at: "/filter",
        explain: request.explain,
        exclude_seen: request.exclude_seen,
        rules,
    };
    let (model_id, as_of) = (serving.model_id, serving.as_of);
    let customers = serving.history().customers();
    let (mut known, mut codes, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for id in request.customer_ids {
        match customers.find(&id) {
            Some(code) => {
                known.push(id);
                codes.push(code);
            }
            None => unknown.push(id),
        }
    }
    let found = state.compute().run(move |run| recommend(run, &serving, &codes, &wanted)).await?;
    let data = known.into_iter().zip(found).map(|(customer_id, products)| RecommendationsOfOne {
        customer_id,
        data: products.into_iter().map(Into::into).collect(),
    });
    Answer::ok(&RecommendationsOfMany {
        data: data.collect(),
        unknown_customer_ids: unknown,
        model_id,
        as_of,
    })
}

fn recommend(
    run: &clew_learn::Run<'_>,
    serving: &Serving,
    customers: &[u32],
    wanted: &Wanted,
) -> Result<Vec<Vec<Recommended>>> {
    let filter = wanted.filter(serving)?;
    let rules = serving.compile(&wanted.rules, "/rules")?;
    let request = RecommendRequest {
        limit: wanted.limit,
        filter: filter.as_ref(),
        rules: &rules,
        exclude_seen: wanted.exclude_seen,
        explain: wanted.explain,
    };
    Ok(serving.scorer.recommend_some(run, customers, &request)?)
}

/// Ids asked for twice would be answered twice; more likely somebody erred.
fn check_ids(ids: &[String]) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    let twice = ids.iter().enumerate().filter(|(_, id)| !seen.insert(id.as_str()));
    let errors: Vec<FieldError> = twice
        .map(|(i, _)| FieldError { pointer: format!("/customer_ids/{i}"), detail: "is there already".into() })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// The routes of recommendations.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list_recommendations)).routes(routes!(compute_recommendations))
}
