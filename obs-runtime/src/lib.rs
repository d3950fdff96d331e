//! obs.
