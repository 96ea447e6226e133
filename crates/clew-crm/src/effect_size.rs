//! Size of a holdout: how many customers must be held out, by chance, to see an effect of the wanted size.
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Half-width of a 95 % interval of a normal distribution, in standard deviations.
pub(crate) const Z95: f64 = 1.959_963_984_5;
/// The standard deviation that four of five draws stay under: a power of 80 %.
const Z_POWER: f64 = 0.841_621_233_6;

/// A holdout for a campaign to come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldoutSize {
    /// Customers to hold out; none where even half of the audience would not show the effect.
    pub n_holdout: Option<usize>,
    /// The smallest difference of shares that half of the audience would show.
    pub smallest_effect: f64,
    /// Buyers lost by holding out so many, if the effect is as wanted: what knowing costs.
    pub buyers_forgone: Option<f64>,
}

/// The smallest holdout of an audience with which an effect is seen (its 95 % interval leaves 0 out) four times in five. `share` is the
/// share that buys without a message, `effect` the difference that the message is to make (0.01: one more buyer in a hundred). By
/// the normal approximation to two shares (Fleiss, Levin & Paik 2003, eq. 4.14). Errors on shares outside of 0 to 1 and on no effect.
pub fn holdout_size(n_audience: usize, share: f64, effect: f64) -> Result<HoldoutSize> {
    let treated = share + effect;
    if !(0.0..1.0).contains(&share) || effect == 0.0 || !(0.0..=1.0).contains(&treated) {
        return Err(Error::input(
            format!("a share of {share} that a message moves by {effect}"),
            "give a share of 0 to 1 and an effect that is not 0 and keeps it there",
        ));
    }
    if n_audience < 4 {
        return Err(Error::input(
            format!("an audience of {n_audience}"),
            "widen the audience: both arms need customers",
        ));
    }
    let half = n_audience / 2;
    let seen = |n_holdout: usize| smallest(n_audience - n_holdout, n_holdout, share, effect) <= effect.abs();
    let n_holdout = seen(half).then(|| {
        let (mut few, mut enough) = (0, half);
        while enough - few > 1 {
            let middle = few + (enough - few) / 2;
            if seen(middle) {
                enough = middle;
            } else {
                few = middle;
            }
        }
        enough
    });
    // The variance depends on the effect itself: a few rounds settle it.
    let mut least = effect.abs();
    for _ in 0..20 {
        let bounded = least.min(1.0 - share);
        least = smallest(n_audience - half, half, share, bounded);
    }
    Ok(HoldoutSize {
        n_holdout,
        smallest_effect: least,
        buyers_forgone: n_holdout.map(|n| n as f64 * effect.max(0.0)),
    })
}

/// The smallest difference that arms of these sizes show, with the variances of these shares.
fn smallest(n_treated: usize, n_holdout: usize, share: f64, effect: f64) -> f64 {
    if n_treated == 0 || n_holdout == 0 {
        return f64::INFINITY;
    }
    let (n, m) = (n_treated as f64, n_holdout as f64);
    let (p, q) = ((share + effect).clamp(0.0, 1.0), share);
    let pooled = (n * p + m * q) / (n + m);
    let under_none = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    let under_effect = (p * (1.0 - p) / n + q * (1.0 - q) / m).sqrt();
    Z95 * under_none + Z_POWER * under_effect
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_textbook_for_equal_arms() {
        // 5 % against 6 % at 95 % and a power of 80 %: 8 158 in each arm.
        assert!((smallest(8_158, 8_158, 0.05, 0.01) - 0.01).abs() < 2e-5);
        let size = holdout_size(2 * 8_158, 0.05, 0.01).unwrap();
        let n = size.n_holdout.unwrap();
        assert!((8_000..=8_158).contains(&n), "{n}");
        assert!((size.smallest_effect - 0.01).abs() < 1e-4);
        // Of a large audience few are enough: the other arm costs nothing.
        let n = holdout_size(200_000, 0.05, 0.01).unwrap().n_holdout.unwrap();
        assert!((3_500..4_800).contains(&n), "{n}");
    }

    #[test]
    fn says_when_the_audience_is_too_small_and_refuses_nonsense() {
        let size = holdout_size(2_000, 0.05, 0.005).unwrap();
        assert_eq!((size.n_holdout, size.buyers_forgone), (None, None));
        assert!(size.smallest_effect > 0.02, "{}", size.smallest_effect);
        for (share, effect) in [(1.2, 0.1), (0.1, 0.0), (0.95, 0.1), (f64::NAN, 0.1), (0.1, f64::NAN)] {
            assert!(holdout_size(1_000, share, effect).is_err(), "{share} {effect}");
        }
        assert!(holdout_size(3, 0.1, 0.1).is_err());
    }
}
