//! Pages: every row once, whatever is written meanwhile; cursors bound to tenant, list and filter.

use clew_store::testing::{TestStore, database};
use clew_store::{Page, Store, StoreConfig, job, offer, segment};
use serde_json::json;
use uuid::Uuid;

async fn insert(test: &TestStore, tenant_id: Uuid, name: &str) -> Uuid {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let new = offer::NewOffer { name: name.into(), expression: Some("true".into()), ..Default::default() };
    let row = offer::insert(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();
    row.id
}

#[tokio::test]
async fn pages_are_stable_under_writes() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut before = Vec::new();
    for n in 0..7 {
        before.push(insert(&test, tenant_id, &format!("{n}")).await);
    }
    let mut seen = Vec::new();
    let mut page = Page::first(2);
    loop {
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        let paged = offer::list(&mut tenant, &page).await.unwrap();
        assert!(paged.data.len() <= 2);
        seen.extend(paged.data.iter().map(|row| row.id));
        // The row that the cursor stands on goes, and others come.
        offer::delete(&mut tenant, *seen.last().unwrap()).await.unwrap();
        tenant.commit().await.unwrap();
        insert(&test, tenant_id, "new").await;
        match paged.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    before.reverse();
    assert_eq!(seen, before, "the newest first, each once");
}

#[tokio::test]
async fn the_last_page_says_so() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    for n in 0..4 {
        insert(&test, tenant_id, &format!("{n}")).await;
    }
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    for (limit, more) in [(0, true), (3, true), (4, false), (5, false), (u32::MAX, false)] {
        let paged = offer::list(&mut tenant, &Page::first(limit)).await.unwrap();
        assert_eq!(paged.next_cursor.is_some(), more, "{limit}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_tenant_list_and_filter_alone() {
    let test = database().await.unwrap();
    let (one, two) = (test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap());
    insert(&test, one, "a").await;
    insert(&test, one, "b").await;
    let mut tenant = test.store.tenant(one).await.unwrap();
    for _ in 0..2 {
        job::enqueue(&mut tenant, &job::NewJob::new("train", json!({}))).await.unwrap();
    }
    let offers = offer::list(&mut tenant, &Page::first(1)).await.unwrap().next_cursor;
    let page = Page { limit: 1, cursor: offers.clone() };
    assert_eq!(offer::list(&mut tenant, &page).await.unwrap().data.len(), 1);
    assert!(segment::list(&mut tenant, &page).await.is_err(), "another list");
    let jobs = job::list(&mut tenant, Some("train"), None, &Page::first(1)).await.unwrap().next_cursor;
    let jobs = Page { limit: 1, cursor: jobs };
    assert_eq!(job::list(&mut tenant, Some("train"), None, &jobs).await.unwrap().data.len(), 1);
    assert!(job::list(&mut tenant, None, Some(job::State::Queued), &jobs).await.is_err(), "another filter");
    tenant.commit().await.unwrap();

    let mut tenant = test.store.tenant(two).await.unwrap();
    assert!(offer::list(&mut tenant, &page).await.is_err(), "another tenant");
    drop(tenant);

    let mut tenant = test.store.tenant(one).await.unwrap();
    let mut forged = offers.unwrap().into_bytes();
    let last = forged.len() - 1;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    for cursor in
        ["", "x", "é", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &String::from_utf8(forged).unwrap()]
    {
        let page = Page { limit: 1, cursor: Some(cursor.into()) };
        let error = offer::list(&mut tenant, &page).await.unwrap_err().to_string();
        assert!(error.contains("start from the first page"), "{cursor}: {error}");
    }

    // Lists that are computed use the same.
    let cursor = tenant.seal_cursor("members", "segment 1", "customer 7").await.unwrap();
    let page = Page { limit: 1, cursor: Some(cursor) };
    let position = tenant.open_cursor("members", "segment 1", &page).await.unwrap();
    assert_eq!(position.as_deref(), Some("customer 7"));
    assert!(tenant.open_cursor("members", "segment 2", &page).await.is_err());
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    tenant.seal_cursor("members", "", "customer 7").await.unwrap();
    let mut owner = test.owner().await.unwrap();
    let secret: Vec<u8> =
        sqlx::query_scalar("select secret from tenants").fetch_one(&mut owner).await.unwrap();
    let first = format!("{}, {}, {}", secret[0], secret[1], secret[2]);
    assert!(!format!("{tenant:?} {:?}", test.store).contains(&first));
    let config =
        StoreConfig { owner_url: Some("postgres://owner:hunter2@host/clew".into()), ..Default::default() };
    assert!(!format!("{config:?}").contains("hunter2"));
    // Nor does the message of an address that is not understood quote it.
    let error = Store::connect("postgres//owner:hunter2@", StoreConfig::default()).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}
