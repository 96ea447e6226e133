//! The 80 % band: chance (each customer buys or not, Poisson-binomial) and how far whole offers were off out of time (a factor per offer).
//!
//! The factor is log-normal with mean one, of two parts: each offer's own, wider the fewer customers buy from it, and the shift that all
//! offers of a window share. Both are learned from windows that the judged fit had not seen. Its variance is whole where few of many buy
//! and shrinks with the share of customers who do not, Σp(1 − p) / Σp, to the power of [`BOUNDED`].
use serde::{Deserialize, Serialize};

/// Half-width of an 80 % interval of a normal distribution, in standard deviations.
pub(crate) const Z80: f64 = 1.281_551_565_5;

/// With 0 the factor is one on the number of buyers, which knows no upper end: the bands of small tenants, where most buy some offers, hold
/// too much. With 1 it is that of Williams (1982, "Extra-binomial variation in logistic linear models", model II), which takes the level of
/// a tenant of few customers for known where most buy, and holds too little. Seen on Complete Journey cut down to 100 to 1,000 buyers, and
/// on tenants of chance alone.
const BOUNDED: f64 = 0.75;

/// The 80 % band around an expected number of buyers with the variance of chance, Σp(1 − p), and the offer factor's spread (standard deviation
/// of its logarithm where few of many buy).
pub(crate) fn band(expected: f64, variance: f64, spread: f64) -> (f64, f64) {
    if expected <= 0.0 {
        return (0.0, 0.0);
    }
    let (centre, half) = interval(expected, variance, spread);
    // The half keeps few buyers from a band that excludes none at all.
    let at = |z: f64| (expected + 0.5) * (centre + z * half).exp() - 0.5;
    (at(-1.0).max(0.0).min(expected), at(1.0).max(expected))
}

/// Centre and half-width of the band of ln((realised + ½) / (expected + ½)): a factor of mean one has its median under one.
fn interval(expected: f64, variance: f64, spread: f64) -> (f64, f64) {
    let own = spread * spread * (variance / expected.max(f64::MIN_POSITIVE)).powf(BOUNDED);
    (-0.5 * own, Z80 * (own + variance / (expected + 0.5).powi(2)).sqrt())
}

/// How far whole offers are off, out of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// Standard deviation of the logarithm of an offer's own factor, at a share of buyers of 2 %.
    pub(crate) own: f64,
    /// How its logarithm falls with the logarithm of the share of buyers.
    pub(crate) slope: f64,
    /// Standard deviation of the logarithm of what all offers of a window share.
    pub(crate) common: f64,
    /// What the log-odds of idle customers are off by: those who bought nothing in the 56 days before, whom the calibration does not see.
    pub(crate) idle: f64,
    /// Standard deviation from window to window of the logarithm of how far all idle customers together are off.
    pub(crate) idle_common: f64,
    /// Shares of buyers that were judged, the lowest and the highest; beyond them the spread is that of the nearest.
    pub(crate) shares: [f64; 2],
}

/// Share of buyers at which [`Spread::own`] is given.
pub(crate) const USUAL_SHARE: f64 = 0.02;

impl Spread {
    /// What is held where nothing could be judged: twofold either way is nothing out of the ordinary.
    pub(crate) const UNKNOWN: Spread =
        Spread { own: 0.5, slope: 0.0, common: 0.1, idle: 0.0, idle_common: 0.1, shares: [0.0, 1.0] };

    /// Standard deviation of the logarithm of the whole factor, for an offer that such a share of customers is expected to buy from.
    pub(crate) fn of(&self, share: f64) -> f64 {
        (self.own_of(share).powi(2) + self.common * self.common).sqrt()
    }

    fn own_of(&self, share: f64) -> f64 {
        let share = share.clamp(self.shares[0].max(1e-6), self.shares[1].max(1e-6));
        (self.own * (share / USUAL_SHARE).powf(-self.slope)).min(MAX_OWN)
    }

    /// The numbers of a model file.
    pub(crate) fn to_numbers(self) -> [f64; 7] {
        [self.own, self.slope, self.common, self.shares[0], self.shares[1], self.idle, self.idle_common]
    }

