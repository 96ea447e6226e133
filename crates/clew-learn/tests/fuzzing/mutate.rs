//! Model files with changed bytes and checksums that hold again, so that the change reaches the reader behind them.

use super::source::Source;

const HEADER: usize = 64;
const ENTRY: usize = 128;

/// Changes a few bytes of a model file, its sections' sizes or kinds.
pub fn change(source: &mut Source<'_>, file: &mut [u8]) {
    for _ in 0..=source.up_to(3) {
        let n = number(file, 12).unwrap_or(0) as usize;
        match source.byte() % 8 {
            // The table: a section's size, or its kind.
            0 if n > 0 => {
                let entry = HEADER + ENTRY * source.up_to(n - 1);
                let length = number(file, entry + 80).unwrap_or(0);
                let cut = source.up_to(40) as u64;
                put(file, entry + 80, &length.saturating_sub(cut).to_le_bytes());
            }
            1 if n > 0 => {
                let entry = HEADER + ENTRY * source.up_to(n - 1);
                put(file, entry + 64, &[source.byte() % 12]);
            }
            // Numbers of 8 and of 4 bytes that break things.
            2..=5 if file.len() > HEADER + ENTRY * n + 8 => {
                let from = HEADER + ENTRY * n;
                let at = (from + source.up_to(file.len() - from - 1)) & !7;
                let hard: [u64; 8] = [
                    0,
                    u64::MAX,
                    1 << 62,
                    f64::NAN.to_bits(),
                    f64::MAX.to_bits(),
                    u64::from(u32::MAX),
                    0x7f80_0000_7f80_0000,
                    source.up_to(16) as u64,
                ];
                let hard = hard[source.up_to(7)].to_le_bytes();
                let length = if source.one_in(2) { 8 } else { 4 };
                put(file, at.max(from), &hard[..length]);
            }
            _ if !file.is_empty() => {
                let at = source.up_to(file.len() - 1);
                file[at] ^= 1 << (source.byte() % 8);
            }
            _ => {}
        }
    }
    if !source.one_in(16) {
        seal(file);
    }
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    for (slot, byte) in file.iter_mut().skip(at).zip(bytes) {
        *slot = *byte;
    }
}

fn number(file: &[u8], at: usize) -> Option<u64> {
    let length = if at == 12 { 4 } else { 8 };
    let mut wide = [0; 8];
    wide[..length].copy_from_slice(file.get(at..at + length)?);
    Some(u64::from_le_bytes(wide))
}

/// Writes every checksum anew.
fn seal(file: &mut [u8]) {
    let n = number(file, 12).unwrap_or(0) as usize;
    let Some(end) = n.checked_mul(ENTRY).map(|table| table + HEADER).filter(|&end| end <= file.len()) else {
        return;
    };
    for entry in (HEADER..end).step_by(ENTRY) {
        let (from, length) = (number(file, entry + 72), number(file, entry + 80));
        let section = from.zip(length).and_then(|(from, length)| {
            file.get(usize::try_from(from).ok()?..usize::try_from(from.checked_add(length)?).ok()?)
        });
        if let Some(hash) = section.map(|section| *blake3::hash(section).as_bytes()) {
            put(file, entry + 88, &hash);
        }
    }
    let hash = *blake3::Hasher::new().update(&file[..32]).update(&file[HEADER..end]).finalize().as_bytes();
    put(file, 32, &hash);
}
