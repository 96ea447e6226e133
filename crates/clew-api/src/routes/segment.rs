//! Segments: groups of customers written by a person as an expression.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use clew_store::key::Right;
use clew_store::{Page, Tenant, audit, segment as rows};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List, PageQuery, by_id};
use crate::caller::{Caller, Marketer, Reader};
use crate::closed::Closed;
use crate::expression::{self, Scope};
use crate::extract::{Body, Id, Query};
use crate::idempotency::IdempotencyKey;
use crate::moment::Moment;
use crate::patch::Patch;
use crate::problem::{Problem, Result};
use crate::routes::rule::{AppliesTo, kept_rules};
use crate::serving;
use crate::state::ApiState;

/// What a person writes of a segment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSegment {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, example = "Adults of the south")]
    name: String,
    /// True of its customers.
    #[schema(
        min_length = 1,
        max_length = 4096,
        example = "customer.age >= 18 && customer.region == \"south\""
    )]
    expression: String,
}

/// A segment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Segment {
    id: Uuid,
    #[serde(flatten)]
    written: NewSegment,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<rows::Segment> for Segment {
    fn from(row: rows::Segment) -> Self {
        let rows::Segment { id, name, expression, created_at, updated_at } = row;
        Self { id, written: NewSegment { name, expression }, created_at, updated_at }
    }
}

impl NewSegment {
    async fn into_row(self, right: Option<Right>, tenant: &mut Tenant<'_>) -> Result<rows::NewSegment> {
        expression::check_one(right, tenant, Scope::Customer, &self.expression, "/expression").await?;
        Ok(rows::NewSegment { name: self.name, expression: self.expression })
    }
}

/// Makes a segment.
#[utoipa::path(post, path = "/v1/segments", operation_id = "create_segment", tag = "segments",
    security(("key" = ["marketer"])), request_body = NewSegment,
    responses((status = 201, description = "The segment.", body = Segment)))]
async fn create_segment(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewSegment>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let once = match key.begin(&mut tenant, "create_segment", digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    let new = new.into_row(caller.right, &mut tenant).await?;
    let segment = Segment::from(rows::insert(&mut tenant, &new).await?);
    let answer = Answer::created(format!("/v1/segments/{}", segment.id), &segment)?;
    once.keep(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// Lists the segments, the newest first.
#[utoipa::path(get, path = "/v1/segments", operation_id = "list_segments", tag = "segments",
    security(("key" = ["reader"])), params(PageQuery),
    responses((status = 200, description = "A page of segments.", body = List<Segment>)))]
async fn list_segments(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&List::<Segment>::of(rows::list(&mut tenant, &page.into()).await?))
}

/// Gets a segment.
#[utoipa::path(get, path = "/v1/segments/{id}", operation_id = "get_segment", tag = "segments",
    security(("key" = ["reader"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The segment.", body = Segment)))]
async fn get_segment(caller: Caller<Reader>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&Segment::from(find(&mut tenant, id).await?))
}

/// Changes a segment by a merge patch.
#[utoipa::path(patch, path = "/v1/segments/{id}", operation_id = "update_segment", tag = "segments",
    security(("key" = ["marketer"])), params(("id" = Uuid, Path)), request_body = NewSegment,
    responses((status = 200, description = "The segment as it is now.", body = Segment)))]
async fn update_segment(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    Id(id): Id,
    patch: Patch,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let row = find(&mut tenant, id).await?;
    let new = patch.apply(&NewSegment { name: row.name, expression: row.expression })?;
    let new = new.into_row(caller.right, &mut tenant).await?;
    let segment = Segment::from(rows::update(&mut tenant, id, &new).await?);
    tenant.commit().await?;
    Answer::ok(&segment)
}

/// Deletes a segment.
#[utoipa::path(delete, path = "/v1/segments/{id}", operation_id = "delete_segment", tag = "segments",
    security(("key" = ["marketer"])), params(("id" = Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
async fn delete_segment(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<StatusCode> {
    let mut tenant = caller.open(&state).await?;
    rows::delete(&mut tenant, id).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A member of a segment.
#[derive(Debug, Serialize, ToSchema)]
struct SegmentMember {
    /// The tenant's own id of the customer.
    #[schema(example = "c-20817")]
    customer_id: String,
}

/// Which members.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MembersQuery {
    /// Rows wanted.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
    /// Nothing at or after this is known; the end of the data when absent.
    #[param(inline)]
    as_of: Option<Moment>,
}

fn default_limit() -> u32 {
    100
}

/// Lists the customers of a segment, by id. Those whom an enabled rule refuses are left out. Where the expression names
/// columns that are not plain, those who are not owners see no group, nor all but a group, of fewer customers than the
/// tenant's `minimum_support`.
#[utoipa::path(get, path = "/v1/segments/{id}/members", operation_id = "list_segment_members", tag = "segments",
    security(("key" = ["reader"])), params(("id" = Uuid, Path), MembersQuery),
    responses((status = 200, description = "A page of members.", body = List<SegmentMember>)))]
async fn list_segment_members(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Id(id): Id,
    Query(query): Query<MembersQuery>,
) -> Result<Answer> {
    let page = Page { limit: query.limit, cursor: query.cursor };
    let list = "segment_members";
    let mut tenant = caller.open(&state).await?;
    let row = find(&mut tenant, id).await?;
    let rules = kept_rules(&mut tenant, AppliesTo::Segments).await?;
    let closed = Closed::of(caller.right, &mut tenant).await?;
    // A changed segment, or another date, is another list.
    let filter = format!("{id}/{}/{:?}", row.updated_at.timestamp_micros(), query.as_of);
    let after = tenant.open_cursor(list, &filter, &page).await?;
    drop(tenant);
    let records = serving::records(&state, caller.tenant_id).await?;
    let n_rows = page.n_rows() as usize;
    let (ids, more) = state
        .compute()
        .run(move |_| {
            let as_of =
                query.as_of.map(Moment::seconds).or_else(|| records.end_of_data().map(|(end, _)| end));
            let history = records.history(as_of.unwrap_or(i64::MAX));
            let segment = clew_crm::Segment { name: row.name, expression: row.expression };
            let predicate = segment.compile(&history)?;
            let mut members = predicate.evaluate(&history)?;
            closed.check(&predicate, members.count(), history.customers().len())?;
            for rule in serving::compile(&rules, &history, "/rules")? {
                if rule.scope() == clew_crm::Scope::Customer {
                    members.and_not(&rule.refused(&history)?);
                }
            }
            let customers = history.customers();
            Ok(by_id(members.ones().map(|customer| customers.id(customer)), after.as_deref(), n_rows))
        })
        .await?;
    let mut tenant = caller.open(&state).await?;
    let next = match ids.last().filter(|_| more) {
        Some(last) => Some(tenant.seal_cursor(list, &filter, last).await?),
        None => None,
    };
    // Who is in a segment is what leaves the house for a mailing: an export.
    audit::note(&mut tenant, None, Some(ids.len() as u64));
    tenant.commit().await?;
    Answer::ok(&List::new(ids.into_iter().map(|customer_id| SegmentMember { customer_id }).collect(), next))
}

/// A segment, or 404.
pub(crate) async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<rows::Segment> {
    rows::find(tenant, id).await?.ok_or_else(|| Problem::not_found("segment"))
}

/// The routes of segments.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_segment, list_segments))
        .routes(routes!(get_segment, update_segment, delete_segment))
        .routes(routes!(list_segment_members))
}
