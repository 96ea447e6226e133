//! Days, months and hours without a clock: all of it arithmetic on unix seconds.

use chrono::{DateTime, Datelike as _};

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// One day of the history: how it is written, and where in the year it lies.
#[derive(Debug, Clone)]
pub(crate) struct Day {
    /// `2026-10-31`
    pub(crate) text: [u8; 10],
    /// Where in the year: 0 = 1 January, 1 = 31 December.
    pub(crate) year_share: f32,
    /// 1 = January.
    pub(crate) month: u32,
    /// Monday = 0.
    pub(crate) weekday: u32,
}

/// The days of a history, by their number since its start.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    start: i64,
    days: Vec<Day>,
}

impl Calendar {
    /// The calendar of `n_days` from `start` (unix seconds).
    pub(crate) fn new(start: i64, n_days: u32) -> Self {
        let days = (0..=i64::from(n_days)).map(|n| day(start + n * DAY)).collect();
        Self { start, days }
    }

    /// The day that holds `at`; the first or the last one when it lies outside.
    pub(crate) fn day(&self, at: i64) -> &Day {
        static EPOCH: Day = Day { text: *b"1970-01-01", year_share: 0.0, month: 1, weekday: 3 };
        let last = self.days.len().saturating_sub(1);
        let n = usize::try_from((at - self.start).div_euclid(DAY)).unwrap_or(0).min(last);
        self.days.get(n).unwrap_or(&EPOCH)
    }
}

fn day(at: i64) -> Day {
    let date = DateTime::from_timestamp(at, 0).unwrap_or_default().date_naive();
    Day {
        text: date_text(at),
        year_share: date.ordinal0() as f32 / 366.0,
        month: date.month(),
        weekday: date.weekday().num_days_from_monday(),
    }
}

/// `2026-10-31` for the day of `at` (unix seconds).
pub(crate) fn date_text(at: i64) -> [u8; 10] {
    let date = DateTime::from_timestamp(at, 0).unwrap_or_default().date_naive();
    let (mut year, month, day) = (date.year().unsigned_abs() % 10_000, date.month(), date.day());
    let mut text = *b"0000-00-00";
    for slot in text.iter_mut().take(4).rev() {
        *slot = b'0' + (year % 10) as u8;
        year /= 10;
    }
    text[5] = b'0' + (month / 10) as u8;
    text[6] = b'0' + (month % 10) as u8;
    text[8] = b'0' + (day / 10) as u8;
    text[9] = b'0' + (day % 10) as u8;
    text
}

/// `T18:05:09Z` for the second of the day of `at` (unix seconds).
pub(crate) fn time_text(at: i64) -> [u8; 10] {
    let second = at.rem_euclid(DAY) as u32;
    let two = |n: u32| [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
    let ([h0, h1], [m0, m1], [s0, s1]) = (two(second / 3600), two(second / 60 % 60), two(second % 60));
    [b'T', h0, h1, b':', m0, m1, b':', s0, s1, b'Z']
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339() {
        let at = crate::DEFAULT_END - 1;
        assert_eq!(&date_text(at), b"2026-10-31");
        assert_eq!(&time_text(at), b"T23:59:59Z");
        let calendar = Calendar::new(at + 1 - 500 * DAY, 500);
        assert_eq!(&calendar.day(at).text, b"2026-10-31");
        assert_eq!(calendar.day(at).weekday, 5);
    }
}
