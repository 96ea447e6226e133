//! The hot loops by hand, chosen at run time: AVX-512 or AVX2 with FMA and F16C where the processor has them,
//! a scalar twin elsewhere. The only place of `unsafe` in this crate.
//!
//! One kernel per file. Each has three bodies behind one safe function that takes a [`Level`]: the scalar
//! twin, which also says what the kernel computes, and one per instruction set. A test holds the twins to
//! equal bits over [`levels`]: sums are the same chains of fused multiply-adds in the same order, so results
//! do not depend on the processor either.
//!
//! Inside a `#[target_feature]` function the intrinsics that touch no memory are safe. What stays unsafe:
//! loads and stores, wrapped in [`x86`] so that the type of the argument is the proof; and the call itself,
//! whose proof is the token in the level: one exists only after the processor was asked.
#![allow(
    unsafe_code,
    reason = "SIMD loads, stores and calls behind run-time detection; proofs at each place"
)]

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

pub(crate) mod ahead;
pub(crate) mod columns;
pub(crate) mod leaves;
pub(crate) mod misses;
pub(crate) mod offer;
pub(crate) mod tile;

/// What the processor can do; made only by [`level`] and [`levels`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Plain Rust.
    Portable,
    /// 8 lanes: AVX2, FMA, F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    /// 16 lanes: AVX-512 F, BW, DQ and VL, and all of AVX2's.
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
}

/// The best level of this processor (the standard library asks it once and keeps the answer).
pub(crate) fn level() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(token) = x86::Avx512::detect() {
            return Level::Avx512(token);
        }
        if let Some(token) = x86::Avx2::detect() {
            return Level::Avx2(token);
        }
    }
    Level::Portable
}

/// Every level that this processor has, for the tests that compare them.
#[cfg(test)]
pub(crate) fn levels() -> Vec<Level> {
    #[cfg(target_arch = "x86_64")]
    return [
        Some(Level::Portable),
        x86::Avx2::detect().map(Level::Avx2),
        x86::Avx512::detect().map(Level::Avx512),
    ]
    .into_iter()
    .flatten()
    .collect();
    #[cfg(not(target_arch = "x86_64"))]
    vec![Level::Portable]
}
