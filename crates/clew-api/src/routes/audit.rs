//! The audit log: read by the tenant's owners, and checked link by link.

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_store::audit as rows;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List};
use crate::caller::{Caller, Owner};
use crate::extract::Query;
use crate::moment::Moment;
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// Who acted.
#[derive(Debug, Serialize, ToSchema)]
struct AuditActor {
    /// `key`, `member`, `operator`, `job`, `schedule`, or `command` (somebody at the command line of the machine).
    #[schema(example = "key")]
    kind: &'static str,
    /// The key's, member's or job's id.
    id: Option<Uuid>,
}

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEntry {
    /// Its place in the log: 1, 2, 3, … without a gap.
    #[schema(example = 42)]
    seq: i64,
    at: DateTime<Utc>,
    actor: AuditActor,
    /// The operation's id in this document, or the kind of a job.
    #[schema(example = "update_rule")]
    operation: String,
    /// The id of what it was done to. Your own ids (of customers, products) stand here as a keyed hash; ask with
    /// `?resource=` and the id itself.
    #[schema(example = "0198c6a1-7a52-7c3e-9d0f-3f6f4c3b2a10")]
    resource: Option<String>,
    /// Where the request came from.
    #[schema(example = "203.0.113.9")]
    address: Option<String>,
    /// Rows written or handed out.
    #[schema(example = 1)]
    n_rows: i64,
    request_id: Option<Uuid>,
    /// SHA-256 of the entry and of the hash before it.
    #[schema(example = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8")]
    hash: String,
}

impl From<rows::Entry> for AuditEntry {
    fn from(row: rows::Entry) -> Self {
        let rows::Entry {
            seq, at, actor, actor_id, operation, resource, address, n_rows, request_id, ..
        } = row;
        let actor = AuditActor { kind: actor.as_str(), id: actor_id };
        Self { seq, at, actor, operation, resource, address, n_rows, request_id, hash: hex::encode(row.hash) }
    }
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Rows wanted.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
    /// Of this operation only.
    #[param(max_length = 64, example = "create_key")]
    operation: Option<String>,
    /// By this key, member or job only.
    actor_id: Option<Uuid>,
    /// Done to this only: an id of clew's, or one of your own.
    #[param(max_length = 512, example = "c-20817")]
    resource: Option<String>,
    /// At this moment or later.
    #[param(inline)]
    since: Option<Moment>,
    /// Before this moment.
    #[param(inline)]
    until: Option<Moment>,
}

fn default_limit() -> u32 {
    100
}

/// Lists the audit log, the newest entry first.
#[utoipa::path(get, path = "/v1/audit", operation_id = "list_audit", tag = "audit",
    security(("key" = ["owner"])), params(AuditQuery),
    responses((status = 200, description = "A page of entries.", body = List<AuditEntry>)))]
async fn list_audit(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Query(query): Query<AuditQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let resource = match query.resource {
        Some(id) if Uuid::try_parse(&id).is_err() && !id.starts_with("own:") => {
            Some(rows::pseudonym(&mut tenant, &id).await?)
        }
        given => given,
    };
    let filter = rows::Filter {
        operation: query.operation,
        actor_id: query.actor_id,
        resource,
        since: query.since.map(|at| at.0),
        until: query.until.map(|at| at.0),
    };
    let page = clew_store::Page { limit: query.limit, cursor: query.cursor };
    Answer::ok(&List::<AuditEntry>::of(rows::list(&mut tenant, &filter, &page).await?))
}

/// What was kept of the log elsewhere.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct VerifyQuery {
    /// A `head` that an earlier check gave. With it, a log that was rewritten as a whole is found too.
    #[param(max_length = 100, pattern = "^[0-9]{1,18}:[0-9a-f]{64}$")]
    head: Option<String>,
}

/// The first link that does not hold.
#[derive(Debug, Serialize, ToSchema)]
struct AuditBroken {
    /// The entry's place in the log.
    #[schema(example = 17)]
    seq: i64,
    /// `missing`, `changed`, `unlinked`, `end` or `not_as_kept`.
    #[schema(example = "changed")]
    fault: &'static str,
    #[schema(example = "entry 17 was changed after it was written")]
    detail: String,
}

/// What a check of the log found.
#[derive(Debug, Serialize, ToSchema)]
struct AuditVerdict {
    /// Does every link hold?
    #[schema(example = true)]
    whole: bool,
    /// The last entry that was reached, its number and its hash. Keep it elsewhere, and give it to the next check.
    #[schema(example = "42:5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8")]
    head: String,
    broken: Option<AuditBroken>,
}

/// Checks the audit log from its first entry to its last: names the first link that does not hold.
#[utoipa::path(get, path = "/v1/audit/verify", operation_id = "verify_audit", tag = "audit",
    security(("key" = ["owner"])), params(VerifyQuery),
    responses((status = 200, description = "What was found.", body = AuditVerdict)))]
async fn verify_audit(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Query(query): Query<VerifyQuery>,
) -> Result<Answer> {
    let kept = query.head.map(|head| head.parse::<rows::Head>()).transpose();
    let kept = kept.map_err(|error| Problem::field("?head", error.to_string()))?;
    let mut tenant = caller.open(&state).await?;
    let verdict = rows::verify(&mut tenant, kept.as_ref()).await?;
    let broken = verdict.broken.map(|broken| AuditBroken {
        seq: broken.seq,
        fault: broken.fault.as_str(),
        detail: broken.to_string(),
    });
    Answer::ok(&AuditVerdict { whole: broken.is_none(), head: verdict.head.to_string(), broken })
}

/// The routes of the audit log.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list_audit)).routes(routes!(verify_audit))
}
