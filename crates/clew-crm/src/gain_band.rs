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

/// The spread of the offer factor for which the band covers 80 % of the offers: (expected, variance of chance, realised) each.
///
/// By bisection on the share covered, which rises with the spread; 0 when chance alone covers enough.
pub(crate) fn spread(offers: &[(f64, f64, f64)]) -> f64 {
    if offers.is_empty() {
        return 0.5;
    }
    // A smooth stand-in for the share covered: the squared miss in units of the band's deviation should average 1; large misses are
    // capped, so that one strange offer does not widen everybody's band.
    let mean_square = |spread: f64| {
        offers
            .iter()
            .map(|&(expected, variance, realised)| {
                let miss = ((realised + 0.5) / (expected + 0.5)).ln();
                (miss * miss / (spread * spread + variance / (expected + 0.5).powi(2)).max(1e-12)).min(6.0)
            })
            .sum::<f64>()
            / offers.len() as f64
    };
    let (mut low, mut high) = (0.0, 3.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if mean_square(middle) > 0.95 { low = middle } else { high = middle }
    }
    high
}
