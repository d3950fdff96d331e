//! Sinks that fail.
