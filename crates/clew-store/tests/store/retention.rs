//! Retention: what counts when, which events go and whose, who is in touch no more, and which months are dropped.

use chrono::{DateTime, Days as Later, NaiveDate, TimeDelta, Utc};
use clew_store::ingest::{self, NewEvent};
use clew_store::job::{self, NewJob};
use clew_store::retention::{self, Days, Position};
use clew_store::testing::{TestStore, database};
use clew_store::{Entity, Error, Page, customer, data, erasure, row};
use serde_json::{Map, json};
use uuid::Uuid;

/// The moment by which days are counted.
async fn now(test: &TestStore) -> DateTime<Utc> {
    test.now().await.unwrap()
}

fn days(kinds: &[(&str, Option<i32>)], other_events_days: Option<i32>) -> Days {
    let events_days = kinds.iter().map(|(kind, days)| ((*kind).to_owned(), *days)).collect();
    Days { events_days, other_events_days, ..Days::default() }
}

async fn put(test: &TestStore, tenant_id: Uuid, days: &Days) -> retention::Retention {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let written = retention::put(&mut tenant, days).await.unwrap();
    tenant.commit().await.unwrap();
    written
}

/// Lets a day pass for the retentions.
async fn pass_a_day(test: &TestStore) {
    test.sabotage(
        "update retentions set next_from = next_from - interval '1 day', next_at = next_at - interval '1 day'",
    )
    .await
    .unwrap();
}

/// Writes events, each of a kind, of a customer, so many days ago.
async fn events(test: &TestStore, tenant_id: Uuid, events: &[(&str, &str, i64)]) {
    let now = now(test).await;
    let event = |(n, (kind, customer_id, age)): (usize, &(&str, &str, i64))| NewEvent {
        kind: (*kind).to_owned(),
        customer_id: (*customer_id).to_owned(),
        occurred_at: Some(now - TimeDelta::days(*age) - TimeDelta::seconds(n as i64)),
        ..NewEvent::default()
    };
    let events: Vec<NewEvent> = events.iter().enumerate().map(event).collect();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let taken = ingest::insert_events(&mut tenant, &events, now).await.unwrap();
    assert_eq!(taken.n_accepted, events.len() as u64);
    tenant.commit().await.unwrap();
}

/// Removes what is past these days, in batches of `limit`; gives the sizes of the batches.
async fn remove(test: &TestStore, tenant_id: Uuid, days: &Days, limit: i64) -> Vec<u64> {
    let mut sizes = Vec::new();
    let past = retention::past_days(&mut test.store.tenant(tenant_id).await.unwrap(), days).await.unwrap();
    for past in past {
        let mut position = Position::start();
        loop {
            let mut tenant = test.store.tenant(tenant_id).await.unwrap();
            let removed = retention::remove_events(&mut tenant, &past, &position, limit).await.unwrap();
            let Some(removed) = removed else { break };
            tenant.commit().await.unwrap();
            sizes.push(removed.n_events);
            position = removed.last;
        }
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        retention::count_again(&mut tenant, &past).await.unwrap();
        tenant.commit().await.unwrap();
    }
    sizes
}

/// The kinds and ages in days of a tenant's events, in order.
async fn left(test: &TestStore, tenant_id: Uuid) -> Vec<(String, i64)> {
    let rows = sqlx::query_as(
        "select kind, (extract(epoch from now() - occurred_at) / 86400)::bigint from events where tenant_id = $1
         order by 1, 2",
    );
    rows.bind(tenant_id).fetch_all(&mut test.owner().await.unwrap()).await.unwrap()
}

fn aged(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
    rows.iter().map(|(kind, age)| ((*kind).to_owned(), *age)).collect()
}

