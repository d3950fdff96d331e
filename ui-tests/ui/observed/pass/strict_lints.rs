//! Nothing that the attribute writes offends a lint, and it hides none with `#[allow]`.
#![forbid(unsafe_code, missing_docs, unused, warnings)]
#![deny(
    rust_2018_idioms,
    rust_2024_compatibility,
    let_underscore_drop,
    missing_debug_implementations,
    non_ascii_idents,
    single_use_lifetimes,
    unit_bindings,
    unreachable_pub,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]

use rmcp::{tool, tool_router};

/// A server.
#[derive(Debug)]
pub struct Engine;

#[obs::observed]
#[tool_router(server_handler)]
impl Engine {
    /// Adds.
    #[obs::observed(slo(at = 0.5, target = 99.0))]
    #[tool]
    async fn add(&self, add: rmcp::model::JsonObject) -> Result<String, rmcp::ErrorData> {
        Ok(add.len().to_string())
    }

    /// Does nothing.
    #[tool(name = "do-nothing")]
    fn nothing(&self) -> String {
        String::new()
    }
}

/// Never comes back.
#[obs::observed]
pub fn never(text: &str) -> ! {
    panic!("{text}")
}

/// Takes all kinds of parameters.
#[obs::observed]
pub async fn parameters(
    mut a: u8,
    (b, mut c): (u8, u8),
    _unused: u8,
    _: u8,
    d: impl Into<u8>,
) -> Option<u8> {
    a += b;
    c += a;
    c.checked_add(d.into())
}

/// Borrows.
#[obs::observed]
pub fn first<'a>(items: &'a mut [String], _other: &str) -> Option<&'a mut String> {
    items.first_mut()
}

/// Is opaque.
#[obs::observed]
pub fn opaque(n: u8) -> Result<impl Iterator<Item = u8>, String> {
    if n == 0 {
        return Err(String::new());
    }
    Ok(0..n)
}

fn main() {
    drop(Engine.nothing());
    drop(first(&mut [], ""));
    drop(opaque(1).map(Iterator::count));
    drop(parameters(1, (2, 3), 4, 5, 6u8));
    if std::env::args().count() > 9 {
        never("");
    }
}
