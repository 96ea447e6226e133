//! Jobs of kind `webhook`: tell a receiver what happened, after Standard Webhooks 1.0.0, and try again over some days
//! when it does not take it.

mod send;
mod sign;

use std::time::Duration;

use clew_store::audit;
use clew_store::webhook::{self, Attempt, DeliveryState, Reach, Target, ToDeliver};
use serde_json::json;
use uuid::Uuid;

use crate::failure::Failure;
use crate::kind::{Kind, Outcome};
use crate::payload;
use crate::task::{Finished, Task};
use send::{Sender, Unsent};

/// The pauses after each try but the last, in seconds: what Standard Webhooks 1.0.0 suggests ("Deliverability").
pub(crate) const PAUSES: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Tells receivers what happened.
pub(crate) struct Webhooks {
    reach: Reach,
    sender: Sender,
}

impl Webhooks {
    pub(crate) fn new(reach: Reach) -> Self {
        Self { sender: Sender::new(reach.clone()), reach }
    }

    async fn deliver(&self, task: &Task) -> Result<Finished, Failure> {
        let id = payload::id(task.job(), "delivery_id")?;
        let mut tenant = task.tenant().await?;
        let due = webhook::to_deliver(&mut tenant, id).await?.filter(|due| due.enabled);
        let Some(due) = due else {
            return task.finish(tenant, &json!({ "delivery_id": id, "delivered": false })).await;
        };
        drop(tenant);
        let told = task.unless_stopped(async { Ok::<_, Failure>(self.tell(task, id, &due).await) }).await?;
        self.note(task, id, &due, told).await
    }

    async fn tell(&self, task: &Task, id: Uuid, due: &ToDeliver) -> Result<u16, Unsent> {
        // The configuration may have become narrower since the address was written.
        let target = Target::parse(&due.url, &self.reach).map_err(|_| Unsent::Refused)?;
        let message_id = format!("msg_{}", id.simple());
        let timestamp = task.now().timestamp();
        let signature = sign::signature(&due.secrets, &message_id, timestamp, &due.body);
        let headers = [
            ("webhook-id", message_id),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ];
        self.sender.post(&target, headers, due.body.clone()).await
    }

    /// Writes down what the try met, and ends the job or has it tried again.
    async fn note(
        &self,
        task: &Task,
        id: Uuid,
        due: &ToDeliver,
        told: Result<u16, Unsent>,
    ) -> Result<Finished, Failure> {
        let mut tenant = task.tenant().await?;
        audit::note(&mut tenant, Some(due.webhook_id.to_string()), Some(0));
        let status = told.as_ref().ok().copied();
        if matches!(status, Some(200..300)) {
            let attempt = Attempt { state: DeliveryState::Delivered, status, error: None };
            webhook::attempted(&mut tenant, id, &attempt).await?;
            return task.finish(tenant, &json!({ "delivery_id": id, "delivered": true })).await;
        }
        let why = match told {
            Ok(300..400) => "it answered with a redirect, which is not followed".to_owned(),
            Ok(410) => "it is gone (410), so this webhook is switched off".to_owned(),
            Ok(status) => format!("it answered {status}"),
            Err(unsent) => unsent.to_string(),
        };
        let gone = status == Some(410);
        let pause = pause(&task.config().webhook_pauses, task.job().attempt, id)
            .filter(|_| !gone && task.job().attempt < task.job().max_attempts);
        let state = if pause.is_some() { DeliveryState::Pending } else { DeliveryState::Failed };
        webhook::attempted(&mut tenant, id, &Attempt { state, status, error: Some(why.clone()) }).await?;
        if gone {
            webhook::disable(&mut tenant, due.webhook_id).await?;
        }
        tenant.commit().await?;
        let detail = format!("the receiver did not take it: {why}");
        match pause {
            Some(after) => Err(Failure::Again { code: "not_delivered", detail, after }),
            None => Err(Failure::fail("not_delivered", detail)),
        }
    }
}

/// How long to wait after a try, a little longer for some deliveries than for others, lest all that failed together
/// come again together. None after the last.
fn pause(pauses: &[Duration], attempt: i32, id: Uuid) -> Option<Duration> {
    let pause = *pauses.get(usize::try_from(attempt.checked_sub(1)?).ok()?)?;
    let (.., last) = id.as_u64_pair();
    let share = u32::try_from(last % 200).unwrap_or_default();
    Some(pause + pause / 1_000 * share)
}

impl Kind for Webhooks {
    fn name(&self) -> &'static str {
        webhook::JOB_KIND
    }

    fn waits(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a> {
        Box::pin(self.deliver(task))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_after_days() {
        assert_eq!(i32::try_from(PAUSES.len()).unwrap() + 1, webhook::N_ATTEMPTS);
        let id = Uuid::from_u64_pair(7, 199);
        let pauses = PAUSES.map(Duration::from_secs);
        let seconds: Vec<u64> =
            (1..=9).map(|attempt| pause(&pauses, attempt, id).unwrap().as_secs()).collect();
        assert_eq!(seconds[0], 5);
        assert!(seconds.windows(2).all(|two| two[0] < two[1]), "{seconds:?}");
        assert!(seconds.iter().zip(PAUSES).all(|(found, least)| *found >= least && *found <= least * 6 / 5));
        for attempt in [10, 0, -1, i32::MIN] {
            assert_eq!(pause(&pauses, attempt, id), None);
        }
    }
}
