//! What the tests of this package share.

pub mod real;
pub mod scrape;
