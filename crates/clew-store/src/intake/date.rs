//! Dates as they are understood: RFC 3339 and its shorter kin, unix time, or a pattern that the mapping names.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// The earliest time an event may have: 1990-01-01, in microseconds since 1970, UTC. Before it a date is a
/// mistaken unit or a placeholder, and each month of events costs a partition.
pub const EARLIEST: i64 = 631_152_000_000_000;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// How a column of dates is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DateForm {
    /// `2016-12-31`, `2016-12-31 08:30`, `2016-12-31T08:30:00.250Z`, `…+01:00`.
    #[default]
    Standard,
    /// Seconds since 1970, UTC, possibly with a fraction.
    UnixSeconds,
    /// Milliseconds since 1970, UTC.
    UnixMillis,
    /// A pattern of `strftime` signs: `%d/%m/%Y %H:%M`.
    Pattern(String),
}

impl DateForm {
    /// The form that a mapping names: `unix_seconds`, `unix_millis`, `standard`, or a pattern with `%` signs.
    pub fn parse(text: &str) -> Option<DateForm> {
        match text {
            "standard" => Some(DateForm::Standard),
            "unix_seconds" => Some(DateForm::UnixSeconds),
            "unix_millis" => Some(DateForm::UnixMillis),
            _ if text.contains('%') => {
                let known = !chrono::format::StrftimeItems::new(text)
                    .any(|item| matches!(item, chrono::format::Item::Error));
                known.then(|| DateForm::Pattern(text.to_owned()))
            }
            _ => None,
        }
    }

    /// The time that `text` says, in microseconds since 1970; a time without an offset is taken at `offset`
    /// seconds east of UTC.
    pub(crate) fn read(&self, text: &str, offset: i32) -> Option<i64> {
        match self {
            DateForm::Standard => standard(text, offset).map(|date| date.micros),
            DateForm::UnixSeconds => unix(text, SECOND as f64),
            DateForm::UnixMillis => unix(text, 1000.0),
            DateForm::Pattern(pattern) => by_pattern(text, pattern, offset),
        }
    }

    /// The time of a plain number in a column of dates, if this form is one of numbers.
    pub(crate) fn read_number(&self, value: f64) -> Option<i64> {
        match self {
            DateForm::UnixSeconds => scaled(value, SECOND as f64),
            DateForm::UnixMillis => scaled(value, 1000.0),
            DateForm::Standard | DateForm::Pattern(_) => None,
        }
    }

    /// Why `text` was not understood, and the line of the mapping that would make it so.
    pub(crate) fn complaint(&self, text: &str, entity: &str, column: &str) -> String {
        let expected = match self {
            DateForm::Standard => "2016-12-31, 2016-12-31 08:30[:00] or 2016-12-31T08:30:00Z".to_owned(),
            DateForm::UnixSeconds => "seconds since 1970".to_owned(),
            DateForm::UnixMillis => "milliseconds since 1970".to_owned(),
            DateForm::Pattern(pattern) => format!("the mapping's \"{pattern}\""),
        };
        let found: String = text.chars().take(40).collect();
        match likely(text) {
            Some(form) if DateForm::parse(form).as_ref() != Some(self) => format!(
                "\"{found}\" is not a date of the form expected: {expected}; if the file is right, say so in the \
                 mapping: [{entity}.dates] {column} = \"{form}\""
            ),
            _ => format!("\"{found}\" is not a date of the form expected: {expected}"),
        }
    }
}

/// The form that a date of another form probably has.
fn likely(text: &str) -> Option<&'static str> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let second = text.get(3..5).and_then(|part| part.parse::<u32>().ok());
    let month_first = second.is_some_and(|n| n > 12);
    Some(match shape.as_str() {
        "99/99/9999" if month_first => "%m/%d/%Y",
        "99/99/9999" | "9/9/9999" | "9/99/9999" | "99/9/9999" => "%d/%m/%Y",
        "99/99/9999 99:99" if month_first => "%m/%d/%Y %H:%M",
        "99/99/9999 99:99" => "%d/%m/%Y %H:%M",
        "99/99/9999 99:99:99" if month_first => "%m/%d/%Y %H:%M:%S",
        "99/99/9999 99:99:99" => "%d/%m/%Y %H:%M:%S",
        "99/99/99" => "%d/%m/%y",
        "99.99.9999" => "%d.%m.%Y",
        "99.99.9999 99:99" => "%d.%m.%Y %H:%M",
        "99-99-9999" => "%d-%m-%Y",
        "9999/99/99" => "%Y/%m/%d",
        "9999/99/99 99:99:99" => "%Y/%m/%d %H:%M:%S",
        "99999999" => "%Y%m%d",
        "9999999999" => "unix_seconds",
        "9999999999999" => "unix_millis",
        _ => return None,
    })
}

