//! Connections that go from one request to the next. A request may be dropped at any moment (its client hangs up, its
//! time is up), and sqlx 0.9.0 does not always find out where the connection then stands: a dropped BEGIN leaves a
//! transaction open (its issue 4393), and after a COPY that was dropped near its end each answer is read as the answer to
//! the query after it, be that another tenant's. So nothing goes back into the pool before it has shown that it is in
//! step and in no transaction.

use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _};

use crate::error::Result;
use crate::store::{StoreConfig, options};

pub(crate) fn pool_options(config: &StoreConfig, max_connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(config.acquire_timeout)
        .after_release(|connection, _| Box::pin(async move { Ok(is_clean(connection).await) }))
}

pub(crate) fn pool_lazy(url: &str, config: &StoreConfig, max_connections: u32) -> Result<PgPool> {
    Ok(pool_options(config, max_connections).connect_lazy_with(options(url)?))
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

    use super::*;
    use crate::ingest::pipe;
    use crate::store::Store;
    use crate::testing;

    /// A store of one connection, so that whoever comes next has the one that was dropped.
    async fn store_of_one(url: &str) -> Store {
        let config = StoreConfig { max_connections: 1, ..StoreConfig::default() };
        Store::connect(url, config).await.unwrap()
    }

    #[tokio::test]
    async fn an_import_that_is_dropped_half_way_shifts_no_answer_to_the_next() {
        let database = testing::database().await.unwrap();
        let store = store_of_one(&database.url).await;
        for n_polls in 1..12 {
            let mut transaction = store.pool.begin().await.unwrap();
            sqlx::raw_sql("create temporary table if not exists loads (n bigint)")
                .execute(&mut *transaction)
                .await
                .unwrap();
            {
                let statement = "copy loads from stdin (format binary)";
                let mut copy = pin!(pipe::copy(&mut transaction, statement, |_| Ok(())));
                let mut left = n_polls;
                poll_fn(|context| {
                    left -= 1;
                    let ended = copy.as_mut().poll(context).is_ready();
                    if ended || left == 0 {
                        return Poll::Ready(());
                    }
                    Poll::Pending
                })
                .await;
            }
            drop(transaction);
            for asked in 0_i32..5 {
                let mut transaction = store.pool.begin().await.unwrap();
                let answer: i32 = sqlx::query_scalar("select $1::int4")
                    .bind(asked)
                    .fetch_one(&mut *transaction)
                    .await
                    .unwrap();
                transaction.commit().await.unwrap();
                assert_eq!(answer, asked, "dropped after {n_polls} polls");
            }
        }
    }

    #[tokio::test]
    async fn a_connection_within_a_transaction_is_not_given_to_the_next() {
        let database = testing::database().await.unwrap();
        let store = store_of_one(&database.url).await;
        for left_open in ["begin", "begin; set local clew.tenant = 'somebody'"] {
            let mut connection = store.pool.acquire().await.unwrap();
            sqlx::raw_sql(left_open).execute(&mut *connection).await.unwrap();
            drop(connection);
            let mut connection = store.pool.acquire().await.unwrap();
            assert!(is_clean(&mut connection).await);
        }
    }
}
