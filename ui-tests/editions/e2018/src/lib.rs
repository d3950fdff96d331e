//! The macros in a crate of edition 2018 that did not rename the dependency.

#![cfg(test)]

extern crate obs_runtime as obs;

include!("../../body.rs");
