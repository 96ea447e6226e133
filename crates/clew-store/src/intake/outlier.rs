//! Numbers far above the usual, found in one pass without keeping the numbers.

/// How many times the median a number must be to be far above the usual.
const FACTOR: f64 = 100.0;
/// Buckets a doubling, and how many doublings lie below and above 1.
const PER_DOUBLING: f64 = 4.0;
const HALF: usize = 240;

/// Counts positive numbers in buckets whose bounds grow by a quarter of a doubling.
#[derive(Debug, Clone)]
pub(crate) struct Outliers {
    buckets: Vec<u64>,
    n: u64,
    pub(crate) n_negative: u64,
    largest: (f64, u64),
}

impl Default for Outliers {
    fn default() -> Outliers {
        Outliers { buckets: vec![0; 2 * HALF], n: 0, n_negative: 0, largest: (0.0, 0) }
    }
}

impl Outliers {
    pub(crate) fn add(&mut self, value: f64, line: u64) {
        if value < 0.0 {
            self.n_negative += 1;
        }
        if value <= 0.0 {
            return;
        }
        let place = (value.log2() * PER_DOUBLING).floor() + HALF as f64;
        let last = self.buckets.len() - 1;
        if let Some(bucket) = self.buckets.get_mut((place.max(0.0) as usize).min(last)) {
            *bucket += 1;
        }
        self.n += 1;
        if value > self.largest.0 {
            self.largest = (value, line);
        }
    }

    /// How many numbers are far above the usual, above what limit, and the largest of them with its line. Not asked
    /// of fewer than 20 numbers.
    pub(crate) fn found(&self) -> Option<(u64, f64, f64, u64)> {
        if self.n < 20 {
            return None;
        }
        let mut below = 0;
        let median = self.buckets.iter().position(|n| {
            below += n;
            below * 2 >= self.n
        })?;
        let limit = bound(median + 1) * FACTOR;
        // To a round number, at a bucket's lower bound.
        let first = (median + 1..self.buckets.len()).find(|&bucket| bound(bucket) >= limit)?;
        let n: u64 = self.buckets.get(first..)?.iter().sum();
        (n > 0).then(|| (n, bound(first).round(), self.largest.0, self.largest.1))
    }
}

/// The lower bound of a bucket.
fn bound(bucket: usize) -> f64 {
    ((bucket as f64 - HALF as f64) / PER_DOUBLING).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuel_among_groceries_is_found() {
        let mut outliers = Outliers::default();
        for line in 0..1000 {
            outliers.add(f64::from(1 + (line % 3) as u32), line);
        }
        assert_eq!(outliers.found(), None);
        outliers.add(0.0, 1000);
        outliers.add(-1.0, 1001);
        outliers.add(89_638.0, 1002);
        outliers.add(5_000.0, 1003);
        let (n, limit, largest, line) = outliers.found().unwrap();
        assert_eq!((n, largest, line, outliers.n_negative), (2, 89_638.0, 1002, 1));
        assert!((100.0..500.0).contains(&limit), "{limit}");
    }
}
