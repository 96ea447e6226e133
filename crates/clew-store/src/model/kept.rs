//! Which models are kept: the one that answers and the newest beside it, as many as the tenant keeps. Those that are
//! too many are marked in the transaction of the training that ended, and are not there for anybody from then on; a job
//! deletes their files and rows.

use serde_json::json;
use uuid::Uuid;

use crate::error::Result;
use crate::job::{self, NewJob};
use crate::object::Objects;
use crate::scope::Tenant;

/// The kind of the jobs that delete marked models; their payload is empty.
pub const FORGET_JOB_KIND: &str = "forget";

/// Marks the oldest models beyond those that the tenant keeps, and enqueues the job that deletes them; gives their ids.
/// The one that answers stays however old it is, and so does one that a job which waits or runs names. Belongs into the
/// transaction of a training's end, after [`super::finish`], whose lock keeps two apart.
pub async fn mark_surplus(tenant: &mut Tenant<'_>) -> Result<Vec<Uuid>> {
    let tenant_id = tenant.id();
    let marked: Vec<Uuid> = sqlx::query_scalar(
        "with placed as (
             select id, row_number() over (order by active desc, finished_at desc, id desc) as place
             from models where tenant_id = $1 and object is not null and removed_at is null
         )
         update models set removed_at = now() from placed, tenants
         where models.tenant_id = $1 and models.id = placed.id and not models.active
             and tenants.id = $1 and place > models_kept
             and not exists (select from jobs where jobs.tenant_id = $1 and state in ('queued', 'running')
                 and position(models.id::text in payload::text) > 0)
         returning models.id",
    )
    .bind(tenant_id)
    .fetch_all(tenant.connection())
    .await?;
    if !marked.is_empty() {
        job::enqueue(tenant, &NewJob::new(FORGET_JOB_KIND, json!({}))).await?;
    }
    Ok(marked)
}

/// Deletes one marked model, its file first: killed between the two, it is still marked. The file stays when another
/// model is the same to the last byte. Gives the model's id; none when none is marked. `deleted` is told when the file
/// is gone and the row is not.
///
/// The lock is the one under which trainings end: one that has made the same file again is there, or sees that it is
/// gone and writes it anew.
pub async fn forget_one(
    tenant: &mut Tenant<'_>,
    objects: &Objects,
    deleted: impl FnOnce() + Send,
) -> Result<Option<Uuid>> {
    let tenant_id = tenant.id();
    sqlx::query("select from tenants where id = $1 for no key update")
        .bind(tenant_id)
        .execute(tenant.connection())
        .await?;
    let marked: Option<(Uuid, String, bool)> = sqlx::query_as(
        "select id, object, exists (select from models other
             where other.tenant_id = $1 and other.object = models.object and other.id <> models.id)
         from models where tenant_id = $1 and removed_at is not null and object is not null
         order by id limit 1",
    )
    .bind(tenant_id)
    .fetch_optional(tenant.connection())
    .await?;
    let Some((id, object, is_shared)) = marked else { return Ok(None) };
    if !is_shared {
        objects.delete(&object).await?;
    }
    deleted();
    sqlx::query("delete from models where tenant_id = $1 and id = $2")
        .bind(tenant_id)
        .bind(id)
        .execute(tenant.connection())
        .await?;
    Ok(Some(id))
}
