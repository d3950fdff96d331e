//! Whether a process that ended is started again, and when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many ends within [`WINDOW`] are the last ones.
pub(super) const TOO_MANY: usize = 3;
pub(super) const WINDOW: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// When a process has ended lately.
#[derive(Debug, Default)]
pub(super) struct Restarts(VecDeque<Instant>);

impl Restarts {
    /// Notes an end, and returns the pause before the next start; `None` says that there is to be
    /// none.
    pub(super) fn after(&mut self, end: Instant) -> Option<Duration> {
        self.0.retain(|past| end.duration_since(*past) < WINDOW);
        let lately = self.0.len();
        self.0.push_back(end);
        let doubled = u32::try_from(lately).ok()?;
        (lately + 1 < TOO_MANY).then(|| FIRST_PAUSE * 2_u32.saturating_pow(doubled))
    }
}
