//! The audit log: written with the effect, in one chain under concurrent writers, and broken by every edit.

use clew_store::audit::{self, Act, Actor, Entry, Fault, Filter, Head, verify};
use clew_store::testing::{TestStore, database};
use clew_store::{Page, Store};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore as _, SeedableRng as _};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use uuid::Uuid;

async fn act(store: &Store, tenant_id: Uuid, operation: &str) {
    let mut act = Act::new(Actor::Key, operation);
    act.actor_id = Some(tenant_id);
    act.address = Some("203.0.113.9".parse().unwrap());
    let mut tenant = store.tenant(tenant_id).await.unwrap().acting(act);
    audit::note(&mut tenant, Some(Uuid::nil().to_string()), Some(3));
    tenant.commit().await.unwrap();
}

/// A log of `n` entries, the newest first.
async fn log(n: usize) -> (TestStore, Uuid, Vec<Entry>) {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    for index in 0..n {
        act(&test.store, tenant_id, ["create_offer", "create_rule", "delete_rule"][index % 3]).await;
    }
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let entries = audit::list(&mut tenant, &Filter::default(), &Page::first(1_000)).await.unwrap().data;
    assert_eq!(entries.len(), n);
    drop(tenant);
    (test, tenant_id, entries)
}

#[tokio::test]
async fn an_entry_is_there_when_its_effect_is() {
    let (test, tenant_id, entries) = log(2).await;
    let newest = &entries[0];
    assert_eq!((newest.seq, newest.actor, &*newest.operation), (2, Actor::Key, "create_rule"));
    assert_eq!((newest.address.as_deref(), newest.n_rows), (Some("203.0.113.9"), 3));
    assert!(newest.prev == entries[1].hash && newest.at > entries[1].at);

    // What is dropped leaves no trace; what says nothing of an act writes nothing.
    drop(test.store.tenant(tenant_id).await.unwrap().acting(Act::new(Actor::Key, "x")));
    test.store.tenant(tenant_id).await.unwrap().commit().await.unwrap();
    // The operators have a chain of their own.
    let operator = test.store.operator().await.unwrap().acting(Act::new(Actor::Operator, "create_tenant"));
    operator.commit().await.unwrap();
    let verdict = verify(&mut test.store.operator().await.unwrap(), None).await.unwrap();
    assert_eq!((verdict.head.seq, verdict.broken), (1, None));
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(verify(&mut tenant, None).await.unwrap().head.seq, 2);

    let filter = Filter { operation: Some("create_offer".into()), ..Filter::default() };
    let found = audit::list(&mut tenant, &filter, &Page::default()).await.unwrap().data;
    assert_eq!(found, [entries[1].clone()]);
    // A tenant's own ids are found by who knows them, and told to nobody.
    let hidden = audit::pseudonym(&mut tenant, "marie@example.com").await.unwrap();
    assert!(hidden.starts_with("own:") && !hidden.contains("marie"));
    assert_eq!(audit::pseudonym(&mut tenant, "marie@example.com").await.unwrap(), hidden);
    let other = test.tenant("two").await.unwrap();
    let mut other = test.store.tenant(other).await.unwrap();
    assert_ne!(audit::pseudonym(&mut other, "marie@example.com").await.unwrap(), hidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_once_make_one_chain() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = test.store.clone();
            tokio::spawn(async move {
                for _ in 0..25 {
                    act(&store, tenant_id, "create_events").await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let verdict = verify(&mut test.store.tenant(tenant_id).await.unwrap(), None).await.unwrap();
    assert_eq!((verdict.head.seq, verdict.broken), (200, None));
}

/// A number below `n`.
fn below(random: &mut Xoshiro256PlusPlus, n: usize) -> usize {
    (random.next_u64() % n as u64) as usize
}

/// Edits a log as somebody could who owns the table: a field changed, an entry taken out, two swapped, one put in. In
/// half of the cases the changed entry gets the hash that it should have, which leaves the next link, or the head, to tell.
fn edit(random: &mut Xoshiro256PlusPlus, entries: &mut Vec<Entry>) -> String {
    let at = below(random, entries.len());
    let what = below(random, 12);
    let entry = &mut entries[at];
    match what {
        0 => entry.operation.push('x'),
        1 => entry.n_rows += 1,
        2 => entry.at += chrono::TimeDelta::microseconds(1),
        3 => entry.actor = Actor::Member,
        4 => entry.actor_id = None,
        5 => entry.resource = entry.resource.take().map(|resource| resource + "0"),
        6 => entry.address = None,
        7 => entry.hash[below(random, 32)] ^= 1 << below(random, 8),
        8 => entry.prev[below(random, 32)] ^= 1 << below(random, 8),
        9 => drop(entries.remove(at)),
        10 => {
            let other = (at + 1 + below(random, entries.len() - 1)) % entries.len();
            let (a, b) = (entries[at].seq, entries[other].seq);
            entries.swap(at, other);
            (entries[at].seq, entries[other].seq) = (a, b);
        }
        _ => {
            let mut extra = entries[at].clone();
            extra.request_id = Some(Uuid::nil());
            entries.insert(at, extra);
            for (index, entry) in entries.iter_mut().enumerate() {
                entry.seq = index as i64 + 1;
            }
        }
    }
    let hashed = (what < 7 || what == 8) && random.next_u64().is_multiple_of(2);
    if hashed {
        entries[at].hash = audit::hash(&entries[at]).to_vec();
    }
    format!("edit {what} at {at}, {}", if hashed { "hashed anew" } else { "as it was" })
}

fn check(tenant_id: Uuid, entries: &[Entry], head: &Head) -> Result<(), audit::Broken> {
    let mut chain = audit::Chain::start(tenant_id);
    entries.iter().try_for_each(|entry| chain.follow(entry))?;
    chain.end(head)
}

#[tokio::test]
async fn each_of_ten_thousand_edits_is_found() {
    let (_test, tenant_id, mut entries) = log(40).await;
    entries.reverse();
    let head = Head { seq: 40, hash: entries[39].hash.clone() };
    assert_eq!(check(tenant_id, &entries, &head), Ok(()));
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    for _ in 0..10_000 {
        let mut edited = entries.clone();
        let told = edit(&mut random, &mut edited);
        assert!(check(tenant_id, &edited, &head).is_err(), "{told} was not found");
    }
    for n_kept in 0..40 {
        let broken = check(tenant_id, &entries[..n_kept], &head).unwrap_err();
        assert_eq!((broken.seq, broken.fault), (n_kept as i64 + 1, Fault::Missing));
    }
    assert!(check(Uuid::nil(), &entries, &head).is_err(), "another tenant's log is not this one's");
}

#[tokio::test]
async fn an_edit_in_the_database_is_named() {
    let (test, tenant_id, entries) = log(12).await;
    let kept = Head { seq: 12, hash: entries[0].hash.clone() };
    let verdict = verify(&mut test.store.tenant(tenant_id).await.unwrap(), Some(&kept)).await.unwrap();
    assert_eq!((&verdict.head, verdict.broken), (&kept, None));
    assert_eq!(kept.to_string().parse::<Head>().unwrap(), kept);
    let mut owner = test.owner().await.unwrap();
    owner
        .execute(
            "create table kept as select * from audit; create table kept_heads as select * from audit_heads",
        )
        .await
        .unwrap();
    let forged = "decode(repeat('ab', 32), 'hex')";
    for (edit, seq, fault) in [
        ("update audit set n_rows = 9 where seq = 7", 7, Fault::Changed),
        ("update audit set at = at + interval '1 us' where seq = 1", 1, Fault::Changed),
        ("update audit set address = null where seq = 12", 12, Fault::Changed),
        ("delete from audit where seq = 1", 1, Fault::Missing),
        ("delete from audit where seq = 5", 5, Fault::Missing),
        ("delete from audit where seq > 9", 10, Fault::Missing),
        ("truncate audit", 1, Fault::Missing),
        // The head goes with what was cut off: only one that was kept elsewhere tells.
        ("delete from audit where seq > 9;
          update audit_heads set seq = 9, hash = (select hash from audit where seq = 9)", 12, Fault::Missing),
        ("truncate audit, audit_heads", 12, Fault::Missing),
        ("insert into audit select tenant_id, 13, at, actor, actor_id, operation, resource, address, n_rows, request_id,
              hash, {forged} from audit where seq = 12", 12, Fault::End),
        ("update audit_heads set seq = 13", 13, Fault::Missing),
        ("update audit_heads set hash = {forged}", 12, Fault::End),
        ("update audit set seq = 99 where seq = 3; update audit set seq = 3 where seq = 4;
          update audit set seq = 4 where seq = 99", 3, Fault::Changed),
    ] {
        owner.execute(AssertSqlSafe(edit.replace("{forged}", forged))).await.unwrap();
        let verdict = verify(&mut test.store.tenant(tenant_id).await.unwrap(), Some(&kept)).await.unwrap();
        let broken = verdict.broken.unwrap_or_else(|| panic!("{edit} was not found"));
        assert_eq!((broken.seq, broken.fault), (seq, fault), "{edit}: {broken}");
        owner
            .execute("truncate audit, audit_heads; insert into audit select * from kept;
                      insert into audit_heads select * from kept_heads")
            .await
            .unwrap();
    }
    owner.close().await.unwrap();
    // Rewritten as a whole: every link holds, and only the head that was kept elsewhere tells.
    let mut owner = test.owner().await.unwrap();
    owner.execute("truncate audit, audit_heads").await.unwrap();
    for _ in 0..12 {
        act(&test.store, tenant_id, "create_offer").await;
    }
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(verify(&mut tenant, None).await.unwrap().broken, None);
    let broken = verify(&mut tenant, Some(&kept)).await.unwrap().broken.unwrap();
    assert_eq!((broken.seq, broken.fault), (12, Fault::NotAsKept));
}