#[tokio::test]
async fn what_is_written_counts_a_day_later_and_a_slip_can_be_taken_back() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let nothing = retention::find(&mut tenant).await.unwrap();
    assert!(!nothing.in_force.removes() && nothing.next.is_none());
    for wrong in [
        days(&[("view", Some(29))], None),
        days(&[], Some(0)),
        Days { inactive_customers_days: Some(89), ..Days::default() },
        Days { audit_days: Some(179), ..Days::default() },
    ] {
        let refused = retention::put(&mut tenant, &wrong).await;
        assert!(matches!(refused, Err(Error::Input { .. })), "{wrong:?}");
    }
    drop(tenant);

    let slip = days(&[("Product Viewed", Some(30))], Some(30));
    let before = now(&test).await;
    let written = put(&test, tenant_id, &slip).await;
    assert_eq!((&*written.in_force, written.removing().removes()), (&Days::default(), false));
    assert!(written.next_from.unwrap() >= before + TimeDelta::hours(24));
    // Taken back in time, it never counts.
    let meant = days(&[("view", Some(300)), ("purchase", None)], Some(400));
    put(&test, tenant_id, &meant).await;
    pass_a_day(&test).await;
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let found = retention::find(&mut tenant).await.unwrap();
    assert_eq!((&*found.in_force, &found.next, found.next_from), (&meant, &None, None));
    drop(tenant);

    // While a change waits, what either keeps is kept.
    let shorter = days(&[("view", Some(600))], Some(30));
    let found = put(&test, tenant_id, &shorter).await;
    assert_eq!((&*found.in_force, found.next.as_deref()), (&meant, Some(&shorter)));
    let removing = found.removing();
    let of = |kind| removing.of_kind(kind);
    assert_eq!((of("view"), of("purchase"), of("search")), (Some(600), None, Some(400)));
    pass_a_day(&test).await;
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(retention::find(&mut tenant).await.unwrap().removing(), shorter);
}

#[tokio::test]
async fn a_removal_is_asked_for_once_a_day_and_not_when_all_is_kept() {
    let test = database().await.unwrap();
    let [one, two] = [test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap()];
    put(&test, one, &days(&[], Some(30))).await;
    put(&test, two, &Days::default()).await;
    let queue = test.store.queue();
    let ask = async |tenant_id| {
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        let asked = retention::ask(&mut tenant).await.unwrap();
        tenant.commit().await.unwrap();
        asked
    };
    assert!(queue.due_retentions().await.unwrap().is_empty() && ask(one).await.is_none());
    pass_a_day(&test).await;
    let mut due = queue.due_retentions().await.unwrap();
    due.sort();
    assert_eq!(due, [one, two]);
    assert_eq!(ask(one).await.unwrap().kind, retention::JOB_KIND);
    assert!(ask(two).await.is_none(), "nothing is to be removed");
    assert!(queue.due_retentions().await.unwrap().is_empty());
    // One waits already.
    pass_a_day(&test).await;
    assert!(ask(one).await.is_none());
}

#[tokio::test]
async fn events_go_by_kind_in_batches_and_nobody_else_s_do() {
    let test = database().await.unwrap();
    let [one, two] = [test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap()];
    let both = [
        ("view", "a", 31),
        ("view", "a", 100),
        ("view", "b", 400),
        ("view", "b", 29),
        ("purchase", "a", 900),
        ("coupon", "a", 59),
        ("coupon", "a", 61),
        ("search", "b", 89),
        ("search", "b", 91),
        ("search", "c", 700),
    ];
    events(&test, one, &both).await;
    events(&test, two, &both).await;
    let others = test.hashes(two).await.unwrap();
    put(&test, one, &days(&[], Some(30))).await;
    let kept = days(&[("view", Some(30)), ("purchase", None), ("coupon", Some(60))], Some(90));
    let sizes = remove(&test, one, &kept, 2).await;
    assert_eq!(sizes, [2, 1, 1, 2], "views, then coupons, then what else there is");
    let expected = aged(&[("coupon", 59), ("purchase", 900), ("search", 89), ("view", 29)]);
    assert_eq!(left(&test, one).await, expected);
    assert_eq!(test.hashes(two).await.unwrap(), others);
    // The totals are those of the rows, and the first event is the first that is left.
    let mut tenant = test.store.tenant(one).await.unwrap();
    let found = data::find(&mut tenant).await.unwrap();
    assert_eq!(found.n_rows(Entity::Events), 4);
    let view = found.totals.iter().find(|total| total.kind == "view").unwrap();
    assert!(view.first_at.unwrap() > now(&test).await - TimeDelta::days(30), "{view:?}");
    assert!(retention::find(&mut tenant).await.unwrap().has_copies);
    drop(tenant);
    assert_eq!(remove(&test, one, &kept, 2).await, [0_u64; 0]);
}

