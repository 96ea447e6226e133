//! Histograms of slopes and curvatures over the bins of four features, and the best cut in them.

use super::bins::PACK;

/// Bins of one feature.
const BINS: usize = 256;

/// Sums of (slope, curvature) per bin of each feature of a pack.
pub(super) struct Histogram(Box<[[f64; 2]; PACK * BINS]>);

impl Histogram {
    /// Adds up the rows of a leaf, in their order: `words` are the pack's bins of all rows, `slopes` belong to
    /// `rows` one by one.
    pub(super) fn of_rows(words: &[u32], rows: &[u32], slopes: &[[f32; 2]]) -> Histogram {
        let mut sums = Box::new([[0.0; 2]; PACK * BINS]);
        for (&row, slope) in rows.iter().zip(slopes) {
            add(&mut sums, words[row as usize], slope);
        }
        Histogram(sums)
    }

    /// As [`Histogram::of_rows`], for all rows.
    pub(super) fn of_all(words: &[u32], slopes: &[[f32; 2]]) -> Histogram {
        let mut sums = Box::new([[0.0; 2]; PACK * BINS]);
        for (&word, slope) in words.iter().zip(slopes) {
            add(&mut sums, word, slope);
        }
        Histogram(sums)
    }

    /// The sibling of `part` in this parent.
    pub(super) fn minus(mut self, part: &Histogram) -> Histogram {
        for (sum, part) in self.0.iter_mut().zip(part.0.iter()) {
            sum[0] -= part[0];
            sum[1] -= part[1];
        }
        self
    }

    fn feature(&self, place: usize) -> &[[f64; 2]] {
        &self.0[place * BINS..(place + 1) * BINS]
    }

    /// The best cut of the pack's feature at `place` that has `n_bins` bins, if any cut is worth making.
    pub(super) fn best(
        &self,
        place: usize,
        feature: u32,
        n_bins: usize,
        leaf: Sums,
        rules: Rules,
    ) -> Option<Split> {
        let bins = self.feature(place);
        let missing = Sums { slope: bins[0][0], curvature: bins[0][1].max(0.0) };
        let some_missing = missing.curvature > 0.0;
        let mut below = Sums::default();
        let mut best: Option<Split> = None;
        let mut offer = |left: Sums, bin: usize, missing_left: bool| {
            let right = leaf.minus(left);
            if left.curvature < rules.min_leaf_weight || right.curvature < rules.min_leaf_weight {
                return;
            }
            let gain = left.worth(rules.l2) + right.worth(rules.l2) - leaf.worth(rules.l2);
            if gain > best.map_or(LEAST_GAIN, |best| best.gain) {
                best = Some(Split { gain, feature, bin: bin as u8, missing_left, left });
            }
        };
        for (bin, sums) in bins.iter().enumerate().take(n_bins).skip(1) {
            below = below.plus(Sums { slope: sums[0], curvature: sums[1] });
            let last = bin + 1 == n_bins;
            if some_missing {
                offer(below, bin, false);
                if !last {
                    offer(below.plus(missing), bin, true);
                }
            } else if !last {
                // Where nothing was missing, missing values will go with the heavier side.
                offer(below, bin, 2.0 * below.curvature > leaf.curvature);
            }
        }
        best
    }
}

#[inline(always)]
fn add(sums: &mut [[f64; 2]; PACK * BINS], word: u32, slope: &[f32; 2]) {
    let (slope, curvature) = (f64::from(slope[0]), f64::from(slope[1]));
    for (place, byte) in word.to_le_bytes().into_iter().enumerate() {
        let cell = &mut sums[place * BINS + byte as usize];
        cell[0] += slope;
        cell[1] += curvature;
    }
}

/// Below this a cut only follows rounding.
const LEAST_GAIN: f64 = 1e-7;

/// What a leaf must keep to.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) l2: f64,
    pub(super) min_leaf_weight: f64,
}

/// Slopes and curvatures of some rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) slope: f64,
    pub(super) curvature: f64,
}

impl Sums {
    pub(super) fn plus(self, other: Sums) -> Sums {
        Sums { slope: self.slope + other.slope, curvature: self.curvature + other.curvature }
    }

    pub(super) fn minus(self, other: Sums) -> Sums {
        Sums { slope: self.slope - other.slope, curvature: self.curvature - other.curvature }
    }

    /// Twice the loss that the best value takes away (Chen & Guestrin 2016, equation 6).
    fn worth(self, l2: f64) -> f64 {
        let curvature = self.curvature.max(0.0) + l2;
        if curvature > 0.0 { self.slope * self.slope / curvature } else { 0.0 }
    }

    /// The best value of a leaf (their equation 5).
    pub(super) fn value(self, l2: f64) -> f64 {
        let curvature = self.curvature.max(0.0) + l2;
        if curvature > 0.0 { -self.slope / curvature } else { 0.0 }
    }
}

/// A cut: values up to bin `bin` go left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    pub(super) gain: f64,
    pub(super) feature: u32,
    pub(super) bin: u8,
    pub(super) missing_left: bool,
    pub(super) left: Sums,
}

impl Split {
    /// Whether a row with these bins of the split's pack goes left.
    #[inline(always)]
    pub(super) fn goes_left(&self, word: u32) -> bool {
        let bin = (word >> (8 * (self.feature as usize % PACK))) as u8;
        ((bin <= self.bin) & (bin != 0)) | (self.missing_left & (bin == 0))
    }
}

/// The better of two cuts; the first on a tie.
pub(super) fn better(a: Option<Split>, b: Option<Split>) -> Option<Split> {
    match (a, b) {
        (Some(first), Some(second)) if second.gain > first.gain => Some(second),
        (None, second) => second,
        (first, _) => first,
    }
}
