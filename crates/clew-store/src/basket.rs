//! Baskets are told apart by a hash of their name: there are millions of them, and nobody asks for the name.

/// The hash of a basket's name; never 0, which stands for no basket.
pub(crate) fn hash(name: &str) -> u64 {
    let mut bytes = [0; 8];
    let hash = blake3::hash(name.as_bytes());
    bytes.iter_mut().zip(hash.as_bytes()).for_each(|(byte, of)| *byte = *of);
    u64::from_le_bytes(bytes).max(1)
}

/// The name that a basket of this hash has in [`Records`](clew_crm::Records): the same from files and from snapshots.
pub(crate) fn name(hash: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut name = [b'0'; 16];
    for (i, digit) in name.iter_mut().enumerate() {
        let nibble = (hash >> (60 - 4 * i)) & 15;
        *digit = DIGITS.get(nibble as usize).copied().unwrap_or(b'0');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basket_has_one_name_in_hexadecimal() {
        assert_eq!(&name(0xab), b"00000000000000ab");
        assert_eq!(
            std::str::from_utf8(&name(hash("31198570044"))).unwrap(),
            format!("{:016x}", hash("31198570044"))
        );
        assert_ne!(hash("a"), hash("b"));
    }
}
