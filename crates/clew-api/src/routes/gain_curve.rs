//! Gain curves: how many buyers an offer will find at each volume, best customers first.

use axum::extract::State;
use clew_crm::Scope;
use clew_crm::gain_request::GainRequest;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Answer;
use crate::caller::{Caller, Reader};
use crate::closed::Closed;
use crate::extract::Body;
use crate::moment::Moment;
use crate::problem::{Problem, Result};
use crate::refusal;
use crate::routes::gain_curve_view::GainCurve;
use crate::routes::reference::{OfferWritten, RuleRef, SegmentRef};
use crate::routes::rule::{AppliesTo, kept_rules};
use crate::serving::Serving;
use crate::state::ApiState;

/// What to draw. Exactly one of `offer` and `offer_id` is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GainCurveRequest {
    /// An offer as it would be written.
    #[serde(default)]
    offer: Option<OfferWritten>,
    /// A kept offer.
    #[serde(default)]
    #[schema(example = json!(null))]
    offer_id: Option<Uuid>,
    /// The rules to apply, in this order: kept ones by id, others as they would be written. When absent, every
    /// enabled rule that applies to gain curves; `[]` applies none.
    #[serde(default)]
    #[schema(max_items = 100, example = json!(null))]
    rules: Option<Vec<RuleRef>>,
    /// Only customers of this segment: a kept one by id, or an expression.
    #[serde(default)]
    #[schema(example = json!(null))]
    segment: Option<SegmentRef>,
    /// Nothing at or after this is known; the model's own date when absent.
    #[serde(default)]
    #[schema(example = json!(null))]
    as_of: Option<Moment>,
    /// Share of the revenue that is profit; the offer's when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1, example = 0.3)]
    margin: Option<f64>,
    /// Cost of one message; the offer's when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000, example = 0.05)]
    cost_per_contact: Option<f64>,
}

/// Draws the gain curve of an offer by the active model. Where a segment or rules that are given name columns that are not
/// plain, those who are not owners are told of no group of fewer customers than the tenant's `minimum_support`.
#[utoipa::path(post, path = "/v1/gain-curves", operation_id = "compute_gain_curve", tag = "offers",
    security(("key" = ["reader"])), request_body = GainCurveRequest,
    responses((status = 200, description = "The curve.", body = GainCurve), (status = 409, description = "No model yet.")))]
async fn compute_gain_curve(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Body { value: request, .. }: Body<GainCurveRequest>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let (offer, at) = match (request.offer, request.offer_id) {
        (Some(offer), None) => {
            offer.check(&mut tenant, "/offer").await?;
            (offer, "/offer")
        }
        (None, Some(id)) => (OfferWritten::kept(&mut tenant, id, "/offer_id").await?, "/offer_id"),
        (None, None) => return Err(Problem::field("/offer", "is missing; give an offer or offer_id")),
        (Some(_), Some(_)) => {
            return Err(Problem::field("/offer_id", "give either an offer or offer_id, not both"));
        }
    };
    let closed = Closed::of(caller.right, &mut tenant).await?;
    let are_chosen = request.rules.is_some();
    let rules = match request.rules {
        None => kept_rules(&mut tenant, AppliesTo::GainCurves).await?,
        Some(rules) => RuleRef::resolve(rules, caller.right, &mut tenant, "/rules").await?,
    };
    let segment = match request.segment {
        None => None,
        Some(segment) => Some(segment.expression(caller.right, &mut tenant, "/segment").await?),
    };
    let versions = Serving::find(&mut tenant).await?;
    drop(tenant);
    let serving = versions.open(&state, request.as_of).await?;
    let margin = request.margin.or(offer.margin);
    let cost_per_contact = request.cost_per_contact.or(offer.cost_per_contact);
    let (as_of, model_id) = (serving.as_of, serving.model_id);
    let curve = state
        .compute()
        .run(move |run| {
            let horizon_days = offer.horizon_days;
            let products = serving.products(&offer.into_crm(), at)?;
            let rules = serving.compile(&rules, "/rules")?;
            let segment =
                segment.map(|source| serving.predicate(Scope::Customer, &source, "/segment")).transpose()?;
            closed.check_curve(&serving.history(), segment.as_ref(), &rules, are_chosen)?;
            let request = GainRequest {
                products: &products,
                rules: &rules,
                segment: segment.as_ref(),
                margin,
                cost_per_contact,
            };
            let mut curve = serving.scorer.gain_curve(run, &request).map_err(|e| refusal::crm(e, at))?;
            if serving.scorer.as_of() < serving.scorer.model().as_of {
                curve
                    .warnings
                    .push("the model has learned from days after this date; it flatters itself here".into());
            }
            let learned = serving.scorer.model().horizon_days;
            if horizon_days.is_some_and(|asked| i64::from(asked) != i64::from(learned)) {
                curve
                    .warnings
                    .push(format!("purchases within {learned} days count, as the model was trained"));
            }
            Ok(curve)
        })
        .await?;
    Answer::ok(&GainCurve::of(curve, model_id, as_of))
}

/// The routes of gain curves.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(compute_gain_curve))
}
