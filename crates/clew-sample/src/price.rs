//! Prices: rounded the way shops do.

/// The price in cents nearest to what shops write: 3.95, 12.90, 249.00.
pub(crate) fn shop_price(cents: f32) -> u32 {
    let cents = cents.clamp(60.0, 900_000.0) as u32;
    match cents {
        0..1_000 => cents / 10 * 10 + 5,
        1_000..10_000 => cents / 100 * 100 + 90,
        _ => cents / 1_000 * 1_000 + 900,
    }
}

/// Writes cents as `12.90`.
pub(crate) fn write_price(cents: u32, out: &mut Vec<u8>) {
    write_number(u64::from(cents / 100), out);
    let rest = (cents % 100) as u8;
    out.extend_from_slice(&[b'.', b'0' + rest / 10, b'0' + rest % 10]);
}

/// Writes a whole number.
pub(crate) fn write_number(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut n = 0;
    for slot in &mut digits {
        *slot = b'0' + (number % 10) as u8;
        number /= 10;
        n += 1;
        if number == 0 {
            break;
        }
    }
    out.extend(digits.iter().take(n).rev());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_look_like_prices() {
        assert_eq!([shop_price(371.0), shop_price(1_234.0), shop_price(24_700.0)], [375, 1_290, 24_900]);
        let mut out = Vec::new();
        write_price(1_205, &mut out);
        write_number(0, &mut out);
        assert_eq!(out, b"12.050");
    }
}
