//! What `#[obs::test]` writes.

pub use crate::test::{Flavor, Plan, run, run_sync};
