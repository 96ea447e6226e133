//! Requests that are dropped half way (the client hangs up, time is up): what they leave in a connection reaches
//! nobody who gets it next.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use clew_store::cursor::Page;
use clew_store::key::{self, Credential, NewKey, Right};
use clew_store::testing::database;
use clew_store::{Result, Store, StoreConfig};
use secrecy::SecretString;
use uuid::Uuid;

const N_ROUNDS: usize = 2_000;
/// More than a request is woken.
const N_POLLS: usize = 40;

/// A tenant as one of its own requests sees it: who the key is, and the names of its keys.
async fn seen(store: &Store, tenant_id: Uuid, secret: &SecretString) -> Result<(Option<Uuid>, Vec<String>)> {
    let found = match key::verify(store, secret).await? {
        Some(Credential::Tenant { tenant_id, .. }) => Some(tenant_id),
        _ => None,
    };
    let mut tenant = store.tenant(tenant_id).await?;
    let keys = key::list(&mut tenant, &Page { cursor: None, limit: 10 }).await?;
    tenant.commit().await?;
    Ok((found, keys.data.into_iter().map(|key| key.name).collect()))
}

/// What the future gives, or nothing when it is dropped after so many polls.
async fn polled<T>(n_polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = n_polls;
    poll_fn(|context| {
        let Some(next) = left.checked_sub(1) else { return Poll::Ready(None) };
        left = next;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            // The last poll drops it now, while the answer is under way.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_dropped_half_way_leaves_nothing_to_the_next() {
    let database = database().await.unwrap();
    // Of one connection, so that the next request has the one that the last was dropped from.
    let config = StoreConfig { max_connections: 1, ..StoreConfig::default() };
    let store = &Store::connect(&database.url, config).await.unwrap();
    let mut parties = Vec::new();
    for name in ["one", "other"] {
        let tenant_id = database.tenant(name).await.unwrap();
        let mut tenant = store.tenant(tenant_id).await.unwrap();
        let new = NewKey { name: name.to_owned(), right: Right::Reader, expires_at: None };
        let secret = key::insert(&mut tenant, &new).await.unwrap().1;
        tenant.commit().await.unwrap();
        parties.push((name.to_owned(), tenant_id, secret));
    }
    let mut n_dropped = 0;
    for round in 0..N_ROUNDS {
        let (_, tenant_id, secret) = &parties[round % 2];
        match polled(round % N_POLLS, seen(store, *tenant_id, secret)).await {
            Some(answer) => assert_eq!(answer.unwrap().0, Some(*tenant_id), "round {round}"),
            None => n_dropped += 1,
        }
        let (name, tenant_id, secret) = &parties[(round + 1) % 2];
        let (found, names) = seen(store, *tenant_id, secret).await.unwrap();
        assert_eq!((found, names), (Some(*tenant_id), vec![name.clone()]), "round {round}");
    }
    println!("{n_dropped} of {N_ROUNDS} requests dropped");
    assert!(n_dropped > N_ROUNDS / 10, "{n_dropped} requests were dropped");
}
