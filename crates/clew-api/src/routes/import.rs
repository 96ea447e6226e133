//! Files in: the body goes to the object store unchanged, then an import and its job are written at once.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use clew_store::audit;
use clew_store::import as rows;
use clew_store::mapping::Mapping;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List, PageQuery};
use crate::caller::{Caller, Follower, Sender};
use crate::context;
use crate::extract::{Id, Query};
use crate::idempotency::IdempotencyKey;
use crate::limit;
use crate::problem::{Code, Problem, Result};
use crate::routes::customer::check_readmission;
use crate::routes::job::JobState;
use crate::state::ApiState;
use crate::upload;

/// Which table rows go to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entity {
    Customers,
    Products,
    Events,
    Campaigns,
}

impl From<Entity> for clew_store::Entity {
    fn from(entity: Entity) -> Self {
        match entity {
            Entity::Customers => Self::Customers,
            Entity::Products => Self::Products,
            Entity::Events => Self::Events,
            Entity::Campaigns => Self::Campaigns,
        }
    }
}

/// What the rows of a file are written in.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    Csv,
    Ndjson,
    Parquet,
}

/// What a file is compressed with.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// What comes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// Which table its rows go to.
    #[param(inline)]
    entity: Entity,
    /// What the rows are written in. Without it the content type tells, else the first bytes.
    #[param(inline)]
    format: Option<Format>,
    /// What the body is compressed with. Without it the content encoding tells, else the first bytes.
    #[param(inline)]
    compression: Option<Compression>,
    /// Renames columns and fixes constants: a JSON object `{"our column": "the file's column"}`; a constant stands
    /// in single quotes, as in `{"customer_id": "household_id", "kind": "'purchase'"}`. Parts `dates`, `types`,
    /// `kinds` and `options` name other forms of dates, types, kinds of events and signs.
    #[param(max_length = 5000, example = "{\"customer_id\":\"household_id\",\"kind\":\"'purchase'\"}")]
    mapping: Option<String>,
    /// Lets customers who were erased come back with this file. Only an owner may say so; without it their lines are
    /// rejected.
    #[serde(default)]
    #[param(default = false)]
    readmit_erased: bool,
}

/// A file that came in, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
struct Import {
    id: Uuid,
    /// The job that reads it.
    job_id: Uuid,
    state: JobState,
    #[schema(example = "customers")]
    entity: &'static str,
    #[schema(example = 1_048_576)]
    size_bytes: i64,
    #[schema(example = "csv")]
    format: Option<String>,
    #[schema(example = "gzip")]
    compression: Option<String>,
    #[schema(value_type = Object, example = json!({"customer_id": "household_id"}))]
    mapping: Value,
    /// Rows taken.
    #[schema(example = 50_000)]
    accepted: Option<i64>,
    /// Lines refused; `get_import_rejected` lists them.
    #[schema(example = 3)]
    rejected: Option<i64>,
    /// Rows that were there already, to the last field.
    #[schema(example = 0)]
    duplicates: Option<i64>,
    /// Rows taken whose customer or product is not known yet.
    #[schema(example = 0)]
    orphans: Option<i64>,
    /// The columns, with the types that were inferred, and of customers and products the class of each, most often a
    /// guess: correct it with `put_column`.
    #[schema(value_type = Option<Vec<Object>>,
        example = json!([{"name": "first_name", "source": "prenom", "type": "text", "n_nulls": 12, "class": "personal"}]))]
    columns: Option<Value>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<rows::Import> for Import {
    fn from(row: rows::Import) -> Self {
        Self {
            id: row.id,
            job_id: row.job_id,
            state: row.state.into(),
            entity: row.entity.as_str(),
            size_bytes: row.size_bytes,
            format: row.format,
            compression: row.compression,
            mapping: row.mapping,
            accepted: row.accepted,
            rejected: row.rejected,
            duplicates: row.duplicates,
            orphans: row.orphans,
            columns: row.columns,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

/// What the query and the headers say of the file, as it is kept.
struct Described {
    format: Option<&'static str>,
    compression: Option<&'static str>,
    mapping: Value,
}

impl Described {
    fn of(query: &ImportQuery, headers: &HeaderMap) -> Result<Self> {
        let mapping = match &query.mapping {
            None => json!({}),
            Some(text) => serde_json::from_str(text)
                .map_err(|error| Problem::field("?mapping", format!("is not JSON: {error}")))?,
        };
        Mapping::from_json(&mapping, query.entity.into())
            .map_err(|error| Problem::field("?mapping", error.to_string()))?;
        Ok(Self { format: format(query, headers)?, compression: compression(query, headers)?, mapping })
    }
}

fn format(query: &ImportQuery, headers: &HeaderMap) -> Result<Option<&'static str>> {
    match query.format {
        Some(Format::Csv) => return Ok(Some("csv")),
        Some(Format::Ndjson) => return Ok(Some("ndjson")),
        Some(Format::Parquet) => return Ok(Some("parquet")),
        None => {}
    }
    let kind = text(headers, header::CONTENT_TYPE);
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "text/csv" | "text/tab-separated-values" => Ok(Some("csv")),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Some("ndjson")),
        "application/vnd.apache.parquet" | "application/x-parquet" => Ok(Some("parquet")),
        ""
        | "application/octet-stream"
        | "application/gzip"
        | "application/x-gzip"
        | "application/zstd"
        | "application/x-www-form-urlencoded" => Ok(None),
        other => Err(Problem::new(
            Code::UnsupportedMediaType,
            format!(
                "{other} is not read here; send text/csv, application/x-ndjson or application/vnd.apache.parquet"
            ),
        )),
    }
}

