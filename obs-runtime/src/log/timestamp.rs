//! RFC 3339 timestamps in UTC, with microseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECONDS_OF_A_DAY: u64 = 86_400;

/// The end of the year 9999: what follows has no RFC 3339 form.
const END: u64 = 253_402_300_800;

/// `2026-11-21T13:19:25.123456Z`
pub(super) const LEN: usize = 27;

/// Writes timestamps; remembers the last second, because most lines share theirs with another.
#[derive(Debug)]
pub(super) struct Timestamps {
    second: u64,
    text: [u8; LEN],
}

impl Default for Timestamps {
    fn default() -> Self {
        Self {
            second: 0,
            text: *b"1970-01-01T00:00:00.000000Z",
        }
    }
}

/// Returns the time since 1970; a clock before that says 1970.
pub(super) fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Returns the RFC 3339 text of a time.
#[cfg(feature = "otlp")]
pub(crate) fn timestamp(time: SystemTime) -> String {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = *Timestamps::default().text(since_1970);
    text.iter().copied().map(char::from).collect()
}

impl Timestamps {
    /// Returns the text of a time; any time after 9999 is the last microsecond of that year.
    pub(super) fn text(&mut self, since_1970: Duration) -> &[u8; LEN] {
        let (second, micros) = if since_1970.as_secs() < END {
            (since_1970.as_secs(), since_1970.subsec_micros())
        } else {
            (END - 1, 999_999)
        };
        if second != self.second {
            self.second = second;
            self.set_second();
        }
        digits(&mut self.text[20..26], u64::from(micros));
        &self.text
    }

    fn set_second(&mut self) {
        let (year, month, day) = civil(self.second / SECONDS_OF_A_DAY);
        let of_day = self.second % SECONDS_OF_A_DAY;
        for (range, number) in [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, of_day / 3_600),
            (14..16, of_day / 60 % 60),
            (17..19, of_day % 60),
        ] {
            digits(&mut self.text[range], number);
        }
    }
}

/// Writes a number with leading zeros.
fn digits(to: &mut [u8], mut number: u64) {
    for digit in to.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Returns the year, month and day of a day counted from 1970-01-01.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`. Years
/// begin in March there, so that the leap day is the last one.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{END, SECONDS_OF_A_DAY, Timestamps, civil};

    fn text(timestamps: &mut Timestamps, micros: u64) -> String {
        String::from_utf8(timestamps.text(Duration::from_micros(micros)).to_vec()).unwrap()
    }

    #[test]
    fn m2_timestamps_are_valid_from_1970_to_9999_whichever_way_the_clock_steps() {
        let mut timestamps = Timestamps::default();
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_795_267_165_123_456, "2026-11-21T13:19:25.123456Z"),
            // An hour back, then a day, then to where it began.
            (1_795_263_565_000_000, "2026-11-21T12:19:25.000000Z"),
            (1_795_177_165_000_001, "2026-11-20T12:19:25.000001Z"),
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (END * 1_000_000 - 1, "9999-12-31T23:59:59.999999Z"),
            (END * 1_000_000, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(text(&mut timestamps, micros), expected);
        }
        assert_eq!(
            timestamps.text(Duration::MAX),
            b"9999-12-31T23:59:59.999999Z"
        );
    }

    #[test]
    fn every_day_of_eight_thousand_years_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..END / SECONDS_OF_A_DAY {
            assert_eq!(civil(days), (year, month, day), "day {days}");
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 => 28 + u64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > last {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!((year, month, day), (10_000, 1, 1));
    }
}
