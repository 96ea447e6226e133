//! Offers: selections of the catalogue, by expression or by list.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use clew_store::{Page, Tenant, offer as rows};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List, PageQuery, by_id};
use crate::caller::{Caller, Marketer, Reader};
use crate::expression;
use crate::extract::{Body, Id, Query};
use crate::idempotency::IdempotencyKey;
use crate::patch::Patch;
use crate::problem::{Problem, Result};
use crate::serving;
use crate::state::ApiState;

/// What a person writes of an offer. Exactly one of `expression` and `product_ids` is given.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOffer {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, example = "Wines under 20")]
    pub(crate) name: String,
    /// True of its products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 4096,
        example = "product.category == \"wine\" && product.price < 20.0"
    )]
    pub(crate) expression: Option<String>,
    /// Its products, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 50_000, example = json!(null))]
    pub(crate) product_ids: Option<Vec<String>>,
    /// Days in which a purchase counts; the model's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 365, example = 28)]
    pub(crate) horizon_days: Option<i32>,
    /// Share of the revenue that is profit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1, example = 0.3)]
    pub(crate) margin: Option<f64>,
    /// Cost of one message, in the tenant's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000, example = 0.05)]
    pub(crate) cost_per_contact: Option<f64>,
}

/// An offer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Offer {
    id: Uuid,
    #[serde(flatten)]
    written: NewOffer,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<rows::Offer> for Offer {
    fn from(row: rows::Offer) -> Self {
        let rows::Offer { id, created_at, updated_at, .. } = row;
        Self { id, written: NewOffer::of(row), created_at, updated_at }
    }
}

impl NewOffer {
    pub(crate) fn of(row: rows::Offer) -> Self {
        Self {
            name: row.name,
            expression: row.expression,
            product_ids: row.product_ids,
            horizon_days: row.horizon_days,
            margin: row.margin,
            cost_per_contact: row.cost_per_contact,
        }
    }

    fn into_row(self) -> rows::NewOffer {
        rows::NewOffer {
            name: self.name,
            expression: self.expression,
            product_ids: self.product_ids,
            horizon_days: self.horizon_days,
            margin: self.margin,
            cost_per_contact: self.cost_per_contact,
        }
    }

    /// What the schema cannot say.
    async fn check(&self, tenant: &mut Tenant<'_>) -> Result<()> {
        check_selection(tenant, self.expression.as_deref(), self.product_ids.as_deref(), "").await
    }
}

/// Exactly one of the two ways to select products, and an expression that holds.
pub(crate) async fn check_selection(
    tenant: &mut Tenant<'_>,
    expression: Option<&str>,
    product_ids: Option<&[String]>,
    at: &str,
) -> Result<()> {
    match (expression, product_ids) {
        (Some(expression), None) => {
            expression::check_products(tenant, expression, &format!("{at}/expression")).await
        }
        (None, Some(_)) => Ok(()),
        (Some(_), Some(_)) => Err(Problem::field(
            format!("{at}/product_ids"),
            "give either an expression or product_ids, not both",
        )),
        (None, None) => {
            Err(Problem::field(format!("{at}/expression"), "is missing; give an expression or product_ids"))
        }
    }
}

/// Makes an offer.
#[utoipa::path(post, path = "/v1/offers", operation_id = "create_offer", tag = "offers", security(("key" = ["marketer"])),
    request_body = NewOffer, responses((status = 201, description = "The offer.", body = Offer)))]
async fn create_offer(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewOffer>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let once = match key.begin(&mut tenant, "create_offer", digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    new.check(&mut tenant).await?;
    let offer = Offer::from(rows::insert(&mut tenant, &new.into_row()).await?);
    let answer = Answer::created(format!("/v1/offers/{}", offer.id), &offer)?;
    once.keep(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// Lists the offers, the newest first.
#[utoipa::path(get, path = "/v1/offers", operation_id = "list_offers", tag = "offers", security(("key" = ["reader"])),
    params(PageQuery), responses((status = 200, description = "A page of offers.", body = List<Offer>)))]
async fn list_offers(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&List::<Offer>::of(rows::list(&mut tenant, &page.into()).await?))
}

