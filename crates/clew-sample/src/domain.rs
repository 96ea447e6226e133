//! E-mail providers, and what a provider says: how old its customers are and a little of what they like.

use crate::taste::{FASHION, GARDEN, HOME, ORGANIC, TECH, THRIFT};

/// A provider.
#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) name: &'static str,
    /// Its customers' mean year of birth, and the spread around it.
    pub(crate) peak: f32,
    pub(crate) spread: f32,
    pub(crate) share: f32,
    /// Which traits it raises, and by how much.
    pub(crate) effect: &'static [(usize, f32)],
}

const fn d(name: &'static str, peak: u16, spread: u8, share: u8, effect: &'static [(usize, f32)]) -> Domain {
    Domain { name, peak: peak as f32, spread: spread as f32, share: share as f32, effect }
}

/// How likely somebody born in `year` is with this provider.
pub(crate) fn popularity(domain: &Domain, year: i32) -> f32 {
    let z = (year as f32 - domain.peak) / domain.spread;
    domain.share * ((-0.5 * z * z).exp() + 0.02)
}

/// The providers, large ones first.
pub(crate) static DOMAINS: &[Domain] = &[
    d("gmail.com", 1992, 22, 100, &[]),
    d("orange.fr", 1958, 14, 60, &[(HOME, 0.1)]),
    d("hotmail.fr", 1983, 11, 50, &[]),
    d("wanadoo.fr", 1952, 11, 32, &[(GARDEN, 0.2)]),
    d("free.fr", 1966, 13, 28, &[(TECH, 0.3), (THRIFT, 0.2)]),
    d("hotmail.com", 1986, 10, 28, &[]),
    d("yahoo.fr", 1975, 12, 28, &[]),
    d("sfr.fr", 1962, 13, 20, &[]),
    d("laposte.net", 1960, 16, 18, &[(THRIFT, 0.35)]),
    d("outlook.fr", 1984, 16, 16, &[]),
    d("live.fr", 1989, 7, 16, &[]),
    d("icloud.com", 1995, 13, 14, &[(TECH, 0.35), (FASHION, 0.25), (THRIFT, -0.4)]),
    d("neuf.fr", 1958, 11, 8, &[]),
    d("bbox.fr", 1970, 14, 7, &[]),
    d("yahoo.com", 1982, 14, 7, &[]),
    d("outlook.com", 1992, 14, 7, &[]),
    d("aol.com", 1955, 11, 5, &[]),
    d("club-internet.fr", 1950, 10, 4, &[(TECH, 0.15)]),
    d("numericable.fr", 1968, 13, 4, &[]),
    d("protonmail.com", 1991, 10, 4, &[(TECH, 0.6), (ORGANIC, 0.3)]),
    d("aliceadsl.fr", 1962, 11, 3, &[]),
    d("cegetel.net", 1955, 10, 2, &[]),
];