/// A date in the standard form, and whether it says a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standard {
    pub(crate) micros: i64,
    pub(crate) has_time: bool,
}

/// Reads `YYYY-MM-DD[ T]HH:MM[:SS[.fff]][Z|±hh:mm]` and `YYYY-MM-DD`.
pub(crate) fn standard(text: &str, offset: i32) -> Option<Standard> {
    let b = text.as_bytes();
    if b.len() < 10 || b.get(4) != Some(&b'-') || b.get(7) != Some(&b'-') {
        return None;
    }
    let day = days(digits(b, 0, 4)?, digits(b, 5, 2)?, digits(b, 8, 2)?)?;
    let shift = i64::from(offset) * SECOND;
    let Some(&separator) = b.get(10) else {
        return Some(Standard { micros: day * DAY - shift, has_time: false });
    };
    if !matches!(separator, b' ' | b'T' | b't') || b.get(13) != Some(&b':') {
        return None;
    }
    let (hour, minute) = (digits(b, 11, 2)?, digits(b, 14, 2)?);
    let (mut second, mut fraction, mut rest) = (0, 0, 16);
    if b.get(16) == Some(&b':') {
        second = digits(b, 17, 2)?;
        rest = 19;
        if b.get(19) == Some(&b'.') {
            let n = b.get(20..)?.iter().take_while(|c| c.is_ascii_digit()).count();
            if n == 0 || n > 9 {
                return None;
            }
            let value = digits(b, 20, n)?;
            fraction =
                if n <= 6 { value * 10_i64.pow(6 - n as u32) } else { value / 10_i64.pow(n as u32 - 6) };
            rest = 20 + n;
        }
    }
    // A leap second counts as the last one of its minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let shift = match b.get(rest..)? {
        [] => shift,
        [b'Z' | b'z'] => 0,
        zone => zone_shift(zone)? * SECOND,
    };
    let micros = day * DAY + ((hour * 60 + minute) * 60 + second.min(59)) * SECOND + fraction - shift;
    Some(Standard { micros, has_time: true })
}

/// Seconds east of UTC of `+01:00`, `-0530`, `+02`.
fn zone_shift(zone: &[u8]) -> Option<i64> {
    let sign = match zone.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hour = digits(zone, 1, 2)?;
    let minute = match zone.len() {
        3 => 0,
        5 => digits(zone, 3, 2)?,
        6 if zone.get(3) == Some(&b':') => digits(zone, 4, 2)?,
        _ => return None,
    };
    (hour <= 15 && minute <= 59).then_some(sign * (hour * 60 + minute) * 60)
}

fn digits(bytes: &[u8], from: usize, n: usize) -> Option<i64> {
    bytes
        .get(from..from + n)?
        .iter()
        .try_fold(0_i64, |value, b| b.is_ascii_digit().then(|| value * 10 + i64::from(b - b'0')))
}

/// Days since 1970 of a civil date; none for the 30th of February. H. Hinnant's `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if year < 1 || day < 1 || day > length {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

fn unix(text: &str, micros_per_unit: f64) -> Option<i64> {
    if let Ok(whole) = text.parse::<i64>() {
        return whole.checked_mul(micros_per_unit as i64);
    }
    super::number::parse(text, false).and_then(|value| scaled(value, micros_per_unit))
}

fn scaled(value: f64, micros_per_unit: f64) -> Option<i64> {
    let micros = value * micros_per_unit;
    (micros.abs() < 9e17).then(|| micros.round() as i64)
}

fn by_pattern(text: &str, pattern: &str, offset: i32) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_str(text, pattern) {
        return Some(time.timestamp_micros());
    }
    let naive = NaiveDateTime::parse_from_str(text, pattern)
        .or_else(|_| NaiveDate::parse_from_str(text, pattern).map(|day| day.and_time(NaiveTime::MIN)))
        .ok()?;
    Some(naive.and_utc().timestamp_micros() - i64::from(offset) * SECOND)
}

/// Seconds east of UTC of an offset as a mapping names it: `+01:00`.
pub(crate) fn offset(text: &str) -> Option<i32> {
    zone_shift(text.as_bytes()).and_then(|seconds| i32::try_from(seconds).ok())
}

