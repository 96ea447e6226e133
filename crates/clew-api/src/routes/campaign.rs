//! Campaigns: one message sent to one audience about one offer, as they were imported.

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_store::{Tenant, campaign as rows};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Answer, List, PageQuery};
use crate::caller::{Caller, Reader};
use crate::extract::{OwnId, Query};
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// A campaign. Who was sent it, and who was held out, is told by events of the kinds `message_sent` and `held_out`
/// with its id.
#[derive(Debug, Serialize, ToSchema)]
struct Campaign {
    /// The tenant's own id of it.
    #[schema(example = "M0042")]
    id: String,
    /// When it was sent, by its row; its events may tell more precisely.
    sent_at: Option<DateTime<Utc>>,
    /// Its other columns.
    #[schema(value_type = Object, example = json!({"name": "Spring wines", "category": "wine"}))]
    attributes: serde_json::Value,
    /// When it was last imported with a change.
    updated_at: DateTime<Utc>,
}

impl From<rows::Campaign> for Campaign {
    fn from(row: rows::Campaign) -> Self {
        let rows::Campaign { id, sent_at, attributes, updated_at } = row;
        Self { id, sent_at, attributes, updated_at }
    }
}

/// Lists the campaigns, by id.
#[utoipa::path(get, path = "/v1/campaigns", operation_id = "list_campaigns", tag = "campaigns", security(("key" = ["reader"])),
    params(PageQuery), responses((status = 200, description = "A page of campaigns.", body = List<Campaign>)))]
async fn list_campaigns(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&List::<Campaign>::of(rows::list(&mut tenant, &page.into()).await?))
}

/// Gets a campaign.
#[utoipa::path(get, path = "/v1/campaigns/{id}", operation_id = "get_campaign", tag = "campaigns", security(("key" = ["reader"])),
    params(("id" = String, Path)), responses((status = 200, description = "The campaign.", body = Campaign)))]
async fn get_campaign(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&Campaign::from(find(&mut tenant, &id).await?))
}

/// A campaign, or 404.
pub(crate) async fn find(tenant: &mut Tenant<'_>, id: &str) -> Result<rows::Campaign> {
    rows::find(tenant, id).await?.ok_or_else(|| Problem::not_found("campaign"))
}

/// The routes of campaigns.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list_campaigns)).routes(routes!(get_campaign))
}
