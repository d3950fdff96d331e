//! What the tests share.

pub mod scrape;
