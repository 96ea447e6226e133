//! Numbers as people write them in files.

/// A decimal number: `12`, `-3.5`, `1e6`; with `comma` also `12,5`. No infinities, no thousands' separators.
pub(crate) fn parse(text: &str, comma: bool) -> Option<f64> {
    let bytes = text.as_bytes();
    // The common case, a few digits, without the general parser.
    if !bytes.is_empty() && bytes.len() <= 15 && bytes.iter().all(u8::is_ascii_digit) {
        let n = bytes.iter().fold(0_u64, |n, b| n * 10 + u64::from(b - b'0'));
        return Some(n as f64);
    }
    if !bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b',' | b'e' | b'E')) {
        return None;
    }
    let value = if comma && text.contains(',') {
        if text.contains('.') {
            return None;
        }
        text.replace(',', ".").parse::<f64>()
    } else {
        text.parse::<f64>()
    };
    value.ok().filter(|v| v.is_finite())
}

/// Whether a whole column of such texts may be taken for numbers: `01000` may not, it is a code (a postcode).
pub(crate) fn is_plain(text: &str, comma: bool) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let coded = digits.len() > 1
        && digits.starts_with('0')
        && !digits[1..].starts_with(['.', 'e', 'E'])
        && !(comma && digits[1..].starts_with(','));
    // Beyond 2^53 neighbours fall together: such long digits are ids.
    let long = digits.len() > 15 && digits.bytes().all(|b| b.is_ascii_digit());
    !coded && !long && !text.starts_with('+') && parse(text, comma).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_codes_are_not_taken_for_numbers() {
        assert_eq!(parse("89638", false), Some(89_638.0));
        assert_eq!(parse("-3.50", false), Some(-3.5));
        assert_eq!(parse("1e3", false), Some(1000.0));
        assert_eq!(parse("12,5", true), Some(12.5));
        for bad in ["", "12,5", "inf", "NaN", "0x10", "1 000", "1e999", "twelve", "-"] {
            assert_eq!(parse(bad, false), None, "{bad}");
        }
        assert_eq!(parse("1.234,5", true), None);
        for code in ["01000", "00", "12345678901234567", "+33612345678"] {
            assert!(!is_plain(code, false), "{code}");
        }
        for number in ["0", "0.5", "-0.5", "10", "1e3"] {
            assert!(is_plain(number, false), "{number}");
        }
    }
}