/// Gets an offer.
#[utoipa::path(get, path = "/v1/offers/{id}", operation_id = "get_offer", tag = "offers", security(("key" = ["reader"])),
    params(("id" = Uuid, Path)), responses((status = 200, description = "The offer.", body = Offer)))]
async fn get_offer(caller: Caller<Reader>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&Offer::from(find(&mut tenant, id).await?))
}

/// Changes an offer by a merge patch.
#[utoipa::path(patch, path = "/v1/offers/{id}", operation_id = "update_offer", tag = "offers", security(("key" = ["marketer"])),
    params(("id" = Uuid, Path)), request_body = NewOffer,
    responses((status = 200, description = "The offer as it is now.", body = Offer)))]
async fn update_offer(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    Id(id): Id,
    patch: Patch,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let present = NewOffer::of(find(&mut tenant, id).await?);
    let new = patch.apply(&present)?;
    new.check(&mut tenant).await?;
    let offer = Offer::from(rows::update(&mut tenant, id, &new.into_row()).await?);
    tenant.commit().await?;
    Answer::ok(&offer)
}

/// Deletes an offer.
#[utoipa::path(delete, path = "/v1/offers/{id}", operation_id = "delete_offer", tag = "offers", security(("key" = ["marketer"])),
    params(("id" = Uuid, Path)), responses((status = 204, description = "It is gone.")))]
async fn delete_offer(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<StatusCode> {
    let mut tenant = caller.open(&state).await?;
    rows::delete(&mut tenant, id).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A product of an offer.
#[derive(Debug, Serialize, ToSchema)]
struct OfferProduct {
    /// The tenant's own id of it.
    #[schema(example = "p-1042")]
    product_id: String,
}

/// Lists the products that an offer selects now, by id; none when nothing matches it any more.
#[utoipa::path(get, path = "/v1/offers/{id}/products", operation_id = "list_offer_products", tag = "offers",
    security(("key" = ["reader"])), params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, description = "A page of products.", body = List<OfferProduct>)))]
async fn list_offer_products(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Id(id): Id,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let page = Page::from(page);
    let list = "offer_products";
    let mut tenant = caller.open(&state).await?;
    let row = find(&mut tenant, id).await?;
    // A changed offer is another list.
    let filter = format!("{id}/{}", row.updated_at.timestamp_micros());
    let after = tenant.open_cursor(list, &filter, &page).await?;
    drop(tenant);
    let records = serving::records(&state, caller.tenant_id).await?;
    let n_rows = page.n_rows() as usize;
    let offer = clew_crm::Offer { name: row.name, expression: row.expression, product_ids: row.product_ids };
    let (ids, more) = state
        .compute()
        .run(move |_| {
            let products = match offer.resolve(&records) {
                // It may have matched when it was written; what it selects now is nothing.
                Err(clew_crm::Error::Nothing { .. }) => return Ok((Vec::new(), false)),
                found => found?,
            };
            let ids = products.products().iter().map(|&product| records.products().view().id(product));
            Ok(by_id(ids, after.as_deref(), n_rows))
        })
        .await?;
    let next = match ids.last().filter(|_| more) {
        Some(last) => Some(caller.open(&state).await?.seal_cursor(list, &filter, last).await?),
        None => None,
    };
    Answer::ok(&List::new(ids.into_iter().map(|product_id| OfferProduct { product_id }).collect(), next))
}

/// An offer, or 404.
pub(crate) async fn find(tenant: &mut Tenant<'_>, id: Uuid) -> Result<rows::Offer> {
    rows::find(tenant, id).await?.ok_or_else(|| Problem::not_found("offer"))
}

/// The routes of offers.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_offer, list_offers))
        .routes(routes!(get_offer, update_offer, delete_offer))
        .routes(routes!(list_offer_products))
}
