//! What a training will need, told before it is asked for.

use std::time::Instant;

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use clew_crm::TrainParams;
use clew_crm::estimate::{Counts, Speed, estimate};
use clew_store::{Entity, Tenant, data, model};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::caller::{Caller, Reader};
use crate::extract::Body;
use crate::problem::{Code, Problem, Result};
use crate::routes::model::NewModel;
use crate::state::ApiState;

/// What a training will need, on a machine as fast as this one is now.
#[derive(Debug, Serialize, ToSchema)]
struct Estimate {
    /// By the clock, reading the history not included.
    #[schema(minimum = 0, example = 214.5)]
    seconds: f64,
    /// At the peak, the history in memory included.
    #[schema(minimum = 0, example = 2_400_000_000_u64)]
    memory_bytes: u64,
    /// Size of the model file.
    #[schema(minimum = 0, example = 38_000_000)]
    disk_bytes: u64,
    /// Whether the service's limits allow it. A training that they do not allow is refused before it starts.
    #[schema(example = true)]
    allowed: bool,
    /// Which limit it is over, with the figures; null when it is allowed.
    #[schema(example = json!(null))]
    refusal: Option<String>,
    /// What it was estimated from.
    counted: Counted,
    /// The seconds, phase by phase.
    phases: Vec<Phase>,
}

/// How much there is to learn from.
#[derive(Debug, Serialize, ToSchema)]
struct Counted {
    #[schema(example = 50_000)]
    n_customers: u64,
    #[schema(example = 5_000)]
    n_products: u64,
    /// Events before the date; in proportion to the days, when the date is not the end of the data.
    #[schema(example = 2_000_000)]
    n_events: u64,
    #[schema(example = 500)]
    n_days: u32,
}

/// A part of a training.
#[derive(Debug, Serialize, ToSchema)]
struct Phase {
    #[schema(example = "factorisation")]
    name: String,
    #[schema(minimum = 0, example = 12.5)]
    seconds: f64,
}

/// Tells what a training in full would need: the same body as `create_model`, and nothing is trained. One that can
/// start from a live model of some days before takes less. This machine's speed is measured meanwhile, which takes a
/// fraction of a second.
#[utoipa::path(post, path = "/v1/models/estimate", operation_id = "estimate_model", tag = "models",
    security(("key" = ["reader"])), request_body = NewModel,
    responses((status = 200, description = "Time, memory and disk.", body = Estimate),
        (status = 409, description = "There are no events to learn from.")))]
async fn estimate_model(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Body { value: new, .. }: Body<NewModel>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let (counts, as_of) = count(&mut tenant, new.as_of.map(|at| at.0)).await?;
    let live = model::find_active(&mut tenant).await?.and_then(|live| live.as_of);
    drop(tenant);
    let mut params = TrainParams::new(as_of.timestamp());
    params.horizon_days = new.horizon_days.unsigned_abs();
    let begun = Instant::now();
    let speed =
        state.compute().run(move |run| Ok(Speed::probe(run, &|| begun.elapsed().as_secs_f64())?)).await?;
    let mut found = estimate(&counts, &params, &speed, false);
    // To be compared with a live model of before the judged window, it is trained a second time, as of the window.
    let window = as_of - TimeDelta::days(new.horizon_days.into());
    if new.activate && live.is_some_and(|live| live <= window) {
        found.phases.push(clew_crm::estimate::PhaseEstimate {
            name: "comparison with the live model".to_owned(),
            seconds: found.seconds,
        });
        found.seconds *= 2.0;
    }
    let refusal = found.check(&state.config().train_limit).err().map(|error| error.to_string());
    Answer::ok(&Estimate {
        seconds: found.seconds,
        memory_bytes: found.memory_bytes,
        disk_bytes: found.disk_bytes,
        allowed: refusal.is_none(),
        refusal,
        counted: Counted {
            n_customers: counts.n_customers,
            n_products: counts.n_products,
            n_events: counts.n_events,
            n_days: counts.n_days,
        },
        phases: found
            .phases
            .into_iter()
            .map(|phase| Phase { name: phase.name, seconds: phase.seconds })
            .collect(),
    })
}

/// How much is known before a date (the end of the data when none), from the running totals alone.
async fn count(tenant: &mut Tenant<'_>, as_of: Option<DateTime<Utc>>) -> Result<(Counts, DateTime<Utc>)> {
    let known = data::find(tenant).await?;
    let none = || Problem::new(Code::Conflict, "there are no events before that date; import events first");
    let (first, last) = known.event_range().ok_or_else(none)?;
    let end = last + TimeDelta::seconds(1);
    let as_of = as_of.unwrap_or(end).min(end);
    if as_of <= first {
        return Err(none());
    }
    let days = |from: DateTime<Utc>, to: DateTime<Utc>| (to - from).num_seconds() as f64 / 86_400.0;
    let share = (days(first, as_of) / days(first, end).max(1e-9)).clamp(0.0, 1.0);
    let rows = |entity| known.n_rows(entity).unsigned_abs();
    let counts = Counts {
        n_customers: rows(Entity::Customers),
        n_products: rows(Entity::Products),
        n_events: (rows(Entity::Events) as f64 * share).round() as u64,
        n_days: days(first, as_of).ceil() as u32,
    };
    Ok((counts, as_of))
}

/// The route of estimates.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(estimate_model))
}
