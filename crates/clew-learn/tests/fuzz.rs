//! The fuzz target's entry over some thousand seeded random byte strings, and files with changed bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod fuzzing;

use fuzzing::entry::{fit_any, open_any};
use rand::{Rng, RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

fn random(rng: &mut Xoshiro256PlusPlus, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; rng.random_range(0..most)];
    rng.fill_bytes(&mut bytes);
    bytes
}

#[test]
fn random_bytes_never_panic() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_261_122);
    for _ in 0..3_000 {
        fit_any(&random(&mut rng, 300));
    }
}

#[test]
fn any_bytes_may_be_opened() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_261_123);
    let mut writer = clew_learn::format::Writer::new();
    writer.section("a", &[1.0_f32, 2.0, 3.0]).unwrap();
    writer.section("b", &[7_u64; 9]).unwrap();
    writer.json("c", &["x", "y"]).unwrap();
    let file = writer.finish();
    open_any(&file);
    for _ in 0..3_000 {
        open_any(&random(&mut rng, 400));
        let mut changed = file.clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..changed.len());
            changed[at] = rng.random();
        }
        changed.truncate(rng.random_range(0..2 * changed.len()));
        open_any(&changed);
    }
}
