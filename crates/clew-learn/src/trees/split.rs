//! The best cut of one feature's histogram.

use super::histogram::BINS;

/// Below this a cut only follows rounding.
const LEAST_GAIN: f64 = 1e-7;
/// Up to so many categories, one is parted from the rest; with more, groups of them.
const ONE_AGAINST_REST: usize = 4;
/// A group on one side of a cut holds at most so many categories.
const GROUP: usize = 32;

/// What leaves must keep to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) l2: f64,
    pub(super) min_leaf_weight: f64,
    /// Curvature that every category is given, for ordering categories by slope / curvature.
    pub(super) category_smoothing: f64,
}

/// Slopes and curvatures of some rows, in the loss's own units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) slope: f64,
    pub(super) curvature: f64,
}

impl Sums {
    pub(super) fn of(sum: [i64; 2], unit: [f64; 2]) -> Sums {
        Sums { slope: sum[0] as f64 * unit[0], curvature: sum[1] as f64 * unit[1] }
    }

    /// Twice the loss that the best value takes away (Chen & Guestrin 2016, equation 6).
    fn worth(self, l2: f64) -> f64 {
        let curvature = self.curvature + l2;
        if curvature > 0.0 { self.slope * self.slope / curvature } else { 0.0 }
    }

    /// Twice the loss that `value` takes away.
    fn worth_of(self, value: f64, l2: f64) -> f64 {
        -(2.0 * self.slope * value + (self.curvature + l2) * value * value)
    }

    /// The best value of a leaf (their equation 5).
    pub(super) fn value(self, l2: f64) -> f64 {
        let curvature = self.curvature + l2;
        if curvature > 0.0 { -self.slope / curvature } else { 0.0 }
    }
}

/// What a leaf's value may be, where features are monotone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Bounds {
    pub(super) const NONE: Bounds = Bounds { low: f64::NEG_INFINITY, high: f64::INFINITY };

    pub(super) fn clamp(self, value: f64) -> f64 {
        value.max(self.low).min(self.high)
    }

    /// The bounds of the two sides of a cut of a feature of this `direction`: between them lies the middle of
    /// their values, so that nothing that grows on one side can pass what grows on the other.
    pub(super) fn parted(self, direction: i8, left: f64, right: f64) -> (Bounds, Bounds) {
        let middle = 0.5 * (left + right);
        match direction {
            1 => (Bounds { high: middle, ..self }, Bounds { low: middle, ..self }),
            -1 => (Bounds { low: middle, ..self }, Bounds { high: middle, ..self }),
            _ => (self, self),
        }
    }
}

/// A cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    pub(super) gain: f64,
    pub(super) feature: u32,
    /// The last bin that goes left, of numbers.
    pub(super) bin: u8,
    pub(super) is_category: bool,
    /// For every bin whether it goes left, bit by bin.
    pub(super) left_bins: [u64; BINS / 64],
    pub(super) left: [i64; 2],
}

impl Split {
    pub(super) fn goes_left(&self, bin: u8) -> bool {
        has(&self.left_bins, bin)
    }
}

fn has(bins: &[u64; BINS / 64], bin: u8) -> bool {
    bins[usize::from(bin / 64)] >> (bin % 64) & 1 == 1
}

fn put(bins: &mut [u64; BINS / 64], bin: u8) {
    bins[usize::from(bin / 64)] |= 1 << (bin % 64);
}

/// A leaf and one of its features.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) feature: u32,
    pub(super) is_category: bool,
    /// −1 and 1: the prediction must fall, or rise, with the feature.
    pub(super) direction: i8,
    /// The feature's sums, as many as it has bins.
    pub(super) bins: &'a [[i64; 2]],
    pub(super) leaf: [i64; 2],
    pub(super) unit: [f64; 2],
    pub(super) bounds: Bounds,
}

