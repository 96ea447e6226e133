//! Histograms: the sums of slope and curvature in every bin of every feature.

use rayon::prelude::*;

use super::slopes::{BLOCK, Slopes, widen};
use crate::binning::{PACK, Packed};
use crate::simd::ahead::prefetch;

/// Bins of one feature.
pub(super) const BINS: usize = 256;
/// Bins of a pack of features.
const CELLS: usize = PACK * BINS;
/// How many rows ahead memory is asked for.
const AHEAD: usize = 24;
/// Rows for which a thread of their own pays.
const SHARE: usize = 16_384;
/// Rows for which threads pay at all.
pub(super) const FEW: usize = 1_024;

/// Sums of one pack of features, bin by bin.
#[derive(Clone)]
pub(super) struct Histogram(Box<[[i64; 2]]>);

/// Which places of each pack are added up.
pub(super) struct Used(Vec<Vec<u8>>);

impl Used {
    /// From whether each feature is used.
    pub(super) fn new(usable: &[bool]) -> Used {
        let places =
            |pack: &[bool]| (0..PACK as u8).zip(pack).filter(|(_, used)| **used).map(|(at, _)| at).collect();
        Used(usable.chunks(PACK).map(places).collect())
    }
}

impl Histogram {
    fn empty() -> Histogram {
        Histogram(vec![[0; 2]; CELLS].into_boxed_slice())
    }

    /// The histogram of each pack over `rows`. Whole numbers add up to the same in any order, so how the rows
    /// are shared among threads leaves no trace.
    pub(super) fn of_rows(bins: &Packed, rows: &[u32], slopes: &Slopes, used: &Used) -> Vec<Histogram> {
        let all = 0..bins.n_packs;
        if rows.len() < FEW {
            return Histogram::of_part(bins, rows, slopes, used, all);
        }
        let n_parts = (rows.len() / SHARE).min(4 * rayon::current_num_threads());
        if n_parts < 2 {
            return all
                .into_par_iter()
                .flat_map_iter(|pack| Histogram::of_part(bins, rows, slopes, used, pack..pack + 1))
                .collect();
        }
        rows.par_chunks(rows.len().div_ceil(n_parts))
            .map(|rows| Histogram::of_part(bins, rows, slopes, used, all.clone()))
            .reduce_with(|mut a, b| {
                a.iter_mut().zip(&b).for_each(|(a, b)| a.add(b));
                a
            })
            .unwrap_or_default()
    }

    fn of_part(
        bins: &Packed,
        rows: &[u32],
        slopes: &Slopes,
        used: &Used,
        packs: std::ops::Range<usize>,
    ) -> Vec<Histogram> {
        let mut sums: Vec<Histogram> = packs.clone().map(|_| Histogram::empty()).collect();
        let mut narrow = Box::new([0_u64; CELLS]);
        for block in rows.chunks(BLOCK) {
            for (pack, sums) in packs.clone().zip(&mut sums) {
                let places = &used.0[pack];
                if places.is_empty() {
                    continue;
                }
                narrow.fill(0);
                // Sums that nobody reads cost less than choosing among the places.
                let whole = 2 * places.len() > PACK;
                for (at, &row) in block.iter().enumerate() {
                    // The rows of a leaf lie scattered: without this most of the time is waiting for them.
                    if let Some(&later) = block.get(at + AHEAD) {
                        prefetch(&bins.rows, later as usize * bins.n_packs + pack);
                        prefetch(&slopes.rows, later as usize);
                    }
                    let (bins, slope) =
                        (&bins.rows[row as usize * bins.n_packs + pack], slopes.rows[row as usize]);
                    if whole {
                        add_all(&mut narrow, bins, slope);
                    } else {
                        add_some(&mut narrow, bins, slope, places);
                    }
                }
                for (sum, &narrow) in sums.0.iter_mut().zip(narrow.iter()) {
                    let wide = widen(narrow);
                    *sum = [sum[0] + wide[0], sum[1] + wide[1]];
                }
            }
        }
        slopes.giants_among(rows, |row, slope| {
            for (pack, sums) in packs.clone().zip(&mut sums) {
                let bins = bins.rows[row as usize * bins.n_packs + pack];
                for (feature, &bin) in sums.0.chunks_exact_mut(BINS).zip(&bins) {
                    let sum = &mut feature[usize::from(bin)];
                    *sum = [sum[0] + slope[0], sum[1] + slope[1]];
                }
            }
        });
        sums
    }

    fn add(&mut self, other: &Histogram) {
        for (sum, other) in self.0.iter_mut().zip(&other.0) {
            *sum = [sum[0] + other[0], sum[1] + other[1]];
        }
    }

    /// Takes a part of the rows out: what is left is the sibling's.
    pub(super) fn subtract(&mut self, part: &Histogram) {
        for (sum, part) in self.0.iter_mut().zip(&part.0) {
            *sum = [sum[0] - part[0], sum[1] - part[1]];
        }
    }

    /// The bins of the pack's feature at `place`.
    pub(super) fn feature(&self, place: usize) -> &[[i64; 2]] {
        &self.0[place * BINS..(place + 1) * BINS]
    }
}

#[inline(always)]
fn add_all(sums: &mut [u64; CELLS], bins: &[u8; PACK], slope: u64) {
    for (place, &bin) in bins.iter().enumerate() {
        let sum = &mut sums[place * BINS + usize::from(bin)];
        *sum = sum.wrapping_add(slope);
    }
}

#[inline(always)]
fn add_some(sums: &mut [u64; CELLS], bins: &[u8; PACK], slope: u64, places: &[u8]) {
    for &place in places {
        let place = usize::from(place) % PACK;
        let sum = &mut sums[place * BINS + usize::from(bins[place])];
        *sum = sum.wrapping_add(slope);
    }
}
