//! A limit of requests per tenant, so that one tenant's loop does not slow the others down.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use uuid::Uuid;

use crate::problem::{Problem, Result};

/// Requests per tenant, by a generic cell rate algorithm.
pub(crate) struct Limiter {
    limiter: DefaultKeyedRateLimiter<Uuid>,
    clock: DefaultClock,
}

impl Limiter {
    /// `per_second` on average, `burst` at once; zero counts as one.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(per_second)).allow_burst(at_least_one(burst));
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    /// Counts one request of the tenant.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub(crate) fn check(&self, tenant_id: Uuid) -> Result<()> {
        self.limiter.check_key(&tenant_id).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            Problem::too_many_requests(wait.as_secs() + 1)
        })
    }
}
