//! How much one tenant, and one credential of it, may ask for: requests a second, so that one's loop does not slow the
//! others down, and the room that a tenant's data may take.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use clew_store::Tenant;
use clew_store::quota::{self, Exceeded, Quota};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota as Rate, RateLimiter};
use uuid::Uuid;

use crate::context;
use crate::problem::{Code, Problem, Result};

/// Fields of draft-ietf-httpapi-ratelimit-headers.
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// After so many requests, buckets that are full again are forgotten.
const SWEEP_EVERY: u32 = 10_000;

type Buckets = RateLimiter<Uuid, DefaultKeyedStateStore<Uuid>, DefaultClock, StateInformationMiddleware>;

/// Requests on average and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requests {
    /// A second, on average; 0 counts as 1.
    pub per_second: u32,
    /// At once; 0 counts as 1.
    pub burst: u32,
}

/// One kind of buckets, by a generic cell rate algorithm.
struct Policy {
    name: &'static str,
    requests: Requests,
    buckets: Buckets,
}

/// What is left of a policy after a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    name: &'static str,
    requests: Requests,
    /// Requests that may still be made at once.
    n_left: u32,
    /// Seconds until all may.
    full_in_s: u64,
}

/// Requests per tenant and per credential.
pub(crate) struct Limiter {
    tenants: Policy,
    credentials: Policy,
    addresses: Policy,
    clock: DefaultClock,
    n_requests: AtomicU32,
}

impl Limiter {
    pub(crate) fn new(of_tenant: Requests, of_credential: Requests) -> Self {
        Self {
            tenants: Policy::new("tenant", of_tenant),
            credentials: Policy::new("credential", of_credential),
            addresses: Policy::new("address", of_credential),
            clock: DefaultClock::default(),
            n_requests: AtomicU32::new(0),
        }
    }

    /// Counts one request of the tenant by the credential, and notes what is left for the answer's headers. The
    /// credential goes first: what it is refused is not its tenant's loss.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub(crate) fn check(&self, tenant_id: Uuid, credential_id: Uuid) -> Result<()> {
        self.sweep();
        let credential = self.credentials.check(credential_id, &self.clock);
        let tenant = match &credential {
            Ok(_) => self.tenants.check(tenant_id, &self.clock),
            Err(_) => Ok(None),
        };
        answer([credential, tenant])
    }

    /// Counts one request that needs no credential, by the network that it comes from. An address may ask as often as
    /// a credential may.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub(crate) fn check_open(&self, network: &str) -> Result<()> {
        self.sweep();
        let hash = blake3::hash(network.as_bytes());
        let id = Uuid::from_slice(&hash.as_bytes()[..16]).unwrap_or_default();
        answer([self.addresses.check(id, &self.clock)])
    }

    fn sweep(&self) {
        if self.n_requests.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            for policy in [&self.tenants, &self.credentials, &self.addresses] {
                policy.buckets.retain_recent();
            }
        }
    }
}

/// What a request was counted as: what is left of a policy, none when it was not asked, or the refusal with the seconds
/// to wait.
type Outcome = Result<Option<Left>, (Left, u64)>;

/// Notes what is left for the answer's headers.
fn answer<const N: usize>(outcomes: [Outcome; N]) -> Result<()> {
    let mut left = Vec::new();
    let mut refused = None;
    for outcome in outcomes {
        match outcome {
            Ok(one) => left.extend(one),
            Err((one, wait_s)) => {
                left.push(one);
                refused = Some((one.name, wait_s));
            }
        }
    }
    context::set_limits(left);
    match refused {
        None => Ok(()),
        Some((whose, wait_s)) => {
            let detail = format!("too many requests of this {whose}; come back in {wait_s} s");
            Err(Problem::too_many_requests(detail, wait_s))
        }
    }
}

impl Policy {
    fn new(name: &'static str, requests: Requests) -> Self {
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let (per_second, burst) = (at_least_one(requests.per_second), at_least_one(requests.burst));
        let rate = Rate::per_second(per_second).allow_burst(burst);
        let buckets = RateLimiter::keyed(rate).with_middleware::<StateInformationMiddleware>();
        Self { name, requests: Requests { per_second: per_second.get(), burst: burst.get() }, buckets }
    }

    fn left(&self, n_left: u32) -> Left {
        let n_used = self.requests.burst.saturating_sub(n_left);
        let full_in_s = u64::from(n_used.div_ceil(self.requests.per_second));
        Left { name: self.name, requests: self.requests, n_left, full_in_s }
    }

    fn check(&self, id: Uuid, clock: &DefaultClock) -> Outcome {
        match self.buckets.check_key(&id) {
            Ok(state) => Ok(Some(self.left(state.remaining_burst_capacity()))),
            Err(refused) => Err((self.left(0), refused.wait_time_from(clock.now()).as_secs() + 1)),
        }
    }
}

/// Says in the answer's headers what the caller may still ask for.
pub(crate) fn tell(headers: &mut HeaderMap, limits: &[Left]) {
    let (mut policy, mut state) = (String::new(), String::new());
    for limit in limits {
        let comma = if policy.is_empty() { "" } else { ", " };
        let Requests { per_second, burst } = limit.requests;
        // Writing to a string cannot fail.
        let _ = write!(policy, "{comma}\"{}\";q={burst};w={}", limit.name, burst.div_ceil(per_second));
        let _ = write!(state, "{comma}\"{}\";r={};t={}", limit.name, limit.n_left, limit.full_in_s);
    }
    for (name, value) in [(RATELIMIT_POLICY, policy), (RATELIMIT, state)] {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
}

/// Makes sure that the tenant has room for more rows and files.
///
/// # Errors
/// 507 that says what is full.
pub(crate) async fn check_room(tenant: &mut Tenant<'_>, quota: &Quota) -> Result<()> {
    if quota.rows.is_none() && quota.bytes.is_none() {
        return Ok(());
    }
    match quota::used(tenant).await?.exceeds(&Quota { trainings: None, ..*quota }) {
        Some(exceeded) => Err(Problem::new(Code::StorageFull, exceeded.to_string())),
        None => Ok(()),
    }
}

/// Makes sure that the tenant may have one more training done.
///
/// # Errors
/// 429 when as many as it may have wait or run already, 507 when there is no room for a model.
pub(crate) async fn check_training(tenant: &mut Tenant<'_>, quota: &Quota) -> Result<()> {
    match quota::used(tenant).await?.exceeds(&Quota { rows: None, ..*quota }) {
        Some(exceeded @ Exceeded::Trainings { .. }) => {
            Err(Problem::too_many_requests(format!("{exceeded}; ask again when one has ended"), 60))
        }
        Some(exceeded) => Err(Problem::new(Code::StorageFull, exceeded.to_string())),
        None => Ok(()),
    }
}
