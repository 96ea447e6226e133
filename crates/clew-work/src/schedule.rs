//! Trainings that nobody asks for: those whose day has come.

use clew_store::audit::{Act, Actor};
use clew_store::schedule::{self, Reason};
use clew_store::{Result, Store, model};

/// Enqueues the trainings that are due, of all tenants. Every worker may, at any time: two ask for one. What does not
/// succeed is asked for again at the next round.
pub(crate) async fn ask(store: &Store) {
    let due = match store.queue().due().await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not look for trainings that are due"
            );
            return;
        }
    };
    for tenant_id in due {
        if let Err(error) = ask_for(store, tenant_id).await {
            tracing::warn!(tenant.id = %tenant_id, error = &error as &dyn std::error::Error, "could not ask for a training that is due");
        }
    }
}

async fn ask_for(store: &Store, tenant_id: uuid::Uuid) -> Result<()> {
    let mut tenant = store.tenant(tenant_id).await?;
    let asked = schedule::ask(&mut tenant, Reason::Due).await?;
    if let Some(model) = &asked {
        let mut act = Act::new(Actor::Schedule, model::JOB_KIND);
        act.resource = Some(model.id.to_string());
        tenant = tenant.acting(act);
    }
    tenant.commit().await?;
    if let Some(model) = asked {
        tracing::info!(tenant.id = %tenant_id, model.id = %model.id, "a training is due");
    }
    Ok(())
}
