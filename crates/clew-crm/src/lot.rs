//! Lots: what is drawn by name stays drawn while the data grow.
//!
//! A place in a list is no name: with one customer more, a sample by places is another sample altogether, and the figures of two days
//! cannot be set side by side. Here each name has a number of its own for good (permanent random numbers: Ohlsson 1995, "Coordination of
//! Samples Using Permanent Random Numbers"), and the least are drawn; of a few candidates, turn by turn, the one with the least number of
//! that turn (rendezvous hashing: Thaler & Ravishankar 1998). What is new takes a place only where its own number is small enough.
use clew_learn::Run;
use clew_learn::run::mix;
use rand::Rng;

/// The numbers of one draw.
pub(crate) struct Lots {
    key: [u8; 32],
}

impl Lots {
    /// Other streams of a run, and other seeds, have nothing to do with one another.
    pub(crate) fn new(run: &Run<'_>, stream: u64) -> Lots {
        Lots { key: run.rng(stream).random() }
    }

    /// The lot of a name: the same for good.
    pub(crate) fn of(&self, name: &str) -> u64 {
        let hash = blake3::keyed_hash(&self.key, name.as_bytes());
        hash.as_bytes().iter().take(8).fold(0, |lot, &byte| lot << 8 | u64::from(byte))
    }

    /// The `n` of the items whose names have the least lots, in the order in which they were given.
    pub(crate) fn least<'a>(&self, items: &[u32], n: usize, name: impl Fn(u32) -> &'a str) -> Vec<u32> {
        let mut lots: Vec<(u64, u32)> = items.iter().map(|&item| (self.of(name(item)), item)).collect();
        if n < lots.len() {
            lots.select_nth_unstable(n);
            lots.truncate(n);
        }
        lots.sort_unstable_by_key(|&(_, item)| item);
        lots.into_iter().map(|(_, item)| item).collect()
    }
}

/// A lot's number in a turn.
pub(crate) fn turned(lot: u64, turn: u64) -> u64 {
    mix(lot ^ mix(turn))
}

/// The item that is drawn in a turn, each as likely as any; none of none.
pub(crate) fn drawn<T>(items: &[T], lot: impl Fn(&T) -> u64, turn: u64) -> Option<&T> {
    items.iter().min_by_key(|item| turned(lot(item), turn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_stays_drawn_while_names_are_added() {
        let lots = Lots { key: [1; 32] };
        let names: Vec<String> = (0..20_000).map(|n| format!("customer {n}")).collect();
        let of = |n: u32| names[n as usize].as_str();
        let some: Vec<u32> = (0..10_000).collect();
        let all: Vec<u32> = (0..20_000).collect();
        let few = lots.least(&some, 2_000, of);
        assert_eq!(few.len(), 2_000);
        assert!(few.is_sorted());
        // Of twice as many, half as large a share: about half of those that were drawn are drawn again, and no other of them.
        let later = lots.least(&all, 2_000, of);
        let again: Vec<u32> = later.iter().copied().filter(|&n| n < 10_000).collect();
        assert!(again.iter().all(|n| few.contains(n)), "one that was not drawn before");
        assert!((850..1_150).contains(&again.len()), "{} again", again.len());
        assert_eq!(lots.least(&some, 30_000, of), some);
        assert_ne!(Lots { key: [2; 32] }.least(&some, 2_000, of), few, "another seed draws the same");
    }

    #[test]
    fn a_turn_draws_each_item_as_often_and_a_new_one_takes_only_its_own_turns() {
        let items: Vec<u64> = (0..5).map(mix).collect();
        let draw = |items: &[u64], turn| drawn(items, |&lot| lot, turn).copied();
        let mut counts = [0; 5];
        for turn in 0..5_000 {
            let with_all = draw(&items, turn);
            counts[items.iter().position(|&item| Some(item) == with_all).unwrap()] += 1;
            let without_last = draw(&items[..4], turn);
            assert!(with_all == without_last || with_all == items.last().copied());
        }
        assert!(counts.iter().all(|n| (900..1_100).contains(n)), "{counts:?}");
        assert_eq!(draw(&[], 1), None);
    }
}
