//! A running service: the database, the API, the console and, when asked for, a worker, in this process.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::serve::ListenerExt as _;
use clew_api::token::TokenConfig;
use clew_api::{ApiConfig, ApiParts, ApiState, OpenIdConfig, Requests};
use clew_crm::estimate::Limit;
use clew_store::Store;
use clew_store::object::Objects;
use clew_store::quota::Quota;
use clew_store::webhook::Reach;
use clew_work::{WorkConfig, Worker, WorkerParts};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::Config;
use crate::database::Database;
use crate::failure::WrongUse;
use crate::{memory, runtime};

/// What a worker needs to hand its jobs back, after the time that they get to stop.
const HAND_BACK: Duration = Duration::from_secs(1);

/// A service that answers until it is stopped.
pub(crate) struct Service {
    config: Config,
    database: Database,
    address: SocketAddr,
    ending: CancellationToken,
    /// The server and the worker. They end when told to.
    parts: JoinSet<()>,
}

impl Service {
    /// Takes the port, opens the database with this version's schema, and starts to answer.
    ///
    /// # Errors
    /// When the port is taken, there is no Postgres, the objects cannot be reached; with the remedy.
    pub(crate) async fn start(config: &Config, with_worker: bool) -> anyhow::Result<Self> {
        // The port first: it is what fails most often, and nothing needs undoing.
        let listener = bind(config.listen.0).await?;
        let address = listener.local_addr().context("could not read the port")?;
        let metrics = clew_api::metrics::install().context("could not start the metrics")?;
        let pool = runtime::pool(config.threads)?;
        let database = Database::open_migrated(config).await?;
        let objects = objects(config)?;
        let ending = CancellationToken::new();
        let state = ApiState::new(ApiParts {
            store: database.store.clone(),
            objects: objects.clone(),
            pool,
            clock: runtime::clock(),
            config: api_config(config)?,
            metrics,
            draining: ending.clone(),
        });
        let ahead = clew_api::open_ahead(state.clone());
        let router = clew_api::router(state).merge(clew_console::router());
        let listener = listener.tap_io(|stream| {
            // Answers are small and whole: waiting for more of them only delays.
            let _ = stream.set_nodelay(true);
        });
        let server = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(ending.clone().cancelled_owned());
        let mut parts = JoinSet::new();
        parts.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(error = &error as &dyn std::error::Error, "the server stopped");
            }
        });
        parts.spawn(ahead);
        if with_worker {
            let worker = Worker::new(WorkerParts {
                store: database.store.clone(),
                objects,
                pool: runtime::pool_behind(config.threads)?,
                clock: runtime::clock(),
                config: work_config(config),
            });
            parts.spawn(worker.run(ending.clone()));
        }
        Ok(Self { config: config.clone(), database, address, ending, parts })
    }

    /// The address that the service answers at, as a URL of this machine.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", runtime::reachable(self.address))
    }

    /// The store, for what only the machine's owner may do.
    pub(crate) fn store(&self) -> &Store {
        &self.database.store
    }

    /// Whether the database is a private one.
    pub(crate) fn has_private_database(&self) -> bool {
        self.database.is_private()
    }

    /// Answers until `shutdown`, then ends in good order.
    ///
    /// # Errors
    /// When the server or the worker ended by itself.
    pub(crate) async fn serve(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let lost = tokio::select! {
            () = shutdown.cancelled() => None,
            Some(ended) = self.parts.join_next() => Some(ended),
        };
        self.end().await;
        match lost {
            None => Ok(()),
            Some(Ok(())) => bail!("a part of the service stopped by itself; its last words are in the log"),
            Some(Err(lost)) => Err(lost).context("a part of the service was lost"),
        }
    }

    /// Ends in good order at once: requests under way may finish, jobs are handed back.
    pub(crate) async fn stop(self) {
        self.end().await;
    }

    async fn end(mut self) {
        self.ending.cancel();
        let deadline = Instant::now() + self.config.drain.0 + HAND_BACK;
        let all = async { while self.parts.join_next().await.is_some() {} };
        if timeout_at(deadline, all).await.is_err() {
            tracing::warn!("what did not end in time is cut off");
            self.parts.shutdown().await;
        }
        self.database.close().await;
    }
}

/// Takes the address, or says who may have it and what to do.
pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    match listener {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(WrongUse::new(format!(
            "port {} of {} is in use by another program; choose another with --port or CLEW_LISTEN, or 0 for any free one",
            address.port(),
            address.ip()
        ))
        .into()),
        Err(error) => Err(error).with_context(|| {
            format!("could not listen at {address}; choose an address of this machine and a port above 1023")
        }),
    }
}