    /// From the numbers of a model file; of one that knows nothing of idle customers they are taken as the others are.
    pub(crate) fn from_numbers(numbers: &[f64]) -> Option<Spread> {
        let (&[own, slope, common, low, high], idle) = numbers.split_first_chunk()?;
        let (idle, idle_common) = match *idle {
            [] => (0.0, 0.0),
            [idle, common] => (idle, common),
            _ => return None,
        };
        Some(Spread { own, slope, common, idle, idle_common, shares: [low, high] })
    }
}

/// Most that is held of an offer's own spread: a factor of four and a half either way.
const MAX_OWN: f64 = 1.5;

/// One offer on a judged window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Miss {
    /// Expected buyers, freed of the shift that its window had.
    pub(crate) expected: f64,
    /// Variance of the number of buyers by chance.
    pub(crate) variance: f64,
    /// Those who bought.
    pub(crate) realised: f64,
    /// Customers that were judged.
    pub(crate) n_customers: f64,
    /// How much it counts.
    pub(crate) weight: f64,
}

impl Miss {
    fn share(&self) -> f64 {
        self.expected / self.n_customers.max(1.0)
    }

    /// Interval score (Gneiting and Raftery 2007, eq. 43) of the 80 % band, on the logarithmic scale: its width, and ten times how far the
    /// realised number lies outside. Its mean is least for the band that holds the middle 80 %.
    fn score(&self, spread: f64) -> f64 {
        let (centre, half) = interval(self.expected, self.variance, spread);
        let off = (((self.realised + 0.5) / (self.expected + 0.5)).ln() - centre).abs();
        2.0 * half + 10.0 * (off - half).max(0.0)
    }
}

/// Spreads and slopes that are tried.
const OWN: (f64, f64, u32) = (0.02, 1.5, 60);
const SLOPES: [f64; 7] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
/// What is held before anything was judged, and for how many offers that counts.
const PRIOR: (f64, f64, f64) = (0.2, 0.3, 10.0);

/// Each offer's own spread: of a grid, the one of least mean interval score, pulled towards the usual one where few offers were judged.
/// `common` is the shift that all offers of a window share.
pub(crate) fn spread(misses: &[Miss], common: f64) -> Spread {
    if misses.is_empty() {
        return Spread { common, ..Spread::UNKNOWN };
    }
    let mut shares: Vec<f64> = misses.iter().map(Miss::share).collect();
    shares.sort_by(f64::total_cmp);
    let at = |share: f64| shares[((shares.len() - 1) as f64 * share).round() as usize];
    let shares = [at(0.05), at(0.95)];
    let mut best = (f64::INFINITY, Spread { common, shares, ..Spread::UNKNOWN });
    for step in 0..OWN.2 {
        let own = OWN.0 * (OWN.1 / OWN.0).powf(f64::from(step) / f64::from(OWN.2 - 1));
        for slope in SLOPES {
            let tried = Spread { own, slope, common, shares, ..Spread::UNKNOWN };
            let score: f64 =
                misses.iter().map(|miss| miss.weight * miss.score(tried.own_of(miss.share()))).sum();
            // A quadratic in the logarithm, as of so many offers whose own best lies at the prior.
            let pull = (own / PRIOR.0).ln().powi(2) + (slope - PRIOR.1).powi(2);
            let score = score + PRIOR.2 * PRIOR.0 * pull;
            if score < best.0 {
                best = (score, tried);
            }
        }
    }
    best.1
}

/// How far the level of all offers together lies off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shift {
    /// Logarithm of realised over expected, to be held for the next window.
    pub(crate) lasting: f64,
    /// Standard deviation around it from window to window.
    pub(crate) common: f64,
}

/// Standard deviation of the shift that is held before any window was judged, and for how many windows that counts.
const USUAL_SHIFT: (f64, f64) = (0.03, 2.0);

