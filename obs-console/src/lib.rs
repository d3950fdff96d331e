//! The console: one page, served by the process itself, that shows what it does.
//!
//! Rates, errors and latency of routes, tools and operations, dependencies, the budget of series, what
//! telemetry was dropped, every metric that the service declares, its last lines and spans, and one
//! request as a timeline, also across services.
//!
//! ```no_run
//! # use std::process::ExitCode;
//! fn main() -> ExitCode {
//!     obs::run_with(
//!         obs::service!(),
//!         |setup| setup.admin_page(obs_console::Console::new()),
//!         |obs| async move {
//!             // Serve with `obs.serve(listener, obs.wrap(router))`, and open `/console`.
//! #           drop(obs);
//!             Ok(())
//!         },
//!     )
//! }
//! ```
//!
//! Who may see it is decided by `obs`; see [`AdminPage`](obs::http::AdminPage): in dev whoever sits at
//! the machine, elsewhere whoever has the token of `OBS_METRICS_TOKEN`. Where nobody may see it, it is
//! not there and costs nothing.
//!
//! Everything it keeps is bounded: see [`Console`].

mod console;
mod overview;
mod page;
mod peers;
mod quantile;
mod records;
mod rows;
mod samples;
mod timeline;

pub use console::Console;
