//! The database that a command works on: the one that is given, or a private one under the data folder.

use std::time::Duration;

use anyhow::Context as _;
use clew_store::postgres::{Private, PrivateConfig};
use clew_store::{Store, StoreConfig};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::Config;

/// A connected store, and the private Postgres behind it if it is one. Dropped, the private one is stopped.
pub(crate) struct Database {
    /// The store.
    pub(crate) store: Store,
    private: Option<Private>,
}

impl Database {
    /// Connects to the given database, or starts the private one first; brings the schema to this version as the owner
    /// of the tables, and gives the connections of a role that owns nothing.
    ///
    /// # Errors
    /// When there is no Postgres to be had, it does not answer, a migration fails, or the schema or the role would not
    /// keep tenants apart; the message has the remedy.
    pub(crate) async fn open_migrated(config: &Config) -> anyhow::Result<Self> {
        let (url, private) = match &config.database_url {
            Some(url) => (url.clone(), None),
            None => start_private(config).await?,
        };
        let owner = config.database_owner_url.as_ref().unwrap_or(&url);
        let owner =
            Store::connect(owner.expose_secret(), StoreConfig { max_connections: 1, ..store_config(config) });
        let owner = owner.await.with_context(|| away(private.is_some()))?;
        owner.migrate().await.context("could not bring the database to this version's schema")?;
        owner.close().await;
        let store = Store::serve(url.expose_secret(), store_config(config)).await;
        let store = store.with_context(|| away(private.is_some()))?;
        store.check_wall().await?;
        Ok(Self { store, private })
    }

    /// Whether the database is a private one.
    pub(crate) fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// Closes the connections and stops the private Postgres.
    pub(crate) async fn close(self) {
        self.store.close().await;
        if let Some(private) = self.private {
            // Stopping waits for the server's end.
            let stopped = tokio::task::spawn_blocking(move || drop(private)).await;
            if let Err(error) = stopped {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not stop the private Postgres"
                );
            }
        }
    }
}

async fn start_private(config: &Config) -> anyhow::Result<(SecretString, Option<Private>)> {
    let dir = config.data_dir.join("postgres");
    // `clew tenant create` beside a `clew serve` of the same folder: one Postgres serves both.
    if let Some(url) = Private::running(&dir) {
        return Ok((url.into(), None));
    }
    let private = PrivateConfig { dir, bin: config.pg_bin.clone() };
    let private = tokio::task::spawn_blocking(move || Private::start(private))
        .await
        .context("the start of the private Postgres was cut off")?
        .context("there is no DATABASE_URL, and a private Postgres could not be started")?;
    Ok((private.url().into(), Some(private)))
}

fn away(is_private: bool) -> &'static str {
    if is_private {
        "could not connect to the private Postgres"
    } else {
        "could not connect to the database; check DATABASE_URL and that Postgres runs there"
    }
}

fn store_config(config: &Config) -> StoreConfig {
    StoreConfig {
        max_connections: config.database_connections.max(2).into(),
        acquire_timeout: Duration::from_secs(10),
        owner_url: config.database_owner_url.clone(),
    }
}
