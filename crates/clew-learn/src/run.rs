//! What a computation is given to run with: threads, seed, progress and a stop flag. Nothing global.

use std::sync::atomic::{AtomicBool, Ordering};

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::error::{Error, Result};

/// The surroundings of one computation. Cheap to copy; pass it by reference.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The thread pool; every parallel part runs inside `pool.install`.
    pub pool: &'a rayon::ThreadPool,
    /// The seed that all randomness of the run comes from.
    pub seed: u64,
    /// Who is told how far the run is.
    pub progress: &'a dyn Progress,
    /// Raised by another thread to end the run early.
    pub stop: &'a Stop,
}

impl<'a> Run<'a> {
    /// `Err(Error::Stopped)` once the stop flag is up. Estimators call it between chunks of work.
    pub fn check(&self) -> Result<()> {
        if self.stop.is_stopped() { Err(Error::Stopped) } else { Ok(()) }
    }

    /// A generator of its own for `stream`: the same (seed, stream) always gives the same numbers, and two
    /// streams have nothing to do with each other.
    pub fn rng(&self, stream: u64) -> Xoshiro256PlusPlus {
        // Both go through SplitMix's finaliser, so that neighbouring seeds and streams do not overlap.
        Xoshiro256PlusPlus::seed_from_u64(mix(mix(self.seed) ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// Tells the progress: `share` of the whole is done (0..=1), now in `phase`.
    pub fn report(&self, phase: &str, share: f64) {
        self.progress.report(phase, share.clamp(0.0, 1.0));
    }

    /// The same run that reports to somebody else, for instance to a [`Part`].
    pub fn with_progress<'b>(&self, progress: &'b dyn Progress) -> Run<'b>
    where
        'a: 'b,
    {
        Run { pool: self.pool, seed: self.seed, progress, stop: self.stop }
    }

    /// The same run with a seed of its own for `stream`, for a part that is repeated.
    pub fn with_stream(&self, stream: u64) -> Run<'a> {
        Run { seed: mix(self.seed ^ mix(stream)), ..*self }
    }
}

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): 64 bits of which each depends on all of the value's.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Is told how far a run is.
pub trait Progress: Sync {
    /// `share` of the whole run is done (0..=1); `phase` says what is under way.
    fn report(&self, phase: &str, share: f64);
}

/// A [`Progress`] that says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _phase: &str, _share: f64) {}
}

/// A [`Progress`] that maps 0..=1 of a part into `from..=to` of the whole.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    whole: &'a dyn Progress,
    from: f64,
    to: f64,
}

impl<'a> Part<'a> {
    /// The part of `whole` between the shares `from` and `to`.
    pub fn new(whole: &'a dyn Progress, from: f64, to: f64) -> Part<'a> {
        Part { whole, from, to }
    }
}

impl Progress for Part<'_> {
    fn report(&self, phase: &str, share: f64) {
        self.whole.report(phase, self.from + (self.to - self.from) * share.clamp(0.0, 1.0));
    }
}

/// A flag that one thread raises and the run looks at between chunks of work.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    /// A flag that is down.
    pub const fn new() -> Stop {
        Stop(AtomicBool::new(false))
    }

    /// Raises the flag; it cannot be lowered again.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is up.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
