//! What became of a campaign: predicted against realised, and what the messages caused.

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_crm::campaign::{Promoted, PromotedBy, began, promoted};
use clew_crm::{History, Offer, Records};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Answer;
use crate::caller::{Caller, Reader};
use crate::expression;
use crate::extract::{OwnId, Query};
use crate::moment::Moment;
use crate::problem::{Code, Problem, Result};
use crate::refusal;
use crate::routes::campaign;
use crate::routes::campaign_report_view::CampaignReport;
use crate::routes::reference::OfferWritten;
use crate::serving::{self, Serving};
use crate::state::ApiState;

/// What the campaign promoted, where its own row does not say. At most one is given.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CampaignReportQuery {
    /// A kept offer.
    offer_id: Option<Uuid>,
    /// True of the products that were promoted.
    #[param(min_length = 1, max_length = 4096, example = "product.category == \"wine\"")]
    expression: Option<String>,
}

/// Tells what became of a campaign: predicted against realised buyers by decile, the uplift against the holdout
/// with its interval, the Qini curve. Predictions are of a model that knew nothing of the days after the first
/// message, where there is one; a warning says when there is none. What was promoted is the offer that is given,
/// else what the campaign's row names (`expression`, `product_ids`, `product_id`), else the products of its
/// `category` and `brand`, else the whole catalogue. A purchase counts within the days that the model predicts.
#[utoipa::path(get, path = "/v1/campaigns/{id}/report", operation_id = "get_campaign_report", tag = "campaigns",
    security(("key" = ["reader"])), params(("id" = String, Path), CampaignReportQuery),
    responses((status = 200, description = "The report.", body = CampaignReport),
        (status = 409, description = "No model yet, or nobody was sent the campaign or held out.")))]
async fn get_campaign_report(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    OwnId(id): OwnId,
    Query(query): Query<CampaignReportQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    campaign::find(&mut tenant, &id).await?;
    let (asked, at) = match (query.offer_id, query.expression) {
        (None, None) => (None, ""),
        (Some(offer_id), None) => {
            let offer = OfferWritten::kept(&mut tenant, offer_id, "?offer_id").await?;
            (Some(offer.into_crm()), "?offer_id")
        }
        (None, Some(source)) => {
            expression::check_products(&mut tenant, &source, "?expression").await?;
            (Some(Offer::by_expression(&id, source)), "?expression")
        }
        (Some(_), Some(_)) => {
            return Err(Problem::field("?expression", "give either offer_id or expression, not both"));
        }
    };
    // Nothing is computed for a tenant without a model.
    Serving::find(&mut tenant).await?;
    drop(tenant);
    let known = serving::records(&state, caller.tenant_id).await?;
    let (records, of) = (known.clone(), id.clone());
    let (first_at, end) = state.compute().run(move |_| first_message(&records, &of)).await?;
    let mut tenant = caller.open(&state).await?;
    let versions = Serving::find_before(&mut tenant, first_at).await?;
    drop(tenant);
    let serving = versions.open(&state, Some(Moment(first_at))).await?;
    let (model_id, campaign_id) = (serving.model_id, id.clone());
    let (report, promoted) = state
        .compute()
        .run(move |run| {
            let known = known.history(end);
            let promoted = what(&known, &id, asked, at)?;
            let scorer = &serving.scorer;
            let mut report =
                scorer.campaign_report(run, &known, &id, &promoted.products).map_err(|e| refusal::crm(e, at))?;
            if scorer.as_of() < scorer.model().as_of {
                report.warnings.push(
                    "the model has learned from days after the first message: its predictions flatter themselves here".into(),
                );
            }
            Ok((report, promoted))
        })
        .await?;
    Answer::ok(&CampaignReport::of(report, &promoted, campaign_id, model_id, first_at))
}

/// When the campaign began, and the end of the data, Unix seconds: a day that is not over then is not over. A snapshot may be older than
/// the campaign's row.
fn first_message(records: &Records, id: &str) -> Result<(DateTime<Utc>, i64)> {
    let none = || {
        Problem::new(
            Code::Conflict,
            "no event says who was sent this campaign or held out; import events of the kinds message_sent and held_out with its \
             campaign_id",
        )
    };
    let (end, _) = records.end_of_data().ok_or_else(none)?;
    let known = records.history(end);
    let began = if known.campaigns().find(id).is_some() { began(&known, id)? } else { None };
    Ok((began.and_then(|at| DateTime::from_timestamp(at, 0)).ok_or_else(none)?, end))
}

/// What was promoted: what was asked for, else what is known of the campaign.
fn what(known: &History<'_>, id: &str, asked: Option<Offer>, at: &str) -> Result<Promoted> {
    let Some(offer) = asked else { return promoted(known, id).map_err(|error| refusal::crm(error, "")) };
    let products = offer.resolve_in(known.products()).map_err(|error| refusal::crm(error, at))?;
    Ok(Promoted { products, expression: offer.expression, by: PromotedBy::Asked })
}

/// The route of campaigns' reports.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_campaign_report))
}
