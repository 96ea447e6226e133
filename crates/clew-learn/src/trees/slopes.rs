//! Slopes and curvatures of the loss as whole numbers: sums of them are exact, so the order of rows and the
//! number of threads leave no trace (whole-number training: Shi et al. 2022, here with 20 bits, not 3).

use std::sync::atomic::{AtomicU16, Ordering};

use rayon::prelude::*;

use crate::error::Result;
use crate::loss::Loss;
use crate::run::Run;

/// Rows whose narrow sums cannot run over: 2¹² slopes below 2¹⁹ and curvatures below 2²⁰.
pub(super) const BLOCK: usize = 1 << 12;
const LARGEST_SLOPE: i64 = (1 << 19) - 1;
const LARGEST_CURVATURE: i64 = (1 << 20) - 1;
/// Rows beyond this many times the mean are giants: kept apart, so that the others keep their precision.
const GIANT: f64 = 64.0;
const CHUNK: usize = 8_192;
/// Nothing pulls harder than this, so that no f32 runs over.
const FARTHEST: f64 = 1e30;

/// A slope in the upper half and a curvature in the lower one: one addition adds both.
fn narrow(slope: i64, curvature: i64) -> u64 {
    ((slope << 32) + curvature) as u64
}

/// The two halves of a sum of narrow numbers.
#[inline(always)]
pub(super) fn widen(sum: u64) -> [i64; 2] {
    [i64::from((sum >> 32) as u32 as i32), i64::from(sum as u32)]
}

/// A row whose numbers are too large for the narrow form.
#[derive(Debug, Clone, Copy)]
struct Giant {
    row: u32,
    sums: [i64; 2],
}

/// What every row pulls, and how strongly.
pub(super) struct Slopes {
    loss: Loss,
    scores: Vec<f64>,
    /// The leaf that each row is in, in the last grown tree.
    pub(super) leaf: Vec<AtomicU16>,
    /// Before [`Slopes::round`] the bits of two f32, after it the narrow form.
    pub(super) rows: Vec<u64>,
    giants: Vec<Giant>,
    /// Sums of |slope|, curvature, the largest of both, and the rows with any weight.
    spread: Spread,
    /// What one of the whole numbers is worth.
    pub(super) unit: [f64; 2],
    /// Sums over all rows.
    pub(super) whole: [i64; 2],
}

#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    sums: [f64; 2],
    most: [f64; 2],
    n: f64,
}

impl Slopes {
    pub(super) fn new(loss: Loss, n: usize, base: f64) -> Slopes {
        Slopes {
            loss,
            scores: vec![base; n],
            leaf: (0..n).map(|_| AtomicU16::new(0)).collect(),
            rows: vec![0; n],
            giants: Vec::new(),
            spread: Spread::default(),
            unit: [1.0; 2],
            whole: [0; 2],
        }
    }

    /// Adds to each row's score the value of the leaf it is in, and takes slope and curvature there. Gives the
    /// weight in each leaf.
    pub(super) fn advance(
        &mut self,
        run: &Run<'_>,
        values: &[f64],
        y: &[f32],
        weight: &[f32],
    ) -> Result<Vec<f64>> {
        let loss = self.loss;
        let parts: Vec<(Vec<f64>, Spread)> = self
            .scores
            .par_chunks_mut(CHUNK)
            .zip(self.rows.par_chunks_mut(CHUNK))
            .zip(self.leaf.par_chunks(CHUNK).zip(y.par_chunks(CHUNK).zip(weight.par_chunks(CHUNK))))
            .map(|((scores, rows), (leaves, (y, weight)))| {
                let mut covers = vec![0.0; values.len()];
                for ((score, leaf), &weight) in scores.iter_mut().zip(leaves).zip(weight) {
                    let leaf = usize::from(leaf.load(Ordering::Relaxed));
                    *score += values[leaf];
                    covers[leaf] += f64::from(weight);
                }
                let spread = differentiate(loss, scores, y, weight, rows);
                (covers, spread)
            })
            .collect();
        run.check()?;
        let mut covers = vec![0.0; values.len()];
        self.spread = Spread::default();
        for (part, spread) in parts {
            covers.iter_mut().zip(part).for_each(|(cover, part)| *cover += part);
            for at in 0..2 {
                self.spread.sums[at] += spread.sums[at];
                self.spread.most[at] = self.spread.most[at].max(spread.most[at]);
            }
            self.spread.n += spread.n;
        }
        Ok(covers)
    }

