//! The end of old entries of the audit log: what is left is still a chain, every edit of it is still found, and so is
//! whoever removes entries in another way.

use chrono::TimeDelta;
use clew_store::audit::{self, Act, Actor, Entry, Expired, Fault, Filter, Head, expire, verify};
use clew_store::testing::{TestStore, database};
use clew_store::{Error, Page};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use uuid::Uuid;

async fn act(test: &TestStore, tenant_id: Uuid) {
    let tenant = test.store.tenant(tenant_id).await.unwrap();
    tenant.acting(Act::new(Actor::Key, "create_offer")).commit().await.unwrap();
}

/// The entries, the first first.
async fn entries(test: &TestStore, tenant_id: Uuid) -> Vec<Entry> {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let mut found = audit::list(&mut tenant, &Filter::default(), &Page::first(1_000)).await.unwrap().data;
    found.reverse();
    found
}

/// A log of ten entries, of which seven are older than a year: written as they would have been then.
async fn log(test: &TestStore, name: &str) -> Uuid {
    let tenant_id = test.tenant(name).await.unwrap();
    for _ in 0..10 {
        act(test, tenant_id).await;
    }
    let mut owner = test.owner().await.unwrap();
    let mut prev = vec![0; 32];
    for mut entry in entries(test, tenant_id).await {
        entry.at -= TimeDelta::days(if entry.seq <= 7 { 400 } else { 0 });
        entry.prev = prev;
        entry.hash = audit::hash(&entry).to_vec();
        sqlx::query("update audit set at = $3, prev = $4, hash = $5 where tenant_id = $1 and seq = $2")
            .bind(tenant_id)
            .bind(entry.seq)
            .bind(entry.at)
            .bind(&entry.prev)
            .bind(&entry.hash)
            .execute(&mut owner)
            .await
            .unwrap();
        prev = entry.hash;
    }
    sqlx::query("update audit_heads set hash = $2 where tenant_id = $1")
        .bind(tenant_id)
        .bind(prev)
        .execute(&mut owner)
        .await
        .unwrap();
    tenant_id
}

async fn remove(test: &TestStore, tenant_id: Uuid, days: i32, limit: i64) -> Result<Expired, Error> {
    expire(test.store.tenant(tenant_id).await.unwrap(), days, limit, Act::new(Actor::Job, "retain")).await
}

async fn check(test: &TestStore, tenant_id: Uuid, kept: Option<&Head>) -> Option<(i64, Fault)> {
    let verdict = verify(&mut test.store.tenant(tenant_id).await.unwrap(), kept).await.unwrap();
    verdict.broken.map(|broken| (broken.seq, broken.fault))
}

