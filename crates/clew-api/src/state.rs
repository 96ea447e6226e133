//! What every handler can reach: the store, the objects, the serving cache, the pool, the clock, the limits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use chrono::{DateTime, Utc};
use clew_crm::estimate::Limit;
use clew_store::Store;
use clew_store::object::Objects;
use clew_store::quota::Quota;
use clew_store::webhook::Reach;
use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::cache::Cache;
use crate::compute::Compute;
use crate::feed::Feed;
use crate::limit::{Limiter, Requests};
use crate::openid::{OpenIdConfig, Provider};
use crate::password::Passwords;
use crate::serving::Freshness;
use crate::token::TokenConfig;

/// Limits and times of the API. All have defaults.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The largest JSON body, in bytes.
    pub body_max_bytes: usize,
    /// The largest body of `POST /v1/imports`, in bytes.
    pub import_max_bytes: u64,
    /// How long an answer may take; streams and imports are excepted.
    pub request_timeout: Duration,
    /// How long the body of an import may pause.
    pub import_pause: Duration,
    /// Memory for the models and histories that are kept open, in bytes.
    pub serving_memory_bytes: u64,
    /// What a training may need; one that would need more is refused before it starts.
    pub train_limit: Limit,
    /// Requests that one tenant may make.
    pub tenant_requests: Requests,
    /// Requests that one credential of a tenant may make.
    pub credential_requests: Requests,
    /// What one tenant may keep, and have trained at once.
    pub quota: Quota,
    /// How access tokens of members are signed and verified; nobody signs in when absent.
    pub tokens: Option<TokenConfig>,
    /// The outside provider that members may sign in with too.
    pub openid: Option<OpenIdConfig>,
    /// Proxies that are believed about where a request came from.
    pub trusted_proxies: Vec<IpNet>,
    /// What webhooks may reach, beside public addresses.
    pub webhooks: Reach,
    /// The origins (`https://app.example.com`) whose pages may call the API from a browser.
    pub cors_origins: Vec<HeaderValue>,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            body_max_bytes: 2 << 20,
            import_max_bytes: 64 << 30,
            request_timeout: Duration::from_secs(30),
            import_pause: Duration::from_secs(30),
            serving_memory_bytes: 1 << 30,
            train_limit: Limit::default(),
            tenant_requests: Requests { per_second: 4_000, burst: 8_000 },
            credential_requests: Requests { per_second: 2_000, burst: 4_000 },
            quota: Quota { trainings: Some(8), ..Quota::default() },
            tokens: None,
            openid: None,
            trusted_proxies: Vec::new(),
            webhooks: Reach::default(),
            cors_origins: Vec::new(),
        }
    }
}

/// The injected clock.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What [`ApiState`] is made of.
pub struct ApiParts {
    /// Postgres.
    pub store: Store,
    /// Snapshots, models, uploads.
    pub objects: Objects,
    /// The one pool of the process.
    pub pool: Arc<rayon::ThreadPool>,
    /// The clock.
    pub clock: Clock,
    /// Limits and times.
    pub config: ApiConfig,
    /// What `/metrics` renders; see [`crate::metrics::install`].
    pub metrics: PrometheusHandle,
    /// Raised when the process is about to end: `/readyz` says 503, event streams end.
    pub draining: CancellationToken,
}

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    inner: Arc<Inner>,
}

struct Inner {
    parts: ApiParts,
    cache: Cache,
    compute: Compute,
    limiter: Limiter,
    passwords: Passwords,
    openid: Option<Provider>,
    feed: Feed,
    freshness: Freshness,
}

impl fmt::Debug for ApiState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiState").field("config", &self.inner.parts.config).finish_non_exhaustive()
    }
}

impl ApiState {
    /// Puts the parts together.
    pub fn new(parts: ApiParts) -> Self {
        let n_places = parts.pool.current_num_threads();
        let compute = Compute::new(Arc::clone(&parts.pool), n_places, 16 * n_places);
        let cache = Cache::new(parts.config.serving_memory_bytes);
        let limiter = Limiter::new(parts.config.tenant_requests, parts.config.credential_requests);
        let openid = parts.config.openid.clone().map(Provider::new);
        Self {
            inner: Arc::new(Inner {
                parts,
                cache,
                compute,
                limiter,
                passwords: Passwords::new(n_places),
                openid,
                feed: Feed::new(),
                freshness: Freshness::default(),
            }),
        }
    }

    /// Postgres.
    pub fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    /// Snapshots, models, uploads.
    pub fn objects(&self) -> &Objects {
        &self.inner.parts.objects
    }

    /// Limits and times.
    pub fn config(&self) -> &ApiConfig {
        &self.inner.parts.config
    }

    /// The present moment.
    pub fn now(&self) -> DateTime<Utc> {
        (self.inner.parts.clock)()
    }

    /// Raised when the process is about to end.
    pub fn draining(&self) -> &CancellationToken {
        &self.inner.parts.draining
    }

    pub(crate) fn metrics(&self) -> &PrometheusHandle {
        &self.inner.parts.metrics
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(crate) fn compute(&self) -> &Compute {
        &self.inner.compute
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.inner.limiter
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    pub(crate) fn openid(&self) -> Option<&Provider> {
        self.inner.openid.as_ref()
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.inner.feed
    }

    pub(crate) fn freshness(&self) -> &Freshness {
        &self.inner.freshness
    }
}
