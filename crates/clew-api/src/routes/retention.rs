//! Retention: how long the tenant keeps events, customers who are in touch no more, and the audit log.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::{DateTime, Utc};
use clew_store::audit;
use clew_store::retention as rows;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::caller::{Caller, Owner, Reader};
use crate::extract::Body;
use crate::problem::{FieldError, Problem, Result};
use crate::schema::escape;
use crate::state::ApiState;

/// Days for which what is kept. What is null or absent is kept for ever.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetentionDays {
    /// Events by kind, kinds of your own too; at least 30 days. Null keeps a kind for ever, whatever
    /// `other_events_days` says.
    #[serde(default)]
    #[schema(schema_with = days_by_kind)]
    events_days: BTreeMap<String, Option<i32>>,
    /// Events of all other kinds.
    #[serde(default)]
    #[schema(minimum = 30, maximum = 36_500, example = 730)]
    other_events_days: Option<i32>,
    /// Customers after their last contact: they are erased, with a receipt each. Every kind of event is a contact but
    /// `message_sent`, `message_opened` and `held_out`. Without a contact it counts from when the customer became known.
    /// Who was erased so comes back as every erased customer does, with `readmit_erased`.
    #[serde(default)]
    #[schema(minimum = 90, maximum = 36_500, example = 1095)]
    inactive_customers_days: Option<i32>,
    /// Entries of the audit log. What is left can still be verified, from the last entry that was removed on.
    #[serde(default)]
    #[schema(minimum = 180, maximum = 36_500, example = 365)]
    audit_days: Option<i32>,
}

/// The schema of days by kind, whose bounds no attribute can say.
fn days_by_kind() -> Object {
    let days = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .minimum(Some(rows::MIN_EVENTS_DAYS))
        .maximum(Some(rows::MAX_DAYS));
    // At most 64 bytes, too, which a schema has no word for.
    let kind = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(64))
        .pattern(Some(
            r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$",
        ));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "Events by kind, kinds of your own too; at least 30 days. Null keeps a kind for ever, whatever \
             `other_events_days` says.",
        ))
        .property_names(Some(kind))
        .additional_properties(Some(days))
        .examples([json!({"view": 395, "search": 395, "coupon_redeemed": 1095, "purchase": null})])
        .build()
}

/// What is kept for how long.
#[derive(Debug, Serialize, ToSchema)]
struct Retention {
    /// What counts now.
    in_force: RetentionDays,
    /// What was written last and does not count yet; null when nothing waits. Until it counts, only what both would
    /// remove is removed.
    next: Option<RetentionDays>,
    /// When that counts: a day after it was written. Until then it can be written anew.
    next_from: Option<DateTime<Utc>>,
    /// When what was past its days was last removed, which is done once a day by a job of kind `retain`.
    last_at: Option<DateTime<Utc>>,
}

impl From<RetentionDays> for rows::Days {
    fn from(days: RetentionDays) -> Self {
        let RetentionDays { events_days, other_events_days, inactive_customers_days, audit_days } = days;
        Self { events_days, other_events_days, inactive_customers_days, audit_days }
    }
}

impl From<rows::Days> for RetentionDays {
    fn from(days: rows::Days) -> Self {
        let rows::Days { events_days, other_events_days, inactive_customers_days, audit_days } = days;
        Self { events_days, other_events_days, inactive_customers_days, audit_days }
    }
}

impl From<rows::Retention> for Retention {
    fn from(row: rows::Retention) -> Self {
        Self {
            in_force: row.in_force.0.into(),
            next: row.next.map(|next| next.0.into()),
            next_from: row.next_from,
            last_at: row.last_at,
        }
    }
}

fn field_error(fault: rows::Fault) -> FieldError {
    let pointer = match fault.kind {
        Some(kind) => format!("/{}/{}", fault.field, escape(&kind)),
        None => format!("/{}", fault.field),
    };
    FieldError { pointer, detail: fault.detail }
}

/// Sets for how long what is kept, in place of what was set before. It counts a day later, see `next_from`.
#[utoipa::path(put, path = "/v1/retention", operation_id = "put_retention", tag = "data",
    security(("key" = ["owner"])), request_body = RetentionDays,
    responses((status = 200, description = "What counts, and what will.", body = Retention)))]
async fn put_retention(
    caller: Caller<Owner>,
    State(state): State<ApiState>,
    Body { value: new, .. }: Body<RetentionDays>,
) -> Result<Answer> {
    let days = rows::Days::from(new)
        .checked()
        .map_err(|faults| Problem::invalid(faults.into_iter().map(field_error).collect()))?;
    let mut tenant = caller.open(&state).await?;
    let row = rows::put(&mut tenant, &days).await?;
    audit::note(&mut tenant, None, Some(1));
    tenant.commit().await?;
    Answer::ok(&Retention::from(row))
}

/// Gets for how long what is kept.
#[utoipa::path(get, path = "/v1/retention", operation_id = "get_retention", tag = "data",
    security(("key" = ["reader"])),
    responses((status = 200, description = "What counts, and what will.", body = Retention)))]
async fn get_retention(caller: Caller<Reader>, State(state): State<ApiState>) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    Answer::ok(&Retention::from(rows::find(&mut tenant).await?))
}

/// The routes of the retention.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(put_retention, get_retention))
}
