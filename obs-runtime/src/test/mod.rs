//! Assert on what one test recorded, logged and reported, beside other tests in the same process.
//!
//! [`#[obs::test]`](macro@crate::test) gives a test an [`Obs`](crate::Obs) of its own and shows the
//! log lines, spans, metrics and Sentry events of this test alone. A [`Capture`] does it for metrics
//! alone, without a runtime and without feature `http`.
//!
//! There is no global recorder, subscriber or client to install and nothing to reset; the process's
//! totals do not change, and no other test can be seen.
//!
//! # Example
//! ```
//! use obs_runtime as obs;
//!
//! obs::metrics! {
//!     registry SHOP;
//!
//!     /// Orders taken, by whether they were gifts.
//!     counter shop_orders_total(gift: bool);
//! }
//!
//! let capture = obs::test::capture();
//! capture.run_sync(|| shop_orders_total(true).add(3));
//! assert_eq!(capture.value("shop_orders_total", &[("gift", "true")]), 3.0);
//! assert_eq!(capture.value("shop_orders_total", &[]), 3.0);
//! ```

mod capture;
#[cfg(feature = "http")]
mod guards;
#[cfg(feature = "http")]
mod lines;
#[cfg(feature = "http")]
mod run;
#[cfg(feature = "http")]
mod scope;
#[cfg(feature = "http")]
mod seeded;
#[cfg(feature = "sentry")]
mod sentry;
#[cfg(feature = "http")]
mod sinks;
#[cfg(feature = "http")]
mod spans;
#[cfg(feature = "http")]
mod test_obs;

pub use capture::{Capture, Captured, capture};
#[cfg(feature = "http")]
pub use lines::{LogLine, LogLines};
#[cfg(feature = "http")]
pub use scope::InTest;
#[cfg(feature = "http")]
pub use spans::{TestSpan, TestSpans};
#[cfg(feature = "http")]
pub use test_obs::TestObs;

#[cfg(feature = "http")]
pub(crate) use guards::OpenGuard;
#[cfg(feature = "http")]
#[doc(hidden)]
pub use run::{Flavor, Plan, run, run_sync};
#[cfg(feature = "http")]
pub(crate) use scope::{Carried, InScope, Scope};
#[cfg(feature = "http")]
pub(crate) use sinks::TestSinks;
