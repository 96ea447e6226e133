//! What a training will need, told before it is asked for.

use std::time::Instant;

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use clew_crm::estimate::{self, Counts, PhaseEstimate, Speed, estimate};
use clew_crm::{TrainParams, needs_full};
use clew_store::{Entity, Tenant, column, data, tenant};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::caller::{Caller, Reader};
use crate::extract::Body;
use crate::problem::{Code, Problem, Result};
use crate::routes::model::NewModel;
use crate::serving::Serving;
use crate::state::ApiState;

/// What a training will need, on a machine as fast as this one is now.
#[derive(Debug, Serialize, ToSchema)]
struct Estimate {
    /// Which way it would go: `warm` when it can start from the live model, else `full`. The figures beside are of
    /// that way.
    way: Way,
    #[serde(flatten)]
    needed: Needed,
    /// Whether the service's limits allow it. A training that they do not allow is refused before it starts.
    #[schema(example = true)]
    allowed: bool,
    /// Which limit it is over, with the figures; null when it is allowed.
    #[schema(example = json!(null))]
    refusal: Option<String>,
    /// What it was estimated from.
    counted: Counted,
    /// The same from nothing.
    full: Needed,
    /// The same from the live model; null when it cannot start from it.
    warm: Option<Needed>,
    /// Why it cannot start from the live model; null when it can.
    #[schema(example = json!(null))]
    not_warm: Option<String>,
}

/// How a training goes: from nothing, or from the live model of some days before.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Way {
    Full,
    Warm,
}

/// What one way to train needs.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Needed {
    /// By the clock, reading the history not included.
    #[schema(minimum = 0, example = 214.5)]
    seconds: f64,
    /// At the peak, the history in memory included.
    #[schema(minimum = 0, example = 2_400_000_000_u64)]
    memory_bytes: u64,
    /// Size of the model file.
    #[schema(minimum = 0, example = 38_000_000)]
    disk_bytes: u64,
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
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Phase {
    #[schema(example = "factorisation")]
    name: String,
    #[schema(minimum = 0, example = 12.5)]
    seconds: f64,
}

/// Tells what a training would need: the same body as `create_model`, and nothing is trained. Both ways are told, from
/// nothing and, where it can be, from the live model of some days before. This machine's speed is measured
/// meanwhile, which takes a fraction of a second.
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
    let live = Serving::find_active(&mut tenant).await?;
    let left_out = column::left_out(&mut tenant).await?;
    let minimum_support = tenant::find_own(&mut tenant).await?.minimum_support.unsigned_abs() as usize;
    drop(tenant);
    let mut params = TrainParams { left_out, minimum_support, ..TrainParams::new(as_of.timestamp()) };
    params.horizon_days = new.horizon_days.unsigned_abs();
    let live = match live {
        // As by the worker: one that cannot be read any more, being of another version, is none.
        Some(live) => live.model(&state).await.ok(),
        None => None,
    };
    let not_warm = match &live {
        None => Some("there is no live model".to_owned()),
        Some(live) if live.seed != new.seed.unsigned_abs() => {
            Some("the live model has another seed".to_owned())
        }
        Some(live) => needs_full(live, &params),
    };
    let begun = Instant::now();
    let speed =
        state.compute().run(move |run| Ok(Speed::probe(run, &|| begun.elapsed().as_secs_f64())?)).await?;
    let [mut full, mut warm] = [false, true].map(|warm| estimate(&counts, &params, &speed, warm));
    // To be compared with a live model of before the judged window, a second one is trained as of the window.
    let window = params.as_of - i64::from(new.horizon_days) * 86_400;
    if new.activate && live.is_some_and(|live| live.as_of <= window) {
        let seconds = full.seconds;
        for way in [&mut full, &mut warm] {
            way.phases.push(PhaseEstimate { name: "comparison with the live model".to_owned(), seconds });
            way.seconds += seconds;
        }
    }
    let (way, taken) = if not_warm.is_none() { (Way::Warm, &warm) } else { (Way::Full, &full) };
    let refusal = taken.check(&state.config().train_limit).err().map(|error| error.to_string());
    Answer::ok(&Estimate {
        way,
        needed: taken.into(),
        allowed: refusal.is_none(),
        refusal,
        counted: counts.into(),
        full: (&full).into(),
        warm: not_warm.is_none().then(|| (&warm).into()),
        not_warm,
    })
}

impl From<&estimate::Estimate> for Needed {
    fn from(found: &estimate::Estimate) -> Self {
        let phase = |phase: &PhaseEstimate| Phase { name: phase.name.clone(), seconds: phase.seconds };
        Self {
            seconds: found.seconds,
            memory_bytes: found.memory_bytes,
            disk_bytes: found.disk_bytes,
            phases: found.phases.iter().map(phase).collect(),
        }
    }
}

impl From<Counts> for Counted {
    fn from(counts: Counts) -> Self {
        let Counts { n_customers, n_products, n_events, n_days } = counts;
        Self { n_customers, n_products, n_events, n_days }
    }
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
