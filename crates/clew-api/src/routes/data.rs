//! What is known of the tenant's data: counts, dates, freshness, the names that expressions may use, warnings, drift.

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_crm::drift::{Drift as Found, DriftLevel};
use clew_store::{Entity, Page, data as rows, drift, import, job, snapshot};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Answer;
use crate::caller::{Caller, Reader};
use crate::expression::{self, Scope};
use crate::problem::Result;
use crate::state::ApiState;

/// A share of rows above which it is worth a warning.
const NOTABLE_SHARE: f64 = 0.01;
/// A share of empty cells of a column above which it is worth a warning.
const NOTABLE_NULLS: f64 = 0.2;
/// Imports whose notes are shown.
const N_IMPORTS: u32 = 20;

/// What is known of the data.
#[derive(Debug, Serialize, ToSchema)]
struct Data {
    #[schema(example = 50_000)]
    n_customers: i64,
    #[schema(example = 5_000)]
    n_products: i64,
    #[schema(example = 24)]
    n_campaigns: i64,
    #[schema(example = 2_000_000)]
    n_events: i64,
    /// Events of each kind.
    kinds: Vec<KindCount>,
    first_event_at: Option<DateTime<Utc>>,
    last_event_at: Option<DateTime<Utc>>,
    /// When anything was last written.
    updated_at: Option<DateTime<Utc>>,
    /// Writes that the columnar copy, from which is learned and answered, does not hold yet.
    #[schema(example = 0)]
    n_batches_behind: i64,
    /// The names that expressions over customers may use.
    customer_names: Vec<Name>,
    /// The names that expressions over products may use.
    product_names: Vec<Name>,
    /// What a reader must know of the data's quality.
    warnings: Vec<Warning>,
    /// Whether what came since the live model was trained still looks like what it learned from; null before the
    /// first import after it.
    drift: Option<Drift>,
}

/// The last look for drift, after an import.
#[derive(Debug, Serialize, ToSchema)]
struct Drift {
    /// The live model that was compared with.
    model_id: Uuid,
    checked_at: DateTime<Utc>,
    /// Whether the model should be trained again.
    #[schema(example = false)]
    retrain: bool,
    /// Every comparison, the gravest first: shares of the kinds of events, volumes, values of columns, unknown
    /// customers and products, baskets; each with its thresholds.
    #[schema(value_type = Object, example = json!({
        "reference_from": "2026-08-28", "from": "2026-10-23", "to": "2026-11-20", "n_events": 120_400,
        "enough": true, "retrain": false,
        "findings": [{"what": "product_attribute", "name": "product.category", "value": 0.12, "notable_from": 0.1,
            "retrain_from": 0.25, "level": "notable", "detail": "events by product.category: stability index 0.12"}],
    }))]
    found: Value,
}

/// Events of a kind.
#[derive(Debug, Serialize, ToSchema)]
struct KindCount {
    #[schema(example = "purchase")]
    kind: String,
    #[schema(example = 410_000)]
    n_events: i64,
    first_at: Option<DateTime<Utc>>,
    last_at: Option<DateTime<Utc>>,
}

/// A name that an expression may use.
#[derive(Debug, Serialize, ToSchema)]
struct Name {
    /// As in `customer.age` or `product.category`.
    #[schema(example = "customer.age")]
    name: String,
    /// `number`, `text`, `tags`, `bool` or `date`.
    #[serde(rename = "type")]
    #[schema(example = "number")]
    kind: String,
    /// What it says; only for the names that clew brings itself.
    #[schema(example = json!(null))]
    meaning: Option<&'static str>,
}

/// Something about the data's quality.
#[derive(Debug, Serialize, ToSchema)]
struct Warning {
    /// A word for programs: `duplicates`, `rejected`, `orphans`, `outliers`, `nulls`, `drift`, ….
    #[schema(example = "duplicates")]
    code: String,
    #[schema(example = "events")]
    entity: String,
    /// Rows that it concerns.
    #[schema(example = 1_200)]
    n_rows: i64,
    #[schema(example = "1200 rows of events came again and were passed over")]
    detail: String,
}

/// Says what is known of the data.
#[utoipa::path(get, path = "/v1/data", operation_id = "get_data", tag = "data",
    security(("key" = ["reader"])),
    responses((status = 200, description = "Counts, dates, names and warnings.", body = Data)))]
