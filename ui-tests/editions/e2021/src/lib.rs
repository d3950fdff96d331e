//! The macros in a crate of edition 2021 that gave the dependency a name of its own.

#![cfg(test)]

use telemetry as obs;

include!("../../body.rs");