impl Place<'_> {
    /// The best cut, if any is worth making.
    pub(super) fn best(&self, rules: Rules) -> Option<Split> {
        if self.is_category { self.best_of_categories(rules) } else { self.best_of_numbers(rules) }
    }

    fn best_of_numbers(&self, rules: Rules) -> Option<Split> {
        let n_bins = self.bins.len();
        let missing = *self.bins.first()?;
        let some_missing = missing != [0; 2];
        let mut gains = [f64::NEG_INFINITY; BINS];
        let mut below = [[0_i64; 2]; BINS];
        let mut sum = [0; 2];
        for (below, bin) in below.iter_mut().zip(self.bins).skip(1) {
            sum = [sum[0] + bin[0], sum[1] + bin[1]];
            *below = sum;
        }
        let mut best: Option<(f64, usize, bool)> = None;
        // Last bin last: all that is known against what is missing, if something is.
        for (missing_left, last) in
            [(false, if some_missing { n_bins } else { n_bins - 1 }), (true, n_bins - 1)]
        {
            if missing_left && !some_missing {
                break;
            }
            let with = if missing_left { missing } else { [0; 2] };
            let below = below.get(1..last).unwrap_or(&[]);
            self.gains(below, with, rules, &mut gains);
            for (at, &gain) in gains[..below.len()].iter().enumerate() {
                if gain > best.map_or(LEAST_GAIN, |best| best.0) {
                    best = Some((gain, at + 1, missing_left));
                }
            }
        }
        let (gain, bin, mut missing_left) = best?;
        let with = if missing_left { missing } else { [0; 2] };
        let left = [below[bin][0] + with[0], below[bin][1] + with[1]];
        if !some_missing {
            // Where nothing was missing, missing values will go with the heavier side.
            missing_left = 2 * left[1] > self.leaf[1];
        }
        let mut left_bins = [0; BINS / 64];
        (1..=bin as u8).for_each(|bin| put(&mut left_bins, bin));
        if missing_left {
            put(&mut left_bins, 0);
        }
        Some(Split { gain, feature: self.feature, bin: bin as u8, is_category: false, left_bins, left })
    }

    /// What each cut gains that has `below` plus `with` to its left; −∞ where a rule forbids it.
    fn gains(&self, below: &[[i64; 2]], with: [i64; 2], rules: Rules, gains: &mut [f64; BINS]) {
        if self.direction == 0 && self.bounds == Bounds::NONE {
            let leaf = Sums::of(self.leaf, self.unit);
            return free_gains(below, with, leaf, self.unit, rules, gains);
        }
        for (gain, below) in gains.iter_mut().zip(below) {
            *gain =
                self.bound_gain([below[0] + with[0], below[1] + with[1]], rules.l2, rules.min_leaf_weight);
        }
    }

    fn bound_gain(&self, left: [i64; 2], l2: f64, min_leaf_weight: f64) -> f64 {
        let right = [self.leaf[0] - left[0], self.leaf[1] - left[1]];
        let [leaf, left, right] = [self.leaf, left, right].map(|sum| Sums::of(sum, self.unit));
        let [at_leaf, at_left, at_right] = [leaf, left, right].map(|sums| self.bounds.clamp(sums.value(l2)));
        let against = f64::from(self.direction) * (at_right - at_left) < 0.0;
        if left.curvature.min(right.curvature) < min_leaf_weight || against {
            return f64::NEG_INFINITY;
        }
        left.worth_of(at_left, l2) + right.worth_of(at_right, l2) - leaf.worth_of(at_leaf, l2)
    }

    /// Categories in the order of their smoothed slope / curvature, where the best of all parts is a beginning
    /// or an end (Fisher 1958; Ke et al. 2017, section 4's sorted search); what is missing goes right.
    fn best_of_categories(&self, rules: Rules) -> Option<Split> {
        let smoothing = rules.category_smoothing;
        let ratio = |bin: &[i64; 2]| {
            let sums = Sums::of(*bin, self.unit);
            sums.slope / (sums.curvature + smoothing).max(f64::MIN_POSITIVE)
        };
        let mut order: Vec<(f64, u8)> = (1..=u8::MAX)
            .zip(self.bins.iter().skip(1))
            .filter(|(_, bin)| **bin != [0; 2])
            .map(|(at, bin)| (ratio(bin), at))
            .collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let single = order.len() <= ONE_AGAINST_REST;
        // Choosing among many groups invites luck: a group must be worth more than a cut of numbers.
        let l2 = rules.l2 + if single { 0.0 } else { smoothing };
        let mut best: Option<Split> = None;
        let mut offer = |left_bins: [u64; BINS / 64], left: [i64; 2]| {
            let gain = self.bound_gain(left, l2, rules.min_leaf_weight);
            if gain > best.map_or(LEAST_GAIN, |best| best.gain) {
                best =
                    Some(Split { gain, feature: self.feature, bin: 0, is_category: true, left_bins, left });
            }
        };
        let most = if single { 1 } else { GROUP.min(order.len().div_ceil(2)) };
        let starts = if single { order.len() } else { 1 };
        for is_reversed in [false, true] {
            for start in 0..starts {
                let (mut bins, mut left) = ([0; BINS / 64], [0; 2]);
                for &(_, bin) in order.iter().skip(start).take(most) {
                    let sums = self.bins[usize::from(bin)];
                    put(&mut bins, bin);
                    left = [left[0] + sums[0], left[1] + sums[1]];
                    offer(bins, left);
                }
            }
            if single || is_reversed {
                break;
            }
            order.reverse();
        }
        best
    }
}

/// [`Place::gains`] without bounds: a plain loop, two divisions a bin.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn free_gains(
    below: &[[i64; 2]],
    with: [i64; 2],
    leaf: Sums,
    unit: [f64; 2],
    rules: Rules,
    gains: &mut [f64; BINS],
) {
    let worth = leaf.worth(rules.l2);
    for (gain, below) in gains.iter_mut().zip(below) {
        let left = Sums::of([below[0] + with[0], below[1] + with[1]], unit);
        let right = Sums { slope: leaf.slope - left.slope, curvature: leaf.curvature - left.curvature };
        let gained = left.worth(rules.l2) + right.worth(rules.l2) - worth;
        let allowed = left.curvature.min(right.curvature) >= rules.min_leaf_weight;
        *gain = if allowed { gained } else { f64::NEG_INFINITY };
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
