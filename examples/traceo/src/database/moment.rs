//! Moments as they are stored and shown.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns now as it is stored: milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// Returns a stored moment as clients see it, such as `2026-11-21T19:00:00.000Z`.
pub(crate) fn rfc3339(moment: i64) -> String {
    let millis = u64::try_from(moment).unwrap_or(0);
    // Past the year 9999 there is no such text.
    let moment = Duration::from_millis(millis.min(253_402_300_799_999));
    humantime::format_rfc3339_millis(UNIX_EPOCH + moment).to_string()
}
