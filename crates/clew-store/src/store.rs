//! The connections to Postgres, and the doors that they open: a tenant's, the operator's, the queue's.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgPool};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::pool::pool_options;
use crate::queue::Queue;
use crate::scope::{Operator, Tenant};

/// How to connect.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Connections kept at most.
    pub max_connections: u32,
    /// How long a caller waits for a free connection.
    pub acquire_timeout: Duration,
    /// The address to use for what only the owner of the tables may do (migrations, new months of events), when
    /// the service itself connects as a lesser role. The service's own address when absent.
    pub owner_url: Option<SecretString>,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { max_connections: 16, acquire_timeout: Duration::from_secs(5), owner_url: None }
    }
}

/// The connections to Postgres. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) pool: PgPool,
    pub(crate) owner: PgPool,
    /// Secrets that sign the tenants' cursors, read once each.
    pub(crate) secrets: Arc<Mutex<HashMap<Uuid, [u8; 32]>>>,
}

impl fmt::Debug for Store {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("n_connections", &self.pool.size()).finish_non_exhaustive()
    }
}

impl Store {
    /// Connects. `url` is a Postgres address; it holds a password perhaps and is never logged.
    pub async fn connect(url: &str, config: StoreConfig) -> Result<Self> {
        Self::connect_with(options(url)?, config).await
    }

    pub(crate) async fn connect_with(options: PgConnectOptions, config: StoreConfig) -> Result<Self> {
        let pool = pool_options(&config, config.max_connections).connect_with(options).await?;
        let owner = match &config.owner_url {
            Some(url) => pool_lazy(url.expose_secret(), &config, 2)?,
            None => pool.clone(),
        };
        Ok(Self { pool, owner, secrets: Arc::default() })
    }

    /// Opens a transaction as the application's role with the tenant set. Dropped without a commit, it is undone.
    pub async fn tenant(&self, tenant_id: Uuid) -> Result<Tenant<'_>> {
        Tenant::begin(self, tenant_id).await
    }

    /// Opens a transaction as the operator's role: sees tenants and operators' keys and no tenant's data.
    pub async fn operator(&self) -> Result<Operator<'_>> {
        Operator::begin(self).await
    }

    /// The jobs of all tenants, for workers.
    pub fn queue(&self) -> Queue {
        Queue::new(self.clone())
    }

    /// Closes all connections, in good order.
    pub async fn close(&self) {
        self.pool.close().await;
        self.owner.close().await;
    }
}

pub(crate) fn options(url: &str) -> Result<PgConnectOptions> {
    let options: PgConnectOptions = url.parse().map_err(|_| {
        // The parser's own message may quote the address, and with it the password.
        Error::input(
            "database address",
            "is not understood; write postgres://name:password@host:port/database",
        )
    })?;
    Ok(options.application_name("clew").disable_statement_logging())
}

fn pool_lazy(url: &str, config: &StoreConfig, max_connections: u32) -> Result<PgPool> {
    Ok(pool_options(config, max_connections).connect_lazy_with(options(url)?))
}