    /// Turns slopes and curvatures into whole numbers.
    pub(super) fn round(&mut self) {
        // A unit is a power of 2, so that the last bit of the mean, which knows the order of rows, has no say.
        let unit = |at: usize, largest: i64| {
            let mean = self.spread.sums[at] / self.spread.n.max(1.0);
            let reach = self.spread.most[at].min(GIANT * mean).max(1e-60);
            // The sum over all rows is then below n × largest, so 64 bits hold it whatever a giant is.
            (reach / largest as f64).log2().ceil().exp2()
        };
        self.unit = [unit(0, LARGEST_SLOPE), unit(1, LARGEST_CURVATURE)];
        let scale = self.unit.map(f64::recip);
        let parts: Vec<(Vec<Giant>, [i64; 2])> = self
            .rows
            .par_chunks_mut(CHUNK)
            .enumerate()
            .map(|(chunk, rows)| {
                let (mut giants, mut whole) = (Vec::new(), [0; 2]);
                for (row, slot) in (chunk * CHUNK..).zip(rows) {
                    let pair =
                        [(*slot >> 32) as u32, *slot as u32].map(|bits| f64::from(f32::from_bits(bits)));
                    let sums = [whole_number(pair[0] * scale[0]), whole_number(pair[1] * scale[1])];
                    whole = [whole[0] + sums[0], whole[1] + sums[1]];
                    *slot = narrow(sums[0], sums[1]);
                    if sums[0].abs() > LARGEST_SLOPE || sums[1] > LARGEST_CURVATURE {
                        giants.push(Giant { row: row as u32, sums });
                        *slot = 0;
                    }
                }
                (giants, whole)
            })
            .collect();
        self.giants.clear();
        self.whole = [0; 2];
        for (giants, whole) in parts {
            self.giants.extend(giants);
            self.whole = [self.whole[0] + whole[0], self.whole[1] + whole[1]];
        }
    }

    /// Hands each giant among `rows` (rising) to `take`.
    pub(super) fn giants_among(&self, rows: &[u32], mut take: impl FnMut(u32, [i64; 2])) {
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else { return };
        let from = self.giants.partition_point(|giant| giant.row < first);
        for giant in self.giants.iter().skip(from).take_while(|giant| giant.row <= last) {
            if rows.binary_search(&giant.row).is_ok() {
                take(giant.row, giant.sums);
            }
        }
    }
}

/// The nearest whole number, half away from 0; cheaper than `round` where rounding has no instruction.
#[inline(always)]
fn whole_number(value: f64) -> i64 {
    (value + 0.5_f64.copysign(value)) as i64
}

/// Slopes and curvatures of a chunk as the bits of two f32, and how they spread.
fn differentiate(loss: Loss, scores: &[f64], y: &[f32], weight: &[f32], rows: &mut [u64]) -> Spread {
    let mut spread = Spread::default();
    let mut means = [0.0; 256];
    for (place, scores) in scores.chunks(256).enumerate() {
        let at = place * 256..place * 256 + scores.len();
        let (y, weight, rows) = (&y[at.clone()], &weight[at.clone()], &mut rows[at]);
        let means = &mut means[..scores.len()];
        if loss == Loss::Logistic {
            probabilities(scores, means);
        }
        for ((slot, (&z, &mean)), (&y, &weight)) in
            rows.iter_mut().zip(scores.iter().zip(means.iter())).zip(y.iter().zip(weight))
        {
            let (y, w) = (f64::from(y), f64::from(weight));
            let pair = match loss {
                Loss::Logistic => [w * (mean - y), w * mean * (1.0 - mean)],
                _ => [w * loss.slope(z, y), w * loss.curvature(z, y)],
            }
            .map(|value| value.clamp(-FARTHEST, FARTHEST) as f32);
            *slot = (u64::from(pair[0].to_bits()) << 32) | u64::from(pair[1].to_bits());
            let sizes = [f64::from(pair[0].abs()), f64::from(pair[1])];
            for (at, size) in sizes.into_iter().enumerate() {
                spread.sums[at] += size;
                spread.most[at] = spread.most[at].max(size);
            }
            spread.n += f64::from(u8::from(w > 0.0));
        }
    }
    spread
}

/// 1 / (1 + e⁻ᶻ) to 12 digits, for many at once: a plain loop over additions and products that the compiler
/// turns into vector instructions, which the library's exponential keeps it from.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512dq", "x86_64+avx2+fma"))]
fn probabilities(scores: &[f64], means: &mut [f64]) {
    // Adding 1.5 × 2^52 leaves the nearest whole number in the lowest bits.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    const LN2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    // 1/10! … 1/0!
    const SERIES: [f64; 11] = [
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    for (mean, &z) in means.iter_mut().zip(scores) {
        let x = (-z).clamp(-40.0, 40.0);
        let shifted = x * std::f64::consts::LOG2_E + SHIFT;
        let n = shifted - SHIFT;
        let r = x - n * LN2[0] - n * LN2[1];
        let series = SERIES.iter().fold(0.0, |sum, factor| sum * r + factor);
        let power = f64::from_bits(shifted.to_bits().wrapping_add(1_023) << 52);
        *mean = 1.0 / (1.0 + series * power);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::sigmoid;

    #[test]
    fn many_probabilities_are_those_of_one() {
        let scores: Vec<f64> = (-400..=400).map(|step| f64::from(step) * 0.0973).collect();
        let mut means = vec![0.0; scores.len()];
        probabilities(&scores, &mut means);
        for (z, mean) in scores.into_iter().zip(means) {
            assert!((mean - sigmoid(z)).abs() < 1e-12 * sigmoid(z), "{z}: {mean}");
        }
    }

    #[test]
    fn sums_of_narrow_numbers_come_apart_again() {
        let pairs = [[-LARGEST_SLOPE, 0], [LARGEST_SLOPE, LARGEST_CURVATURE], [-3, 7]];
        for pair in pairs {
            let sum = (0..BLOCK).fold(0_u64, |sum, _| sum.wrapping_add(narrow(pair[0], pair[1])));
            assert_eq!(widen(sum), [pair[0] * BLOCK as i64, pair[1] * BLOCK as i64]);
        }
    }
}
