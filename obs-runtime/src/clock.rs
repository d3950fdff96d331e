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
