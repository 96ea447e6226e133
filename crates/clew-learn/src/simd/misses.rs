//! How far the places of a row are off their target, and where that pulls the row's vector: the inner loop of
//! the implicit factorisation.

use super::Level;

#[cfg(target_arch = "x86_64")]
use super::x86;

/// Numbers in a lane; the vectors are a whole number of lanes long.
pub(crate) const LANE: usize = 16;
/// Lanes up to which a vector and a sum of its length stay in the registers of AVX-512.
const MOST: usize = 8;

pub(crate) type Lane = [f32; LANE];

/// The vectors of some places: `width` lanes for each column, and a value for each place.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    pub(crate) vectors: &'a [Lane],
    pub(crate) width: usize,
    pub(crate) columns: &'a [u32],
    pub(crate) values: &'a [f32],
}

impl<'a> Places<'a> {
    /// The vector of a column.
    #[inline]
    pub(crate) fn vector(&self, column: u32) -> &'a [Lane] {
        let from = column as usize * self.width;
        &self.vectors[from..from + self.width]
    }
}

/// to += Σ value × (target − h·x) × h over the places' vectors h, in the order of the places. `x` and `to` are
/// `width` lanes long.
#[inline]
pub(crate) fn add_misses(level: Level, places: Places<'_>, target: f32, x: &[Lane], to: &mut [Lane]) {
    match level {
        Level::Portable => portable(places, target, x, to),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the token says that the processor has the features.
        Level::Avx2(_) => unsafe { avx2(places, target, x, to) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the token says that the processor has the features.
        Level::Avx512(_) => unsafe {
            match places.width {
                1 => avx512::<1>(places, target, x, to),
                2 => avx512::<2>(places, target, x, to),
                3 => avx512::<3>(places, target, x, to),
                4 => avx512::<4>(places, target, x, to),
                5 => avx512::<5>(places, target, x, to),
                6 => avx512::<6>(places, target, x, to),
                7 => avx512::<7>(places, target, x, to),
                MOST => avx512::<MOST>(places, target, x, to),
                _ => avx2(places, target, x, to),
            }
        },
    }
}

#[inline(always)]
fn portable(places: Places<'_>, target: f32, x: &[Lane], to: &mut [Lane]) {
    for (&column, &value) in places.columns.iter().zip(places.values) {
        let h = places.vector(column);
        let mut dots = [0.0; LANE];
        for (h, x) in h.iter().zip(x) {
            for ((dot, &h), &x) in dots.iter_mut().zip(h).zip(x) {
                *dot = h.mul_add(x, *dot);
            }
        }
        let weight = value * (target - sum(&dots));
        for (to, h) in to.iter_mut().zip(h) {
            for (to, &h) in to.iter_mut().zip(h) {
                *to = weight.mul_add(h, *to);
            }
        }
    }
}

/// The sum of a lane: within its quarters, then over them.
#[inline(always)]
fn sum(lane: &Lane) -> f32 {
    let [a, b, c, d] = [0, 4, 8, 12].map(|q| (lane[q] + lane[q + 2]) + (lane[q + 1] + lane[q + 3]));
    (a + c) + (b + d)
}

/// The twin as the compiler puts it in registers of 8.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2(places: Places<'_>, target: f32, x: &[Lane], to: &mut [Lane]) {
    portable(places, target, x, to);
}

