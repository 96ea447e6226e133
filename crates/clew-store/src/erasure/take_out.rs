//! Takes one customer out of every table, and says what was where.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Place, removed};
use crate::data;
use crate::entity::Entity;
use crate::error::Result;
use crate::scope::Tenant;

/// Takes a customer out of all tables; gives the places of the receipt. None when nothing is known of the customer.
pub(super) async fn take_out(
    tenant: &mut Tenant<'_>,
    customer_id: &str,
    hash: &[u8; 32],
    now: DateTime<Utc>,
    due_at: DateTime<Utc>,
) -> Result<Option<Vec<Place>>> {
    let tenant_id = tenant.id();
    let n_rows = delete_row(tenant, customer_id).await?;
    let n_events = delete_events(tenant, customer_id).await?;
    let n_contacts = delete_contact(tenant, customer_id).await?;
    if n_rows + n_events + n_contacts == 0 {
        return Ok(None);
    }
    let (n_answers, n_jobs, n_named) = clear_mentions(tenant, customer_id).await?;
    sqlx::query("insert into erased_customers (tenant_id, hash) values ($1, $2) on conflict do nothing")
        .bind(tenant_id)
        .bind(&hash[..])
        .execute(tenant.connection())
        .await?;
    let done = |place: &str, n: i64, how: &str| Place {
        place: place.to_owned(),
        n_found: Some(n),
        how: how.to_owned(),
        cleared_at: Some(now),
        due_at: None,
    };
    let due = |place: &str, how: &str| Place {
        place: place.to_owned(),
        n_found: None,
        how: how.to_owned(),
        cleared_at: None,
        due_at: Some(due_at),
    };
    let elsewhere = |place: &str, n_found: Option<i64>, how: &str| Place {
        place: place.to_owned(),
        n_found,
        how: how.to_owned(),
        cleared_at: None,
        due_at: None,
    };
    let mut places = vec![
        done("customers", n_rows, "the row is deleted"),
        done("events", n_events, "all are deleted"),
        done("last_contacts", n_contacts, "when the customer was last in touch is deleted"),
        done("idempotency", n_answers, "kept answers that name the customer are deleted"),
        done("jobs", n_jobs, "what jobs kept that names the customer, or quotes lines of files, is deleted"),
        done(
            "models",
            0,
            "no customer's id or row is in a model's file, but the ids of products are; later ones do not learn from it",
        ),
        due("snapshots", "made anew from the rows that are left; earlier ones are deleted"),
        due("caches", "histories and scores kept in memory are those of the new snapshot"),
        due(
            "imports",
            "files that came in and lists of rejected lines are deleted, of all imports that have ended",
        ),
    ];
    if n_named > 0 {
        let how = "offers, rules and segments that name the customer were written by a person: change them";
        places.push(elsewhere("expressions", Some(n_named), how));
    }
    places.push(elsewhere(
        "backups",
        None,
        "those of the database and of the object store end with their own term",
    ));
    Ok(Some(places))
}

async fn delete_row(tenant: &mut Tenant<'_>, customer_id: &str) -> Result<i64> {
    let tenant_id = tenant.id();
    let done = sqlx::query("delete from customers where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(customer_id)
        .execute(tenant.connection())
        .await?;
    let n_rows = done.rows_affected() as i64;
    if n_rows > 0 {
        data::add(tenant, &removed(Entity::Customers, String::new(), n_rows)).await?;
    }
    Ok(n_rows)
}

async fn delete_events(tenant: &mut Tenant<'_>, customer_id: &str) -> Result<i64> {
    let tenant_id = tenant.id();
    let kinds: Vec<(String, i64)> = sqlx::query_as(
        "with gone as (delete from events where tenant_id = $1 and customer_id = $2 returning kind)
         select kind, count(*) from gone group by kind order by kind",
    )
    .bind(tenant_id)
    .bind(customer_id)
    .fetch_all(tenant.connection())
    .await?;
    let mut n_events = 0;
    for (kind, n_rows) in kinds {
        n_events += n_rows;
        data::add(tenant, &removed(Entity::Events, kind, n_rows)).await?;
    }
    Ok(n_events)
}

/// Takes the customer out of kept answers and of what jobs kept, and counts the expressions that name it.
async fn clear_mentions(tenant: &mut Tenant<'_>, customer_id: &str) -> Result<(i64, i64, i64)> {
    let tenant_id = tenant.id();
    // As it stands in JSON, and in an expression.
    let quoted = Value::from(customer_id).to_string();
    let answers = sqlx::query("delete from idempotency where tenant_id = $1 and position($2 in body) > 0")
        .bind(tenant_id)
        .bind(quoted.as_bytes())
        .execute(tenant.connection())
        .await?;
    let jobs = sqlx::query(
        "update jobs set payload = case when position($2 in payload::text) > 0 then '{}' else payload end,
             result = case when position($2 in result::text) > 0 then null else result end,
             error = case when error is null then null
                 else jsonb_build_object('code', error ->> 'code', 'detail', 'cleared by the erasure of a customer') end
         where tenant_id = $1 and state in ('succeeded', 'failed', 'cancelled')
             and (position($2 in payload::text) > 0 or position($2 in result::text) > 0
                 or (kind = 'import' and error is not null))",
    )
    .bind(tenant_id)
    .bind(&quoted)
    .execute(tenant.connection())
    .await?;
    let n_named: i64 = sqlx::query_scalar(
        "select (select count(*) from segments where tenant_id = $1 and position($2 in expression) > 0)
             + (select count(*) from rules where tenant_id = $1 and position($2 in expression) > 0)
             + (select count(*) from offers where tenant_id = $1 and position($2 in expression) > 0)",
    )
    .bind(tenant_id)
    .bind(&quoted)
    .fetch_one(tenant.connection())
    .await?;
    Ok((answers.rows_affected() as i64, jobs.rows_affected() as i64, n_named))
}

async fn delete_contact(tenant: &mut Tenant<'_>, customer_id: &str) -> Result<i64> {
    let tenant_id = tenant.id();
    let done = sqlx::query("delete from last_contacts where tenant_id = $1 and customer_id = $2")
        .bind(tenant_id)
        .bind(customer_id)
        .execute(tenant.connection())
        .await?;
    Ok(done.rows_affected() as i64)
}
