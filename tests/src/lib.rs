//! What the tests of this package share.

pub mod events;
pub mod real;
pub mod scrape;
pub mod wire;

/// The README, whose programs are tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct Readme;
