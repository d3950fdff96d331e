//! The clock that durations are taken with.

use std::sync::OnceLock;

use quanta::Clock;

static CLOCK: OnceLock<Clock> = OnceLock::new();

#[inline]
fn clock() -> &'static Clock {
    CLOCK.get_or_init(Clock::new)
}

/// Makes the clock ready. The first reading does it otherwise, and takes half a millisecond.
pub(crate) fn calibrate() {
    clock();
}

/// Measures from its start, in nanoseconds.
///
/// Not a `quanta::Instant`: that scales both of its readings, and its `Duration` splits into
/// seconds and nanoseconds what is joined again at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    /// A reading of the processor's counter, in its own unit.
    start: u64,
}

impl Stopwatch {
    #[inline]
    pub(crate) fn start() -> Self {
        Self {
            start: clock().raw(),
        }
    }

    /// Returns the time since the start; zero if the counter went backwards.
    #[inline]
    pub(crate) fn nanos(self) -> u64 {
        let clock = clock();
        clock.delta_as_nanos(self.start, clock.raw())
    }
}

#[cfg(test)]
mod tests {
    use super::{Stopwatch, clock};

    #[test]
    fn m1_a_counter_that_jumps_gives_zero_or_a_duration_and_no_panic() {
        let now = clock().raw();
        for ahead in [1 << 20, 1 << 40, u64::MAX - now] {
            let start = now.saturating_add(ahead);
            assert_eq!(Stopwatch { start }.nanos(), 0, "started {ahead} ahead");
        }
        // As long ago as can be said, and just now.
        assert!(Stopwatch { start: 0 }.nanos() > 0);
        assert!(Stopwatch { start: now }.nanos() < 60_000_000_000);
    }
}
