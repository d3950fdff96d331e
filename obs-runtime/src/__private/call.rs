//! What the output of `#[observed]` calls.

pub use crate::call::surface::*;
#[cfg(feature = "rmcp")]
pub use crate::mcp::surface as mcp;

use crate::ErrorLabel;

/// Returns the kinds of errors that `E` lists; called where `E` is known to list them.
#[must_use]
pub fn kinds<E: ErrorLabel>() -> &'static [&'static str] {
    E::VALUES
}
