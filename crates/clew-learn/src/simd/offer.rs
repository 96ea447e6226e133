//! Scores of one offer for stored vectors, and what they add to each cell of a histogram, in one pass.

use half::f16;

use super::Level;

#[cfg(target_arch = "x86_64")]
use super::x86;

/// Cells of the histogram: 64 KB of counts and sums, which stay in a core's cache.
pub(crate) const CELLS: usize = 4_096;
/// Rows that are scored together.
const ROWS: usize = 16;
/// How far ahead memory is asked for, in bytes: the time of a few blocks of rows. The best of 0, 2, 8 and 16 KB
/// beside a plain sum on a quiet machine: 0.78, 0.92, 0.87 and 0.93 of its speed.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 16_384;

/// What is computed for each row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub(crate) vector: &'a [f32],
    pub(crate) bias: f32,
    /// Whether the outcome is the logistic function of the score, or the score itself.
    pub(crate) logistic: bool,
    /// Where the first cell begins, and cells per unit of score.
    pub(crate) low: f32,
    pub(crate) per_unit: f32,
}

/// 1.5 · 2²³: adding it rounds a number below 2²² to a whole one, which then stands in the lowest bits.
const TO_WHOLE: f32 = 12_582_912.0;

/// [rows, sum of outcomes] per cell.
pub(crate) type Cells = [[f64; 2]; CELLS];

impl Plan<'_> {
    /// The cell of a score: never falls as the score rises, as each rounding step keeps the order.
    #[inline(always)]
    pub(crate) fn cell(&self, score: f32) -> u32 {
        let place = (score - self.low) * self.per_unit;
        // Written as two choices (a NaN ends in cell 0) so that it becomes two vector instructions.
        let place = if place > 0.0 { place } else { 0.0 };
        let place = if place < (CELLS - 1) as f32 { place } else { (CELLS - 1) as f32 };
        // Rounded to a whole number that stands in the lowest bits; a cast would ask for NaN once more.
        (place + TO_WHOLE).to_bits() - TO_WHOLE.to_bits()
    }

    /// The expected outcome of a score.
    #[inline(always)]
    pub(crate) fn outcome(&self, score: f32) -> f32 {
        if self.logistic { logistic(score) } else { score }
    }
}

/// 1 / (1 + e⁻ˣ) to about 2 units in the last place, by the same operations on every processor: e⁻ˣ = 2ⁿ eʳ
/// with |r| ≤ ln 2 / 2 and a polynomial of degree 6 (Cody & Waite 1980, argument reduction in two steps).
#[inline(always)]
pub(crate) fn logistic(x: f32) -> f32 {
    let y = -x;
    let y = if y < 87.0 { y } else { 87.0 };
    let y = if y > -87.0 { y } else { -87.0 };
    let shifted = y.mul_add(std::f32::consts::LOG2_E, TO_WHOLE);
    let n = shifted - TO_WHOLE;
    let r = n.mul_add(-0.693_359_4, y);
    let r = n.mul_add(2.121_944_4e-4, r);
    let p = r.mul_add(1.388_888_9e-3, 8.333_333e-3);
    let p = p.mul_add(r, 4.166_666_6e-2);
    let p = p.mul_add(r, 1.666_666_7e-1);
    let p = p.mul_add(r, 0.5);
    let p = p.mul_add(r, 1.0);
    let p = p.mul_add(r, 1.0);
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(TO_WHOLE.to_bits()).wrapping_add(127) << 23);
    let value = 1.0 / p.mul_add(power, 1.0);
    if x.is_nan() { x } else { value }
}

/// Numbers that vectors are stored in.
pub(crate) trait Stored: Copy + Sync {
    /// The number in single precision.
    fn wide(self) -> f32;
    /// Runs the pass with the best body of `level`.
    fn pass(level: Level, rows: &[Self], plan: Plan<'_>, scores: &mut [f32], cells: &mut Cells)
    where
        Self: Sized;
}

/// Writes each row's score and adds it to its cell; `rows` are `scores.len()` × d numbers, d at least 1.
/// The score is `bias` + Σ over k of x[k] · vector[k]: 16 chains of fused multiply-adds (k mod 16), added in
/// halves, quarters and so on, then the last d mod 16 products one by one.
pub(crate) fn pass<T: Stored>(
    level: Level,
    rows: &[T],
    plan: Plan<'_>,
    scores: &mut [f32],
    cells: &mut Cells,
) {
    T::pass(level, rows, plan, scores, cells);
}

/// The scalar twin.
fn portable<T: Stored>(rows: &[T], plan: Plan<'_>, scores: &mut [f32], cells: &mut Cells) {
    for (row, score) in rows.chunks_exact(plan.vector.len()).zip(scores) {
        let (wide, narrow) = plan.vector.as_chunks::<16>();
        let (parts, last) = row.as_chunks::<16>();
        let mut sums = [0.0_f32; 16];
        for (x, y) in parts.iter().zip(wide) {
            for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
                *sum = x.wide().mul_add(*y, *sum);
            }
        }
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                sums[lane] += sums[lane + half];
            }
        }
        let sum = last.iter().zip(narrow).fold(sums[0], |sum, (x, y)| x.wide().mul_add(*y, sum));
        *score = sum + plan.bias;
        count(&plan, std::slice::from_ref(score), cells);
    }
}

