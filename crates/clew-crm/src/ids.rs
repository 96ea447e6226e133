//! Interned strings: each distinct string gets a small number once, and all columns then hold numbers.
//!
//! The bytes lie end to end in one arena, so that a million ids cost no allocation each.

use std::fmt;

use ahash::RandomState;
use hashbrown::HashTable;

/// The code that means "no value".
pub const NONE: u32 = u32::MAX;

// Fixed keys: the hash never decides an order that shows, it only finds a string again.
const HASH: RandomState = RandomState::with_seeds(
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7344,
    0xa409_3822_299f_31d0,
    0x082e_fa98_ec4e_6c89,
);

/// Strings numbered 0, 1, 2, … in the order in which they were first interned.
#[derive(Clone)]
pub struct Ids {
    arena: String,
    ends: Vec<u32>,
    table: HashTable<Slot>,
    /// The code given last: rows that follow one another often share their customer, basket or kind.
    last: u32,
}

/// A string's code and where it starts: with both at hand a look-up waits for memory three times, not four.
#[derive(Clone, Copy)]
struct Slot {
    code: u32,
    start: u32,
}

impl Ids {
    /// No strings yet.
    pub fn new() -> Ids {
        Ids::with_capacity(0)
    }

    /// No strings yet, with room for `n` of them.
    pub fn with_capacity(n: usize) -> Ids {
        Ids {
            arena: String::new(),
            ends: Vec::with_capacity(n),
            table: HashTable::with_capacity(n),
            last: NONE,
        }
    }

    /// The code of `name`, given now if it had none. Gives [`NONE`] once 4,294,967,295 strings are held, or 4 GiB.
    pub fn intern(&mut self, name: &str) -> u32 {
        let Ids { arena, ends, table, last } = self;
        if *last != NONE && slice(arena, ends, *last) == name {
            return *last;
        }
        let hash = HASH.hash_one(name);
        if let Some(slot) = table.find(hash, |slot| holds(arena, ends, *slot, name)) {
            *last = slot.code;
            return slot.code;
        }
        let (Ok(code), Ok(start), Ok(end)) =
            (u32::try_from(ends.len()), u32::try_from(arena.len()), u32::try_from(arena.len() + name.len()))
        else {
            return NONE;
        };
        if code == NONE {
            return NONE;
        }
        arena.push_str(name);
        ends.push(end);
        table.insert_unique(hash, Slot { code, start }, |slot| HASH.hash_one(slice(arena, ends, slot.code)));
        *last = code;
        code
    }

    /// The code of `name`, if it was interned.
    pub fn get(&self, name: &str) -> Option<u32> {
        let found = self.table.find(HASH.hash_one(name), |slot| holds(&self.arena, &self.ends, *slot, name));
        found.map(|slot| slot.code)
    }

    /// The string of `code`; empty for [`NONE`] and for a code that was never given.
    pub fn name(&self, code: u32) -> &str {
        if (code as usize) < self.ends.len() { slice(&self.arena, &self.ends, code) } else { "" }
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All strings in the order of their codes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        (0..self.ends.len()).map(|code| slice(&self.arena, &self.ends, code as u32))
    }

    /// Gives back the memory that was kept for growing.
    pub fn shrink_to_fit(&mut self) {
        self.arena.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Bytes of memory held.
    pub fn size_bytes(&self) -> usize {
        self.arena.capacity()
            + self.ends.capacity() * std::mem::size_of::<u32>()
            + self.table.capacity() * (std::mem::size_of::<Slot>() + 1)
    }
}

fn slice<'a>(arena: &'a str, ends: &[u32], code: u32) -> &'a str {
    let code = code as usize;
    let start = if code == 0 { 0 } else { ends[code - 1] };
    &arena[start as usize..ends[code] as usize]
}

#[inline]
fn holds(arena: &str, ends: &[u32], slot: Slot, name: &str) -> bool {
    let (start, end) = (slot.start as usize, slot.start as usize + name.len());
    arena.as_bytes().get(start..end) == Some(name.as_bytes()) && ends[slot.code as usize] as usize == end
}

impl Default for Ids {
    fn default() -> Ids {
        Ids::new()
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Ids {
    fn eq(&self, other: &Ids) -> bool {
        self.arena == other.arena && self.ends == other.ends
    }
}

impl Eq for Ids {}

impl<S: AsRef<str>> FromIterator<S> for Ids {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Ids {
        let mut ids = Ids::new();
        for name in names {
            ids.intern(name.as_ref());
        }
        ids
    }
}
