//! Opening ahead: when a training has ended, what answers is opened before anybody asks. Of a shop with a million
//! customers the opening takes longer than a request may.

use clew_store::job::{self, State};
use tokio::sync::broadcast::error::RecvError;

use crate::feed::Moved;
use crate::problem::Result;
use crate::serving::Serving;
use crate::state::ApiState;

/// Opens the active model of each tenant whose training has ended, until the process is about to end.
pub async fn open_ahead(state: ApiState) {
    let draining = state.draining().clone();
    let mut news = state.feed().subscribe(state.store(), &draining);
    while let Some(news) = draining.run_until_cancelled(news.recv()).await {
        match news {
            Ok(Some(moved)) => {
                let state = state.clone();
                tokio::spawn(async move {
                    if let Err(problem) = look(&state, moved).await {
                        tracing::debug!(code = problem.code().name(), "not opened ahead");
                    }
                });
            }
            // What was missed is opened when it is asked for.
            Ok(None) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn look(state: &ApiState, Moved { tenant_id, job_id }: Moved) -> Result<()> {
    if !state.cache().welcomes(tenant_id) {
        return Ok(());
    }
    let mut tenant = state.store().tenant(tenant_id).await?;
    let trained = job::find(&mut tenant, job_id)
        .await?
        .is_some_and(|job| job.kind == "train" && job.state == State::Succeeded);
    let active = if trained { Serving::find_active(&mut tenant).await? } else { None };
    drop(tenant);
    if let Some(versions) = active {
        versions.open(state, None).await?;
    }
    Ok(())
}
