//! The 80 % band: chance (each customer buys or not, Poisson-binomial) and how far whole offers were off out of time (a factor per offer).

/// Half-width of an 80 % interval of a normal distribution, in standard deviations.
const Z80: f64 = 1.281_551_565_5;

/// The 80 % band around an expected number of buyers with the variance of chance and the offer factor's spread (standard deviation of
/// its logarithm).
pub(crate) fn band(expected: f64, variance: f64, spread: f64) -> (f64, f64) {
    if expected <= 0.0 {
        return (0.0, 0.0);
    }
    // Both on the logarithmic scale, where a factor is a shift. The half keeps few buyers from a band that excludes none at all.
    let deviation = (spread * spread + variance / (expected + 0.5).powi(2)).sqrt();
    let low = (expected + 0.5) * (-Z80 * deviation).exp() - 0.5;
    let high = (expected + 0.5) * (Z80 * deviation).exp() - 0.5;
    (low.max(0.0).min(expected), high.max(expected))
}

/// How far the level of all offers together moves from one window to the next, at the least: a standard deviation of its logarithm.
const COMMON: f64 = 0.05;

/// Share of the spread found that is held for the next window: the judged fit had not seen the judged window, the final one has, and
/// is off by less. Measured over three dates of a grocer's year.
const KEPT_OWN: f64 = 0.75;

/// The spread of the offer factor: (expected, variance of chance, realised) of each judged offer.
///
/// Two parts, added as variances. Each offer's own: what makes the band, centred on the shift of all, cover 80 % of the offers. And the
/// shift of all offers together, of which the judged window shows a single draw: half of it is held against the next window, and
/// never less than a minimum.
pub(crate) fn spread(offers: &[(f64, f64, f64)]) -> f64 {
    if offers.is_empty() {
        return 0.5;
    }
    let miss = |&(expected, _, realised): &(f64, f64, f64)| ((realised + 0.5) / (expected + 0.5)).ln();
    let mut misses: Vec<f64> = offers.iter().map(miss).collect();
    misses.sort_by(f64::total_cmp);
    let shift = misses[misses.len() / 2];
    let covered = |spread: f64| {
        let inside = offers
            .iter()
            .filter(|offer| {
                let deviation = (spread * spread + offer.1 / (offer.0 + 0.5).powi(2)).sqrt();
                (miss(offer) - shift).abs() <= Z80 * deviation
            })
            .count();
        inside as f64 / offers.len() as f64
    };
    let (mut low, mut high) = (0.0, 3.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if covered(middle) < 0.8 { low = middle } else { high = middle }
    }
    let own = if covered(0.0) >= 0.8 { 0.0 } else { KEPT_OWN * high };
    (own * own + 0.25 * shift * shift + COMMON * COMMON).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_is_expected_and_widens_with_doubt() {
        assert_eq!(band(0.0, 0.0, 0.3), (0.0, 0.0));
        let (low, high) = band(100.0, 90.0, 0.0);
        assert!((87.0..89.0).contains(&low) && (112.0..115.0).contains(&high), "{low} {high}");
        let (wide_low, wide_high) = band(100.0, 90.0, 0.3);
        assert!(wide_low < low && wide_high > high);
        let (few_low, few_high) = band(0.3, 0.3, 0.2);
        assert!(few_low == 0.0 && few_high > 0.5, "{few_low} {few_high}");
    }

    #[test]
    fn finds_the_spread_that_offers_were_drawn_with() {
        // Factors at even quantiles of a normal distribution of deviation 0.3, so large that chance does not matter.
        let quantile = |p: f64| {
            // Inverse of the logistic approximation to the normal distribution; good to two figures in the middle.
            (p / (1.0 - p)).ln() / 1.702
        };
        let offers: Vec<(f64, f64, f64)> = (1..200)
            .map(|i| (10_000.0, 9_000.0, 10_000.0 * (0.3 * quantile(f64::from(i) / 200.0)).exp()))
            .collect();
        let found = spread(&offers);
        assert!((0.2..0.26).contains(&found), "{found}");
        let exact: Vec<(f64, f64, f64)> = (0..50).map(|_| (1_000.0, 900.0, 1_000.0)).collect();
        assert_eq!(spread(&exact), COMMON);
    }
}
