//! x86-64: the tokens of detection, and loads and stores whose argument's type is the proof of their bounds.

use std::arch::x86_64::*;

use half::f16;

/// Proof that AVX2, FMA and F16C are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx2(());

/// Proof that AVX-512 F, BW, DQ and VL are there, and what [`Avx2`] proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Avx2> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        has.then_some(Avx2(()))
    }
}

impl Avx512 {
    pub(crate) fn detect() -> Option<Avx512> {
        let has = Avx2::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        has.then_some(Avx512(()))
    }
}

/// 8 numbers.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(crate) fn load8(from: &[f32; 8]) -> __m256 {
    // SAFETY: the reference is to 8 readable numbers; the load asks for no alignment.
    unsafe { _mm256_loadu_ps(from.as_ptr()) }
}

/// 8 numbers.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(crate) fn store8(to: &mut [f32; 8], value: __m256) {
    // SAFETY: the reference is to 8 writable numbers; the store asks for no alignment.
    unsafe { _mm256_storeu_ps(to.as_mut_ptr(), value) }
}

/// 16 numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
pub(crate) fn load16(from: &[f32; 16]) -> __m512 {
    // SAFETY: the reference is to 16 readable numbers; the load asks for no alignment.
    unsafe { _mm512_loadu_ps(from.as_ptr()) }
}

/// 16 numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
pub(crate) fn store16(to: &mut [f32; 16], value: __m512) {
    // SAFETY: the reference is to 16 writable numbers; the store asks for no alignment.
    unsafe { _mm512_storeu_ps(to.as_mut_ptr(), value) }
}

/// 8 numbers of double precision.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
pub(crate) fn load_f64x8(from: &[f64; 8]) -> __m512d {
    // SAFETY: the reference is to 8 readable numbers; the load asks for no alignment.
    unsafe { _mm512_loadu_pd(from.as_ptr()) }
}

/// 8 numbers of double precision.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
pub(crate) fn store_f64x8(to: &mut [f64; 8], value: __m512d) {
    // SAFETY: the reference is to 8 writable numbers; the store asks for no alignment.
    unsafe { _mm512_storeu_pd(to.as_mut_ptr(), value) }
}

/// 8 numbers of half precision, widened.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(crate) fn widen8(from: &[f16; 8]) -> __m256 {
    // SAFETY: the reference is to 8 readable halves of 2 bytes; the load asks for no alignment.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(from.as_ptr().cast()) })
}

/// 16 numbers of half precision, widened.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
pub(crate) fn widen16(from: &[f16; 16]) -> __m512 {
    // SAFETY: the reference is to 16 readable halves of 2 bytes; the load asks for no alignment.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
}

/// Asks for the cache line `ahead` elements behind the start of `from`; nothing is read.
#[inline(always)]
pub(crate) fn prefetch<T>(from: &[T], ahead: usize) {
    // SAFETY: a prefetch of any address is allowed: it reads nothing that the program sees and cannot fault.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(from.as_ptr().wrapping_add(ahead).cast()) }
}