/// Adds scores to their cells.
#[inline(always)]
fn count(plan: &Plan<'_>, scores: &[f32], cells: &mut Cells) {
    for &score in scores {
        let cell = &mut cells[plan.cell(score) as usize % CELLS];
        cell[0] += 1.0;
        cell[1] += f64::from(plan.outcome(score));
    }
}

/// As [`count`] for a block, in steps of which the first become vector instructions. Plain loops: a closure
/// handed to `map` would be compiled on its own, without the caller's instruction set.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn count_block(plan: &Plan<'_>, scores: &[f32; ROWS], cells: &mut Cells) {
    let mut places = [0_u32; ROWS];
    for (place, &score) in places.iter_mut().zip(scores) {
        *place = plan.cell(score);
    }
    let mut outcomes = *scores;
    if plan.logistic {
        for outcome in &mut outcomes {
            *outcome = logistic(*outcome);
        }
    }
    for (&place, &outcome) in places.iter().zip(&outcomes) {
        let cell = &mut cells[place as usize % CELLS];
        *cell = [cell[0] + 1.0, cell[1] + f64::from(outcome)];
    }
}

/// One body per stored type and instruction set, which differ in how 16 or 8 numbers are loaded.
macro_rules! bodies {
    ($stored:ty, $avx2:ident, $load8:path, $avx512:ident, $load16:path) => {
        impl Stored for $stored {
            #[inline(always)]
            fn wide(self) -> f32 {
                f32::from(self)
            }

            fn pass(level: Level, rows: &[Self], plan: Plan<'_>, scores: &mut [f32], cells: &mut Cells) {
                match level {
                    Level::Portable => portable(rows, plan, scores, cells),
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: the token says that the processor has the features.
                    Level::Avx2(_) => unsafe {
                        match plan.vector.len() {
                            64 => $avx2::<4>(rows, plan, scores, cells),
                            128 => $avx2::<8>(rows, plan, scores, cells),
                            _ => $avx2::<0>(rows, plan, scores, cells),
                        }
                    },
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: the token says that the processor has the features.
                    Level::Avx512(_) => unsafe {
                        match plan.vector.len() {
                            64 => $avx512::<4>(rows, plan, scores, cells),
                            128 => $avx512::<8>(rows, plan, scores, cells),
                            _ => $avx512::<0>(rows, plan, scores, cells),
                        }
                    },
                }
            }
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
        fn $avx512<const PARTS: usize>(
            rows: &[$stored],
            plan: Plan<'_>,
            scores: &mut [f32],
            cells: &mut Cells,
        ) {
            use std::arch::x86_64::*;
            // A length known beforehand lets the loops over a row be unrolled.
            let d = if PARTS > 0 { 16 * PARTS } else { plan.vector.len() };
            let (wide, narrow) = plan.vector[..d].as_chunks::<16>();
            let (blocks, rest) = scores.as_chunks_mut::<ROWS>();
            let left = blocks.len() * ROWS * d;
            for (block, scores) in rows.chunks_exact(ROWS * d).zip(blocks) {
                let mut sums = [_mm512_setzero_ps(); ROWS];
                for (row, sum) in block.chunks_exact(d).zip(&mut sums) {
                    for line in (0..d * size_of::<$stored>()).step_by(64) {
                        x86::prefetch(row, (AHEAD + line) / size_of::<$stored>());
                    }
                    for (x, y) in row.as_chunks::<16>().0.iter().zip(wide) {
                        *sum = _mm512_fmadd_ps($load16(x), x86::load16(y), *sum);
                    }
                }
                // 16 sums of 16 lanes to one vector of 16 sums: lanes + 8, + 4, + 2, + 1.
                let quarter = |e: usize| {
                    let eight = |a: usize, b: usize| {
                        _mm512_add_ps(
                            _mm512_shuffle_f32x4::<0x44>(sums[a], sums[b]),
                            _mm512_shuffle_f32x4::<0xEE>(sums[a], sums[b]),
                        )
                    };
                    let (a, b) = (eight(e, e + 4), eight(e + 8, e + 12));
                    _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xDD>(a, b))
                };
                let two = |a: __m512, b: __m512| {
                    _mm512_add_ps(_mm512_shuffle_ps::<0x44>(a, b), _mm512_shuffle_ps::<0xEE>(a, b))
                };
                let (a, b) = (two(quarter(0), quarter(1)), two(quarter(2), quarter(3)));
                let sum = _mm512_add_ps(_mm512_shuffle_ps::<0x88>(a, b), _mm512_shuffle_ps::<0xDD>(a, b));
                x86::store16(scores, sum);
                finish(block, d, narrow, &plan, scores);
                count_block(&plan, scores, cells);
            }
            portable(&rows[left..], plan, rest, cells);
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,f16c")]
        fn $avx2<const PARTS: usize>(
            rows: &[$stored],
            plan: Plan<'_>,
            scores: &mut [f32],
            cells: &mut Cells,
        ) {
            use std::arch::x86_64::*;
            // A length known beforehand lets the loops over a row be unrolled.
            let d = if PARTS > 0 { 16 * PARTS } else { plan.vector.len() };
            let (wide, narrow) = plan.vector[..d].as_chunks::<16>();
            let (blocks, rest) = scores.as_chunks_mut::<ROWS>();
            let left = blocks.len() * ROWS * d;
            for (block, scores) in rows.chunks_exact(ROWS * d).zip(blocks) {
                for (half, scores) in scores.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                    let mut sums = [_mm256_setzero_ps(); 8];
                    let rows = block[half * 8 * d..(half + 1) * 8 * d].chunks_exact(d);
                    for (row, sum) in rows.zip(&mut sums) {
                        for line in (0..d * size_of::<$stored>()).step_by(64) {
                            x86::prefetch(row, (AHEAD + line) / size_of::<$stored>());
                        }
                        let mut upper = _mm256_setzero_ps();
                        for (x, y) in row.as_chunks::<16>().0.iter().zip(wide) {
                            let ((x, _), (y, _)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
                            *sum = _mm256_fmadd_ps($load8(&x[0]), x86::load8(&y[0]), *sum);
                            upper = _mm256_fmadd_ps($load8(&x[1]), x86::load8(&y[1]), upper);
                        }
                        *sum = _mm256_add_ps(*sum, upper);
                    }
                    let quarter = |e: usize| {
                        _mm256_add_ps(
                            _mm256_permute2f128_ps::<0x20>(sums[e], sums[e + 4]),
                            _mm256_permute2f128_ps::<0x31>(sums[e], sums[e + 4]),
                        )
                    };
                    let two = |a: __m256, b: __m256| {
                        _mm256_add_ps(_mm256_shuffle_ps::<0x44>(a, b), _mm256_shuffle_ps::<0xEE>(a, b))
                    };
                    let (a, b) = (two(quarter(0), quarter(1)), two(quarter(2), quarter(3)));
                    let sum = _mm256_add_ps(_mm256_shuffle_ps::<0x88>(a, b), _mm256_shuffle_ps::<0xDD>(a, b));
                    x86::store8(scores, sum);
                }
                finish(block, d, narrow, &plan, scores);
                count_block(&plan, scores, cells);
            }
            portable(&rows[left..], plan, rest, cells);
        }
    };
}

/// Adds what is left of each row behind its last 16 numbers, and the bias.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn finish<T: Stored>(block: &[T], d: usize, narrow: &[f32], plan: &Plan<'_>, scores: &mut [f32; ROWS]) {
    if !narrow.is_empty() {
        for (row, score) in block.chunks_exact(d).zip(scores.iter_mut()) {
            let last = &row[d - narrow.len()..];
            *score = last.iter().zip(narrow).fold(*score, |sum, (x, y)| x.wide().mul_add(*y, sum));
        }
    }
    for score in scores {
        *score += plan.bias;
    }
}

