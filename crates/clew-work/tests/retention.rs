//! What is past its days goes once a day by itself: rows, snapshot, files that came in, old entries of the log; and
//! nobody else's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use clew_learn::Silent;
use clew_store::audit::{self, verify};
use clew_store::job::{self, Job, State};
use clew_store::retention::{self, Days};
use clew_store::{Entity, Page, data, erasure, row, snapshot};
use serde_json::json;
use support::{House, start};
use uuid::Uuid;

/// In what is to go.
const MARK: &str = "zqpast";

fn has_mark(dir: &Path) -> bool {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return has_mark(&path);
        }
        std::fs::read(&path).unwrap().windows(MARK.len()).any(|window| window == MARK.as_bytes())
    })
}

/// A line of events.
fn line(now: DateTime<Utc>, kind: &str, customer: &str, age: i64, query: &str) -> String {
    format!("{kind},{customer},{},{query}\n", (now - TimeDelta::days(age)).to_rfc3339())
}

impl House {
    async fn took(&self, entity: Entity, text: String) -> Job {
        let job = self.end(self.import_file(entity, text).await).await;
        assert_eq!(job.state, State::Succeeded, "{job:?}");
        job
    }

    /// The last removal, once it has ended.
    async fn removed(&self) -> Job {
        let look = async {
            loop {
                let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
                let kind = Some(retention::JOB_KIND);
                let jobs = job::list(&mut tenant, kind, None, &Page::first(1)).await.unwrap();
                if let Some(job) = jobs.data.into_iter().next() {
                    return job.id;
                }
                tokio::task::yield_now().await;
            }
        };
        let id = tokio::time::timeout(std::time::Duration::from_secs(60), look).await.unwrap();
        self.end(id).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_days_is_found_nowhere_the_next_day() {
    let mut house = House::new().await;
    let other = house.test.tenant("other").await.unwrap();
    // Days are counted by Postgres's clock; what is sent must not be in the worker's future.
    let now = house.test.now().await.unwrap();
    let worker = start(house.worker_at(now, "one", |_| {}));
    let head = "kind,customer_id,occurred_at,query\n";
    let events = head.to_owned()
        + &line(now, "search", "lately", 40, &format!("{MARK} shoes"))
        + &line(now, "search", "lately", 10, "boots")
        + &line(now, "purchase", "lately", 700, "")
        + &line(now, "search", &format!("{MARK}-gone"), 500, "hats")
        + &line(now, "message_opened", &format!("{MARK}-gone"), 1, "");
    let mine = house.tenant_id;
    for tenant_id in [other, mine] {
        house.tenant_id = tenant_id;
        house.took(Entity::Customers, format!("customer_id,age\nlately,30\n{MARK}-gone,40\n")).await;
        house.took(Entity::Events, events.clone()).await;
        // A file that could not be read is kept for whoever asks why; it quotes what is to go.
        let failed = house.import_file(Entity::Events, format!("what,who\nsearch,{MARK}\n")).await;
        assert_eq!(house.end(failed).await.state, State::Failed);
        let (store, objects) = (&house.test.store, house.objects());
        let made = snapshot::refresh(store, &objects, tenant_id, Arc::new(Silent)).await.unwrap();
        assert_eq!(made.n_events, 5);
    }
    let others = house.test.hashes(other).await.unwrap();
    let folder = |tenant_id: Uuid| house.test.objects_dir().join(tenant_id.to_string());
    assert!(has_mark(&folder(mine)) && has_mark(&folder(other)));

    let mut tenant = house.test.store.tenant(mine).await.unwrap();
    let days = Days {
        events_days: [("search".to_owned(), Some(30)), ("purchase".to_owned(), None)].into(),
        other_events_days: Some(365),
        inactive_customers_days: Some(90),
        audit_days: Some(180),
    };
    retention::put(&mut tenant, &days).await.unwrap();
    tenant.commit().await.unwrap();
    // Today nothing goes.
    let mut tenant = house.test.store.tenant(mine).await.unwrap();
    let asked = job::list(&mut tenant, Some(retention::JOB_KIND), None, &Page::first(1)).await.unwrap();
    assert_eq!(asked.data, []);
    drop(tenant);
    let a_day = "update retentions set next_from = next_from - interval '1 day', next_at = next_at - interval '1 day'";
    house.test.sabotage(a_day).await.unwrap();
    let job = house.removed().await;
    assert_eq!(job.state, State::Succeeded, "{job:?}");
    let expected = json!({"n_customers": 1, "n_events": 1, "n_audit_entries": 0, "n_imports": 3, "n_receipts": 1,
        "audit_broken": null});
    assert_eq!(job.result.unwrap(), expected);

    assert!(!has_mark(&folder(mine)), "a file of before is left");
    let dump = house.test.dump().await.unwrap();
    let left = dump.lines().filter(|line| line.contains(MARK) && line.contains(&mine.to_string()));
    assert_eq!(left.collect::<Vec<_>>(), [""; 0]);
    let after = snapshot::latest(&house.test.store, mine).await.unwrap().unwrap();
    assert_eq!((after.n_events, after.n_customers), (2, 1));
    let records = snapshot::open(&house.objects(), &after).await.unwrap();
    assert!(records.customers().view().find("lately").is_some());
    let mut tenant = house.test.store.tenant(mine).await.unwrap();
    assert_eq!(data::find(&mut tenant).await.unwrap().n_rows(Entity::Events), 2);
    assert!(row::find(&mut tenant, Entity::Customers, "lately").await.unwrap().is_some());
    let receipts = erasure::list(&mut tenant, &Page::default()).await.unwrap().data;
    assert!(receipts.len() == 1 && receipts[0].finished_at.is_some(), "{receipts:?}");
    assert_eq!(house.test.hashes(other).await.unwrap(), others);
    assert!(has_mark(&folder(other)));

    // Each batch stands in the log, with what it was of and how many.
    let filter = audit::Filter { actor_id: Some(job.id), ..audit::Filter::default() };
    let entries = audit::list(&mut tenant, &filter, &Page::default()).await.unwrap().data;
    let told: Vec<_> = entries.iter().rev().map(|entry| (entry.resource.as_deref(), entry.n_rows)).collect();
    assert_eq!(told, [(Some("customers"), 1), (Some("events"), 1), (None, 0)]);
    assert_eq!(verify(&mut tenant, None).await.unwrap().broken, None);
    drop(tenant);
    worker.end().await;
}
