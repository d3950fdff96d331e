//! Health: alive, ready, started; the checks behind it, and the signal to stop.

mod shutdown;

pub use shutdown::Shutdown;

/// The checks that readiness depends on.
#[derive(Debug, Default)]
pub(crate) struct Health {}
