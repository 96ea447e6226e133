//! A set of rows, one bit each.

/// A fixed number of bits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// `len` bits, all `value`.
    pub fn new(len: usize, value: bool) -> Bits {
        let mut bits = Bits { words: vec![if value { u64::MAX } else { 0 }; len.div_ceil(64)], len };
        bits.trim();
        bits
    }

    /// `len` bits, bit i being `f(i)`.
    pub fn from_fn(len: usize, mut f: impl FnMut(usize) -> bool) -> Bits {
        let mut words = Vec::with_capacity(len.div_ceil(64));
        let mut start = 0;
        while start < len {
            let n = (len - start).min(64);
            let mut word = 0u64;
            for i in 0..n {
                word |= u64::from(f(start + i)) << i;
            }
            words.push(word);
            start += n;
        }
        Bits { words, len }
    }

    /// The first `len` bits of these words, which must be as many as that takes.
    pub(crate) fn from_words(words: Vec<u64>, len: usize) -> Bits {
        let mut bits = Bits { words, len };
        bits.words.resize(len.div_ceil(64), 0);
        bits.trim();
        bits
    }

    /// How many bits there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bit `i`; false beyond the last.
    #[inline]
    pub fn get(&self, i: u32) -> bool {
        self.words.get(i as usize / 64).is_some_and(|word| word >> (i % 64) & 1 == 1)
    }

    /// Sets bit `i`; beyond the last does nothing.
    #[inline]
    pub fn set(&mut self, i: u32, value: bool) {
        if (i as usize) < self.len
            && let Some(word) = self.words.get_mut(i as usize / 64)
        {
            let bit = 1u64 << (i % 64);
            if value { *word |= bit } else { *word &= !bit }
        }
    }

    /// How many bits are set.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The set bits in rising order.
    pub fn ones(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(w, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let i = left.trailing_zeros();
                    left &= left - 1;
                    w as u32 * 64 + i
                })
            })
        })
    }

    /// Keeps the bits that `other` has too; bits beyond its last are cleared.
    pub fn and(&mut self, other: &Bits) {
        for (i, word) in self.words.iter_mut().enumerate() {
            *word &= other.words.get(i).copied().unwrap_or(0);
        }
    }

    /// Adds the bits that `other` has.
    pub fn or(&mut self, other: &Bits) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
        self.trim();
    }

    /// Clears the bits that `other` has.
    pub fn and_not(&mut self, other: &Bits) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= !other;
        }
    }

    /// Turns each bit round.
    pub fn not(&mut self) {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.trim();
    }

    // Bits beyond the last stay 0, so that `count` and `==` need not look.
    fn trim(&mut self) {
        if !self.len.is_multiple_of(64)
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1u64 << (self.len % 64)) - 1;
        }
    }
}
