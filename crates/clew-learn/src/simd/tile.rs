//! Inner products of 12 columns with 32 rows, compared with each row's bar before anything is written: the
//! inner loop of the exact best-k.

use super::Level;

#[cfg(target_arch = "x86_64")]
use super::x86;

/// Rows in a panel.
pub(crate) const LANES: usize = 32;
/// Columns in a tile: 12 × 32 sums fill 24 of the 32 registers of AVX-512.
pub(crate) const COLUMNS: usize = 12;

/// What a tile gives where some score reached its row's bar.
pub(crate) struct Hits {
    /// For each column, bit r: row r's score is at least its bar. NaN is not.
    pub(crate) masks: [u32; COLUMNS],
    /// Scores, column by column.
    pub(crate) scores: [[f32; LANES]; COLUMNS],
}

impl Hits {
    pub(crate) fn new() -> Hits {
        Hits { masks: [0; COLUMNS], scores: [[0.0; LANES]; COLUMNS] }
    }
}

/// score(c, r) = Σ_k tile[k][c] · panel[k][r], one chain of fused multiply-adds in the order of k. True when
/// some score reaches its row's bar; only then `hits` is written.
#[inline]
pub(crate) fn score(
    level: Level,
    tile: &[[f32; COLUMNS]],
    panel: &[[f32; LANES]],
    bars: &[f32; LANES],
    hits: &mut Hits,
) -> bool {
    match level {
        Level::Portable => portable(tile, panel, bars, hits),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the token says that the processor has the features.
        Level::Avx2(_) => unsafe { avx2(tile, panel, bars, hits) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the token says that the processor has the features.
        Level::Avx512(_) => unsafe { avx512(tile, panel, bars, hits) },
    }
}

fn portable(tile: &[[f32; COLUMNS]], panel: &[[f32; LANES]], bars: &[f32; LANES], hits: &mut Hits) -> bool {
    let mut sums = [[0.0_f32; LANES]; COLUMNS];
    for (columns, rows) in tile.iter().zip(panel) {
        for (sums, &column) in sums.iter_mut().zip(columns) {
            for (sum, &row) in sums.iter_mut().zip(rows) {
                *sum = column.mul_add(row, *sum);
            }
        }
    }
    let mut masks = [0_u32; COLUMNS];
    for (mask, sums) in masks.iter_mut().zip(&sums) {
        for (lane, (sum, bar)) in sums.iter().zip(bars).enumerate() {
            *mask |= u32::from(sum >= bar) << lane;
        }
    }
    let any = masks.iter().any(|&mask| mask != 0);
    if any {
        *hits = Hits { masks, scores: sums };
    }
    any
}

/// Two halves of 16 rows, each against two halves of 6 columns: 12 sums, 2 rows and a column in 16 registers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2(tile: &[[f32; COLUMNS]], panel: &[[f32; LANES]], bars: &[f32; LANES], hits: &mut Hits) -> bool {
    use std::arch::x86_64::*;
    const PART: usize = COLUMNS / 2;
    let mut masks = [0_u32; COLUMNS];
    let mut all = [[_mm256_setzero_ps(); 4]; COLUMNS];
    let (bars, _) = bars.as_chunks::<8>();
    for half in 0..2 {
        let bars = [x86::load8(&bars[2 * half]), x86::load8(&bars[2 * half + 1])];
        for part in 0..2 {
            let mut sums = [[_mm256_setzero_ps(); 2]; PART];
            for (columns, rows) in tile.iter().zip(panel) {
                let (rows, _) = rows.as_chunks::<8>();
                let rows = [x86::load8(&rows[2 * half]), x86::load8(&rows[2 * half + 1])];
                for (sums, &column) in sums.iter_mut().zip(&columns[part * PART..(part + 1) * PART]) {
                    let column = _mm256_set1_ps(column);
                    sums[0] = _mm256_fmadd_ps(column, rows[0], sums[0]);
                    sums[1] = _mm256_fmadd_ps(column, rows[1], sums[1]);
                }
            }
            for (place, sums) in sums.iter().enumerate() {
                let reached = [0, 1].map(|v| {
                    _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(sums[v], bars[v])).cast_unsigned()
                });
                masks[part * PART + place] |= (reached[0] | reached[1] << 8) << (16 * half);
                all[part * PART + place][2 * half] = sums[0];
                all[part * PART + place][2 * half + 1] = sums[1];
            }
        }
    }
    let any = masks.iter().any(|&mask| mask != 0);
    if any {
        hits.masks = masks;
        for (scores, sums) in hits.scores.iter_mut().zip(&all) {
            let (scores, _) = scores.as_chunks_mut::<8>();
            for (scores, &sum) in scores.iter_mut().zip(sums) {
                x86::store8(scores, sum);
            }
        }
    }
    any
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
fn avx512(tile: &[[f32; COLUMNS]], panel: &[[f32; LANES]], bars: &[f32; LANES], hits: &mut Hits) -> bool {
    use std::arch::x86_64::*;
    let mut sums = [[_mm512_setzero_ps(); 2]; COLUMNS];
    for (columns, rows) in tile.iter().zip(panel) {
        let (rows, _) = rows.as_chunks::<16>();
        let (left, right) = (x86::load16(&rows[0]), x86::load16(&rows[1]));
        for (sums, &column) in sums.iter_mut().zip(columns) {
            let column = _mm512_set1_ps(column);
            sums[0] = _mm512_fmadd_ps(column, left, sums[0]);
            sums[1] = _mm512_fmadd_ps(column, right, sums[1]);
        }
    }
    let (bars, _) = bars.as_chunks::<16>();
    let (left, right) = (x86::load16(&bars[0]), x86::load16(&bars[1]));
    let mut masks = [0_u32; COLUMNS];
    let mut any = 0;
    for (mask, sums) in masks.iter_mut().zip(&sums) {
        let reached = (
            _mm512_cmp_ps_mask::<_CMP_GE_OQ>(sums[0], left),
            _mm512_cmp_ps_mask::<_CMP_GE_OQ>(sums[1], right),
        );
        *mask = u32::from(reached.0) | u32::from(reached.1) << 16;
        any |= *mask;
    }
    if any != 0 {
        hits.masks = masks;
        for (scores, sums) in hits.scores.iter_mut().zip(&sums) {
            let (scores, _) = scores.as_chunks_mut::<16>();
            x86::store16(&mut scores[0], sums[0]);
            x86::store16(&mut scores[1], sums[1]);
        }
    }
    any != 0
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::simd::levels;

    #[test]
    fn all_levels_give_the_same_bits() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        for d in [0, 1, 7, 64, 129] {
            for bar in [f32::MIN, 0.0, 1.0, 1e9] {
                let mut tile = vec![[0.0_f32; COLUMNS]; d];
                let mut panel = vec![[0.0_f32; LANES]; d];
                tile.as_flattened_mut().iter_mut().for_each(|x| *x = rng.random::<f32>() - 0.5);
                panel.as_flattened_mut().iter_mut().for_each(|x| *x = rng.random::<f32>() - 0.5);
                if let Some(first) = tile.first_mut() {
                    first[5] = f32::NAN;
                }
                let mut bars = [bar; LANES];
                bars[9] = f32::INFINITY;
                let mut expected = Hits::new();
                let any = score(Level::Portable, &tile, &panel, &bars, &mut expected);
                for level in levels() {
                    let mut hits = Hits::new();
                    assert_eq!(score(level, &tile, &panel, &bars, &mut hits), any, "{level:?}");
                    assert_eq!(hits.masks, expected.masks, "{level:?}");
                    let bits = |hits: &Hits| hits.scores.map(|row| row.map(f32::to_bits));
                    assert!(bits(&hits) == bits(&expected), "{level:?} {d}");
                }
            }
        }
    }
}
