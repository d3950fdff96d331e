//! What the tests of this package share.

pub mod collector;
pub mod events;
pub mod lines;
pub mod real;
pub mod scrape;
pub mod sentry;
pub mod upstream;
pub mod wire;

/// The README, whose programs are tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct Readme;

/// The page for services that exist already, whose programs are tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/adopting.md")]
#[derive(Debug)]
pub struct Adopting;

/// The page about traces, whose programs are tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/tracing.md")]
#[derive(Debug)]
pub struct Tracing;

/// The guide, whose programs are tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide.md")]
#[derive(Debug)]
pub struct Guide;

/// The page about dashboards and alerts, whose programs are tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/artifacts.md")]
#[derive(Debug)]
pub struct Artifacts;

/// The page about the console, whose program is a test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/console.md")]
#[derive(Debug)]
pub struct ConsolePage;
