//! Business rules: each refuses customers or products, with a reason, in gain curves, segments and
//! recommendations alike.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use clew_store::key::Right;
use clew_store::{Tenant, rule as rows};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List, PageQuery};
use crate::caller::{Caller, Marketer, Reader};
use crate::expression::{self, Scope};
use crate::extract::{Body, Id, Query};
use crate::idempotency::IdempotencyKey;
use crate::patch::Patch;
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// Where a rule is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AppliesTo {
    GainCurves,
    Segments,
    Recommendations,
}

impl AppliesTo {
    const ALL: [Self; 3] = [Self::GainCurves, Self::Segments, Self::Recommendations];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::GainCurves => "gain_curves",
            Self::Segments => "segments",
            Self::Recommendations => "recommendations",
        }
    }
}

/// What a person writes of a rule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRule {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, example = "No alcohol to minors")]
    name: String,
    /// What it refuses.
    scope: Scope,
    /// True of what is refused. Columns that are not plain may be asked for by owners alone.
    #[schema(min_length = 1, max_length = 4096, example = "customer.age < 18")]
    expression: String,
    /// What people are told.
    #[schema(min_length = 1, max_length = 500, example = "under age")]
    reason: String,
    /// Is it in force?
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
    /// Where it is in force; everywhere when absent.
    #[serde(default = "everywhere")]
    #[schema(min_items = 1, max_items = 3, example = json!(["gain_curves", "segments", "recommendations"]))]
    applies_to: Vec<AppliesTo>,
}

fn yes() -> bool {
    true
}

fn everywhere() -> Vec<AppliesTo> {
    AppliesTo::ALL.to_vec()
}

/// A rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Rule {
    id: Uuid,
    #[serde(flatten)]
    written: NewRule,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<rows::Rule> for Rule {
    fn from(row: rows::Rule) -> Self {
        let rows::Rule { id, created_at, updated_at, .. } = row;
        Self { id, written: NewRule::of(row), created_at, updated_at }
    }
}

impl NewRule {
    fn of(row: rows::Rule) -> Self {
        let applies_to = AppliesTo::ALL.into_iter().filter(|a| row.applies_to.iter().any(|w| w == a.word()));
        Self {
            scope: if row.scope == "product" { Scope::Product } else { Scope::Customer },
            applies_to: applies_to.collect(),
            name: row.name,
            expression: row.expression,
            reason: row.reason,
            enabled: row.enabled,
        }
    }

    async fn into_row(self, right: Option<Right>, tenant: &mut Tenant<'_>) -> Result<rows::NewRule> {
        expression::check_kept_rule(right, tenant, self.scope, &self.expression, "/expression").await?;
        let applies_to = AppliesTo::ALL.iter().filter(|a| self.applies_to.contains(a));
        Ok(rows::NewRule {
            scope: self.scope.word().to_owned(),
            applies_to: applies_to.map(|a| a.word().to_owned()).collect(),
            name: self.name,
            expression: self.expression,
            reason: self.reason,
            enabled: self.enabled,
        })
    }
}

/// Makes a rule.
#[utoipa::path(post, path = "/v1/rules", operation_id = "create_rule", tag = "rules",
    security(("key" = ["marketer"])), request_body = NewRule,
    responses((status = 201, description = "The rule.", body = Rule)))]
async fn create_rule(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewRule>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let once = match key.begin(&mut tenant, "create_rule", digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    let new = new.into_row(caller.right, &mut tenant).await?;
    let rule = Rule::from(rows::insert(&mut tenant, &new).await?);
    let answer = Answer::created(format!("/v1/rules/{}", rule.id), &rule)?;
    once.keep(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// Lists the rules, the newest first.
#[utoipa::path(get, path = "/v1/rules", operation_id = "list_rules", tag = "rules",
    security(("key" = ["reader"])), params(PageQuery),
    responses((status = 200, description = "A page of rules.", body = List<Rule>)))]
async fn list_rules(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&List::<Rule>::of(rows::list(&mut tenant, &page.into()).await?))
}

/// Gets a rule.
#[utoipa::path(get, path = "/v1/rules/{id}", operation_id = "get_rule", tag = "rules",
    security(("key" = ["reader"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The rule.", body = Rule)))]
async fn get_rule(caller: Caller<Reader>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&Rule::from(find(&mut tenant, id).await?))
}

/// Changes a rule by a merge patch.
#[utoipa::path(patch, path = "/v1/rules/{id}", operation_id = "update_rule", tag = "rules",
    security(("key" = ["marketer"])), params(("id" = Uuid, Path)), request_body = NewRule,
    responses((status = 200, description = "The rule as it is now.", body = Rule)))]
async fn update_rule(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    Id(id): Id,
    patch: Patch,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let new = patch.apply(&NewRule::of(find(&mut tenant, id).await?))?;
    let new = new.into_row(caller.right, &mut tenant).await?;
    let rule = Rule::from(rows::update(&mut tenant, id, &new).await?);
    tenant.commit().await?;
    Answer::ok(&rule)
}

/// Deletes a rule.
#[utoipa::path(delete, path = "/v1/rules/{id}", operation_id = "delete_rule", tag = "rules",
    security(("key" = ["marketer"])), params(("id" = Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
async fn delete_rule(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<StatusCode> {
    let mut tenant = caller.open(&state).await?;
    rows::delete(&mut tenant, id).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A rule, or 404.
pub(crate) async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<rows::Rule> {
    rows::find(tenant, id).await?.ok_or_else(|| Problem::not_found("rule"))
}

/// The enabled rules in force somewhere, in the order of the waterfall.
pub(crate) async fn kept_rules(tenant: &mut Tenant<'_>, place: AppliesTo) -> Result<Vec<clew_crm::Rule>> {
    Ok(rows::list_enabled(tenant, place.word()).await?.into_iter().map(crm_rule).collect())
}

/// A kept rule in the words of the CRM.
pub(crate) fn crm_rule(row: rows::Rule) -> clew_crm::Rule {
    let new = NewRule::of(row);
    clew_crm::Rule::new(&new.name, new.scope.into(), &new.expression, &new.reason)
}

/// The routes of rules.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create_rule, list_rules)).routes(routes!(
        get_rule,
        update_rule,
        delete_rule
    ))
}
