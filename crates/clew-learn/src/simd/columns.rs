//! What is computed of blocks of rows column by column: logarithms, bent lines, sums of columns.
//!
//! One body in plain Rust a kernel, compiled once for each instruction set; every lane goes through the same
//! operations in the same order, so the bits do not depend on the processor.

use super::Level;
use crate::columns::{BLOCK, Column};

/// A body for every level: `name` picks, `avx2` and `avx512` are the body as the compiler puts it in wider registers.
macro_rules! twins {
    ($(#[$doc:meta])* $name:ident, $body:ident, ($($arg:ident: $type:ty),*)) => {
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name(level: Level, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            fn avx2($($arg: $type),*) {
                $body($($arg),*);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
            fn avx512($($arg: $type),*) {
                $body($($arg),*);
            }
            match level {
                Level::Portable => $body($($arg),*),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the token says that the processor has the features.
                Level::Avx2(_) => unsafe { avx2($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the token says that the processor has the features.
                Level::Avx512(_) => unsafe { avx512($($arg),*) },
            }
        }
    };
}

twins!(
    /// Natural logarithms: −∞ of 0, NaN below it.
    ln, ln_body, (values: &mut Column)
);

twins!(
    /// Natural logarithms of 1 + x.
    ln_1p, ln_1p_body, (values: &mut Column)
);

twins!(
    /// to += Σ coefficient × bent value; see [`crate::columns::Bent`].
    add_bent, add_bent_body, (values: &Column, centre: (f32, f32), terms: &[(f32, f64)], to: &mut [f64; BLOCK])
);

twins!(
    /// Each of `to` becomes Σ vector[j] × column[j], the vectors lying one after the other.
    combine, combine_body, (columns: &[Column], vectors: &[f32], to: &mut [Column])
);

twins!(
    /// Hyperbolic tangents.
    tanh, tanh_body, (values: &mut Column)
);

/// Coefficients of Cephes' `logf` (Moshier 1992), highest power first: within two units in the last place.
const LN: [f32; 9] = [
    7.037_683_6e-2,
    -1.151_461e-1,
    1.167_699_9e-1,
    -1.242_014_1e-1,
    1.424_932_3e-1,
    -1.666_805_8e-1,
    0.200_007_15,
    -2.499_999_4e-1,
    0.333_333_3,
];
/// ln 2 in two parts, the first exact in few bits.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// The bits of √½, above which a mantissa is left as it is.
const HALF_ROOT: u32 = 0x3f35_04f3;

#[inline(always)]
fn ln_of(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let exponent = (bits.wrapping_sub(HALF_ROOT) as i32) >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub((exponent << 23) as u32));
    let (f, e) = (mantissa - 1.0, exponent as f32);
    let square = f * f;
    let mut sum = LN[0];
    for c in &LN[1..] {
        sum = sum * f + c;
    }
    let small = sum * f * square + e * LN_2[1] - 0.5 * square;
    let ln = (f + small) + e * LN_2[0];
    let ln = if x < f32::INFINITY { ln } else { x };
    let ln = if x > 0.0 { ln } else { f32::NAN };
    if x == 0.0 { f32::NEG_INFINITY } else { ln }
}

#[inline(always)]
fn ln_body(values: &mut Column) {
    for value in values {
        *value = ln_of(*value);
    }
}

#[inline(always)]
fn ln_1p_body(values: &mut Column) {
    for value in values {
        let x = *value;
        let sum = 1.0 + x;
        // What the sum lost of x, put back to first order.
        let lost = (x - (sum - 1.0)) / sum;
        let lost = if sum < f32::INFINITY { lost } else { 0.0 };
        *value = ln_of(sum) + if sum > 0.0 { lost } else { 0.0 };
    }
}

/// Beyond this the fraction below is 1, as close as it ever comes.
const TANH_END: f32 = 6.1;

/// Lambert's continued fraction (1768), cut off behind its ninth term: within 6e-6 everywhere.
#[inline(always)]
fn tanh_of(x: f32) -> f32 {
    let x = x.clamp(-TANH_END, TANH_END);
    let s = x * x;
    let above = x * (34_459_425.0 + s * (4_729_725.0 + s * (135_135.0 + s * (990.0 + s))));
    let below = 34_459_425.0 + s * (16_216_200.0 + s * (945_945.0 + s * (13_860.0 + s * 45.0)));
    above / below
}

#[inline(always)]
fn tanh_body(values: &mut Column) {
    for value in values {
        *value = tanh_of(*value);
    }
}

#[inline(always)]
fn add_bent_body(values: &Column, centre: (f32, f32), terms: &[(f32, f64)], to: &mut [f64; BLOCK]) {
    let mut standard = [0.0_f32; BLOCK];
    for (to, &value) in standard.iter_mut().zip(values) {
        let value = ((value - centre.0) / centre.1).clamp(-6.0, 6.0);
        *to = if value.is_nan() { 0.0 } else { value };
    }
    let [(_, first), bends @ ..] = terms else { return };
    for (to, &value) in to.iter_mut().zip(&standard) {
        *to += first * f64::from(value);
    }
    for &(knot, coefficient) in bends {
        for (to, &value) in to.iter_mut().zip(&standard) {
            let over = value - knot;
            let over = if over > 0.0 { over } else { 0.0 };
            *to += coefficient * f64::from(over);
        }
    }
}

#[inline(always)]
fn combine_body(columns: &[Column], vectors: &[f32], to: &mut [Column]) {
    for (to, vector) in to.iter_mut().zip(vectors.chunks_exact(columns.len().max(1))) {
        let mut sums = [0.0_f32; BLOCK];
        for (column, &v) in columns.iter().zip(vector) {
            for (sum, &value) in sums.iter_mut().zip(column) {
                *sum = v.mul_add(value, *sum);
            }
        }
        *to = sums;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::levels;

    fn block(from: f32, factor: f32) -> Column {
        std::array::from_fn(|i| from * factor.powi(i as i32))
    }

    #[test]
    fn logarithms_are_right_and_the_same_at_every_level() {
        for level in levels() {
            for (from, factor) in [(1e-30, 2.9), (0.97, 1.001), (1e-6, 1.31), (3.0, 1.5)] {
                let x = block(from, factor);
                let (mut ln_x, mut ln_1p_x) = (x, x);
                ln(level, &mut ln_x);
                ln_1p(level, &mut ln_1p_x);
                let (mut twin, mut twin_1p) = (x, x);
                ln_body(&mut twin);
                ln_1p_body(&mut twin_1p);
                assert_eq!(ln_x.map(f32::to_bits), twin.map(f32::to_bits), "{level:?}");
                assert_eq!(ln_1p_x.map(f32::to_bits), twin_1p.map(f32::to_bits), "{level:?}");
                for i in 0..BLOCK {
                    let exact = f64::from(x[i]).ln();
                    assert!((f64::from(ln_x[i]) - exact).abs() <= 3e-7 * exact.abs().max(1e-3), "{}", x[i]);
                    let exact = f64::from(x[i]).ln_1p();
                    assert!((f64::from(ln_1p_x[i]) - exact).abs() <= 4e-7 * exact.abs(), "{}", x[i]);
                }
            }
            let mut odd = [1.0; BLOCK];
            odd[..4].copy_from_slice(&[0.0, -1.0, f32::NAN, f32::INFINITY]);
            ln(level, &mut odd);
            assert!(
                odd[0] == f32::NEG_INFINITY && odd[1].is_nan() && odd[2].is_nan() && odd[3] == f32::INFINITY
            );
            assert_eq!(odd[4], 0.0);
            let mut odd = [0.0; BLOCK];
            odd[..4].copy_from_slice(&[-1.0, -2.0, f32::NAN, f32::INFINITY]);
            ln_1p(level, &mut odd);
            assert!(
                odd[0] == f32::NEG_INFINITY && odd[1].is_nan() && odd[2].is_nan() && odd[3] == f32::INFINITY
            );
            assert_eq!(odd[4], 0.0);
        }
    }

    #[test]
    fn tangents_are_right_and_the_same_at_every_level() {
        for level in levels() {
            for at in -20..20 {
                let x: Column = std::array::from_fn(|i| at as f32 * 0.5 + i as f32 / 128.0);
                let (mut tanh_x, mut twin) = (x, x);
                tanh(level, &mut tanh_x);
                tanh_body(&mut twin);
                assert_eq!(tanh_x.map(f32::to_bits), twin.map(f32::to_bits), "{level:?}");
                for (x, found) in x.into_iter().zip(tanh_x) {
                    assert!((f64::from(found) - f64::from(x).tanh()).abs() < 6e-6, "{x} {found}");
                }
            }
            let mut odd = [0.0; BLOCK];
            odd[..3].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
            tanh(level, &mut odd);
            assert!(odd[0].is_nan() && (odd[1] - 1.0).abs() < 6e-6 && (odd[2] + 1.0).abs() < 6e-6);
            assert_eq!(odd[3], 0.0);
        }
    }

    #[test]
    fn sums_are_the_same_at_every_level() {
        let columns: Vec<Column> = (0..5).map(|j| block(0.1 + j as f32, 1.03)).collect();
        let vectors: Vec<f32> = (0..15).map(|v| (v as f32 - 7.0) * 0.3).collect();
        let (mut combined, mut bent) = (vec![[0.0; BLOCK]; 3], [0.5; BLOCK]);
        let terms = [(0.0, 1.5), (0.2, -0.7), (1.1, 0.1)];
        combine_body(&columns, &vectors, &mut combined);
        add_bent_body(&columns[0], (0.3, 0.2), &terms, &mut bent);
        for level in levels() {
            let (mut twin, mut twin_bent) = (vec![[0.0; BLOCK]; 3], [0.5; BLOCK]);
            combine(level, &columns, &vectors, &mut twin);
            add_bent(level, &columns[0], (0.3, 0.2), &terms, &mut twin_bent);
            assert_eq!(combined, twin, "{level:?}");
            assert_eq!(bent, twin_bent, "{level:?}");
        }
        let by_hand: f32 = (0..5).map(|j| vectors[5 + j] * columns[j][7]).sum();
        assert!((combined[1][7] - by_hand).abs() < 1e-4);
    }
}
