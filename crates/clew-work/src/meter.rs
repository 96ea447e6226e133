//! How far a job is: written by the arithmetic's threads, read by the heartbeat.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clew_learn::Progress;
use tokio::time::Instant;

/// How far a job is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    /// What is under way.
    pub(crate) phase: String,
    /// The share of the whole that is done, 0..=1, never falling.
    pub(crate) share: f64,
    /// The seconds left at the pace so far, once there is a pace.
    pub(crate) eta_seconds: Option<f64>,
}

/// Where a job's threads say how far they are. Cheap: a lock that nobody holds for long.
#[derive(Debug)]
pub(crate) struct Meter {
    started: Instant,
    state: Mutex<(String, f64)>,
}

/// A pace from less than this share, or less than this time, says nothing yet.
const MIN_SHARE: f64 = 0.02;
const MIN_TIME: Duration = Duration::from_secs(1);

impl Meter {
    /// A meter that starts now, in the phase `starting`.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), state: Mutex::new(("starting".to_owned(), 0.0)) }
    }

    /// The phase under way.
    pub(crate) fn phase(&self) -> String {
        self.lock().0.clone()
    }

    /// How far the job is now.
    pub(crate) fn read(&self) -> Reading {
        self.read_after(self.started.elapsed())
    }

    fn read_after(&self, elapsed: Duration) -> Reading {
        let (phase, share) = self.lock().clone();
        let paced = share >= MIN_SHARE && elapsed >= MIN_TIME;
        let eta_seconds = paced.then(|| elapsed.as_secs_f64() * (1.0 - share) / share);
        Reading { phase, share, eta_seconds }
    }

    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, (String, f64)> {
        // A thread that panicked while holding it left a whole value behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Meter {
    fn report(&self, phase: &str, share: f64) {
        let mut state = self.lock();
        if state.0 != phase {
            phase.clone_into(&mut state.0);
        }
        if share.is_finite() {
            state.1 = state.1.max(share.clamp(0.0, 1.0));
        }
    }
}

/// A part of the job: its 0..=1 are the shares `from..=to` of the whole.
#[derive(Debug)]
pub(crate) struct MeterPart {
    meter: Arc<Meter>,
    from: f64,
    to: f64,
}

impl MeterPart {
    /// The part between two shares of the whole.
    pub(crate) fn new(meter: Arc<Meter>, from: f64, to: f64) -> Self {
        Self { meter, from, to }
    }
}

impl Progress for MeterPart {
    fn report(&self, phase: &str, share: f64) {
        self.meter.report(phase, self.from + (self.to - self.from) * share.clamp(0.0, 1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_never_falls_and_stays_within_bounds() {
        let meter = Meter::new();
        for (share, expected) in [(0.4, 0.4), (0.2, 0.4), (f64::NAN, 0.4), (7.0, 1.0)] {
            meter.report("factorise", share);
            assert_eq!(meter.read().share, expected);
        }
        assert_eq!(meter.phase(), "factorise");
    }

    #[test]
    fn the_estimate_is_the_pace_so_far() {
        let meter = Meter::new();
        meter.report("read", 0.25);
        assert_eq!(meter.read_after(Duration::from_millis(900)).eta_seconds, None);
        assert_eq!(meter.read_after(Duration::from_secs(10)).eta_seconds, Some(30.0));
    }
}
