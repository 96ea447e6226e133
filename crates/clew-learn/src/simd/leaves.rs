//! Which leaf of a tree each row of a block falls in, without a branch: a cut that a row fails strikes out the leaves to
//! its left, and the first leaf that is left is the row's.

use super::Level;
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::columns::{BLOCK, Column};

/// Rows that stay in registers while a tree's cuts go by.
const LANE: usize = 32;
/// Most leaves of a tree.
pub(crate) const LEAVES: usize = 32;

/// A cut of a tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cut {
    pub(crate) column: u32,
    /// Up to this, left.
    pub(crate) cut: f32,
    /// A bit for each leaf that a row on the right may still fall in.
    pub(crate) keep: u32,
}

/// A tree: the cuts at which a missing value goes right, then those at which it goes left; its leaves from the left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tree<'a> {
    pub(crate) missing_right: &'a [Cut],
    pub(crate) missing_left: &'a [Cut],
    pub(crate) leaves: &'a [f32; LEAVES],
}

/// Adds to each row what its leaf of each tree says, tree by tree.
#[inline]
pub(crate) fn add_leaves<'a>(
    level: Level,
    columns: &[Column],
    trees: impl Iterator<Item = Tree<'a>>,
    to: &mut [f64; BLOCK],
) {
    match level {
        Level::Portable => portable(columns, trees, to),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the token says that the processor has the features.
        Level::Avx2(_) => unsafe { avx2(columns, trees, to) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the token says that the processor has the features.
        Level::Avx512(_) => unsafe { avx512(columns, trees, to) },
    }
}

#[inline(always)]
fn portable<'a>(columns: &[Column], trees: impl Iterator<Item = Tree<'a>>, to: &mut [f64; BLOCK]) {
    for tree in trees {
        for (part, to) in to.as_chunks_mut::<LANE>().0.iter_mut().enumerate() {
            let mut left = [u32::MAX; LANE];
            for cut in tree.missing_right {
                let values = &columns[cut.column as usize].as_chunks::<LANE>().0[part];
                for (left, &value) in left.iter_mut().zip(values) {
                    *left &= if value <= cut.cut { u32::MAX } else { cut.keep };
                }
            }
            for cut in tree.missing_left {
                let values = &columns[cut.column as usize].as_chunks::<LANE>().0[part];
                for (left, &value) in left.iter_mut().zip(values) {
                    *left &= if value > cut.cut { cut.keep } else { u32::MAX };
                }
            }
            for (to, left) in to.iter_mut().zip(left) {
                *to += f64::from(tree.leaves[left.trailing_zeros() as usize % LEAVES]);
            }
        }
    }
}

/// The twin as the compiler puts it in registers of 8.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2<'a>(columns: &[Column], trees: impl Iterator<Item = Tree<'a>>, to: &mut [f64; BLOCK]) {
    portable(columns, trees, to);
}

/// All 64 rows and their sums in registers all the while.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
fn avx512<'a>(columns: &[Column], trees: impl Iterator<Item = Tree<'a>>, to: &mut [f64; BLOCK]) {
    use std::arch::x86_64::*;
    let mut sums = [_mm512_setzero_pd(); 8];
    for (sum, to) in sums.iter_mut().zip(to.as_chunks::<8>().0) {
        *sum = x86::load_f64x8(to);
    }
    for tree in trees {
        let mut left = [_mm512_set1_epi32(-1); 4];
        for cut in tree.missing_right {
            let (at, keep) = (_mm512_set1_ps(cut.cut), _mm512_set1_epi32(cut.keep as i32));
            let values = columns[cut.column as usize].as_chunks::<16>().0;
            for (left, values) in left.iter_mut().zip(values) {
                let failed = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(x86::load16(values), at);
                *left = _mm512_mask_and_epi32(*left, failed, *left, keep);
            }
        }
        for cut in tree.missing_left {
            let (at, keep) = (_mm512_set1_ps(cut.cut), _mm512_set1_epi32(cut.keep as i32));
            let values = columns[cut.column as usize].as_chunks::<16>().0;
            for (left, values) in left.iter_mut().zip(values) {
                let failed = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(x86::load16(values), at);
                *left = _mm512_mask_and_epi32(*left, failed, *left, keep);
            }
        }
        let [first, second] = [0, 1].map(|half| {
            let leaves = tree.leaves.as_chunks::<16>().0;
            x86::load16(&leaves[half])
        });
        for (left, sums) in left.into_iter().zip(sums.as_chunks_mut::<2>().0) {
            // The lowest bit alone, as a float: its exponent is the bit's place, 127 higher.
            let lowest = _mm512_and_si512(left, _mm512_sub_epi32(_mm512_setzero_si512(), left));
            let exponent = _mm512_srli_epi32::<23>(_mm512_castps_si512(_mm512_cvtepu32_ps(lowest)));
            let place = _mm512_sub_epi32(exponent, _mm512_set1_epi32(127));
            let values = _mm512_permutex2var_ps(first, place, second);
            sums[0] = _mm512_add_pd(sums[0], _mm512_cvtps_pd(_mm512_castps512_ps256(values)));
            sums[1] = _mm512_add_pd(sums[1], _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(values)));
        }
    }
    for (sum, to) in sums.into_iter().zip(to.as_chunks_mut::<8>().0) {
        x86::store_f64x8(to, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::levels;

    #[test]
    fn rows_fall_in_the_same_leaves_at_every_level() {
        // x0 ≤ 1 ? (x1 ≤ 0 ? a : b) : (x1 ≤ 2, missing left ? c : d)
        let cut = |column, cut, keep| Cut { column, cut, keep };
        let right = [cut(0, 1.0, !0b11), cut(1, 0.0, !0b1)];
        let left = [cut(1, 2.0, !0b100)];
        let mut leaves = [f32::NAN; LEAVES];
        leaves[..4].copy_from_slice(&[0.1, 0.2, 0.3, 0.4]);
        let tree = Tree { missing_right: &right, missing_left: &left, leaves: &leaves };
        let mut columns = [[0.0; BLOCK]; 2];
        let shown = [-1.0, 0.0, 1.0, 1.5, 2.0, 2.5, f32::NAN, f32::INFINITY];
        for i in 0..BLOCK {
            (columns[0][i], columns[1][i]) = (shown[i / 8], shown[i % 8]);
        }
        for level in levels() {
            let mut sums = [0.5; BLOCK];
            add_leaves(level, &columns, [tree, tree].into_iter(), &mut sums);
            for i in 0..BLOCK {
                let (a, b) = (columns[0][i], columns[1][i]);
                let leaf = if a <= 1.0 {
                    if b <= 0.0 { 0 } else { 1 }
                } else if b > 2.0 {
                    3
                } else {
                    2
                };
                let value = f64::from(leaves[leaf]);
                assert_eq!(sums[i], 0.5 + value + value, "{level:?} {a} {b}");
            }
        }
    }
}