#[tokio::test]
async fn what_is_left_is_a_chain_and_every_edit_of_it_is_found() {
    let test = database().await.unwrap();
    let [one, two] = [log(&test, "one").await, log(&test, "two").await];
    let before = entries(&test, one).await;
    let head = |seq: usize| Head { seq: seq as i64, hash: before[seq - 1].hash.clone() };
    let others = test.hashes(two).await.unwrap();
    assert_eq!(remove(&test, one, 500, 100).await.unwrap(), Expired::Nothing);
    assert_eq!(remove(&test, one, 365, 5).await.unwrap(), Expired::Removed(5));
    assert_eq!(check(&test, one, None).await, None);
    assert_eq!(remove(&test, one, 365, 5).await.unwrap(), Expired::Removed(2));
    assert_eq!(remove(&test, one, 365, 5).await.unwrap(), Expired::Nothing);
    assert_eq!(test.hashes(two).await.unwrap(), others);

    // The removals are entries, which name what was removed last.
    let left = entries(&test, one).await;
    let seqs: Vec<i64> = left.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [8, 9, 10, 11, 12]);
    let told: Vec<_> =
        left[3..].iter().map(|e| (&*e.operation, e.n_rows, e.resource.clone().unwrap())).collect();
    let expected = [5, 7].map(|seq| format!("audit:{}", head(seq)));
    assert_eq!(told, [("retain", 5, expected[0].clone()), ("retain", 2, expected[1].clone())]);

    // A head that was kept elsewhere is compared as far as its entry is there.
    assert_eq!(check(&test, one, None).await, None);
    assert_eq!(check(&test, one, Some(&head(9))).await, None);
    assert_eq!(check(&test, one, Some(&head(7))).await, None);
    assert_eq!(check(&test, one, Some(&head(3))).await, Some((3, Fault::Expired)));
    let forged = Head { seq: 7, hash: vec![7; 32] };
    assert_eq!(check(&test, one, Some(&forged)).await, Some((7, Fault::NotAsKept)));

    let mut owner = test.owner().await.unwrap();
    owner
        .execute(
            "create table kept as select * from audit; create table kept_heads as select * from audit_heads",
        )
        .await
        .unwrap();
    for (edit, seq, fault) in [
        ("update audit set n_rows = 9 where seq = 8", 8, Fault::Changed),
        ("update audit set at = at - interval '1 day' where seq = 12", 12, Fault::Changed),
        ("delete from audit where seq = 8", 8, Fault::Missing),
        ("delete from audit where seq > 10", 11, Fault::Missing),
        ("truncate audit", 8, Fault::Missing),
        ("update audit_heads set anchor_hash = decode(repeat('ab', 32), 'hex')", 8, Fault::Unlinked),
        ("update audit_heads set anchor_seq = 0", 1, Fault::Missing),
        // More was removed than by retention, anchor and all.
        (
            "update audit_heads head set anchor_seq = 8, anchor_hash = entry.hash from audit entry
             where entry.tenant_id = head.tenant_id and entry.seq = 8;
             delete from audit where seq = 8",
            8,
            Fault::Anchor,
        ),
        ("update audit_heads set anchor_seq = seq, anchor_hash = hash; truncate audit", 12, Fault::Anchor),
    ] {
        // Of the other tenant nothing is looked at here.
        owner
            .execute(AssertSqlSafe(format!("delete from audit_heads where tenant_id = '{two}'; {edit}")))
            .await
            .unwrap();
        assert_eq!(check(&test, one, None).await, Some((seq, fault)), "{edit}");
        owner
            .execute(
                "truncate audit, audit_heads; insert into audit select * from kept;
                 insert into audit_heads select * from kept_heads",
            )
            .await
            .unwrap();
    }
    assert_eq!((check(&test, one, None).await, check(&test, two, None).await), (None, None));
}

#[tokio::test]
async fn nothing_is_removed_from_a_chain_that_does_not_hold() {
    let test = database().await.unwrap();
    let tenant_id = log(&test, "one").await;
    test.sabotage("update audit set n_rows = 9 where seq = 4").await.unwrap();
    let Expired::Broken(broken) = remove(&test, tenant_id, 365, 100).await.unwrap() else {
        panic!("removed")
    };
    assert_eq!((broken.seq, broken.fault), (4, Fault::Changed));
    assert_eq!(entries(&test, tenant_id).await.len(), 10);
}

/// What the application asks for is not what Postgres goes by.
#[tokio::test]
async fn no_role_removes_an_entry_that_is_young_or_another_tenant_s() {
    let test = database().await.unwrap();
    let [one, two] = [log(&test, "one").await, log(&test, "two").await];
    let refused = remove(&test, one, 0, 100).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    assert_eq!(entries(&test, one).await.len(), 10);
    let mut owner = test.owner().await.unwrap();
    let mut transaction = owner.begin().await.unwrap();
    sqlx::query("select set_config('role', 'clew_worker', true), set_config('clew.tenant', $1, true)")
        .bind(one.to_string())
        .execute(&mut *transaction)
        .await
        .unwrap();
    let done = transaction.execute("delete from audit").await.unwrap();
    assert_eq!(done.rows_affected(), 7);
    let done = transaction.execute("update audit_heads set anchor_seq = 7").await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    transaction.commit().await.unwrap();
    assert_eq!((entries(&test, one).await.len(), entries(&test, two).await.len()), (3, 10));
    // Nor does whoever does so by hand go unnoticed.
    assert_eq!(check(&test, one, None).await, Some((8, Fault::Unlinked)));
    assert_eq!(check(&test, two, None).await, None);
}
