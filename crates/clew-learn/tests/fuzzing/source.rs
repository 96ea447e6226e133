//! Bytes read as data: sizes, numbers, matrices, from tame to wild. After the last byte it goes on with numbers
//! of its own, so that a short input is a whole case too.

use clew_learn::Result;
use clew_learn::sparse::Csr;
use ndarray::Array2;

/// Numbers that break things.
const WILD: [f32; 16] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    1e38,
    -1e38,
    f32::MAX,
    f32::MIN,
    1e-45,
    -1e-40,
    f32::MIN_POSITIVE,
    16_777_216.0,
    1e19,
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
];

/// Of these only so many are finite.
const N_FINITE: usize = 13;

pub struct Source<'a> {
    bytes: &'a [u8],
    state: u64,
}

/// How wild numbers get.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mood {
    /// Small numbers with fractions.
    Tame,
    /// Also the ends of what f32 holds.
    Extreme,
    /// Also NaN and infinities.
    Broken,
}

/// Outcomes of what kind.
#[derive(Clone, Copy)]
pub enum Outcomes {
    Classes,
    Amounts,
    Any,
}

/// Cases to learn from, and rows to predict for.
pub struct Cases {
    pub x: Array2<f32>,
    pub y: Vec<f32>,
    pub weight: Vec<f32>,
    pub judged: Array2<f32>,
}

impl<'a> Source<'a> {
    pub fn new(bytes: &'a [u8]) -> Source<'a> {
        Source { bytes, state: bytes.len() as u64 }
    }

    pub fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((&byte, rest)) => {
                self.bytes = rest;
                self.state = (self.state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                byte
            }
            None => {
                self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (self.state >> 56) as u8
            }
        }
    }

    /// 0..=most.
    pub fn up_to(&mut self, most: usize) -> usize {
        let two = usize::from(self.byte()) << 8 | usize::from(self.byte());
        two % (most + 1)
    }

    pub fn one_in(&mut self, n: u8) -> bool {
        self.byte().is_multiple_of(n)
    }

    pub fn mood(&mut self) -> Mood {
        match self.byte() % 8 {
            0..=3 => Mood::Tame,
            4..=6 => Mood::Extreme,
            _ => Mood::Broken,
        }
    }

    pub fn number(&mut self, mood: Mood) -> f32 {
        let (tag, byte) = (self.byte(), self.byte());
        match mood {
            Mood::Extreme if tag < 64 => WILD[usize::from(byte) % N_FINITE],
            Mood::Broken if tag < 32 => WILD[usize::from(byte) % WILD.len()],
            _ => f32::from(byte as i8) / 16.0,
        }
    }

    /// A number that a parameter may be set to: mostly `default`, else anything.
    pub fn parameter(&mut self, default: f32) -> f32 {
        if self.one_in(4) { self.number(Mood::Broken) } else { default }
    }

    /// As [`Source::parameter`], for a count whose size does not cost time.
    pub fn count(&mut self, default: usize) -> usize {
        match self.byte() % 8 {
            0 => [0, 1, 2, 255, 256, 65_536, u32::MAX as usize, usize::MAX][self.up_to(7)],
            1 => self.up_to(40),
            _ => default,
        }
    }

    pub fn matrix(&mut self, n: usize, p: usize) -> Array2<f32> {
        let mood = self.mood();
        let mut x = Array2::from_shape_simple_fn((n, p), || self.number(mood));
        // Constant columns, and columns that are the same.
        if n > 0 && p > 0 && self.one_in(4) {
            let value = self.number(mood);
            x.column_mut(0).fill(value);
        }
        if p > 1 && self.one_in(4) {
            let first = x.column(0).to_owned();
            x.column_mut(p - 1).assign(&first);
        }
        x
    }

    pub fn outcomes(&mut self, n: usize, kind: Outcomes) -> Vec<f32> {
        if self.one_in(16) {
            let mood = self.mood();
            return (0..n).map(|_| self.number(mood)).collect();
        }
        let one_class = self.one_in(12);
        (0..n)
            .map(|_| match kind {
                _ if one_class => 1.0,
                Outcomes::Classes => f32::from(self.byte() % 2),
                Outcomes::Amounts => 0.25 + f32::from(self.byte()) / 32.0,
                Outcomes::Any => self.number(Mood::Tame),
            })
            .collect()
    }

    pub fn weights(&mut self, n: usize) -> Vec<f32> {
        let kind = self.byte() % 8;
        let mood = self.mood();
        (0..n)
            .map(|_| match kind {
                0 => self.number(mood),
                1 => 0.0,
                2 => [1e-45, 1e-30, 1e30, 1e38][usize::from(self.byte() % 4)],
                3..=5 => f32::from(self.byte() % 4),
                _ => 1.0,
            })
            .collect()
    }

    pub fn cases(&mut self, outcomes: Outcomes) -> Cases {
        let (n, p) = match self.byte() % 16 {
            0 => (self.up_to(1), self.up_to(5)),
            1 => (self.up_to(300), self.up_to(3)),
            _ => (2 + self.up_to(38), 1 + self.up_to(4)),
        };
        let (x, mut y, mut weight) = (self.matrix(n, p), self.outcomes(n, outcomes), self.weights(n));
        if self.one_in(24) {
            y.pop();
        }
        if self.one_in(24) {
            weight.push(1.0);
        }
        let n_judged = self.up_to(6);
        let width = if self.one_in(24) { self.up_to(6) } else { p };
        let judged = Array2::from_shape_simple_fn((n_judged, width), || self.number(Mood::Extreme));
        Cases { x, y, weight, judged }
    }

    /// A sparse matrix, duplicates and empty rows among it; an error where its numbers are not finite.
    pub fn sparse(&mut self, n: usize, m: usize, negative: bool) -> Result<Csr> {
        let mood = self.mood();
        let n_triplets = if self.one_in(12) { 0 } else { self.up_to(4 * (n + m)) };
        let triplets: Vec<(u32, u32, f32)> = (0..n_triplets)
            .map(|_| {
                let value = self.number(mood);
                let value = if negative { value } else { value.abs() };
                (self.up_to(n) as u32, self.up_to(m) as u32, value)
            })
            .filter(|&(row, column, _)| (row as usize) < n && (column as usize) < m)
            .collect();
        Csr::from_triplets(n, m, &triplets)
    }

    /// The bytes that are left, at most `most`.
    pub fn rest(&mut self, most: usize) -> &'a [u8] {
        let (rest, after) = self.bytes.split_at(self.bytes.len().min(most));
        self.bytes = after;
        rest
    }
}
