//! How long each scene takes.

use std::time::Duration;

use crate::cli::Pace;

/// How long all scenes take together where each is as short as it can be.
const FAST: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) total: Duration,
    pub(super) is_fast: bool,
}

impl Timing {
    pub(super) fn of(pace: Pace) -> Self {
        match pace {
            Pace::Fast => Self {
                total: FAST,
                is_fast: true,
            },
            Pace::Seconds(seconds) => Self {
                total: Duration::from_secs(seconds.into()),
                is_fast: false,
            },
        }
    }

    /// Returns some hundredths of the whole time.
    pub(super) fn percent(self, percent: u32) -> Duration {
        self.total * percent / 100
    }

    /// Returns one of two numbers, whichever fits.
    pub(super) const fn size(self, usual: usize, fast: usize) -> usize {
        if self.is_fast { fast } else { usual }
    }
}
