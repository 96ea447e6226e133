//! Model files: what is written comes back; what is damaged is refused.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use clew_learn::format::{File, Writer};
use std::sync::Arc;

fn sample() -> Vec<u8> {
    let mut writer = Writer::new();
    writer.section("numbers", &[1.5_f32, f32::MIN_POSITIVE, -0.0]).unwrap();
    writer.section("ids", &[1_u64, u64::MAX]).unwrap();
    writer.section::<u8>("nothing", &[]).unwrap();
    writer.section("halves", &[half::f16::from_f32(0.25)]).unwrap();
    writer.json("report", &vec!["a", "b"]).unwrap();
    writer.finish()
}

#[test]
fn sections_come_back_in_place() {
    let bytes = sample();
    let file = File::open(Arc::new(bytes)).unwrap();
    assert_eq!(file.view::<f32>("numbers").unwrap(), [1.5, f32::MIN_POSITIVE, -0.0]);
    assert_eq!(file.view::<u64>("ids").unwrap(), [1, u64::MAX]);
    assert_eq!(file.view::<u8>("nothing").unwrap(), [0_u8; 0]);
    assert_eq!(file.view::<half::f16>("halves").unwrap()[0].to_f32(), 0.25);
    assert_eq!(file.json::<Vec<String>>("report").unwrap(), ["a", "b"]);
    let shared = file.shared::<f32>("numbers").unwrap();
    drop(file);
    assert_eq!(shared[0], 1.5);
}

#[test]
fn the_same_sections_make_the_same_bytes_at_aligned_places() {
    assert_eq!(sample(), sample());
    let bytes = sample();
    let at = bytes.windows(8).position(|part| part == 1_u64.to_le_bytes()).unwrap();
    let table = u64::from_le_bytes(bytes[64 + 128 + 72..64 + 128 + 80].try_into().unwrap());
    assert!(at > 0 && table % 64 == 0);
}

#[test]
fn bytes_at_odd_places_are_read_too() {
    struct Odd(Vec<u8>);
    impl AsRef<[u8]> for Odd {
        fn as_ref(&self) -> &[u8] {
            &self.0[1..]
        }
    }
    let odd = Odd([vec![0], sample()].concat());
    let file = File::open(Arc::new(odd)).unwrap();
    assert_eq!(file.view::<u64>("ids").unwrap(), [1, u64::MAX]);
}

#[test]
fn every_flipped_byte_that_counts_is_noticed() {
    let bytes = sample();
    let (mut noticed, mut gaps) = (0, 0);
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x40;
        match File::open(Arc::new(damaged)) {
            Err(error) => {
                assert!(error.to_string().contains("; "), "{error}");
                noticed += 1;
            }
            // Only the zeros between sections are not covered.
            Ok(_) => {
                assert_eq!(bytes[place], 0, "byte {place}");
                gaps += 1;
            }
        }
    }
    assert!(noticed > 64 + 5 * 128 && gaps < 5 * 64, "{noticed} noticed, {gaps} in gaps");
    for length in 0..bytes.len() {
        assert!(File::open(Arc::new(bytes[..length].to_vec())).is_err(), "cut at {length}");
    }
}

#[test]
fn messages_say_what_to_do() {
    let open = |bytes: Vec<u8>| File::open(Arc::new(bytes)).unwrap_err().to_string();
    assert_eq!(open(b"PK".to_vec()), "this is not a model file; give a file written by a training");
    let mut future = sample();
    future[8] = 9;
    assert_eq!(
        open(future),
        "the model file has version 9, this program reads 1; use the program that wrote it, or train again"
    );
    let file = File::open(Arc::new(sample())).unwrap();
    assert_eq!(
        file.view::<f32>("rows").unwrap_err().to_string(),
        "section 'rows' is missing; fetch the file again or train again"
    );
    assert_eq!(
        file.view::<f32>("ids").unwrap_err().to_string(),
        "section 'ids' is of kind 4 where 7 was expected; read it with the version that wrote it"
    );
    let mut writer = Writer::new();
    writer.section("a", &[1_u8]).unwrap();
    assert!(writer.section("a", &[1_u8]).unwrap_err().to_string().contains("twice"));
}