#[tokio::test]
async fn who_only_opened_is_in_touch_no_more_and_who_clicked_is() {
    let test = database().await.unwrap();
    let [one, two] = [test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap()];
    let both = [
        ("purchase", "opens", 200),
        ("message_sent", "opens", 3),
        ("message_opened", "opens", 2),
        ("held_out", "opens", 1),
        ("purchase", "clicks", 200),
        ("message_clicked", "clicks", 80),
        ("message_sent", "only-sent", 150),
        ("message_sent", "lately-sent", 50),
        ("coupon", "own-kind", 10),
        ("view", "old", 99),
    ];
    for tenant_id in [one, two] {
        events(&test, tenant_id, &both).await;
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        for id in ["opens", "clicks", "no-event"] {
            row::put(&mut tenant, Entity::Customers, id, Map::new(), false).await.unwrap();
        }
        tenant.commit().await.unwrap();
    }
    // Without a retention nobody's contacts are kept.
    let mut tenant = test.store.tenant(one).await.unwrap();
    retention::learn_contacts(&mut tenant).await.unwrap();
    assert_eq!(customer::last_contact(&mut tenant, "clicks").await.unwrap(), None);
    drop(tenant);
    put(&test, one, &Days { inactive_customers_days: Some(90), ..Days::default() }).await;
    let others = test.hashes(two).await.unwrap();
    let mut tenant = test.store.tenant(one).await.unwrap();
    let job = job::enqueue(&mut tenant, &NewJob::new(retention::JOB_KIND, json!({}))).await.unwrap();
    tenant.commit().await.unwrap();
    let mut n_erased = Vec::new();
    loop {
        let mut tenant = test.store.tenant(one).await.unwrap();
        let n = retention::erase_inactive(&mut tenant, job.id, 90, 2, now(&test).await).await.unwrap();
        tenant.commit().await.unwrap();
        if n == 0 {
            break;
        }
        n_erased.push(n);
    }
    assert_eq!(n_erased, [2, 1], "opens, only-sent, old");
    let mut tenant = test.store.tenant(one).await.unwrap();
    let known: Vec<String> =
        sqlx::query_scalar("select distinct customer_id from events where tenant_id = $1 order by 1")
            .bind(one)
            .fetch_all(&mut test.owner().await.unwrap())
            .await
            .unwrap();
    assert_eq!(known, ["clicks", "lately-sent", "own-kind"]);
    assert!(row::find(&mut tenant, Entity::Customers, "opens").await.unwrap().is_none());
    assert!(row::find(&mut tenant, Entity::Customers, "no-event").await.unwrap().is_some());
    assert_eq!(test.hashes(two).await.unwrap(), others);

    // A receipt each, which the job's end completes, and they do not come back by themselves.
    let receipts = erasure::list(&mut tenant, &Page::default()).await.unwrap().data;
    assert_eq!(receipts.len(), 3);
    assert!(receipts.iter().all(|receipt| receipt.job_id == job.id && receipt.finished_at.is_none()));
    let done = erasure::finish_all(&mut tenant, retention::JOB_KIND, now(&test).await).await.unwrap();
    assert_eq!(done, 3);
    let receipts = erasure::list(&mut tenant, &Page::default()).await.unwrap().data;
    for receipt in &receipts {
        assert!(receipt.finished_at.is_some());
        let is_open = |place: &&erasure::Place| place.due_at.is_some();
        assert_eq!(receipt.places.iter().find(is_open), None);
        let snapshots = receipt.places.iter().find(|place| place.place == "snapshots").unwrap();
        assert!(snapshots.cleared_at.is_some());
    }
    tenant.commit().await.unwrap();
    let mut tenant = test.store.tenant(one).await.unwrap();
    let put = row::put(&mut tenant, Entity::Customers, "opens", Map::new(), false).await.unwrap();
    assert_eq!(put, row::Put::Erased);
}