bodies!(f16, half_avx2, x86::widen8, half_avx512, x86::widen16);
bodies!(f32, single_avx2, x86::load8, single_avx512, x86::load16);

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::simd::levels;

    fn all_levels<T: Stored>(store: fn(f32) -> T) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        for (n, d) in [(1, 1), (16, 16), (37, 64), (50, 7), (33, 100)] {
            let rows: Vec<T> = (0..n * d).map(|_| store(4.0 * rng.random::<f32>() - 2.0)).collect();
            let vector: Vec<f32> = (0..d).map(|_| rng.random::<f32>() - 0.5).collect();
            for logistic in [false, true] {
                let plan = Plan { vector: &vector, bias: -1.0, logistic, low: -4.0, per_unit: 500.0 };
                let once = |level| {
                    let (mut scores, mut cells) = (vec![0.0; n], Box::new([[0.0; 2]; CELLS]));
                    pass(level, &rows, plan, &mut scores, &mut cells);
                    let bits: Vec<u32> = scores.iter().map(|score| score.to_bits()).collect();
                    (bits, cells)
                };
                let expected = once(Level::Portable);
                assert_eq!(expected.1.iter().map(|cell| cell[0]).sum::<f64>(), n as f64);
                for level in levels() {
                    assert!(once(level) == expected, "{level:?} {n} × {d}");
                }
            }
        }
    }

    #[test]
    fn all_levels_give_the_same_bits() {
        all_levels(f16::from_f32);
        all_levels(|value| value);
    }

    #[test]
    fn the_logistic_function_is_right_and_does_not_fall() {
        let mut before = 0.0;
        for step in -4_000_i16..=4_000 {
            let x = f32::from(step) / 40.0;
            let exact = 1.0 / (1.0 + f64::from(-x).exp());
            let got = logistic(x);
            assert!((f64::from(got) - exact).abs() <= 4e-7 * exact + 1e-37, "{x}: {got} against {exact}");
            assert!(got >= before, "{x}");
            before = got;
        }
        assert!(logistic(f32::NAN).is_nan());
        assert_eq!(logistic(f32::INFINITY), 1.0);
    }
}