/// Opens the object store that the configuration names.
///
/// # Errors
/// When it cannot be opened.
pub(crate) fn objects(config: &Config) -> anyhow::Result<Objects> {
    let place = match &config.objects {
        Some(place) => place.clone(),
        None => config.data_dir.join("objects").display().to_string(),
    };
    let mut options = HashMap::new();
    let mut give = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            options.insert(name.to_owned(), value.to_owned());
        }
    };
    give("endpoint", config.s3_endpoint.as_deref());
    give("region", config.s3_region.as_deref());
    give("access_key_id", config.s3_access_key_id.as_deref());
    give("secret_access_key", config.s3_secret_access_key.as_ref().map(|secret| secret.expose_secret()));
    give("allow_http", config.s3_allow_http.then_some("true"));
    let cache = config.data_dir.join("cache");
    Objects::open_with(&place, &options, Some(&cache)).with_context(|| {
        format!("could not open the object store {place}; check `objects` and the s3 settings")
    })
}

/// How members' tokens are signed. A server that was given no secret draws one: its tokens end with it.
fn tokens(config: &Config) -> anyhow::Result<TokenConfig> {
    let drawn = clew_store::secret::random().context("could not draw a secret for tokens")?;
    let given = [&config.token_secret, &config.token_secret_old].into_iter().flatten();
    let mut secrets: Vec<&[u8]> = given.map(|secret| secret.expose_secret().as_bytes()).collect();
    if config.token_secret.is_none() {
        secrets.insert(0, &drawn);
    }
    TokenConfig::hs256(secrets, "clew", "clew").ok_or_else(|| {
        WrongUse::new("token_secret or token_secret_old has fewer than 32 bytes; give a longer one").into()
    })
}

/// The provider that members may sign in with beside their passwords.
fn openid(config: &Config) -> anyhow::Result<Option<OpenIdConfig>> {
    let Some(issuer) = &config.openid_issuer else { return Ok(None) };
    let given = |setting: &Option<String>| setting.clone().unwrap_or_default();
    let (public_url, client_id) = (given(&config.public_url), given(&config.openid_client_id));
    let secret = config.openid_client_secret.clone();
    OpenIdConfig::new(issuer, &public_url, &client_id, secret, &config.openid_name)
        .map(Some)
        .map_err(|fault| WrongUse::new(fault).into())
}

fn api_config(config: &Config) -> anyhow::Result<ApiConfig> {
    Ok(ApiConfig {
        import_max_bytes: config.import_max.bytes(),
        request_timeout: config.request_timeout.0,
        serving_memory_bytes: config.serving_memory.map_or_else(memory::half, |memory| memory.bytes()),
        train_limit: train_limit(config),
        tenant_requests: requests(config.tenant_requests),
        credential_requests: requests(config.credential_requests),
        quota: quota(config),
        tokens: Some(tokens(config)?),
        openid: openid(config)?,
        webhooks: reach(config),
        cors_origins: config.cors_origins.0.clone(),
        trusted_proxies: config.trusted_proxies.0.clone(),
        ..ApiConfig::default()
    })
}

/// How this process's worker works.
pub(crate) fn work_config(config: &Config) -> WorkConfig {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let run = Uuid::now_v7().simple().to_string();
    // The random end of the id tells apart two lives of one process number.
    let worker_id = format!("{}-{}-{}", host.trim(), std::process::id(), run.get(24..).unwrap_or_default());
    let mut work = WorkConfig::new(worker_id);
    work.n_places = config.work_places.max(1).into();
    work.lease = config.lease.0;
    work.poll = config.poll.0;
    work.drain = config.drain.0;
    work.train_limit = train_limit(config);
    work.webhooks = reach(config);
    work
}

/// So many requests a second, and what they come to in two at once.
fn requests(per_second: u16) -> Requests {
    let per_second = u32::from(per_second);
    Requests { per_second, burst: 2 * per_second }
}

/// What one tenant may keep, and have trained at once.
fn quota(config: &Config) -> Quota {
    Quota {
        rows: config.tenant_rows.map(|millions| u64::from(millions) * 1_000_000),
        bytes: config.tenant_files.map(|files| files.bytes()),
        trainings: Some(config.tenant_trainings.into()),
    }
}

/// What webhooks may reach.
fn reach(config: &Config) -> Reach {
    Reach { networks: config.webhook_networks.0.clone(), plain_http: config.webhook_http }
}

/// What a training may need.
fn train_limit(config: &Config) -> Limit {
    Limit {
        seconds: config.train_time.map(|time| time.0.as_secs_f64()),
        memory_bytes: config.train_memory.map(|memory| memory.bytes()),
        disk_bytes: None,
    }
}
