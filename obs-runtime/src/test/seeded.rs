//! Ids that are the same in every run of a test.

use std::sync::atomic::{AtomicU64, Ordering};

/// The beginning of 2026: what the ids of a test that hold a time begin with.
const EPOCH_MILLIS: u64 = 1_767_225_600_000;

/// The step of `SplitMix64`.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A sequence of numbers that depends on the test's name alone: `SplitMix64`.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Debug)]
pub(super) struct Seeded {
    state: AtomicU64,
    millis: AtomicU64,
}

impl Seeded {
    pub(super) fn new(name: &str) -> Self {
        Self {
            state: AtomicU64::new(fnv1a(name)),
            millis: AtomicU64::new(EPOCH_MILLIS),
        }
    }

    /// Returns the next number. The orderings do not matter: each step is one number.
    pub(super) fn next(&self) -> u64 {
        let mut z = self
            .state
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a time in milliseconds since 1970 that is later than the one before.
    pub(super) fn millis(&self) -> u64 {
        self.millis.fetch_add(1, Ordering::Relaxed)
    }
}

/// Source: Fowler, Noll, Vo, 64 bits.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Seeded;

    #[test]
    fn a_name_gives_one_sequence_and_another_name_another() {
        let sequence = |name: &str| {
            let ids = Seeded::new(name);
            (0..1_000).map(|_| ids.next()).collect::<Vec<_>>()
        };
        assert_eq!(sequence("shop::a"), sequence("shop::a"));
        let all: HashSet<u64> = [sequence("shop::a"), sequence("shop::b")]
            .concat()
            .into_iter()
            .collect();
        assert_eq!(all.len(), 2_000);
    }

    #[test]
    fn times_increase() {
        let ids = Seeded::new("");
        let times: Vec<u64> = (0..3).map(|_| ids.millis()).collect();
        assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    }
}
