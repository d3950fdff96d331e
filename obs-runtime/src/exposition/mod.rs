//! What `/metrics` answers: Prometheus text 0.0.4 and `OpenMetrics` text 1.0 from one model.

mod escape;
mod negotiate;
mod number;
mod openmetrics;
mod order;
#[cfg(feature = "http")]
pub(crate) mod parse;
mod sample;
mod text;

pub use negotiate::Format;

use crate::catalog::Family;

/// Writes families in a format: each one once, contiguous, sorted by name.
///
/// Families that share a name and a kind become one; of those that share a name only, the first
/// is written, because a scraper refuses the whole answer otherwise.
///
/// # Example
/// ```
/// let text = obs_runtime::exposition::render(&obs_runtime::catalog::gather(), obs_runtime::Format::OpenMetrics);
/// assert!(text.ends_with("# EOF\n"));
/// ```
#[must_use]
pub fn render(families: &[Family], format: Format) -> String {
    let groups = order::groups(families);
    let mut out = String::with_capacity(order::size_hint(families));
    match format {
        Format::Text => text::write(&mut out, &groups),
        Format::OpenMetrics => openmetrics::write(&mut out, &groups),
    }
    out
}