/// Writes microseconds since 1970 as RFC 3339, UTC.
pub(crate) fn show(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(
        || format!("{micros} µs"),
        |time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    )
}

/// Writes days since 1970 as `YYYY-MM-DD`.
pub(crate) fn show_day(day: i32) -> String {
    DateTime::from_timestamp(i64::from(day) * 86_400, 0)
        .map_or_else(|| day.to_string(), |time| time.date_naive().to_string())
}

/// The day that a stored date says, in days since 1970.
pub(crate) fn day_of_text(text: &str) -> Option<i32> {
    standard(text, 0).map(|date| day_of(date.micros))
}

/// The day of a time, in days since 1970.
pub(crate) fn day_of(micros: i64) -> i32 {
    i32::try_from(micros.div_euclid(DAY)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        DateForm::Standard.read(text, 0).map(show)
    }

    #[test]
    fn the_standard_forms_are_read() {
        let cases = [
            ("2016-12-31", "2016-12-31T00:00:00Z"),
            ("2016-12-31 08:30", "2016-12-31T08:30:00Z"),
            ("2016-12-31T08:30:05", "2016-12-31T08:30:05Z"),
            ("2016-12-31T08:30:05Z", "2016-12-31T08:30:05Z"),
            ("2016-12-31 08:30:05.25+01:00", "2016-12-31T07:30:05.250Z"),
            ("2016-12-31T23:30:00-0200", "2017-01-01T01:30:00Z"),
            ("2016-02-29T00:00:00.123456789Z", "2016-02-29T00:00:00.123456Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for bad in [
            "",
            "31/12/2016",
            "2016-13-01",
            "2015-02-29",
            "2016-12-31T25:00",
            "2016-12-31T08",
            "2016-12-31x08:30",
            "2016-12-31T08:30:00+1:00",
            "2016-12-31T08:30:00 UTC",
            "0000-01-01",
            "2016-12-3é",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_of_centuries_agrees_with_the_calendar() {
        let mut day = NaiveDate::from_ymd_opt(1890, 1, 1).unwrap();
        while day < NaiveDate::from_ymd_opt(2110, 1, 1).unwrap() {
            let micros = day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
            assert_eq!(DateForm::Standard.read(&day.to_string(), 0), Some(micros));
            day = day.succ_opt().unwrap();
        }
    }

    #[test]
    fn other_forms_are_read_when_named_and_an_offset_is_taken_off() {
        let pattern = DateForm::parse("%d/%m/%Y").unwrap();
        assert_eq!(pattern.read("31/12/2016", 0).map(show).as_deref(), Some("2016-12-31T00:00:00Z"));
        assert_eq!(pattern.read("31/12/2016", 3600).map(show).as_deref(), Some("2016-12-30T23:00:00Z"));
        let pattern = DateForm::parse("%d.%m.%Y %H:%M %z").unwrap();
        assert_eq!(
            pattern.read("31.12.2016 08:30 +0100", 0).map(show).as_deref(),
            Some("2016-12-31T07:30:00Z")
        );
        assert_eq!(
            DateForm::UnixSeconds.read("1483173000", 0).map(show).as_deref(),
            Some("2016-12-31T08:30:00Z")
        );
        assert_eq!(
            DateForm::UnixMillis.read("1483173000250", 0).map(show).as_deref(),
            Some("2016-12-31T08:30:00.250Z")
        );
        assert_eq!(
            DateForm::Standard.read("2016-12-31 01:00", 7200).map(show).as_deref(),
            Some("2016-12-30T23:00:00Z")
        );
        assert_eq!(DateForm::parse("%Q"), None);
        assert_eq!(DateForm::parse("yyyy-mm-dd"), None);
    }

    #[test]
    fn a_date_of_another_form_is_refused_with_the_mapping_that_would_accept_it() {
        let complaint = DateForm::Standard.complaint("31/12/2016", "events", "occurred_at");
        assert!(complaint.contains("2016-12-31T08:30:00Z"), "{complaint}");
        assert!(complaint.contains("[events.dates] occurred_at = \"%d/%m/%Y\""), "{complaint}");
        let complaint = DateForm::Standard.complaint("12/31/2016", "events", "occurred_at");
        assert!(complaint.contains("\"%m/%d/%Y\""), "{complaint}");
        assert!(DateForm::Standard.complaint("1483173000", "events", "at").contains("unix_seconds"));
        assert!(!DateForm::Standard.complaint("yesterday", "events", "at").contains("mapping"));
        assert_eq!(EARLIEST, DateForm::Standard.read("1990-01-01", 0).unwrap());
    }
}
