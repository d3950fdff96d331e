//! Where ids come from: chance, or in a test its own sequence.

use std::time::{SystemTime, UNIX_EPOCH};

use rand::RngCore;

/// Returns a number that nobody can foresee; in a test, the next of its sequence.
pub(super) fn next_u64() -> u64 {
    #[cfg(feature = "test")]
    if let Some(next) = crate::test::Scope::next_id() {
        return next;
    }
    rand::rng().next_u64()
}

/// Returns the milliseconds since 1970; in a test, the next of its sequence.
pub(super) fn unix_millis() -> u64 {
    #[cfg(feature = "test")]
    if let Some(next) = crate::test::Scope::next_millis() {
        return next;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 still gives ids that differ.
    since.map_or(0, |time| {
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    })
}
