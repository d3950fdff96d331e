#![deny(warnings, missing_docs)]
//! A fallback for text from outside.

use obs::Label;

/// What a customer pays.
#[derive(Label, Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// Nothing.
    Free,
    /// Something.
    #[label(value = "pro plan")]
    Pro,
    /// Whatever the peer says.
    #[label(other, value = "something else")]
    Unknown,
}

fn main() {
    assert_eq!(Plan::VALUES, ["free", "pro plan", "something else"]);
    assert_eq!(Plan::from_str_or_other("pro plan"), Plan::Pro);
    assert_eq!(Plan::from_str_or_other("gold"), Plan::Unknown);
}
