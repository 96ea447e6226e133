//! Connections that go from one request to the next. A request may be dropped at any moment (its client hangs up, its
//! time is up), and sqlx 0.9.0 does not always find out where the connection then stands: a dropped BEGIN leaves a
//! transaction open (its issue 4393), and after a COPY that was dropped near its end each answer is read as the answer to
//! the query after it, be that another tenant's. So nothing goes back into the pool before it has shown that it is in
//! step and in no transaction.

use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use crate::store::StoreConfig;

/// A pool as configured, each of whose connections is looked at before it is used again.
pub(crate) fn pool_options(config: &StoreConfig, max_connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(config.acquire_timeout)
        .after_release(|connection, _| Box::pin(async move { Ok(is_clean(connection).await) }))
}

/// Does the connection answer what it is asked, and outside of a transaction? If not it is to be closed.
async fn is_clean(connection: &mut PgConnection) -> bool {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    // A number not asked for before, lest an older answer be taken for this one's.
    let number = ASKED.fetch_add(1, Ordering::Relaxed).to_string();
    // One simple query: within it the clocks differ only when the transaction was begun before it.
    let query = format!("select '{number}', (now() = statement_timestamp())::text");
    let answer = sqlx::raw_sql(AssertSqlSafe(query)).fetch_all(connection).await;
    let clean = answer.as_deref().is_ok_and(|rows| match rows {
        [row] => {
            row.try_get::<&str, _>(0).is_ok_and(|found| found == number)
                && row.try_get::<&str, _>(1).is_ok_and(|outside| outside == "true")
        }
        _ => false,
    });
    if !clean {
        // Not what it said instead, which may be a tenant's.
        tracing::debug!("a connection was dropped half way through a request and is closed");
    }
    clean
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use secrecy::SecretString;
    use uuid::Uuid;

    use super::*;
    use crate::cursor::Page;
    use crate::error::Result;
    use crate::ingest::pipe;
    use crate::key::{self, Credential, NewKey, Right};
    use crate::store::Store;
    use crate::testing;

    /// More than an import of nothing is woken.
    const N_POLLS: usize = 40;
    /// Few enough that a request is dropped often: at its first poll it always has to wait. Odd, so that each tenant's is
    /// dropped at every one.
    const N_POLLS_OF_REQUEST: usize = 9;

    /// A store of one connection, so that whoever comes next has the one that was dropped.
    async fn store_of_one(url: &str) -> Store {
        let config = StoreConfig { max_connections: 1, ..StoreConfig::default() };
        Store::connect(url, config).await.unwrap()
    }

    /// What the future gives, or nothing when it is dropped while the answer to its `n_polls`-th poll is under way.
    async fn polled<T>(n_polls: usize, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut left = n_polls;
        poll_fn(|context| {
            left -= 1;
            match future.as_mut().poll(context) {
                Poll::Ready(value) => Poll::Ready(Some(value)),
                Poll::Pending if left == 0 => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// The next to have the connection finds it as if it were new.
    async fn assert_is_as_new(store: &Store, after: &str) {
        let mut connection = store.pool.acquire().await.unwrap();
        assert!(is_clean(&mut connection).await, "{after}");
        for asked in 0_i32..5 {
            let answer = sqlx::query_scalar("select $1::int4").bind(asked).fetch_one(&mut *connection).await;
            assert_eq!(answer.ok(), Some(asked), "{after}");
        }
    }

    #[tokio::test]
    async fn an_import_that_is_dropped_half_way_shifts_no_answer_to_the_next() {
        let database = testing::database().await.unwrap();
        let store = store_of_one(&database.url).await;
        for n_polls in 1..N_POLLS {
            let mut transaction = store.pool.begin().await.unwrap();
            let table = "create temporary table if not exists loads (n bigint)";
            sqlx::raw_sql(table).execute(&mut *transaction).await.unwrap();
            let statement = "copy loads from stdin (format binary)";
            polled(n_polls, pipe::copy(&mut transaction, statement, |_| Ok(()))).await;
            drop(transaction);
            assert_is_as_new(&store, &format!("dropped after {n_polls} polls")).await;
        }
    }

    /// A tenant as one of its own requests sees it: who the key is, and the names of its keys.
    async fn seen(
        store: &Store,
        tenant_id: Uuid,
        secret: &SecretString,
    ) -> Result<(Option<Uuid>, Vec<String>)> {
        let found = match key::verify(store, secret).await? {
            Some(Credential::Tenant { tenant_id, .. }) => Some(tenant_id),
            _ => None,
        };
        let mut tenant = store.tenant(tenant_id).await?;
        let keys = key::list(&mut tenant, &Page::default()).await?;
        tenant.commit().await?;
        Ok((found, keys.data.into_iter().map(|key| key.name).collect()))
    }

    #[tokio::test]
    async fn a_request_that_is_dropped_half_way_leaves_nothing_to_the_next() {
        let database = testing::database().await.unwrap();
        let store = store_of_one(&database.url).await;
        let mut parties = Vec::new();
        for name in ["one", "other"] {
            let tenant_id = database.tenant(name).await.unwrap();
            let mut tenant = store.tenant(tenant_id).await.unwrap();
            let new = NewKey { name: name.to_owned(), right: Right::Reader, expires_at: None };
            let secret = key::insert(&mut tenant, &new).await.unwrap().1;
            tenant.commit().await.unwrap();
            parties.push((name, tenant_id, secret));
        }
        let (mut n_dropped, n_rounds) = (0, 50 * N_POLLS_OF_REQUEST);
        for round in 0..n_rounds {
            let (_, tenant_id, secret) = &parties[round % 2];
            match polled(1 + round % N_POLLS_OF_REQUEST, seen(&store, *tenant_id, secret)).await {
                Some(answer) => assert_eq!(answer.unwrap().0, Some(*tenant_id), "round {round}"),
                None => n_dropped += 1,
            }
            assert_is_as_new(&store, &format!("round {round}")).await;
            let (name, tenant_id, secret) = &parties[(round + 1) % 2];
            let (found, names) = seen(&store, *tenant_id, secret).await.unwrap();
            assert_eq!((found, names), (Some(*tenant_id), vec![(*name).to_owned()]), "round {round}");
        }
        assert!(n_dropped > n_rounds / 10, "{n_dropped} requests were dropped");
    }

    #[tokio::test]
    async fn a_connection_within_a_transaction_is_not_given_to_the_next() {
        let database = testing::database().await.unwrap();
        let store = store_of_one(&database.url).await;
        for left_open in ["begin", "begin; set local clew.tenant = 'somebody'"] {
            let mut connection = store.pool.acquire().await.unwrap();
            sqlx::raw_sql(left_open).execute(&mut *connection).await.unwrap();
            drop(connection);
            assert_is_as_new(&store, left_open).await;
        }
    }
}