async fn get_data(caller: Caller<Reader>, State(state): State<ApiState>) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let data = rows::find(&mut tenant).await?;
    let customer_names = names(&expression::names(&mut tenant, Scope::Customer).await?, Scope::Customer);
    let product_names = names(&expression::names(&mut tenant, Scope::Product).await?, Scope::Product);
    let (kind, ended, page) = (Some(import::JOB_KIND), Some(job::State::Succeeded), Page::first(N_IMPORTS));
    let imports = job::list(&mut tenant, kind, ended, &page).await?.data;
    let looked = drift::find(&mut tenant).await?;
    drop(tenant);
    let copied = snapshot::latest(state.store(), caller.tenant_id).await?.map_or(0, |info| info.batch);
    let range = data.event_range();
    let mut warnings: Vec<Warning> = data.totals.iter().flat_map(of_total).collect();
    warnings.extend(imports.iter().flat_map(of_import));
    let found: Option<Found> = looked.as_ref().and_then(|row| serde_json::from_value(row.found.clone()).ok());
    warnings.extend(found.iter().flat_map(of_drift));
    let looked = looked.map(|row| Drift {
        model_id: row.model_id,
        checked_at: row.checked_at,
        retrain: found.as_ref().is_some_and(|found| found.retrain),
        found: row.found,
    });
    let kinds = data.totals.iter().filter(|total| total.entity == Entity::Events).map(|total| KindCount {
        kind: total.kind.clone(),
        n_events: total.n_rows,
        first_at: total.first_at,
        last_at: total.last_at,
    });
    Answer::ok(&Data {
        n_customers: data.n_rows(Entity::Customers),
        n_products: data.n_rows(Entity::Products),
        n_campaigns: data.n_rows(Entity::Campaigns),
        n_events: data.n_rows(Entity::Events),
        kinds: kinds.collect(),
        first_event_at: range.map(|r| r.0),
        last_event_at: range.map(|r| r.1),
        updated_at: data.updated_at(),
        n_batches_behind: data.last_batch - copied,
        customer_names,
        product_names,
        warnings,
        drift: looked,
    })
}

/// What has moved since the live model was trained.
fn of_drift(found: &Found) -> Vec<Warning> {
    let moved = found.findings.iter().filter(|finding| finding.level > DriftLevel::Steady);
    let warning = |finding: &clew_crm::drift::DriftFinding| Warning {
        code: "drift".to_owned(),
        entity: Entity::Events.as_str().to_owned(),
        n_rows: i64::try_from(found.n_events).unwrap_or(i64::MAX),
        detail: format!(
            "since the live model was trained, {}{}",
            finding.detail,
            if finding.level == DriftLevel::Retrain { "; train again" } else { "" }
        ),
    };
    moved.map(warning).collect()
}

fn names(schema: &clew_crm::Schema, scope: Scope) -> Vec<Name> {
    let name = |entry: &clew_crm::SchemaEntry| Name {
        name: format!("{}.{}", scope.word(), entry.name),
        kind: serde_json::to_value(entry.column_type)
            .ok()
            .and_then(|word| word.as_str().map(str::to_owned))
            .unwrap_or_default(),
        meaning: entry.meaning,
    };
    schema.entries().iter().map(name).collect()
}

fn of_total(total: &rows::Total) -> Vec<Warning> {
    let entity = total.entity.as_str();
    let of_kind =
        if total.kind.is_empty() { entity.to_owned() } else { format!("{entity} ({})", total.kind) };
    let all = (total.n_rows + total.n_duplicates + total.n_rejected).max(1) as f64;
    let mut warnings = Vec::new();
    let mut warn = |code: &str, n_rows: i64, detail: String| {
        if n_rows as f64 > NOTABLE_SHARE * all {
            warnings.push(Warning { code: code.to_owned(), entity: entity.to_owned(), n_rows, detail });
        }
    };
    let n = total.n_duplicates;
    warn("duplicates", n, format!("{n} rows of {of_kind} came again, over all time"));
    let n = total.n_rejected;
    warn("rejected", n, format!("{n} lines of {of_kind} were refused, over all time; see the imports"));
    warnings
}

/// What the job of an import has noted: outliers, orphans, duplicates; and columns with many empty cells.
fn of_import(row: &job::Job) -> Vec<Warning> {
    let Some(result) = &row.result else { return Vec::new() };
    let entity = result["entity"].as_str().unwrap_or_default();
    let n_accepted = result["accepted"].as_i64().unwrap_or(0);
    let day = row.finished_at.unwrap_or(row.created_at).format("%F");
    let mut warnings = Vec::new();
    let mut warn = |code: &str, n_rows: i64, detail: String| {
        let detail = format!("{detail} (import of {day})");
        warnings.push(Warning { code: code.to_owned(), entity: entity.to_owned(), n_rows, detail });
    };
    for note in result["notes"].as_array().into_iter().flatten() {
        let code = note["code"].as_str().unwrap_or_default();
        warn(
            code,
            note["n_rows"].as_i64().unwrap_or(0),
            note["message"].as_str().unwrap_or_default().to_owned(),
        );
    }
    for column in result["columns"].as_array().into_iter().flatten() {
        let n_nulls = column["n_nulls"].as_i64().unwrap_or(0);
        if n_nulls as f64 > NOTABLE_NULLS * n_accepted as f64 {
            let name = column["name"].as_str().unwrap_or_default();
            warn("nulls", n_nulls, format!("{n_nulls} of {n_accepted} rows have no {name}"));
        }
    }
    warnings
}

/// The route of what is known.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_data))
}