/// Four places at once; x and the sum in registers all the while.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
fn avx512<const W: usize>(places: Places<'_>, target: f32, x: &[Lane], to: &mut [Lane]) {
    use std::arch::x86_64::*;
    let (Some(x), Some(to)) = (x.first_chunk::<W>(), to.first_chunk_mut::<W>()) else { return };
    let (vectors, _) = places.vectors.as_chunks::<W>();
    let (mut turned, mut sums) = ([_mm512_setzero_ps(); W], [_mm512_setzero_ps(); W]);
    for j in 0..W {
        turned[j] = x86::load16(&x[j]);
        sums[j] = x86::load16(&to[j]);
    }
    let (fours, columns) = places.columns.as_chunks::<4>();
    let (values_of_fours, values) = places.values.as_chunks::<4>();
    for (columns, values) in fours.iter().zip(values_of_fours) {
        let h = columns.map(|column| &vectors[column as usize]);
        let mut dots = [_mm512_setzero_ps(); 4];
        for j in 0..W {
            for k in 0..4 {
                dots[k] = _mm512_fmadd_ps(x86::load16(&h[k][j]), turned[j], dots[k]);
            }
        }
        // The four sums at once: after two rounds each quarter holds its part of all four.
        let a = _mm512_add_ps(_mm512_unpacklo_ps(dots[0], dots[1]), _mm512_unpackhi_ps(dots[0], dots[1]));
        let b = _mm512_add_ps(_mm512_unpacklo_ps(dots[2], dots[3]), _mm512_unpackhi_ps(dots[2], dots[3]));
        let (a, b) = (_mm512_castps_pd(a), _mm512_castps_pd(b));
        let c = _mm512_add_ps(
            _mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)),
        );
        let c = _mm512_add_ps(c, _mm512_shuffle_f32x4::<0b01_00_11_10>(c, c));
        let c = _mm512_add_ps(c, _mm512_shuffle_f32x4::<0b10_11_00_01>(c, c));
        let misses = _mm_sub_ps(_mm_set1_ps(target), _mm512_castps512_ps128(c));
        let weights = _mm_mul_ps(_mm_setr_ps(values[0], values[1], values[2], values[3]), misses);
        let weights = [
            _mm512_broadcastss_ps(weights),
            _mm512_broadcastss_ps(_mm_shuffle_ps::<0b01_01_01_01>(weights, weights)),
            _mm512_broadcastss_ps(_mm_shuffle_ps::<0b10_10_10_10>(weights, weights)),
            _mm512_broadcastss_ps(_mm_shuffle_ps::<0b11_11_11_11>(weights, weights)),
        ];
        for j in 0..W {
            for k in 0..4 {
                sums[j] = _mm512_fmadd_ps(weights[k], x86::load16(&h[k][j]), sums[j]);
            }
        }
    }
    for (&column, &value) in columns.iter().zip(values) {
        let h = &vectors[column as usize];
        let mut dot = _mm512_setzero_ps();
        for j in 0..W {
            dot = _mm512_fmadd_ps(x86::load16(&h[j]), turned[j], dot);
        }
        let mut dots = [0.0; LANE];
        x86::store16(&mut dots, dot);
        let weight = _mm512_set1_ps(value * (target - sum(&dots)));
        for j in 0..W {
            sums[j] = _mm512_fmadd_ps(weight, x86::load16(&h[j]), sums[j]);
        }
    }
    for j in 0..W {
        x86::store16(&mut to[j], sums[j]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::levels;

    #[test]
    fn all_levels_give_the_same_bits() {
        let noise = |seed: usize, n: usize| -> Vec<Lane> {
            (0..n)
                .map(|i| std::array::from_fn(|l| ((i * 37 + l * 11 + seed * 101) % 97) as f32 / 97.0 - 0.5))
                .collect()
        };
        for width in 1..=9 {
            for n in 0..11 {
                let vectors = noise(1, 7 * width);
                let columns: Vec<u32> = (0..n as u32).map(|i| i * 3 % 7).collect();
                let values: Vec<f32> = (0..n).map(|i| 1.0 + i as f32 / 3.0).collect();
                let places = Places { vectors: &vectors, width, columns: &columns, values: &values };
                let found = levels().into_iter().map(|level| {
                    let mut to = noise(4, width);
                    add_misses(level, places, 1.0, &noise(3, width), &mut to);
                    to
                });
                let found: Vec<_> = found.collect();
                assert!(found.iter().all(|to| *to == found[0]), "{width} lanes, {n} places");
            }
        }
    }
}
