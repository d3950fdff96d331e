//! What must and must not compile: `tests/ui.rs` builds every program under `ui/`.
