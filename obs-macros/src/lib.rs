//! The macros of `obs-runtime`.
