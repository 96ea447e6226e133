//! The hot loops by hand, chosen at run time: AVX2 and FMA where the processor has them, a scalar twin
//! elsewhere. The only place of `unsafe` in this crate.