fn compression(query: &ImportQuery, headers: &HeaderMap) -> Result<Option<&'static str>> {
    match query.compression {
        Some(Compression::None) => return Ok(Some("none")),
        Some(Compression::Gzip) => return Ok(Some("gzip")),
        Some(Compression::Zstd) => return Ok(Some("zstd")),
        None => {}
    }
    match text(headers, header::CONTENT_ENCODING).trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some("gzip")),
        "zstd" => Ok(Some("zstd")),
        other => Err(Problem::new(
            Code::UnsupportedMediaType,
            format!("content-encoding {other} is not read here; send gzip, zstd or none"),
        )),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Takes a file in. The body is the file itself, as it is; it is kept, and read by the job.
///
/// All of the file is taken or nothing; lines that cannot be read are left out and listed. Sending the same file
/// again changes nothing.
#[utoipa::path(post, path = "/v1/imports", operation_id = "create_import", tag = "imports",
    security(("key" = ["ingest", "marketer"])), params(ImportQuery),
    request_body(description = "The file.", content(
        (String = "text/csv", example = "customer_id,age,city\nc1,34,Lyon\n"),
        (String = "application/x-ndjson", example = "{\"customer_id\":\"c1\",\"age\":34}\n"),
        (String = "application/vnd.apache.parquet", example = "PAR1…"),
        (String = "application/octet-stream", example = "…"))),
    responses((status = 202, description = "The import, to be read by the job in Location.", body = Import),
        (status = 408, description = "The body paused."), (status = 507, description = "No room left.")))]
async fn create_import(
    caller: Caller<Sender>,
    State(state): State<ApiState>,
    key: IdempotencyKey,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer> {
    let described = Described::of(&query, &headers)?;
    // Before the body: it may be long.
    limit::check_room(&mut caller.open(&state).await?, &state.config().quota).await?;
    check_readmission(caller.right, query.readmit_erased)?;
    let file = upload::receive(&state, caller.tenant_id, body).await?;
    let digest = file.digest(&json!([
        query.entity,
        described.format,
        described.compression,
        described.mapping,
        query.readmit_erased
    ]));
    let mut tenant = caller.open(&state).await?;
    let once = match key.begin(&mut tenant, "create_import", digest).await? {
        Ok(once) => once,
        Err(replay) => return Ok(replay),
    };
    let new = rows::NewImport {
        entity: query.entity.into(),
        object: file.object,
        size_bytes: file.size_bytes,
        format: described.format.map(str::to_owned),
        compression: described.compression.map(str::to_owned),
        mapping: described.mapping,
        readmit_erased: query.readmit_erased,
        request_id: Some(context::request_id()),
    };
    let (row, job) = rows::enqueue(&mut tenant, &new).await?;
    // Its rows are counted in the entry of the job.
    audit::note(&mut tenant, Some(row.id.to_string()), Some(0));
    let answer = Answer::accepted(Some(format!("/v1/jobs/{}", job.id)), &Import::from(row))?;
    once.keep(&mut tenant, &answer).await?;
    tenant.commit().await?;
    Ok(answer)
}

/// Lists the imports, the newest first.
#[utoipa::path(get, path = "/v1/imports", operation_id = "list_imports", tag = "imports",
    security(("key" = ["ingest", "reader"])), params(PageQuery),
    responses((status = 200, description = "A page of imports.", body = List<Import>)))]
async fn list_imports(
    caller: Caller<Follower>,
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&List::<Import>::of(rows::list(&mut tenant, &page.into()).await?))
}

/// Gets an import.
#[utoipa::path(get, path = "/v1/imports/{id}", operation_id = "get_import", tag = "imports",
    security(("key" = ["ingest", "reader"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The import.", body = Import)))]
async fn get_import(caller: Caller<Follower>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    Answer::ok(&Import::from(find(&caller, &state, id).await?))
}

/// Downloads the lines of a file that were refused: CSV of line, column and reason.
#[utoipa::path(get, path = "/v1/imports/{id}/rejected", operation_id = "get_import_rejected", tag = "imports",
    security(("key" = ["ingest", "reader"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "A row per refused line; only the header when there are none.",
        body = String, content_type = "text/csv",
        example = "line,column,reason\n12,\"occurred_at\",\"\"\"31/02/2026\"\" is no date\"\n")))]
async fn get_import_rejected(
    caller: Caller<Follower>,
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<Response> {
    let mut tenant = caller.open(&state).await?;
    let row = rows::find(&mut tenant, id).await?.ok_or_else(|| Problem::not_found("import"))?;
    // The lines quote what was sent, so handing them out is an export.
    audit::note(&mut tenant, None, row.rejected.and_then(|n| u64::try_from(n).ok()));
    tenant.commit().await?;
    let body = match row.rejected_object {
        Some(object) => upload::send(&state, &object).await?,
        None => Body::from("line,column,reason\n"),
    };
    let attachment = HeaderValue::from_static("attachment; filename=\"rejected.csv\"");
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, attachment)], body).into_response())
}

async fn find(caller: &Caller<Follower>, state: &ApiState, id: Uuid) -> Result<rows::Import> {
    let mut tenant = caller.open(state).await?;
    rows::find(&mut tenant, id).await?.ok_or_else(|| Problem::not_found("import"))
}

/// The routes of imports.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_import, list_imports))
        .routes(routes!(get_import))
        .routes(routes!(get_import_rejected))
}
