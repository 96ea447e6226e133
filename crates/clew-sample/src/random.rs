//! Chance: one small generator per (seed, stream, number), and the distributions a shop needs.

use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The generator of one customer, product or campaign: nothing else draws from it.
pub(crate) struct Chance(Xoshiro256PlusPlus);

/// What a generator is for; keeps the streams of one seed apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Effect = 1,
    Brand,
    Product,
    Campaign,
    Customer,
    Life,
    Pilot,
    Fill,
}

impl Chance {
    /// The generator number `n` of a stream.
    pub(crate) fn new(seed: u64, stream: Stream, n: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(mix(mix(seed ^ ((stream as u64) << 56)).wrapping_add(n))))
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        self.0.random()
    }

    /// Uniform in 0..1, in full precision.
    pub(crate) fn unit64(&mut self) -> f64 {
        self.0.random()
    }

    /// True with this probability.
    pub(crate) fn happens(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Uniform in `0..n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.0.random_range(0..n) }
    }

    /// Uniform in `from..to`; `from` when the range is empty.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        if from >= to { from } else { self.0.random_range(from..to) }
    }

    /// Normal with mean 0 and standard deviation 1 (the sum of four uniforms is near enough for tastes and
    /// far cheaper than the exact one; it ends at ±3.5).
    pub(crate) fn normal(&mut self) -> f32 {
        let bits = self.0.random::<u64>();
        // Four 16-bit uniforms: mean 2, variance 1/3.
        let sum: u64 = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        (sum as f32 / 65_536.0 - 2.0) * 1.732_050_8
    }

    /// Exponential with this mean.
    pub(crate) fn exponential(&mut self, mean: f32) -> f32 {
        -(1.0 - self.unit()).ln() * mean
    }

    /// Gamma with shape 4 and this mean: waiting times with a rhythm.
    pub(crate) fn rhythm(&mut self, mean: f32) -> f32 {
        let product: f32 = (0..4).map(|_| 1.0 - self.unit()).product();
        -product.max(1e-30).ln() * mean / 4.0
    }

    /// 0, 1, 2, … with this mean.
    pub(crate) fn geometric(&mut self, mean: f32) -> usize {
        let go_on = mean / (1.0 + mean);
        let mut n = 0;
        while n < 20 && self.happens(go_on) {
            n += 1;
        }
        n
    }

    /// The place of a draw in a cumulative table (its last entry is the total).
    pub(crate) fn pick(&mut self, cumulative: &[f32]) -> usize {
        let total = cumulative.last().copied().unwrap_or(0.0);
        let draw = self.unit() * total;
        cumulative.partition_point(|&sum| sum <= draw).min(cumulative.len().saturating_sub(1))
    }
}

/// The running sums of some weights, for [`Chance::pick`].
pub(crate) fn cumulate(weights: impl IntoIterator<Item = f32>) -> Vec<f32> {
    let mut sum = 0.0_f64;
    let add = |weight: f32| {
        sum += f64::from(weight.max(0.0));
        sum as f32
    };
    weights.into_iter().map(add).collect()
}

/// SplitMix64's finaliser (Steele, Lea, Flood 2014).
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