/// Of the windows' shifts (logarithm of realised over expected, all offers together), what lasts and what comes and goes.
///
/// The mean is kept as far as it stands out from its own error: nothing under √2 standard errors, where Akaike's criterion would not pay
/// for it either, and more and more above. What is not kept counts as coming and going.
pub(crate) fn shift(windows: &[f64]) -> Shift {
    let n = windows.len() as f64;
    let (usual, weight) = (USUAL_SHIFT.0 * USUAL_SHIFT.0, USUAL_SHIFT.1);
    let squares = |around: f64| windows.iter().map(|shift| (shift - around).powi(2)).sum::<f64>();
    if windows.is_empty() {
        return Shift { lasting: 0.0, common: USUAL_SHIFT.0 };
    }
    let mean = windows.iter().sum::<f64>() / n;
    let of_mean = (squares(mean) + weight * usual) / (n - 1.0 + weight) / n;
    let kept = (1.0 - 2.0 * of_mean / (mean * mean).max(1e-12)).max(0.0);
    let lasting = kept * mean;
    Shift { lasting, common: ((squares(lasting) + weight * usual) / (n + weight)).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inverse of the logistic approximation to the normal distribution; good to two figures in the middle.
    fn quantile(p: f64) -> f64 {
        (p / (1.0 - p)).ln() / 1.702
    }

    #[test]
    fn holds_what_is_expected_and_widens_with_doubt() {
        assert_eq!(band(0.0, 0.0, 0.3), (0.0, 0.0));
        let (low, high) = band(100.0, 90.0, 0.0);
        assert!((87.0..89.0).contains(&low) && (112.0..115.0).contains(&high), "{low} {high}");
        let (wide_low, wide_high) = band(100.0, 90.0, 0.3);
        assert!(wide_low < low && wide_high > high);
        // Where most buy anyway, the same doubt leaves less doubt about their number.
        let (most_low, most_high) = band(100.0, 20.0, 0.3);
        let (few_of_many_low, few_of_many_high) = band(100.0, 100.0, 0.3);
        assert!(few_of_many_low < most_low - 5.0 && most_high + 5.0 < few_of_many_high);
        assert!(
            (78.0..81.0).contains(&most_low) && (121.0..124.0).contains(&most_high),
            "{most_low} {most_high}"
        );
        let (few_low, few_high) = band(0.3, 0.3, 0.2);
        assert!(few_low == 0.0 && few_high > 0.5, "{few_low} {few_high}");
    }

    #[test]
    fn finds_the_spread_that_offers_were_drawn_with_by_their_size() {
        // Factors at even quantiles, of mean one, twice as wide at a sixteenth of the share; so many customers that chance matters little.
        let n_customers = 1e8;
        let misses: Vec<Miss> = [(0.02, 0.4), (0.32, 0.2)]
            .into_iter()
            .flat_map(|(share, own)| {
                (1..200).map(move |i| Miss {
                    expected: share * n_customers,
                    variance: share * n_customers,
                    realised: share
                        * n_customers
                        * (own * quantile(f64::from(i) / 200.0) - 0.5 * own * own).exp(),
                    n_customers,
                    weight: 1.0,
                })
            })
            .collect();
        let found = spread(&misses, 0.0);
        assert!((0.34..0.46).contains(&found.of(0.02)), "{found:?}");
        assert!((0.16..0.24).contains(&found.of(0.32)), "{found:?}");
        assert_eq!(found.of(0.9), found.of(0.32));
        let inside = misses
            .iter()
            .filter(|miss| {
                let (low, high) = band(miss.expected, miss.variance, found.of(miss.share()));
                (low..=high).contains(&miss.realised)
            })
            .count() as f64
            / misses.len() as f64;
        assert!((0.77..0.83).contains(&inside), "{inside}");
        // Few offers: near what is usual, whatever they say.
        assert!(spread(&misses[98..101], 0.0).own > 0.05);
        let found = Spread { idle: -0.4, idle_common: 0.2, ..found };
        assert_eq!(Spread::from_numbers(&found.to_numbers()), Some(found));
        // As files had it before idle customers were looked at.
        let before = Spread { idle: 0.0, idle_common: 0.0, ..found };
        assert_eq!(Spread::from_numbers(&found.to_numbers()[..5]), Some(before));
    }

    #[test]
    fn keeps_of_the_shift_what_lasts() {
        let steady = shift(&[0.2, 0.2, 0.2]);
        assert!((0.19..0.2).contains(&steady.lasting) && steady.common < 0.05, "{steady:?}");
        let comes_and_goes = shift(&[0.2, -0.2, 0.21]);
        assert!(comes_and_goes.lasting < 0.03 && comes_and_goes.common > 0.14, "{comes_and_goes:?}");
        let slight = shift(&[0.03]);
        assert!(slight.lasting == 0.0 && slight.common < 0.04, "{slight:?}");
        assert_eq!(shift(&[]).lasting, 0.0);
    }
}