#[tokio::test]
async fn a_last_contact_follows_what_comes_and_outlives_its_event() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    put(&test, tenant_id, &days(&[], Some(30))).await;
    let contact = async |id: &str| {
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        retention::learn_contacts(&mut tenant).await.unwrap();
        let found = customer::last_contact(&mut tenant, id).await.unwrap();
        tenant.commit().await.unwrap();
        let now = now(&test).await;
        found.map(|at| (now - at).num_days())
    };
    events(&test, tenant_id, &[("view", "a", 40), ("message_opened", "a", 2)]).await;
    assert_eq!(contact("a").await, Some(40));
    // Older ones that come later change nothing, newer ones do.
    events(&test, tenant_id, &[("purchase", "a", 70), ("view", "b", 5)]).await;
    assert_eq!((contact("a").await, contact("b").await), (Some(40), Some(5)));
    events(&test, tenant_id, &[("search", "a", 35)]).await;
    assert_eq!(contact("a").await, Some(35));
    assert_eq!(remove(&test, tenant_id, &days(&[], Some(30)), 100).await, [3]);
    assert_eq!(contact("a").await, Some(35));
    // Who is erased leaves no date behind.
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    erasure::request(&mut tenant, "a", None, now(&test).await).await.unwrap().unwrap();
    tenant.commit().await.unwrap();
    assert_eq!((contact("a").await, contact("b").await), (None, Some(5)));
}

#[tokio::test]
async fn a_month_is_dropped_when_no_tenant_has_a_row_left_in_it() {
    let test = database().await.unwrap();
    let [one, two] = [test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap()];
    let now = now(&test).await;
    let month = |at: DateTime<Utc>| {
        let day = at.date_naive();
        NaiveDate::from_ymd_opt(chrono::Datelike::year(&day), chrono::Datelike::month(&day), 1).unwrap()
    };
    let old = month(now - TimeDelta::days(400));
    for (tenant_id, age) in [(one, 400), (two, 400), (one, 1)] {
        events(&test, tenant_id, &[("view", "a", age)]).await;
    }
    // Months that were made and never written to are dropped too, but for the last two.
    let ahead = month(now).checked_add_days(Later::new(40)).unwrap();
    test.store.ensure_months(&[old - TimeDelta::days(60), ahead]).await.unwrap();
    let months = async || -> Vec<String> {
        let mut owner = test.owner().await.unwrap();
        let names = "select inhrelid::regclass::text from pg_inherits where inhparent = 'events'::regclass order by 1";
        sqlx::query_scalar(names).fetch_all(&mut owner).await.unwrap()
    };
    assert_eq!(months().await.len(), 4);
    for tenant_id in [one, two] {
        put(&test, tenant_id, &days(&[], Some(30))).await;
    }
    remove(&test, one, &days(&[], Some(30)), 10).await;
    assert_eq!(test.store.drop_months(&[old]).await.unwrap(), 1, "the one that nobody wrote to");
    assert!(months().await.contains(&format!("events_{}", old.format("%Y_%m"))), "the other tenant keeps it");
    assert_eq!(left(&test, two).await, aged(&[("view", 400)]));
    remove(&test, two, &days(&[], Some(30)), 10).await;

    // While somebody is about to write events, no month goes.
    let mut writer = test.store.tenant(one).await.unwrap();
    let occurred_at = Some(now - TimeDelta::days(1));
    let event = NewEvent { kind: "view".into(), customer_id: "b".into(), occurred_at, ..NewEvent::default() };
    ingest::insert_events(&mut writer, &[event], now).await.unwrap();
    assert_eq!(test.store.drop_months(&[old]).await.unwrap(), 0);
    drop(writer);
    assert_eq!(test.store.drop_months(&[old]).await.unwrap(), 1);
    assert_eq!(months().await.len(), 2);
    // What comes again makes the month again.
    events(&test, one, &[("view", "a", 400)]).await;
    assert_eq!(left(&test, one).await, aged(&[("view", 1), ("view", 400)]));
}
