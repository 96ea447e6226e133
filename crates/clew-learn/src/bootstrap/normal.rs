//! The normal distribution: share below, and its inverse.

/// The share of the standard normal distribution below x, to about 1e-15: a series near the middle, Laplace's
/// continued fraction in the tails (Abramowitz & Stegun 26.2.11 and 26.2.14).
pub(crate) fn cumulative(x: f64) -> f64 {
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if x.abs() < 3.0 {
        let (mut term, mut sum, mut k) = (x, x, 1.0);
        while term.abs() > 1e-17 * sum.abs() {
            k += 2.0;
            term *= x * x / k;
            sum += term;
        }
        return 0.5 + density * sum;
    }
    let mut fraction = x.abs();
    for k in (1..=60).rev() {
        fraction = x.abs() + f64::from(k) / fraction;
    }
    let tail = density / fraction;
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// The x below which the given share lies; ±38 beyond what f64 tells from 0 and 1.
pub(crate) fn quantile(share: f64) -> f64 {
    // Halving an interval: slow, sure, and called a few times only.
    let (mut low, mut high) = (-38.0, 38.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if cumulative(middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_tabled_distribution() {
        let table = [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (1.959_963_984_540_054, 0.975),
            (-2.999, 0.001_354_336_533_727_1),
            (-3.5, 0.000_232_629_079_035_525_05),
            (-6.0, 9.865_876_450_376_98e-10),
        ];
        for (x, share) in table {
            assert!((cumulative(x) / share - 1.0).abs() < 1e-9, "{x}: {}", cumulative(x));
            assert!((quantile(cumulative(x)) - x).abs() < 1e-7, "{x}");
        }
    }
}
